#include <gtest/gtest.h>

#include <algorithm>

#include "tests/sctp/pipe.h"

namespace floe::sctp::test {
namespace {

constexpr auto kA = Associations::kA;
constexpr auto kB = Associations::kB;
using Direction = Association::StreamsReset::Direction;

std::size_t resets(const Associations& pipe, Associations::Side side, Direction direction) {
  std::size_t streams = 0;
  for (const auto& reset : pipe.all<Association::StreamsReset>(side)) {
    if (reset.direction == direction) streams += reset.streams.size();
  }
  return streams;
}

TEST(SctpStreamReset, ComesAfterEverythingSentBeforeIt) {
  Associations pipe(small_association(), small_association());
  ASSERT_TRUE(connect(pipe));
  const StreamId stream = 5;
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(pipe.a.send(pipe.now, stream, 53, pattern(100'000)));
  ASSERT_TRUE(pipe.a.reset_streams(pipe.now, std::span(&stream, 1)));
  ASSERT_TRUE(pipe.a.send(pipe.now, stream, 51, pattern(10)));  // waits for the reset
  ASSERT_TRUE(pipe.run(seconds(20), [&] { return pipe.count<Association::Message>(kB) == 6; }));
  std::vector<int> order;
  for (const auto& event : pipe.events[kB]) {
    if (const auto* message = std::get_if<Association::Message>(&event)) {
      order.push_back(static_cast<int>(message->ppid));
    }
    if (std::holds_alternative<Association::StreamsReset>(event)) order.push_back(0);
  }
  EXPECT_EQ(order, (std::vector<int>{53, 53, 53, 53, 53, 0, 51}));
  EXPECT_EQ(pipe.all<Association::StreamsReset>(kB)[0].streams, std::vector<StreamId>{stream});
  EXPECT_EQ(resets(pipe, kA, Direction::kOutgoing), 1u);
  pipe.run(seconds(1));
  EXPECT_EQ(pipe.a.next_timeout(), kNever);
}

TEST(SctpStreamReset, OtherStreamsGoOnMeanwhile) {
  Associations pipe(small_association(), small_association());
  ASSERT_TRUE(connect(pipe));
  pipe.drop = [](auto, Bytes packet) { return has_chunk(packet, kReconfig); };
  const StreamId stream = 5;
  ASSERT_TRUE(pipe.a.reset_streams(pipe.now, std::span(&stream, 1)));
  ASSERT_TRUE(pipe.a.send(pipe.now, 5, 53, pattern(10)));
  ASSERT_TRUE(pipe.a.send(pipe.now, 6, 53, pattern(10)));
  ASSERT_TRUE(pipe.run(seconds(1), [&] { return pipe.count<Association::Message>(kB) == 1; }));
  EXPECT_EQ(pipe.all<Association::Message>(kB)[0].stream, 6);
}

TEST(SctpStreamReset, IsRepeatedWhenRequestOrAnswerIsLost) {
  for (const auto loser : {kA, kB}) {
    Associations pipe(small_association(), small_association());
    ASSERT_TRUE(connect(pipe));
    int lost = 0;
    pipe.drop = [&](auto from, Bytes packet) {
      return from == loser && has_chunk(packet, kReconfig) && lost++ < 2;
    };
    const StreamId stream = 5;
    ASSERT_TRUE(pipe.a.reset_streams(pipe.now, std::span(&stream, 1)));
    ASSERT_TRUE(pipe.run(seconds(10), [&] { return resets(pipe, kA, Direction::kOutgoing) == 1; }));
    EXPECT_GE(lost, 2);
    EXPECT_EQ(resets(pipe, kB, Direction::kIncoming), 1u);
  }
}

TEST(SctpStreamReset, BothDirectionsAtOnceUnderLoss) {
  Associations pipe(small_association(), small_association(), 7);
  ASSERT_TRUE(connect(pipe));
  pipe.path.loss = 0.2;
  std::vector<StreamId> streams;
  for (StreamId stream = 0; stream < 60; ++stream) streams.push_back(stream);
  for (const StreamId stream : streams) {
    ASSERT_TRUE(pipe.a.send(pipe.now, stream, 53, pattern(2000)));
    ASSERT_TRUE(pipe.b.send(pipe.now, stream, 53, pattern(2000)));
    ASSERT_TRUE(pipe.a.reset_streams(pipe.now, std::span(&stream, 1)));
    ASSERT_TRUE(pipe.b.reset_streams(pipe.now, std::span(&stream, 1)));
  }
  ASSERT_TRUE(pipe.run(seconds(120), [&] {
    return resets(pipe, kA, Direction::kOutgoing) == 60 &&
           resets(pipe, kB, Direction::kOutgoing) == 60;
  }));
  EXPECT_EQ(resets(pipe, kA, Direction::kIncoming), 60u);
  EXPECT_EQ(pipe.count<Association::Message>(kA), 60u);
  EXPECT_EQ(pipe.count<Association::ResetRefused>(kA), 0u);
}

TEST(SctpStreamReset, AllStreamsAtOnce) {
  Associations pipe(small_association(), small_association());
  ASSERT_TRUE(connect(pipe));
  std::vector<StreamId> streams;
  for (StreamId stream = 0; stream < 64; ++stream) streams.push_back(stream);
  ASSERT_TRUE(pipe.a.reset_streams(pipe.now, streams));
  ASSERT_TRUE(pipe.a.send(pipe.now, 63, 53, pattern(10)));
  ASSERT_TRUE(pipe.run(seconds(5), [&] { return pipe.count<Association::Message>(kB) == 1; }));
  EXPECT_GE(pipe.count<Association::StreamsReset>(kB), 1u);
}

TEST(SctpStreamReset, RefusesAStreamThatDoesNotExistAndAnAssociationThatIsNotUp) {
  Associations pipe(small_association(), small_association());
  const StreamId stream = 5;
  EXPECT_FALSE(pipe.a.reset_streams(pipe.now, std::span(&stream, 1)));
  ASSERT_TRUE(connect(pipe));
  const StreamId missing = 64;
  EXPECT_FALSE(pipe.a.reset_streams(pipe.now, std::span(&missing, 1)));
}

TEST(SctpStreams, MoreOfThemCanBeAskedFor) {
  Association::Config few = small_association();
  few.outgoing_streams = 2;
  Associations pipe(few, small_association());
  ASSERT_TRUE(connect(pipe));
  ASSERT_TRUE(pipe.a.send(pipe.now, 1, 53, pattern(50'000)));
  ASSERT_TRUE(pipe.a.add_outgoing_streams(pipe.now, 40));
  ASSERT_TRUE(pipe.run(seconds(5), [&] { return pipe.count<Association::StreamsAdded>(kA) == 1; }));
  EXPECT_FALSE(pipe.all<Association::StreamsAdded>(kA)[0].refused);
  EXPECT_EQ(pipe.a.outgoing_streams(), 40);
  ASSERT_TRUE(pipe.a.send(pipe.now, 39, 53, pattern(10)));
  ASSERT_TRUE(pipe.run(seconds(5), [&] { return pipe.count<Association::Message>(kB) == 2; }));
  EXPECT_EQ(pipe.b.incoming_streams(), 40);
  pipe.run(seconds(1));
  EXPECT_EQ(pipe.a.next_timeout(), kNever);
}

TEST(SctpStreams, MoreThanThePeerAllowsAreRefused) {
  Associations pipe(small_association(), small_association());
  ASSERT_TRUE(connect(pipe));
  ASSERT_TRUE(pipe.a.add_outgoing_streams(pipe.now, 65));
  ASSERT_TRUE(pipe.run(seconds(5), [&] { return pipe.count<Association::StreamsAdded>(kA) == 1; }));
  EXPECT_TRUE(pipe.all<Association::StreamsAdded>(kA)[0].refused);
  EXPECT_EQ(pipe.a.outgoing_streams(), 64);
}

TEST(SctpStreams, AreAddedWhileAResetIsUnderWay) {
  Association::Config few = small_association();
  few.outgoing_streams = 4;
  Associations pipe(few, small_association());
  ASSERT_TRUE(connect(pipe));
  const StreamId stream = 1;
  ASSERT_TRUE(pipe.a.reset_streams(pipe.now, std::span(&stream, 1)));
  ASSERT_TRUE(pipe.a.add_outgoing_streams(pipe.now, 8));
  ASSERT_TRUE(pipe.run(seconds(5), [&] {
    return pipe.a.outgoing_streams() == 8 && resets(pipe, kA, Direction::kOutgoing) == 1;
  }));
}

}  // namespace
}  // namespace floe::sctp::test
