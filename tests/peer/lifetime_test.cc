// Handlers may do anything: close, destroy, replace themselves. Nothing may call back afterwards.
#include <gtest/gtest.h>

#include "tests/peer/call.h"

namespace floe {
namespace {

/// Runs a whole call in which Bob does `what` in the `where`th handler of all that are called.
class PeerLifetime : public testing::Test {
 protected:
  using What = std::function<void(Call&)>;

  /// Returns false once `where` lies beyond the last handler called.
  static bool run(std::size_t where, const What& what) {
    Call call({});
    call.create();
    std::size_t count = 0;
    bool done = false;
    const auto step = [&] {
      EXPECT_FALSE(done) << "a handler was called after the end";
      if (count++ != where || done) return;
      done = true;
      what(call);
    };
    PeerConnection& bob = *call.bob.pc;
    bob.on_ice_candidate([&](const IceCandidate&) { step(); });
    bob.on_signaling_state_change([&](SignalingState) { step(); });
    bob.on_ice_gathering_state_change([&](IceGatheringState) { step(); });
    bob.on_ice_connection_state_change([&](IceConnectionState) { step(); });
    bob.on_connection_state_change([&](PeerConnectionState) { step(); });
    bob.on_dtls_state_change([&](DtlsTransportState, const std::optional<Error>&) { step(); });
    bob.on_selected_candidate_pair_change([&](const ice::Agent::SelectedPairChanged&) { step(); });
    bob.on_data_channel([&](std::shared_ptr<DataChannel> channel) {
      channel->on_open([&] { step(); });
      channel->on_message([&](const DataChannel::Message&) { step(); });
      channel->on_close([&] { step(); });
      call.bob.channel = std::move(channel);
      step();
    });
    auto channel = call.alice.pc->create_data_channel("c");
    EXPECT_TRUE(channel.has_value());
    Call::watch(call.alice, *channel);
    call.offer();
    static_cast<void>(call.run_until([&] { return call.alice.open || done; }, seconds(10)));
    if (call.alice.open) {
      EXPECT_TRUE(call.alice.channel->send("one").has_value());
    }
    call.world.run_for(seconds(2));
    if (call.alice.channel) call.alice.channel->close();
    call.world.run_for(seconds(2));
    return done;
  }
  static void everywhere(const What& what) {
    std::size_t where = 0;
    while (run(where, what)) ++where;
    EXPECT_GE(where, 12u) << "fewer handlers were called than a connection has";
  }
};

TEST_F(PeerLifetime, ConnectionMayBeDestroyedInEveryHandler) {
  everywhere([](Call& call) { call.bob.pc.reset(); });
}

TEST_F(PeerLifetime, ConnectionMayBeClosedTwiceInEveryHandler) {
  everywhere([](Call& call) {
    call.bob.pc->close();
    call.bob.pc->close();
  });
}

TEST(PeerChannelLifetime, ChannelMayCloseItselfInItsMessageHandlerAndReplaceTheHandler) {
  Call call({});
  call.start();
  ASSERT_TRUE(call.run_until_open());
  int first = 0;
  int second = 0;
  call.bob.channel->on_message([&](const DataChannel::Message&) {
    ++first;
    call.bob.channel->on_message([&second](const DataChannel::Message&) { ++second; });
  });
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(call.alice.channel->send("x").has_value());
  call.world.run_for(seconds(1));
  EXPECT_EQ(first, 1);
  EXPECT_EQ(second, 2);
  call.bob.channel->on_message([&](const DataChannel::Message&) { call.bob.channel->close(); });
  ASSERT_TRUE(call.alice.channel->send("x").has_value());
  EXPECT_TRUE(call.run_until([&] { return call.alice.closed && call.bob.closed; }, seconds(5)));
}

TEST(PeerChannelLifetime, ChannelOutlivesItsConnectionAndSaysSo) {
  Call call({});
  call.start();
  ASSERT_TRUE(call.run_until_open());
  const std::shared_ptr<DataChannel> channel = call.alice.channel;
  call.alice.pc.reset();
  EXPECT_EQ(channel->ready_state(), DataChannelState::kClosed);
  EXPECT_EQ(channel->send("x").error().code, Errc::kInvalidState);
  EXPECT_EQ(channel->buffered_amount(), 0u);
  channel->close();
}

TEST(PeerChannelLifetime, AHandlerThatOwnsItsChannelIsLetGoWhenTheChannelCloses) {
  for (const bool by_connection : {false, true}) {
    Call call({});
    call.start();
    ASSERT_TRUE(call.run_until_open());
    const auto witness = std::make_shared<int>();
    call.bob.channel->on_message([channel = call.bob.channel, witness](const auto&) {});
    const std::weak_ptr<DataChannel> watched = call.bob.channel;
    call.bob.channel.reset();
    EXPECT_EQ(witness.use_count(), 2);
    if (by_connection) {
      call.bob.pc.reset();
    } else {
      call.alice.channel->close();
      call.world.run_for(seconds(2));
    }
    EXPECT_EQ(witness.use_count(), 1);
    EXPECT_TRUE(watched.expired());
  }
}

TEST(PeerChannelLifetime, AHundredSendsInOneHandlerLeaveInOneBatch) {
  Call call({});
  call.start();
  ASSERT_TRUE(call.run_until_open());
  call.world.run_for(seconds(1));
  call.bob.channel->on_message([&](const DataChannel::Message&) {
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(call.bob.channel->send("reply").has_value());
  });
  const auto before = call.bob.pc->transport().channels().association().stats().packets_sent;
  ASSERT_TRUE(call.alice.channel->send("go").has_value());
  ASSERT_TRUE(call.run_until([&] { return call.alice.received.size() == 100; }, seconds(5)));
  EXPECT_GT(call.bob.pc->transport().channels().association().stats().packets_sent, before);
}

TEST(PeerCycles, AThousandConnectionsComeAndGo) {
  const std::size_t cycles = test_seeds(1000);
  for (std::size_t i = 0; i < cycles; ++i) {
    Call::Options options;
    options.seed = test_seed(i);
    Call call(options);
    call.start();
    // Some end in the middle of it.
    static_cast<void>(
        call.run_until([&] { return call.alice.open; }, milliseconds(20 + 10 * (i % 20))));
  }
}

}  // namespace
}  // namespace floe
