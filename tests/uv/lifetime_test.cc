#include <gtest/gtest.h>
#include <uv.h>

#include <filesystem>

#include "tests/uv/fixture.h"

namespace floe::net::uv {
namespace {

class Quiet final : public StreamHandler {
 public:
  void on_connected() override {
    if (then) then();
  }
  void on_data(MutableBytes) override {}
  void on_closed(const Error&) override { ++closed; }
  int closed = 0;
  std::function<void()> then;
};

class Door final : public ListenerHandler {
 public:
  void on_accept(std::unique_ptr<Stream> stream) override {
    streams.push_back(std::move(stream));
    if (then) then();
  }
  std::vector<std::unique_ptr<Stream>> streams;
  std::function<void()> then;
};

/// The network's loop: its own, or the caller's that must be free of handles in the end.
class UvLifetime : public testing::TestWithParam<bool> {
 protected:
  UvLifetime() {
    EXPECT_EQ(uv_loop_init(&loop_), 0);
    network_ = std::move(*Network::create(callers_loop() ? &loop_ : nullptr));
  }
  ~UvLifetime() override {
    network_.reset();
    EXPECT_EQ(uv_run(&loop_, UV_RUN_DEFAULT), 0);
    EXPECT_EQ(uv_loop_close(&loop_), 0) << "a handle was left open";
  }
  bool callers_loop() const { return GetParam(); }
  /// Turns the loop until a callback has destroyed the network.
  void run_to_its_end() {
    if (callers_loop()) {
      uv_run(&loop_, UV_RUN_DEFAULT);
    } else {
      network_->run();
    }
    EXPECT_EQ(network_, nullptr);
  }

  uv_loop_t loop_;
  std::unique_ptr<Network> network_;
  Inbox inbox_;
  Quiet quiet_;
  Door door_;
};

TEST_P(UvLifetime, MayEndWithinATimersCallback) {
  bool second = false;
  const auto timer = network_->create_timer([&] { network_.reset(); });
  const auto other = network_->create_timer([&] { second = true; });
  timer->arm(network_->now());
  other->arm(network_->now());
  run_to_its_end();
  EXPECT_FALSE(second);
}

TEST_P(UvLifetime, MayEndWithinATask) {
  bool second = false;
  network_->post([&] { network_.reset(); });
  network_->post([&] { second = true; });
  run_to_its_end();
  EXPECT_FALSE(second);
}

TEST_P(UvLifetime, MayEndWithinAUdpHandler) {
  for (const bool batched : {true, false}) {
    network_ = std::move(*Network::create(callers_loop() ? &loop_ : nullptr, {.batched = batched}));
    Inbox inbox;
    const auto socket = open_udp(*network_, inbox);
    inbox.then = [&] { network_.reset(); };
    SendBatch batch;
    for (std::size_t i = 0; i < 20; ++i) {
      ASSERT_TRUE(batch.add({socket->id(), socket->local(), {}}, numbered(i, 100 + i)));
    }
    network_->send(batch);
    run_to_its_end();
    EXPECT_EQ(inbox.deliveries, 1u);
  }
}

TEST_P(UvLifetime, MayEndWithinAStreamsHandler) {
  const auto listener = std::move(*network_->listen({loopback(), 0}, door_));
  const auto stream = std::move(*network_->connect(listener->local(), std::nullopt, quiet_));
  quiet_.then = [&] { network_.reset(); };
  run_to_its_end();
  EXPECT_EQ(quiet_.closed, 0);
}

TEST_P(UvLifetime, MayEndWithinAListenersHandler) {
  const auto listener = std::move(*network_->listen({loopback(), 0}, door_));
  const auto stream = std::move(*network_->connect(listener->local(), std::nullopt, quiet_));
  door_.then = [&] { network_.reset(); };
  run_to_its_end();
  EXPECT_EQ(door_.streams.size(), 1u);
}

TEST_P(UvLifetime, MayEndWithinALookupsCallback) {
  const auto lookup = network_->lookup("localhost", [&](auto) { network_.reset(); });
  run_to_its_end();
}

TEST_P(UvLifetime, MayEndWithALookupUnderWay) {
  bool called = false;
  std::vector<std::unique_ptr<Lookup>> lookups;
  // More than libuv has worker threads: some have begun, some have not.
  for (int i = 0; i < 10; ++i) {
    lookups.push_back(network_->lookup("localhost", [&](auto) { called = true; }));
  }
  network_.reset();
  lookups.clear();
  EXPECT_FALSE(called);
}

TEST_P(UvLifetime, LeavesWhatOutlivesItWithoutEffect) {
  int calls = 0;
  const auto timer = network_->create_timer([&] { ++calls; });
  const auto udp = open_udp(*network_, inbox_);
  const auto listener = std::move(*network_->listen({loopback(), 0}, door_));
  const auto stream = std::move(*network_->connect(listener->local(), std::nullopt, quiet_));
  const auto lookup = network_->lookup("localhost", [&](auto) { ++calls; });
  timer->arm(network_->now());
  ASSERT_TRUE(stream->write(numbered(1, 100)));
  const Endpoint local = udp->local();
  network_->post([&] { ++calls; });
  network_.reset();

  timer->arm(Time{});
  const Result<> written = stream->write(numbered(1, 100));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, Errc::kClosed);
  stream->shutdown();
  stream->set_handler(quiet_);
  EXPECT_EQ(udp->local(), local);
  EXPECT_EQ(calls, 0);
  EXPECT_EQ(quiet_.closed, 0);
}

TEST_P(UvLifetime, EndsWithPacketsAndBytesStillToSend) {
  const auto listener = std::move(*network_->listen({loopback(), 0}, door_));
  const auto stream = std::move(*network_->connect(listener->local(), std::nullopt, quiet_));
  const std::vector<std::uint8_t> piece(60'000, 1);
  while (stream->write(piece)) {
  }
  network_.reset();
}

TEST_P(UvLifetime, GivesEveryDescriptorBack) {
  const auto descriptors = [] {
    const std::filesystem::directory_iterator open("/proc/self/fd");
    return std::distance(begin(open), end(open));
  };
  const auto cycle = [&](bool batched) {
    auto network =
        std::move(*Network::create(callers_loop() ? &loop_ : nullptr, {.batched = batched}));
    Inbox inbox;
    Door door;
    Quiet quiet;
    auto udp = open_udp(*network, inbox);
    auto listener = std::move(*network->listen({loopback(), 0}, door));
    auto stream = std::move(*network->connect(listener->local(), std::nullopt, quiet));
    bool connected = false;
    quiet.then = [&] { connected = true; };
    EXPECT_TRUE(run_until(*network, [&] { return connected && !door.streams.empty(); }));
    network.reset();
    uv_run(&loop_, UV_RUN_NOWAIT);
  };
  // The fixture's network is on the same loop; without it the loop can be turned freely.
  network_.reset();
  cycle(true);
  cycle(false);
  const auto before = descriptors();
  for (int i = 0; i < 100; ++i) cycle(i % 2 == 0);
  EXPECT_EQ(descriptors(), before);
}

TEST(UvCallersLoop, TurnsUntilTheNetworkEnds) {
  uv_loop_t loop;
  ASSERT_EQ(uv_loop_init(&loop), 0);
  auto network = std::move(*Network::create(&loop));
  EXPECT_NE(uv_loop_alive(&loop), 0);
  network.reset();
  EXPECT_EQ(uv_run(&loop, UV_RUN_DEFAULT), 0);
  EXPECT_EQ(uv_loop_close(&loop), 0);
}

INSTANTIATE_TEST_SUITE_P(On, UvLifetime, testing::Bool(), [](const auto& test) {
  return std::string(test.param ? "TheCallersLoop" : "ItsOwnLoop");
});

}  // namespace
}  // namespace floe::net::uv
