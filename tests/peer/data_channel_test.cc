// Data channels as an application sees them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "floe/core/text.h"
#include "tests/peer/call.h"

namespace floe {
namespace {

using testing::ElementsAre;

class PeerDataChannel : public testing::Test {
 protected:
  void connect(const DataChannelInit& init = {}) {
    call_.start(init);
    ASSERT_TRUE(call_.run_until_open()) << call_.describe();
  }
  DataChannel& alice() { return *call_.alice.channel; }
  DataChannel& bob() { return *call_.bob.channel; }
  Call call_{{}};
};

TEST_F(PeerDataChannel, TellsThePeerItsLabelProtocolAndReliability) {
  DataChannelInit init;
  init.ordered = false;
  init.max_retransmits = 3;
  init.protocol = "floe-test";
  connect(init);
  EXPECT_EQ(bob().label(), "chat");
  EXPECT_EQ(bob().protocol(), "floe-test");
  EXPECT_FALSE(bob().ordered());
  EXPECT_EQ(bob().max_retransmits(), 3);
  EXPECT_EQ(bob().id(), alice().id());
  // Bob is the DTLS client (his answer is "active"), so the channel Alice opened has an odd id.
  EXPECT_EQ(*alice().id() % 2, 1);
}

TEST_F(PeerDataChannel, CarriesTextBinaryAndEmptyMessagesApart) {
  connect();
  std::vector<std::string> seen;
  bob().on_message([&seen](const DataChannel::Message& message) {
    seen.push_back((message.is_text ? "text:" : "binary:") + to_hex(message.payload));
  });
  ASSERT_TRUE(alice().send("hi").has_value());
  ASSERT_TRUE(alice().send(as_bytes("hi")).has_value());
  ASSERT_TRUE(alice().send("").has_value());
  ASSERT_TRUE(alice().send(Bytes()).has_value());
  ASSERT_TRUE(call_.run_until([&] { return seen.size() == 4; }, seconds(5)));
  EXPECT_THAT(seen, ElementsAre("text:6869", "binary:6869", "text:", "binary:"));
}

TEST_F(PeerDataChannel, RefusesTextThatIsNotUtf8AndMessagesAboveThePeersLimit) {
  connect();
  EXPECT_EQ(alice().send(std::string_view("\xff\xfe")).error().code, Errc::kMalformed);
  const std::vector<std::uint8_t> large(Configuration().max_message_size + 1);
  const auto sent = alice().send(Bytes(large));
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, Errc::kMessageTooLong);
  EXPECT_TRUE(alice().send(Bytes(large).first(large.size() - 1)).has_value());
  EXPECT_TRUE(call_.run_until([&] { return call_.bob.received.size() == 1; }, seconds(10)));
  EXPECT_EQ(call_.bob.received[0].size(), large.size() - 1);
}

TEST_F(PeerDataChannel, SaysWouldBlockWhenItsQueueIsFullAndWhenItHasRoomAgain) {
  connect();
  const std::vector<std::uint8_t> chunk(64 * 1024, 7);
  bool low = false;
  alice().set_buffered_amount_low_threshold(1024 * 1024);
  alice().on_buffered_amount_low([&low] { low = true; });
  std::size_t accepted = 0;
  Result<> sent;
  while ((sent = alice().send(Bytes(chunk)))) {
    accepted += chunk.size();
    ASSERT_LE(accepted, 64u << 20) << "the queue has no bound";
  }
  EXPECT_EQ(sent.error().code, Errc::kWouldBlock);
  EXPECT_GE(accepted, Configuration().send_queue - chunk.size());
  EXPECT_GT(alice().buffered_amount(), 0u);
  EXPECT_FALSE(low);
  ASSERT_TRUE(call_.run_until([&low] { return low; }, minutes(1)));
  EXPECT_LE(alice().buffered_amount(), 1024u * 1024u);
  EXPECT_TRUE(alice().send(Bytes(chunk)).has_value());
  EXPECT_TRUE(call_.run_until(
      [&] { return call_.bob.received.size() == accepted / chunk.size() + 1; }, minutes(1)));
}

TEST_F(PeerDataChannel, IsToldOfRoomAlthoughAnotherChannelFilledTheQueue) {
  connect();
  auto quiet = *call_.alice.pc->create_data_channel("quiet");
  bool room = false;
  quiet->on_buffered_amount_low([&room] { room = true; });
  ASSERT_TRUE(
      call_.run_until([&] { return quiet->ready_state() == DataChannelState::kOpen; }, seconds(5)));
  const std::vector<std::uint8_t> chunk(64 * 1024, 7);
  while (alice().send(Bytes(chunk))) {
  }
  ASSERT_EQ(quiet->send(Bytes(chunk)).error().code, Errc::kWouldBlock);
  EXPECT_EQ(quiet->buffered_amount(), 0u);
  ASSERT_TRUE(call_.run_until([&room] { return room; }, minutes(1)));
  EXPECT_TRUE(quiet->send(Bytes(chunk)).has_value());
}

TEST_F(PeerDataChannel, ClosesOnBothSidesAndGivesItsIdFree) {
  connect();
  const auto id = alice().id();
  ASSERT_TRUE(alice().send("last words").has_value());
  alice().close();
  EXPECT_EQ(alice().ready_state(), DataChannelState::kClosing);
  ASSERT_TRUE(call_.run_until([&] { return call_.alice.closed && call_.bob.closed; }, seconds(5)));
  EXPECT_THAT(call_.bob.received, ElementsAre("last words"));
  call_.alice.open = call_.bob.open = false;
  auto next = call_.alice.pc->create_data_channel("next");
  ASSERT_TRUE(next.has_value());
  Call::watch(call_.alice, *next);
  ASSERT_TRUE(call_.run_until_open());
  EXPECT_EQ((*next)->id(), id);
}

TEST_F(PeerDataChannel, NegotiatedChannelsOpenWithoutAWordOnTheWire) {
  call_.create();
  DataChannelInit init;
  init.negotiated = true;
  init.id = 7;
  auto ours = call_.alice.pc->create_data_channel("ours", init);
  auto theirs = call_.bob.pc->create_data_channel("theirs", init);
  ASSERT_TRUE(ours && theirs);
  Call::watch(call_.alice, *ours);
  Call::watch(call_.bob, *theirs);
  call_.offer();
  ASSERT_TRUE(call_.run_until_open()) << call_.describe();
  ASSERT_TRUE((*ours)->send("to you").has_value());
  ASSERT_TRUE((*theirs)->send("and you").has_value());
  call_.world.run_for(seconds(1));
  EXPECT_THAT(call_.bob.received, ElementsAre("to you"));
  EXPECT_THAT(call_.alice.received, ElementsAre("and you"));
}

TEST_F(PeerDataChannel, RefusesOptionsThatContradictThemselves) {
  call_.create();
  const auto error = [this](const std::function<void(DataChannelInit&)>& edit) {
    DataChannelInit init;
    edit(init);
    return call_.alice.pc->create_data_channel("x", init).error().code;
  };
  EXPECT_EQ(error([](auto& i) { i.max_retransmits = i.max_packet_life_time = 1; }),
            Errc::kInvalidArgument);
  EXPECT_EQ(error([](auto& i) { i.negotiated = true; }), Errc::kInvalidArgument);
  EXPECT_EQ(call_.alice.pc->create_data_channel(std::string(70'000, 'x')).error().code,
            Errc::kInvalidArgument);
}

TEST_F(PeerDataChannel, ManyChannelsOpenAtOnceAndEachKeepsItsOrder) {
  call_.create();
  constexpr int kChannels = 200;
  std::vector<std::shared_ptr<DataChannel>> channels;
  for (int i = 0; i < kChannels; ++i) {
    channels.push_back(*call_.alice.pc->create_data_channel(std::to_string(i)));
    channels.back()->on_open([channel = channels.back().get()] {
      for (int n = 0; n < 5; ++n) EXPECT_TRUE(channel->send(std::to_string(n)).has_value());
    });
  }
  std::map<std::string, std::string> heard;
  std::vector<std::shared_ptr<DataChannel>> theirs;
  call_.bob.pc->on_data_channel([&](std::shared_ptr<DataChannel> channel) {
    channel->on_message([&heard, label = channel->label()](const DataChannel::Message& message) {
      heard[label] += as_text(message.payload);
    });
    theirs.push_back(std::move(channel));
  });
  call_.offer();
  ASSERT_TRUE(call_.run_until(
      [&] {
        return heard.size() == kChannels &&
               std::all_of(heard.begin(), heard.end(),
                           [](const auto& entry) { return entry.second.size() == 5; });
      },
      seconds(30)));
  for (const auto& [label, text] : heard) EXPECT_EQ(text, "01234") << label;
}

TEST(PeerDataChannelLoss, AnUnreliableChannelGivesUpWhatIsLostAndGoesOn) {
  for (std::size_t i = 0; i < test_seeds(10); ++i) {
    Call::Options options;
    options.seed = test_seed(i);
    Call call(options);
    DataChannelInit init;
    init.ordered = false;
    init.max_retransmits = 0;
    call.start(init);
    ASSERT_TRUE(call.run_until_open()) << replay(options.seed);
    net::sim::LinkOptions bad;
    bad.latency = milliseconds(10);
    bad.loss = 0.2;
    call.alice_host->interface().set_link(bad);
    for (int n = 0; n < 500; ++n) {
      ASSERT_TRUE(call.alice.channel->send(std::to_string(n)).has_value());
      call.world.run_for(milliseconds(10));
    }
    call.world.run_for(seconds(5));
    EXPECT_LT(call.bob.received.size(), 500u) << replay(options.seed);
    EXPECT_GT(call.bob.received.size(), 250u) << replay(options.seed);
    EXPECT_EQ(call.alice.channel->buffered_amount(), 0u);
  }
}

}  // namespace
}  // namespace floe
