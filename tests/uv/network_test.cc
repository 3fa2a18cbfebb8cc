#include "floe/net/uv/network.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "tests/uv/fixture.h"

namespace floe::net::uv {
namespace {

class Quiet final : public StreamHandler {
 public:
  void on_data(MutableBytes) override {}
  void on_closed(const Error&) override { ++closed; }
  int closed = 0;
};

class Door final : public ListenerHandler {
 public:
  void on_accept(std::unique_ptr<Stream> accepted) override { stream = std::move(accepted); }
  std::unique_ptr<Stream> stream;
};

TEST(UvNetwork, RunsUntilItIsStopped) {
  const auto network = std::move(*Network::create());
  int turns = 0;
  std::unique_ptr<Timer> timer;
  timer = network->create_timer([&] {
    if (++turns == 5) return network->stop();
    timer->arm(network->now());
  });
  timer->arm(network->now());
  network->run();
  EXPECT_EQ(turns, 5);
}

TEST(UvNetwork, ReturnsAtOnceWhenItWasStoppedBefore) {
  const auto network = std::move(*Network::create());
  bool fired = false;
  const auto timer = network->create_timer([&] { fired = true; });
  timer->arm(network->now() + std::chrono::hours(1));
  network->stop();
  network->run();
  EXPECT_FALSE(fired);
}

TEST(UvNetwork, IgnoresARunFromWithinACallback) {
  const auto network = std::move(*Network::create());
  std::vector<std::string> messages;
  network->set_log_sink([&](LogLevel level, std::string_view component, std::string_view message) {
    EXPECT_EQ(level, LogLevel::kError);
    EXPECT_EQ(component, "uv");
    messages.emplace_back(message);
  });
  bool ran = false;
  network->post([&] {
    network->run_once();
    ran = true;
  });
  ASSERT_TRUE(run_until(*network, [&] { return ran; }));
  EXPECT_EQ(messages.size(), 1u);
}

TEST(UvNetwork, ReadsAClockThatNeverGoesBackAndStrongRandomness) {
  const auto network = std::move(*Network::create());
  Time last = network->now();
  for (int i = 0; i < 1000; ++i) {
    const Time now = network->now();
    EXPECT_GE(now, last);
    last = now;
  }
  EXPECT_NE(network->random().u64(), network->random().u64());
}

TEST(UvNetwork, RefusesPortRangesThatAreNone) {
  const auto network = std::move(*Network::create());
  Inbox inbox;
  for (const auto& [min, max] : {std::pair{5000, 4000}, {0, 4000}, {5000, 0}}) {
    UdpOptions options;
    options.bind.address = loopback();
    options.port_min = static_cast<std::uint16_t>(min);
    options.port_max = static_cast<std::uint16_t>(max);
    const auto socket = network->open_udp(options, inbox);
    ASSERT_FALSE(socket);
    EXPECT_EQ(socket.error().code, Errc::kInvalidArgument);
  }
}

TEST(UvNetwork, DrawsThePortOfARangeAtRandom) {
  const auto network = std::move(*Network::create());
  Inbox inbox;
  UdpOptions options;
  options.bind.address = loopback();
  options.port_min = 20'000;
  options.port_max = 60'000;
  std::vector<std::uint16_t> ports;
  for (int i = 0; i < 5; ++i) ports.push_back((*network->open_udp(options, inbox))->local().port);
  EXPECT_NE(std::count(ports.begin(), ports.end(), ports[0]), 5);
}

TEST(UvNetwork, IsNotKilledByWritingToAnEndThatIsGone) {
  const auto network = std::move(*Network::create());
  Quiet client_ear;
  Quiet server_ear;
  Door door;
  const auto listener = std::move(*network->listen({loopback(), 0}, door));
  auto client = std::move(*network->connect(listener->local(), std::nullopt, client_ear));
  ASSERT_TRUE(run_until(*network, [&] { return door.stream != nullptr; }));
  client.reset();
  // Without a handler nobody reads that the other end has closed. The first write makes it answer
  // with a reset, after which the system signals SIGPIPE.
  std::optional<Errc> code;
  for (int i = 0; i < 10 && !code; ++i) {
    const Result<> written = door.stream->write(numbered(1, 100));
    if (!written) code = written.error().code;
    run_for(*network, std::chrono::milliseconds(2));
  }
  EXPECT_EQ(code, Errc::kClosed);
  door.stream->set_handler(server_ear);
  ASSERT_TRUE(run_until(*network, [&] { return server_ear.closed > 0; }));
  EXPECT_EQ(server_ear.closed, 1);
}

TEST(UvNetwork, ConnectsFromNoPortThatAnotherProgramHas) {
  const auto network = std::move(*Network::create());
  Quiet quiet;
  Door door;
  const auto listener = std::move(*network->listen({loopback(), 0}, door));
  const int foreign = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* system = reinterpret_cast<sockaddr*>(&address);
  ASSERT_EQ(bind(foreign, system, size), 0);
  ASSERT_EQ(::listen(foreign, 1), 0);
  ASSERT_EQ(getsockname(foreign, system, &size), 0);
  const Endpoint taken{loopback(), ntohs(address.sin_port)};
  const auto stream = network->connect(listener->local(), taken, quiet);
  close(foreign);
  ASSERT_FALSE(stream);
  EXPECT_EQ(stream.error().code, Errc::kAddressInUse);
}

TEST(UvNetwork, RefusesToConnectAcrossAddressFamilies) {
  const auto network = std::move(*Network::create());
  Quiet quiet;
  const auto stream =
      network->connect({loopback(), 9}, Endpoint{loopback(Family::kIpv6), 0}, quiet);
  ASSERT_FALSE(stream);
  EXPECT_EQ(stream.error().code, Errc::kInvalidArgument);
}

TEST(UvNetwork, RefusesWhatIsNoHostNameAtALaterTurn) {
  const auto network = std::move(*Network::create());
  const std::string names[] = {"", std::string("local\0host", 10), std::string(300, 'a')};
  for (const std::string& name : names) {
    std::optional<Errc> code;
    const auto lookup = network->lookup(
        name, [&](auto result) { code = result ? Errc::kInternal : result.error().code; });
    EXPECT_FALSE(code);
    ASSERT_TRUE(run_until(*network, [&] { return code.has_value(); }));
    EXPECT_EQ(code, Errc::kInvalidArgument);
  }
}

TEST(UvNetwork, CountsWhatItCarriesOnPortableSockets) {
  const auto network = std::move(*Network::create(nullptr, {.batched = false}));
  Inbox inbox;
  const auto socket = open_udp(*network, inbox);
  SendBatch batch;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(batch.add({socket->id(), socket->local(), {}}, numbered(1, 100)));
  }
  ASSERT_TRUE(batch.add({SocketId{4711}, socket->local(), {}}, numbered(1, 100)));
  network->send(batch);
  ASSERT_TRUE(run_until(*network, [&] { return inbox.packets.size() == 3; }));
  EXPECT_EQ(network->stats().datagrams_out, 3u);
  EXPECT_EQ(network->stats().bytes_out, 300u);
  EXPECT_EQ(network->stats().datagrams_in, 3u);
  EXPECT_EQ(network->stats().bytes_in, 300u);
  EXPECT_EQ(network->stats().gso_runs, 0u);
  EXPECT_EQ(network->stats().dropped_closed_socket, 1u);
}

TEST(UvNetwork, ListsARouteThatAPortableSocketIsRefused) {
  const auto network = std::move(*Network::create(nullptr, {.batched = false}));
  Inbox inbox;
  const auto socket = open_udp(*network, inbox);
  SendBatch batch;
  const Route bad{socket->id(), {loopback(), 0}, {}};
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(batch.add(bad, numbered(1, 100)));
  network->send(batch);
  ASSERT_EQ(batch.failures().size(), 1u);
  EXPECT_EQ(batch.failures()[0].route, bad);
  EXPECT_EQ(batch.failures()[0].error.code, Errc::kInvalidArgument);
}

}  // namespace
}  // namespace floe::net::uv
