#include "floe/stun_client/stream_framer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "floe/stun_client/message.h"

namespace floe::stun {
namespace {

using ::testing::ElementsAre;
using Packet = std::vector<std::uint8_t>;

Packet binding_request() {
  Packet space(64);
  MessageBuilder builder(space, Class::kRequest, Method::kBinding, {1, 2, 3});
  builder.add_text(AttributeType::kSoftware, "floe");
  return to_vector(builder.bytes());
}
Packet channel_data(std::uint16_t channel, std::size_t length) {
  Packet frame{static_cast<std::uint8_t>(channel >> 8), static_cast<std::uint8_t>(channel),
               static_cast<std::uint8_t>(length >> 8), static_cast<std::uint8_t>(length)};
  for (std::size_t i = 0; i < length; ++i) frame.push_back(static_cast<std::uint8_t>(i + 1));
  return frame;
}
void append(Packet& stream, Packet frame) {
  frame.resize((frame.size() + 3) / 4 * 4);
  stream.insert(stream.end(), frame.begin(), frame.end());
}

class StreamFramerTest : public ::testing::Test {
 protected:
  StreamFramer framer;
  std::vector<Packet> frames;

  void feed(Packet piece) {
    MutableBytes data = piece;
    while (const auto frame = framer.next(data)) frames.push_back(to_vector(*frame));
    EXPECT_TRUE(data.empty() || framer.broken());
  }
};

TEST_F(StreamFramerTest, CutsAStreamIntoTheSameFramesHoweverItWasTornApart) {
  const std::vector<Packet> sent{binding_request(), channel_data(0x4000, 5),
                                 channel_data(0x7fff, 0), binding_request(),
                                 channel_data(0x4abc, 4'000)};
  Packet stream;
  for (const Packet& frame : sent) append(stream, frame);
  for (std::size_t piece = 1; piece <= stream.size(); piece += piece < 64 ? 1 : 97) {
    frames.clear();
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      const auto end =
          stream.begin() + static_cast<std::ptrdiff_t>(std::min(at + piece, stream.size()));
      feed(Packet(stream.begin() + static_cast<std::ptrdiff_t>(at), end));
    }
    EXPECT_EQ(frames, sent) << "in pieces of " << piece;
    EXPECT_FALSE(framer.broken());
    EXPECT_EQ(framer.waiting(), 0u);
  }
}

TEST_F(StreamFramerTest, CopiesNothingOfAFrameThatCameInOnePiece) {
  Packet stream = channel_data(0x4000, 8);
  MutableBytes data = stream;
  EXPECT_EQ(framer.next(data)->data(), stream.data());
}

TEST_F(StreamFramerTest, LeavesWhatStandsBehindAFrameToWhoeverTakesTheStreamOver) {
  Packet stream = binding_request();
  stream.insert(stream.end(), {9, 8, 7});
  const Packet first(stream.begin(), stream.begin() + 7);
  feed(first);
  MutableBytes data = MutableBytes(stream).subspan(7);
  ASSERT_TRUE(framer.next(data));
  EXPECT_THAT(to_vector(data), ElementsAre(9, 8, 7));
}

TEST_F(StreamFramerTest, BreaksOnBytesThatAreNeitherStunNorChannelDataAndStaysBroken) {
  feed({0x80, 0, 0, 0});
  EXPECT_TRUE(framer.broken());
  feed(binding_request());
  EXPECT_TRUE(frames.empty());
}

TEST_F(StreamFramerTest, BreaksOnAFrameLongerThanAllowedBeforeItIsKept) {
  framer = StreamFramer(100);
  feed({0x40, 0, 0, 96});
  EXPECT_FALSE(framer.broken());
  framer = StreamFramer(100);
  feed({0x40, 0, 0, 97});
  EXPECT_TRUE(framer.broken());
}

}  // namespace
}  // namespace floe::stun
