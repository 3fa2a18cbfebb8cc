#include <gtest/gtest.h>

#include "tests/sctp/pipe.h"
#include "tests/sctp/raw_peer.h"

namespace floe::sctp::test {
namespace {

constexpr auto kA = Channels::kA;
constexpr auto kB = Channels::kB;
using State = DataChannels::ChannelState;

ChannelOptions labelled(std::string label) {
  ChannelOptions options;
  options.label = std::move(label);
  return options;
}

ChannelOptions negotiated(StreamId id) {
  ChannelOptions options;
  options.negotiated = true;
  options.id = id;
  return options;
}

TEST(DataChannels, OpenBeforeAnythingElseAndArriveWithAllTheirOptions) {
  Channels pipe(small_channels(), small_channels());
  ChannelOptions options = labelled("chat");
  options.protocol = "v1";
  options.ordered = false;
  options.max_packet_life_time = 1234;
  options.priority = 512;
  const auto channel = pipe.a.open(pipe.now, options);
  ASSERT_TRUE(channel);
  EXPECT_EQ(pipe.a.state(*channel), State::kConnecting);
  EXPECT_FALSE(pipe.a.stream_id(*channel));
  ASSERT_TRUE(connect(pipe));
  ASSERT_TRUE(pipe.run(seconds(1), [&] { return pipe.count<DataChannels::Incoming>(kB) == 1; }));
  EXPECT_EQ(pipe.a.stream_id(*channel), 0);
  const auto incoming = pipe.all<DataChannels::Incoming>(kB)[0];
  EXPECT_EQ(incoming.options.label, "chat");
  EXPECT_EQ(incoming.options.protocol, "v1");
  EXPECT_FALSE(incoming.options.ordered);
  EXPECT_EQ(incoming.options.max_packet_life_time, 1234u);
  EXPECT_FALSE(incoming.options.max_retransmits);
  EXPECT_EQ(incoming.options.priority, 512);
  EXPECT_EQ(incoming.options.id, 0);
  EXPECT_EQ(pipe.b.state(incoming.channel), State::kOpen);
}

TEST(DataChannels, ComeAsIncomingThenOpenThenMessages) {
  Channels pipe(small_channels(), small_channels());
  const auto channel = *pipe.a.open(pipe.now, labelled("x"));
  pipe.on_event = [&](auto side, const DataChannels::Event& event) {
    if (side == kA && std::holds_alternative<DataChannels::Open>(event)) {
      EXPECT_TRUE(pipe.a.send(pipe.now, channel, MessageKind::kText, as_bytes("first")));
    }
  };
  ASSERT_TRUE(connect(pipe));
  ASSERT_TRUE(pipe.run(seconds(1), [&] { return pipe.count<DataChannels::Message>(kB) == 1; }));
  std::vector<std::size_t> order;
  for (const auto& event : pipe.events[kB]) order.push_back(event.index());
  const std::vector<std::size_t> expected{DataChannels::Event(DataChannels::Connected{}).index(),
                                          DataChannels::Event(DataChannels::Incoming{}).index(),
                                          DataChannels::Event(DataChannels::Open{}).index(),
                                          DataChannels::Event(DataChannels::Message{}).index()};
  EXPECT_EQ(order, expected);
}

TEST(DataChannels, TakeTheirFirstMessageOneRoundTripBeforeTheAck) {
  Channels pipe(small_channels(), small_channels());
  const auto channel = *pipe.a.open(pipe.now, labelled("x"));
  ASSERT_TRUE(connect(pipe));
  ASSERT_TRUE(pipe.run(milliseconds(1), [&] { return pipe.a.state(channel) == State::kOpen; }));
  EXPECT_TRUE(pipe.a.send(pipe.now, channel, MessageKind::kText, as_bytes("early")));
}

TEST(DataChannels, UseEvenIdsForTheDtlsClientAndOddOnesForTheServer) {
  Channels pipe(small_channels(), small_channels());
  std::vector<ChannelId> a;
  std::vector<ChannelId> b;
  for (int i = 0; i < 3; ++i) {
    a.push_back(*pipe.a.open(pipe.now, labelled("a")));
    b.push_back(*pipe.b.open(pipe.now, labelled("b")));
  }
  ASSERT_TRUE(connect(pipe));
  a.push_back(*pipe.a.open(pipe.now, labelled("a")));
  b.push_back(*pipe.b.open(pipe.now, labelled("b")));
  for (StreamId i = 0; i < 4; ++i) {
    EXPECT_EQ(pipe.a.stream_id(a[i]), 2 * i);
    EXPECT_EQ(pipe.b.stream_id(b[i]), 2 * i + 1);
  }
  ASSERT_TRUE(pipe.run(seconds(1), [&] {
    return pipe.count<DataChannels::Incoming>(kA) == 4 &&
           pipe.count<DataChannels::Incoming>(kB) == 4;
  }));
}

TEST(DataChannels, NegotiatedOnesSayNothingOnTheWire) {
  Channels pipe(small_channels(), small_channels());
  const auto a = *pipe.a.open(pipe.now, negotiated(7));
  const auto b = *pipe.b.open(pipe.now, negotiated(7));
  ASSERT_TRUE(connect(pipe));
  ASSERT_TRUE(pipe.run(milliseconds(1), [&] {
    return pipe.a.state(a) == State::kOpen && pipe.b.state(b) == State::kOpen;
  }));
  EXPECT_EQ(pipe.b.association().stats().messages_received, 0u);
  ASSERT_TRUE(pipe.a.send(pipe.now, a, MessageKind::kBinary, pattern(10)));
  ASSERT_TRUE(pipe.b.send(pipe.now, b, MessageKind::kBinary, pattern(20)));
  ASSERT_TRUE(pipe.run(seconds(1), [&] {
    return pipe.count<DataChannels::Message>(kA) == 1 && pipe.count<DataChannels::Message>(kB) == 1;
  }));
  EXPECT_EQ(pipe.count<DataChannels::Incoming>(kB), 0u);
  EXPECT_EQ(pipe.b.association().stats().messages_received, 1u);
}

TEST(DataChannels, NegotiatedOnesMayBeOpenedAMomentLate) {
  Channels pipe(small_channels(), small_channels());
  const auto a = *pipe.a.open(pipe.now, negotiated(7));
  ASSERT_TRUE(connect(pipe));
  pipe.run(milliseconds(1));
  ASSERT_TRUE(pipe.a.send(pipe.now, a, MessageKind::kText, as_bytes("early")));
  pipe.run(milliseconds(100));
  EXPECT_EQ(pipe.count<DataChannels::Message>(kB), 0u);
  const auto b = *pipe.b.open(pipe.now, negotiated(7));
  pipe.run(milliseconds(1));
  ASSERT_EQ(pipe.count<DataChannels::Message>(kB), 1u);
  EXPECT_EQ(pipe.all<DataChannels::Message>(kB)[0].channel, b);
  EXPECT_EQ(pipe.b.stats().no_channel, 0u);
}

TEST(DataChannels, DataWithoutAChannelIsBoundedAndThenClosesTheStream) {
  Channels pipe(small_channels(), small_channels());
  const auto a = *pipe.a.open(pipe.now, negotiated(7));
  ASSERT_TRUE(connect(pipe));
  pipe.run(milliseconds(1));
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(pipe.a.send(pipe.now, a, MessageKind::kBinary, pattern(100)));
  }
  ASSERT_TRUE(pipe.run(seconds(5), [&] { return pipe.count<DataChannels::Closed>(kA) == 1; }));
  EXPECT_GT(pipe.b.stats().no_channel, 0u);
  EXPECT_EQ(pipe.a.state(a), State::kClosed);
  EXPECT_TRUE(pipe.a.open(pipe.now, negotiated(7)));
}

TEST(DataChannels, RefuseOptionsThatMakeNoSense) {
  DataChannels channels(small_channels());
  ChannelOptions both;
  both.max_retransmits = 1;
  both.max_packet_life_time = 1;
  EXPECT_EQ(channels.open(Time{}, both).error().code, Errc::kInvalidArgument);
  EXPECT_EQ(channels.open(Time{}, labelled("\xff")).error().code, Errc::kInvalidArgument);
  EXPECT_EQ(channels.open(Time{}, labelled(std::string(65'536, 'x'))).error().code,
            Errc::kInvalidArgument);
  ChannelOptions without_id;
  without_id.negotiated = true;
  EXPECT_EQ(channels.open(Time{}, without_id).error().code, Errc::kInvalidArgument);
  EXPECT_EQ(channels.open(Time{}, negotiated(64)).error().code, Errc::kLimitExceeded);
  EXPECT_EQ(channels.open(Time{}, negotiated(65'535)).error().code, Errc::kLimitExceeded);
  ASSERT_TRUE(channels.open(Time{}, negotiated(3)));
  EXPECT_EQ(channels.open(Time{}, negotiated(3)).error().code, Errc::kAddressInUse);
  EXPECT_EQ(channels.connect(Time{}).error().code, Errc::kInvalidState);
}

TEST(DataChannels, SayWhenTheIdsAreExhaustedAndGoOnWhenOneIsFree) {
  Channels pipe(small_channels(), small_channels());
  ASSERT_TRUE(connect(pipe));
  std::vector<ChannelId> channels;
  for (int i = 0; i < 32; ++i) channels.push_back(*pipe.a.open(pipe.now, labelled("x")));
  const auto refused = pipe.a.open(pipe.now, labelled("x"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kLimitExceeded);
  ASSERT_TRUE(pipe.run(seconds(5), [&] { return pipe.count<DataChannels::Incoming>(kB) == 32; }));
  pipe.a.close(pipe.now, channels[10]);
  EXPECT_FALSE(pipe.a.open(pipe.now, labelled("x")));  // not before both directions are reset
  ASSERT_TRUE(pipe.run(seconds(5), [&] { return pipe.count<DataChannels::Closed>(kA) == 1; }));
  const auto reused = pipe.a.open(pipe.now, labelled("x"));
  ASSERT_TRUE(reused);
  EXPECT_EQ(pipe.a.stream_id(*reused), 20);
  EXPECT_NE(*reused, channels[10]);
}

TEST(DataChannels, ThoseOpenedBeforeTheRoleAreClosedWithAnErrorWhenTheIdsRunOut) {
  DataChannels channels(small_channels());
  for (int i = 0; i < 33; ++i) ASSERT_TRUE(channels.open(Time{}, labelled("x")));
  channels.set_dtls_role(DtlsRole::kServer);
  const auto event = channels.poll_event(Time{});
  ASSERT_TRUE(event);
  const auto& closed = std::get<DataChannels::Closed>(*event);
  ASSERT_TRUE(closed.error);
  EXPECT_EQ(closed.error->code, Errc::kLimitExceeded);
  EXPECT_FALSE(channels.poll_event(Time{}));
}

TEST(DataChannels, MoreStreamsAreAskedForWhenAnIdNeedsThem) {
  DataChannels::Config few = small_channels();
  few.association.outgoing_streams = 2;
  Channels pipe(few, few);
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(pipe.a.open(pipe.now, labelled("x")));
  ASSERT_TRUE(connect(pipe));
  ASSERT_TRUE(pipe.run(seconds(5), [&] {
    return pipe.count<DataChannels::Open>(kA) == 20 && pipe.count<DataChannels::Open>(kB) == 20;
  }));
  EXPECT_GE(pipe.a.association().outgoing_streams(), 39);
  EXPECT_GE(pipe.b.association().outgoing_streams(), 39);
  for (const auto& open : pipe.all<DataChannels::Open>(kB)) {
    ASSERT_TRUE(pipe.b.send(pipe.now, open.channel, MessageKind::kBinary, pattern(5)));
  }
  EXPECT_TRUE(pipe.run(seconds(5), [&] { return pipe.count<DataChannels::Message>(kA) == 20; }));
}

TEST(DataChannels, AnIdThePeerHasNoStreamForClosesTheChannelWithAnError) {
  DataChannels::Config few = small_channels();
  few.association.incoming_streams = 4;
  Channels pipe(small_channels(), few);
  const auto channel = *pipe.a.open(pipe.now, negotiated(9));
  ASSERT_TRUE(connect(pipe));
  ASSERT_TRUE(pipe.run(seconds(5), [&] { return pipe.count<DataChannels::Closed>(kA) == 1; }));
  const auto closed = pipe.all<DataChannels::Closed>(kA)[0];
  EXPECT_EQ(closed.channel, channel);
  ASSERT_TRUE(closed.error);
  EXPECT_EQ(closed.error->code, Errc::kLimitExceeded);
}

TEST(DataChannels, ThePeersOpenIsRefusedBeyondTheLimitAndTheOpenerIsTold) {
  DataChannels::Config two = small_channels();
  two.max_channels = 2;
  Channels pipe(small_channels(), two);
  ASSERT_TRUE(connect(pipe));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(pipe.a.open(pipe.now, labelled("x")));
  ASSERT_TRUE(pipe.run(seconds(5), [&] { return pipe.count<DataChannels::Closed>(kA) == 1; }));
  EXPECT_EQ(pipe.all<DataChannels::Closed>(kA)[0].error->code, Errc::kRefused);
  EXPECT_EQ(pipe.count<DataChannels::Incoming>(kB), 2u);
  EXPECT_EQ(pipe.b.stats().opens_refused, 1u);
  EXPECT_EQ(pipe.b.open(pipe.now, labelled("x")).error().code, Errc::kLimitExceeded);
}

TEST(DataChannels, AnOpenOnOurOwnParityIsRefusedAndItsStreamReset) {
  RawPeer peer;  // we are the DTLS client: its ids must be odd
  ASSERT_TRUE(peer.connect());
  peer.open(4);
  ASSERT_TRUE(peer.run(seconds(5), [&] { return peer.streams_reset_by_us(4); }));
  EXPECT_EQ(peer.channels.stats().opens_refused, 1u);
  EXPECT_EQ(peer.count<DataChannels::Incoming>(), 0u);
  EXPECT_FALSE(peer.has_ack(4));
  peer.reset(4);
  peer.run(seconds(1), [] { return false; });
  peer.open(5);
  ASSERT_TRUE(peer.run(seconds(5), [&] { return peer.has_ack(5); }));
  EXPECT_EQ(peer.count<DataChannels::Incoming>(), 1u);
}

TEST(DataChannels, ASecondOpenOnAnIdInUseClosesTheChannel) {
  RawPeer peer;
  ASSERT_TRUE(peer.connect());
  peer.open(5);
  ASSERT_TRUE(peer.run(seconds(5), [&] { return peer.has_ack(5); }));
  peer.open(5);
  ASSERT_TRUE(peer.run(seconds(5), [&] { return peer.streams_reset_by_us(5); }));
  EXPECT_EQ(peer.channels.stats().opens_refused, 1u);
  peer.reset(5);
  ASSERT_TRUE(peer.run(seconds(5), [&] { return peer.count<DataChannels::Closed>() == 1; }));
  EXPECT_TRUE(peer.all<DataChannels::Closed>()[0].error);
}

TEST(DataChannels, MalformedDcepIsCountedAndClosesItsStream) {
  RawPeer peer;
  ASSERT_TRUE(peer.connect());
  peer.send(7, 50, {0x03});
  peer.send(9, 50, {0xff});
  peer.send(11, 50, {0x02});  // an ACK for nothing
  ASSERT_TRUE(peer.run(seconds(5),
                       [&] { return peer.streams_reset_by_us(7) && peer.streams_reset_by_us(9); }));
  EXPECT_EQ(peer.channels.stats().dcep_malformed, 2u);
  EXPECT_EQ(peer.channels.stats().dcep_unexpected, 1u);
  EXPECT_FALSE(peer.streams_reset_by_us(11));
  EXPECT_EQ(peer.count<DataChannels::Incoming>(), 0u);
}

TEST(DataChannels, AnUnorderedOneSendsOrderedUntilThePeerHasAnswered) {
  RawPeer peer;
  ChannelOptions options = labelled("u");
  options.ordered = false;
  const auto channel = *peer.channels.open(peer.now, options);
  ASSERT_TRUE(peer.connect());
  ASSERT_TRUE(peer.channels.send(peer.now, channel, MessageKind::kBinary, pattern(1)));
  ASSERT_TRUE(peer.run(seconds(5), [&] { return peer.messages.size() == 2; }));
  EXPECT_EQ(peer.messages[0].ppid, 50u);
  EXPECT_FALSE(peer.messages[1].unordered);
  peer.send(0, 50, {0x02});
  peer.run(seconds(1), [] { return false; });
  ASSERT_TRUE(peer.channels.send(peer.now, channel, MessageKind::kBinary, pattern(1)));
  ASSERT_TRUE(peer.run(seconds(5), [&] { return peer.messages.size() == 3; }));
  EXPECT_TRUE(peer.messages[2].unordered);
}

}  // namespace
}  // namespace floe::sctp::test
