#include <gtest/gtest.h>

#include "tests/sctp/pipe.h"
#include "tests/sctp/raw_peer.h"

namespace floe::sctp::test {
namespace {

constexpr auto kA = Channels::kA;
constexpr auto kB = Channels::kB;

// A pair with one channel, open on both sides.
struct Pair {
  explicit Pair(ChannelOptions options = {}, DataChannels::Config a = small_channels(),
                DataChannels::Config b = small_channels())
      : pipe(std::move(a), std::move(b)) {
    channel_a = pipe.a.open(pipe.now, std::move(options)).value();
    up = connect(pipe) && pipe.run(seconds(5), [&] {
      return pipe.count<DataChannels::Open>(kA) == 1 && pipe.count<DataChannels::Open>(kB) == 1;
    });
    pipe.run(milliseconds(100));
    if (up) channel_b = pipe.all<DataChannels::Open>(kB)[0].channel;
  }
  bool received(Channels::Side side, std::size_t messages) {
    return pipe.run(seconds(60),
                    [&] { return pipe.count<DataChannels::Message>(side) == messages; });
  }

  Channels pipe;
  ChannelId channel_a{};
  ChannelId channel_b{};
  bool up = false;
};

TEST(DataChannelMessages, KeepTheirKindAndMayBeEmpty) {
  Pair pair;
  ASSERT_TRUE(pair.up);
  auto& [pipe, a, b, up] = pair;
  ASSERT_TRUE(pipe.a.send(pipe.now, a, MessageKind::kText, as_bytes("\xc3\xa9")));
  ASSERT_TRUE(pipe.a.send(pipe.now, a, MessageKind::kBinary, pattern(3)));
  ASSERT_TRUE(pipe.a.send(pipe.now, a, MessageKind::kText, {}));
  ASSERT_TRUE(pipe.a.send(pipe.now, a, MessageKind::kBinary, {}));
  ASSERT_TRUE(pair.received(kB, 4));
  const auto messages = pipe.all<DataChannels::Message>(kB);
  EXPECT_EQ(messages[0].kind, MessageKind::kText);
  EXPECT_EQ(as_text(messages[0].payload), "\xc3\xa9");
  EXPECT_EQ(messages[1].kind, MessageKind::kBinary);
  EXPECT_EQ(messages[1].payload, pattern(3));
  EXPECT_EQ(messages[2].kind, MessageKind::kText);
  EXPECT_TRUE(messages[2].payload.empty());
  EXPECT_EQ(messages[3].kind, MessageKind::kBinary);
  EXPECT_TRUE(messages[3].payload.empty());
  const auto sent = pipe.a.channel_stats(a).value();
  EXPECT_EQ(sent.messages_sent, 4u);
  EXPECT_EQ(sent.bytes_sent, 5u);
  const auto received = pipe.b.channel_stats(b).value();
  EXPECT_EQ(received.messages_received, 4u);
  EXPECT_EQ(received.bytes_received, 5u);
}

TEST(DataChannelMessages, AnEmptyOneTravelsAsOneZeroByteWithItsOwnPpid) {
  RawPeer peer;
  const auto channel = *peer.channels.open(peer.now, {});
  ASSERT_TRUE(peer.connect());
  ASSERT_TRUE(peer.channels.send(peer.now, channel, MessageKind::kText, {}));
  ASSERT_TRUE(peer.channels.send(peer.now, channel, MessageKind::kBinary, {}));
  EXPECT_EQ(peer.channels.buffered_amount(channel), 0u);
  ASSERT_TRUE(peer.run(seconds(5), [&] { return peer.messages.size() == 3; }));
  EXPECT_EQ(peer.messages[1].ppid, 56u);
  EXPECT_EQ(peer.messages[1].payload, std::vector<std::uint8_t>{0});
  EXPECT_EQ(peer.messages[2].ppid, 57u);
  // A peer may put anything there: it is ignored.
  peer.send(0, 56, {1, 2, 3});
  ASSERT_TRUE(peer.run(seconds(5), [&] { return peer.count<DataChannels::Message>() == 1; }));
  EXPECT_TRUE(peer.all<DataChannels::Message>()[0].payload.empty());
}

TEST(DataChannelMessages, AreRefusedAboveWhatThePeerTakes) {
  Pair pair;
  ASSERT_TRUE(pair.up);
  auto& [pipe, a, b, up] = pair;
  EXPECT_EQ(pipe.a.remote_max_message_size(), 65'536u);
  EXPECT_TRUE(pipe.a.send(pipe.now, a, MessageKind::kBinary, pattern(65'536)));
  const auto refused = pipe.a.send(pipe.now, a, MessageKind::kBinary, pattern(65'537));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kMessageTooLong);
  EXPECT_NE(refused.error().message.find("65537"), std::string::npos);
  pipe.a.set_remote_max_message_size(10);
  EXPECT_FALSE(pipe.a.send(pipe.now, a, MessageKind::kBinary, pattern(11)));
  pipe.a.set_remote_max_message_size(0);  // any size
  EXPECT_TRUE(pipe.a.send(pipe.now, a, MessageKind::kBinary, pattern(262'144)));
  ASSERT_TRUE(pair.received(kB, 2));
  EXPECT_EQ(pipe.all<DataChannels::Message>(kB)[1].payload, pattern(262'144));
}

TEST(DataChannelMessages, OneAboveOurOwnLimitEndsTheAssociationAndEveryChannelWithAnError) {
  Pair pair;
  ASSERT_TRUE(pair.up);
  auto& [pipe, a, b, up] = pair;
  pipe.a.set_remote_max_message_size(0);
  ASSERT_TRUE(pipe.a.send(pipe.now, a, MessageKind::kBinary, pattern(262'145)));
  ASSERT_TRUE(
      pipe.run(seconds(5), [&] { return pair.pipe.count<DataChannels::Disconnected>(kB) == 1; }));
  const auto closed = pipe.all<DataChannels::Closed>(kB);
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(closed[0].error->code, Errc::kMessageTooLong);
  EXPECT_EQ(pipe.b.open(pipe.now, {}).error().code, Errc::kClosed);
}

TEST(DataChannelMessages, LargerLimitsWorkBothWays) {
  DataChannels::Config config = small_channels();
  config.association.max_message_size = 4'000'000;
  config.remote_max_message_size = 4'000'000;
  Pair pair({}, config, config);
  ASSERT_TRUE(pair.up);
  auto& [pipe, a, b, up] = pair;
  ASSERT_TRUE(pipe.a.send(pipe.now, a, MessageKind::kBinary, pattern(4'000'000)));
  ASSERT_TRUE(pipe.b.send(pipe.now, b, MessageKind::kBinary, pattern(3'999'999)));
  ASSERT_TRUE(pair.received(kA, 1));
  ASSERT_TRUE(pair.received(kB, 1));
  EXPECT_TRUE(pipe.all<DataChannels::Message>(kB)[0].payload == pattern(4'000'000));
}

TEST(DataChannelMessages, TextMustBeUtf8) {
  Pair pair;
  ASSERT_TRUE(pair.up);
  auto& [pipe, a, b, up] = pair;
  EXPECT_EQ(pipe.a.send(pipe.now, a, MessageKind::kText, as_bytes("\xff")).error().code,
            Errc::kMalformed);
  EXPECT_TRUE(pipe.a.send(pipe.now, a, MessageKind::kBinary, as_bytes("\xff")));
}

TEST(DataChannelMessages, ReceivedTextThatIsNotUtf8ClosesTheChannel) {
  RawPeer peer;
  ASSERT_TRUE(peer.connect());
  peer.open(5);
  peer.send(5, 51, {0xc3});
  ASSERT_TRUE(peer.run(seconds(5), [&] { return peer.streams_reset_by_us(5); }));
  EXPECT_EQ(peer.channels.stats().text_not_utf8, 1u);
  EXPECT_EQ(peer.count<DataChannels::Message>(), 0u);
}

TEST(DataChannelMessages, UnknownPpidsAreCountedAndDropped) {
  RawPeer peer;
  ASSERT_TRUE(peer.connect());
  peer.open(5);
  for (const std::uint32_t ppid : {0u, 49u, 55u, 58u, 0xffffffffu}) peer.send(5, ppid, {1});
  peer.send(5, 53, {1});
  ASSERT_TRUE(peer.run(seconds(5), [&] { return peer.count<DataChannels::Message>() == 1; }));
  EXPECT_EQ(peer.channels.stats().ppid_unknown, 5u);
}

TEST(DataChannelMessages, DeprecatedPartsAreJoinedWithoutPadding) {
  RawPeer peer;
  ASSERT_TRUE(peer.connect());
  peer.open(5);
  peer.send(5, 52, {1, 2});
  peer.send(5, 52, {3});
  peer.send(5, 53, {4});
  peer.send(5, 54, {'a'});
  peer.send(5, 51, {'b'});
  peer.send(5, 51, {'c'});
  ASSERT_TRUE(peer.run(seconds(5), [&] { return peer.count<DataChannels::Message>() == 3; }));
  const auto messages = peer.all<DataChannels::Message>();
  EXPECT_EQ(messages[0].payload, (std::vector<std::uint8_t>{1, 2, 3, 4}));
  EXPECT_EQ(messages[0].kind, MessageKind::kBinary);
  EXPECT_EQ(as_text(messages[1].payload), "ab");
  EXPECT_EQ(as_text(messages[2].payload), "c");
}

TEST(DataChannelMessages, MisusedDeprecatedPartsCloseTheChannel) {
  RawPeer mixed;
  ASSERT_TRUE(mixed.connect());
  mixed.open(5);
  mixed.send(5, 52, {1});
  mixed.send(5, 51, {'a'});
  ASSERT_TRUE(mixed.run(seconds(5), [&] { return mixed.streams_reset_by_us(5); }));
  EXPECT_EQ(mixed.channels.stats().partial_misused, 1u);
  EXPECT_EQ(mixed.count<DataChannels::Message>(), 0u);

  RawPeer endless;
  ASSERT_TRUE(endless.connect());
  endless.open(5);
  for (int i = 0; i < 5; ++i) endless.send(5, 52, pattern(65'000));
  ASSERT_TRUE(endless.run(seconds(5), [&] { return endless.streams_reset_by_us(5); }));
  EXPECT_EQ(endless.channels.stats().partial_misused, 1u);

  RawPeer unordered;
  ASSERT_TRUE(unordered.connect());
  DcepOpen open;
  open.ordered = false;
  unordered.send(5, 50, *serialize(open));
  unordered.send(5, 52, {1});
  ASSERT_TRUE(unordered.run(seconds(5), [&] { return unordered.streams_reset_by_us(5); }));
  EXPECT_EQ(unordered.channels.stats().partial_misused, 1u);
}

TEST(DataChannelMessages, BufferedAmountLowFiresOnlyOnCrossingTheThreshold) {
  Pair pair;
  ASSERT_TRUE(pair.up);
  auto& [pipe, a, b, up] = pair;
  pipe.run(seconds(1));
  EXPECT_EQ(pipe.count<DataChannels::BufferedAmountLow>(kA), 0u);  // not at the start
  pipe.a.set_buffered_amount_low_threshold(a, 100'000);
  ASSERT_TRUE(pipe.a.send(pipe.now, a, MessageKind::kBinary, pattern(60'000)));
  EXPECT_EQ(pipe.a.buffered_amount(a), 60'000u);
  pipe.run(seconds(2));
  EXPECT_EQ(pipe.count<DataChannels::BufferedAmountLow>(kA), 0u);  // never was above
  for (int i = 0; i < 8; ++i) {
    ASSERT_TRUE(pipe.a.send(pipe.now, a, MessageKind::kBinary, pattern(60'000)));
  }
  EXPECT_EQ(pipe.a.buffered_amount(a), 480'000u);
  pipe.on_event = [&](auto, const DataChannels::Event& event) {
    if (std::holds_alternative<DataChannels::BufferedAmountLow>(event)) {
      EXPECT_LE(pair.pipe.a.buffered_amount(pair.channel_a), 100'000u);
    }
  };
  ASSERT_TRUE(pair.received(kB, 9));
  pipe.run(seconds(2));
  EXPECT_EQ(pipe.count<DataChannels::BufferedAmountLow>(kA), 1u);
  EXPECT_EQ(pipe.a.buffered_amount(a), 0u);
}

TEST(DataChannelMessages, AFullQueueSaysSoAndThenTakesMessagesAgain) {
  DataChannels::Config config = small_channels();
  config.association.send_queue = 200'000;
  Pair pair({}, config);
  ASSERT_TRUE(pair.up);
  auto& [pipe, a, b, up] = pair;
  int taken = 0;
  Errc error{};
  for (int i = 0; i < 10; ++i) {
    const auto sent = pipe.a.send(pipe.now, a, MessageKind::kBinary, pattern(60'000));
    if (sent) ++taken;
    if (!sent) error = sent.error().code;
  }
  EXPECT_EQ(taken, 3);
  EXPECT_EQ(error, Errc::kWouldBlock);
  ASSERT_TRUE(
      pipe.run(seconds(5), [&] { return pair.pipe.count<DataChannels::Sendable>(kA) == 1; }));
  EXPECT_TRUE(pipe.a.send(pipe.now, a, MessageKind::kBinary, pattern(60'000)));
  ASSERT_TRUE(pair.received(kB, 4));
  EXPECT_EQ(pipe.a.channel_stats(a)->messages_sent, 4u);
}

TEST(DataChannelMessages, AnApplicationThatDoesNotReadHoldsThePeerBack) {
  DataChannels::Config config = small_channels();
  config.association.receive_buffer = 400'000;
  config.association.max_message_size = 65'536;
  Pair pair({}, config, config);
  ASSERT_TRUE(pair.up);
  auto& [pipe, a, b, up] = pair;
  pipe.reads[kB] = false;
  for (int i = 0; i < 60; ++i) {
    ASSERT_TRUE(pipe.a.send(pipe.now, a, MessageKind::kBinary, pattern(60'000)));
  }
  pipe.run(seconds(30));
  EXPECT_GT(pipe.a.buffered_amount(a), 2'000'000u);
  pipe.reads[kB] = true;
  EXPECT_TRUE(pair.received(kB, 60));
}

TEST(DataChannelMessages, PartiallyReliableUnorderedOnesSurviveLoss) {
  ChannelOptions options;
  options.ordered = false;
  options.max_retransmits = 0;
  Pair pair(options);
  ASSERT_TRUE(pair.up);
  auto& [pipe, a, b, up] = pair;
  pipe.path.loss = 0.1;
  for (int i = 0; i < 300; ++i) {
    ASSERT_TRUE(pipe.a.send(pipe.now, a, MessageKind::kBinary, pattern(3000)));
    pipe.run(milliseconds(5));
  }
  pipe.run(seconds(10));
  const auto messages = pipe.all<DataChannels::Message>(kB);
  EXPECT_GT(messages.size(), 100u);
  EXPECT_LT(messages.size(), 300u);
  for (const auto& message : messages) ASSERT_EQ(message.payload, pattern(3000));
  EXPECT_EQ(pipe.a.buffered_amount(a), 0u);
}

TEST(DataChannelMessages, AreTakenOnlyWhileTheChannelIsOpen) {
  DataChannels channels(small_channels());
  const auto channel = *channels.open(Time{}, {});
  EXPECT_EQ(channels.send(Time{}, channel, MessageKind::kText, as_bytes("x")).error().code,
            Errc::kInvalidState);
  EXPECT_EQ(channels.send(Time{}, ChannelId{99}, MessageKind::kText, as_bytes("x")).error().code,
            Errc::kNotFound);
  EXPECT_EQ(channels.buffered_amount(ChannelId{99}), 0u);
}

}  // namespace
}  // namespace floe::sctp::test
