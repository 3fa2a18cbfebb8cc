#include <gtest/gtest.h>

#include "tests/sctp/pipe.h"
#include "tests/sctp/raw_peer.h"

namespace floe::sctp::test {
namespace {

constexpr auto kA = Channels::kA;
constexpr auto kB = Channels::kB;
using State = DataChannels::ChannelState;

TEST(DataChannelClosing, SendsWhatIsQueuedAndEndsOnBothSidesWithoutError) {
  Channels pipe(small_channels(), small_channels());
  const auto channel = *pipe.a.open(pipe.now, {});
  ASSERT_TRUE(connect(pipe));
  ASSERT_TRUE(pipe.run(seconds(1), [&] { return pipe.count<DataChannels::Open>(kB) == 1; }));
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(pipe.a.send(pipe.now, channel, MessageKind::kBinary, pattern(60'000)));
  }
  pipe.a.close(pipe.now, channel);
  pipe.a.close(pipe.now, channel);
  EXPECT_EQ(pipe.a.state(channel), State::kClosing);
  EXPECT_EQ(pipe.a.send(pipe.now, channel, MessageKind::kBinary, pattern(1)).error().code,
            Errc::kInvalidState);
  ASSERT_TRUE(pipe.run(seconds(10), [&] {
    return pipe.count<DataChannels::Closed>(kA) == 1 && pipe.count<DataChannels::Closed>(kB) == 1;
  }));
  EXPECT_EQ(pipe.count<DataChannels::Message>(kB), 10u);
  EXPECT_EQ(pipe.count<DataChannels::Closing>(kB), 1u);
  EXPECT_EQ(pipe.count<DataChannels::Closing>(kA), 0u);
  EXPECT_FALSE(pipe.all<DataChannels::Closed>(kA)[0].error);
  EXPECT_FALSE(pipe.all<DataChannels::Closed>(kB)[0].error);
  EXPECT_EQ(pipe.a.state(channel), State::kClosed);
  pipe.run(seconds(1));
  EXPECT_EQ(pipe.a.next_timeout(), kNever);
  EXPECT_EQ(pipe.b.next_timeout(), kNever);
}

TEST(DataChannelClosing, BothSidesMayCloseAtOnce) {
  Channels pipe(small_channels(), small_channels());
  const auto channel = *pipe.a.open(pipe.now, {});
  ASSERT_TRUE(connect(pipe));
  ASSERT_TRUE(pipe.run(seconds(1), [&] { return pipe.count<DataChannels::Open>(kB) == 1; }));
  pipe.a.close(pipe.now, channel);
  pipe.b.close(pipe.now, pipe.all<DataChannels::Open>(kB)[0].channel);
  ASSERT_TRUE(pipe.run(seconds(5), [&] {
    return pipe.count<DataChannels::Closed>(kA) == 1 && pipe.count<DataChannels::Closed>(kB) == 1;
  }));
  EXPECT_EQ(pipe.count<DataChannels::Closing>(kA), 0u);
}

TEST(DataChannelClosing, OneNeverAnnouncedIsGoneAtOnce) {
  DataChannels channels(small_channels());
  const auto channel = *channels.open(Time{}, {});
  channels.close(Time{}, channel);
  const auto event = channels.poll_event(Time{});
  ASSERT_TRUE(event);
  EXPECT_EQ(std::get<DataChannels::Closed>(*event).channel, channel);
  EXPECT_EQ(channels.state(channel), State::kClosed);
}

TEST(DataChannelClosing, BeforeTheHandshakeIsDone) {
  Channels pipe(small_channels(), small_channels());
  const auto channel = *pipe.a.open(pipe.now, {});
  pipe.a.set_dtls_role(DtlsRole::kClient);
  pipe.b.set_dtls_role(DtlsRole::kServer);
  ASSERT_TRUE(pipe.a.connect(pipe.now));
  pipe.a.close(pipe.now, channel);
  ASSERT_TRUE(pipe.b.connect(pipe.now));
  ASSERT_TRUE(pipe.run(seconds(5), [&] { return pipe.count<DataChannels::Closed>(kA) == 1; }));
  pipe.run(seconds(1));
  EXPECT_EQ(pipe.count<DataChannels::Incoming>(kB), 1u);
  EXPECT_EQ(pipe.count<DataChannels::Closed>(kB), 1u);
}

TEST(DataChannelClosing, AThousandTimesReusesTheSameId) {
  Channels pipe(small_channels(), small_channels(), 3);
  pipe.path.loss = 0.02;
  pipe.path.delay = milliseconds(5);
  ASSERT_TRUE(connect(pipe));
  ASSERT_TRUE(pipe.a.open(pipe.now, {}));  // keeps id 0
  for (std::size_t round = 1; round <= 1000; ++round) {
    ChannelOptions options;
    options.label = std::to_string(round);
    const auto channel = pipe.a.open(pipe.now, options);
    ASSERT_TRUE(channel) << round << ' ' << channel.error().message;
    ASSERT_EQ(pipe.a.stream_id(*channel), 2) << round;
    ASSERT_TRUE(pipe.a.send(pipe.now, *channel, MessageKind::kText, as_bytes(options.label)));
    if (round % 3 == 0) {
      pipe.a.close(pipe.now, *channel);
      ASSERT_TRUE(pipe.run(seconds(60), [&] {
        return pipe.count<DataChannels::Closed>(kA) == round;
      })) << round;
      continue;
    }
    ASSERT_TRUE(pipe.run(seconds(60), [&] {
      return pipe.count<DataChannels::Incoming>(kB) == round + 1;
    })) << round;
    const auto theirs = pipe.all<DataChannels::Incoming>(kB).back().channel;
    if (round % 3 == 1) {
      pipe.b.close(pipe.now, theirs);
    } else {
      pipe.a.close(pipe.now, *channel);
      pipe.b.close(pipe.now, theirs);
    }
    ASSERT_TRUE(pipe.run(seconds(60), [&] {
      return pipe.count<DataChannels::Closed>(kA) == round;
    })) << round;
  }
  ASSERT_TRUE(pipe.run(seconds(60), [&] { return pipe.count<DataChannels::Closed>(kB) == 1000; }));
  EXPECT_EQ(pipe.count<DataChannels::Incoming>(kB), 1001u);
  EXPECT_EQ(pipe.b.stats().opens_refused, 0u);
  for (const auto& closed : pipe.all<DataChannels::Closed>(kA)) ASSERT_FALSE(closed.error);
  for (const auto& closed : pipe.all<DataChannels::Closed>(kB)) ASSERT_FALSE(closed.error);
}

TEST(DataChannelClosing, ALostReconfigIsRepeated) {
  for (const auto loser : {kA, kB}) {
    Channels pipe(small_channels(), small_channels());
    const auto channel = *pipe.a.open(pipe.now, {});
    ASSERT_TRUE(connect(pipe));
    ASSERT_TRUE(pipe.run(seconds(1), [&] { return pipe.count<DataChannels::Open>(kB) == 1; }));
    int lost = 0;
    pipe.drop = [&](auto from, Bytes packet) {
      return from == loser && has_chunk(packet, kReconfig) && lost++ < 3;
    };
    pipe.a.close(pipe.now, channel);
    EXPECT_EQ(pipe.a.stream_id(*pipe.a.open(pipe.now, {})), 2);  // 0 is not free yet
    ASSERT_TRUE(pipe.run(seconds(30), [&] {
      return pipe.count<DataChannels::Closed>(kA) == 1 && pipe.count<DataChannels::Closed>(kB) == 1;
    }));
    EXPECT_GE(lost, 3);
    EXPECT_EQ(pipe.a.stream_id(*pipe.a.open(pipe.now, {})), 0);
  }
}

TEST(DataChannelClosing, TheIdMayBeReusedWhileTheAnswerToOurResetIsStillLost) {
  // The opener has seen both resets; its answer to the other side's reset is lost, its new OPEN is
  // not. The other side must take that as the next channel, not refuse it as in use.
  Channels pipe(small_channels(), small_channels());
  const auto channel = *pipe.a.open(pipe.now, {});
  ASSERT_TRUE(connect(pipe));
  ASSERT_TRUE(pipe.run(seconds(1), [&] { return pipe.count<DataChannels::Open>(kB) == 1; }));
  std::optional<ChannelId> second;
  int lost = 0;
  pipe.on_event = [&](auto side, const DataChannels::Event& event) {
    if (side != kA || !std::holds_alternative<DataChannels::Closed>(event) || second) return;
    ChannelOptions next;
    next.label = "next";
    second = pipe.a.open(pipe.now, next).value();
    EXPECT_EQ(pipe.a.stream_id(*second), 0);
  };
  // From A's second RE-CONFIG packet on (its answer to B's reset), three are lost.
  int reconfigs = 0;
  pipe.drop = [&](auto from, Bytes packet) {
    if (from != kA || !has_chunk(packet, kReconfig) || has_chunk(packet, kData)) return false;
    return ++reconfigs > 1 && lost++ < 3;
  };
  pipe.a.close(pipe.now, channel);
  ASSERT_TRUE(pipe.run(seconds(30), [&] { return pipe.count<DataChannels::Incoming>(kB) == 2; }));
  EXPECT_GE(lost, 1);
  EXPECT_EQ(pipe.all<DataChannels::Incoming>(kB)[1].options.label, "next");
  EXPECT_EQ(pipe.b.stats().opens_refused, 0u);
  const auto theirs = pipe.all<DataChannels::Incoming>(kB)[1].channel;
  ASSERT_TRUE(pipe.b.send(pipe.now, theirs, MessageKind::kText, as_bytes("hello")));
  ASSERT_TRUE(pipe.run(seconds(30), [&] { return pipe.count<DataChannels::Message>(kA) == 1; }));
  // The old channel's reset, which is answered meanwhile, must not count for the new one.
  pipe.drop = [](auto from, Bytes packet) { return from == kB && has_chunk(packet, kReconfig); };
  pipe.a.close(pipe.now, *second);
  pipe.run(seconds(2));
  EXPECT_EQ(pipe.b.state(theirs), State::kClosing);
  pipe.drop = nullptr;
  ASSERT_TRUE(pipe.run(seconds(30), [&] {
    return pipe.count<DataChannels::Closed>(kA) == 2 && pipe.count<DataChannels::Closed>(kB) == 2;
  }));
}

TEST(DataChannelClosing, AResetOfAStreamWithoutAChannelIsAnsweredOnce) {
  RawPeer peer;
  ASSERT_TRUE(peer.connect());
  peer.reset(9);
  ASSERT_TRUE(peer.run(seconds(5), [&] { return peer.streams_reset_by_us(9); }));
  peer.run(seconds(5), [] { return false; });
  EXPECT_EQ(peer.reset_streams.size(), 1u);
  peer.open(9);
  EXPECT_TRUE(peer.run(seconds(5), [&] { return peer.has_ack(9); }));
}

TEST(DataChannelClosing, AnAbruptEndClosesEveryChannelWithTheError) {
  Channels pipe(small_channels(), small_channels());
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(pipe.a.open(pipe.now, {}));
  ASSERT_TRUE(connect(pipe));
  ASSERT_TRUE(pipe.run(seconds(1), [&] { return pipe.count<DataChannels::Open>(kB) == 5; }));
  pipe.a.abort(pipe.now);
  EXPECT_FALSE(pipe.a.poll_event(pipe.now));
  ASSERT_TRUE(
      pipe.run(seconds(1), [&] { return pipe.count<DataChannels::Disconnected>(kB) == 1; }));
  const auto closed = pipe.all<DataChannels::Closed>(kB);
  ASSERT_EQ(closed.size(), 5u);
  for (const auto& one : closed) EXPECT_TRUE(one.error);
  EXPECT_TRUE(std::holds_alternative<DataChannels::Disconnected>(pipe.events[kB].back()));
  EXPECT_TRUE(pipe.all<DataChannels::Disconnected>(kB)[0].error);
}

TEST(DataChannelClosing, AGracefulEndClosesThemWithoutOne) {
  Channels pipe(small_channels(), small_channels());
  const auto channel = *pipe.a.open(pipe.now, {});
  ASSERT_TRUE(connect(pipe));
  ASSERT_TRUE(pipe.run(seconds(1), [&] { return pipe.count<DataChannels::Open>(kB) == 1; }));
  ASSERT_TRUE(pipe.a.send(pipe.now, channel, MessageKind::kBinary, pattern(60'000)));
  pipe.a.shutdown(pipe.now);
  ASSERT_TRUE(pipe.run(seconds(5), [&] {
    return pipe.count<DataChannels::Disconnected>(kA) == 1 &&
           pipe.count<DataChannels::Disconnected>(kB) == 1;
  }));
  EXPECT_EQ(pipe.count<DataChannels::Message>(kB), 1u);
  EXPECT_FALSE(pipe.all<DataChannels::Closed>(kA)[0].error);
  EXPECT_FALSE(pipe.all<DataChannels::Disconnected>(kB)[0].error);
}

}  // namespace
}  // namespace floe::sctp::test
