#include "floe/net/sink.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <vector>

#include "floe/net/network.h"

namespace floe::net {
namespace {

/// Only sends: counts the packets that no sink takes.
class BareNetwork final : public Network {
 public:
  std::size_t packets = 0;

  Time now() const override { return {}; }
  Random& random() override { return random_; }
  std::vector<Interface> interfaces() override { return {}; }
  Result<std::unique_ptr<UdpSocket>> open_udp(const UdpOptions&, UdpHandler&) override {
    return fail(Errc::kUnsupported, "no sockets");
  }
  Result<std::unique_ptr<Stream>> connect(const Endpoint&, std::optional<Endpoint>,
                                          StreamHandler&) override {
    return fail(Errc::kUnsupported, "no streams");
  }
  Result<std::unique_ptr<Listener>> listen(const Endpoint&, ListenerHandler&) override {
    return fail(Errc::kUnsupported, "no streams");
  }
  std::unique_ptr<Timer> create_timer(std::function<void()>) override { return nullptr; }
  std::unique_ptr<Lookup> lookup(std::string_view, LookupCallback) override { return nullptr; }
  void post(std::function<void()>) override {}

 private:
  void send_packets(SendBatch& batch) override {
    for (const SendBatch::Run& run : batch.runs()) {
      if (!is_sink(run.route.socket)) packets += run.segments;
    }
  }
  SeededRandom random_{1};
};

struct Counter final : Sink {
  std::size_t calls = 0;
  std::size_t packets = 0;
  void send(SendBatch& batch, std::span<const SendBatch::Run> runs) override {
    ++calls;
    for (const SendBatch::Run& run : runs) packets += run.segments;
    batch.failures().push_back({runs.front().route, {Errc::kWouldBlock, "full"}});
  }
};

Route route(SocketId socket) {
  return {socket, {Address::v4(192, 0, 2, 1), 1}, {}};
}

TEST(Network, HandsASinkItsRunsAndTheRestToTheSockets) {
  BareNetwork network;
  Counter first;
  Counter second;
  const SinkRegistration one = network.add_sink(first);
  const SinkRegistration two = network.add_sink(second);
  EXPECT_TRUE(is_sink(one.id()));
  EXPECT_NE(one.id(), two.id());
  SendBatch batch;
  const std::vector<std::uint8_t> payload(10);
  for (const SocketId id : {one.id(), SocketId{7}, two.id(), two.id(), SocketId{7}}) {
    ASSERT_TRUE(batch.add(route(id), payload));
    ASSERT_TRUE(batch.add(route(id), Bytes(payload).first(9)));
  }
  network.send(batch);
  EXPECT_EQ(first.packets, 2u);
  EXPECT_EQ(second.packets, 4u);
  EXPECT_EQ(second.calls, 1u);
  EXPECT_EQ(network.packets, 4u);
  EXPECT_EQ(batch.failures().size(), 2u);
}

TEST(Network, DropsWhatIsForASinkThatIsGone) {
  BareNetwork network;
  Counter counter;
  std::optional<SinkRegistration> registration = network.add_sink(counter);
  SendBatch batch;
  ASSERT_TRUE(batch.add(route(registration->id()), std::vector<std::uint8_t>(10)));
  SinkRegistration moved = std::move(*registration);
  registration.reset();
  network.send(batch);
  EXPECT_EQ(counter.packets, 1u);
  moved = SinkRegistration();
  network.send(batch);
  EXPECT_EQ(counter.packets, 1u);
  EXPECT_EQ(network.packets, 0u);
}

TEST(Network, MayEndBeforeItsSinks) {
  auto network = std::make_unique<BareNetwork>();
  Counter counter;
  const SinkRegistration registration = network->add_sink(counter);
  EXPECT_TRUE(registration.is_active());
  network.reset();
  EXPECT_FALSE(registration.is_active());
}

}  // namespace
}  // namespace floe::net
