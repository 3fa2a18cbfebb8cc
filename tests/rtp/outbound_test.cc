#include "floe/rtp/send/outbound_stream.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "floe/core/random.h"
#include "floe/core/text.h"
#include "floe/rtp/rtcp_reader.h"
#include "floe/rtp/rtcp_writer.h"
#include "floe/rtp/rtx.h"
#include "floe/rtp/send/splice.h"

namespace floe::rtp {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kSsrc = 1;
constexpr std::uint32_t kRepairSsrc = 2;
constexpr std::uint8_t kVideo = 96;
constexpr std::uint8_t kRtx = 97;

TEST(OutboundStream, RepeatsWhatIsAskedForOnItsOwnStreamAndNotTwiceARoundTrip) {
  SeededRandom random(1);
  OutboundStream::Config config;
  config.ssrc = kSsrc;
  config.payload_type = kVideo;
  config.format.codec = Codec::kVp8;
  config.repair = OutboundStream::Repair{kRepairSsrc, kRtx};
  config.rid = "hi";
  ASSERT_TRUE(config.extensions.add(2, ExtensionType::kAbsSendTime));
  ASSERT_TRUE(config.extensions.add(3, ExtensionType::kTransportSequenceNumber));
  ASSERT_TRUE(config.extensions.add(10, ExtensionType::kRid));
  ASSERT_TRUE(config.extensions.add(11, ExtensionType::kRepairedRid));
  const ExtensionMap map = config.extensions;
  auto stream = std::move(OutboundStream::create(config, random).value());
  std::array<std::uint8_t, 1500> space;
  const std::vector<std::uint8_t> frame(500, 0x10);
  ASSERT_TRUE(stream->send_frame(Time(1s), {.payload = frame}));
  EXPECT_EQ(stream->queued_since(), Time(1s));
  auto polled = stream->poll_packet(Time(1s + 5ms), space);
  ASSERT_TRUE(polled);
  auto packet = Packet::parse(MutableBytes(space).first(polled->size));
  EXPECT_EQ(map.get<Rid>(*packet)->value, "hi");
  EXPECT_EQ(map.get<AbsSendTime>(*packet)->value, AbsSendTime::at(Time(1s + 5ms)).value);
  EXPECT_EQ(stream->stats().total_packet_send_delay, 5ms);
  const std::uint16_t sequence = packet->sequence_number();

  std::array<std::uint8_t, 100> rtcp;
  const auto nack = [&](Time now, std::uint16_t which) {
    RtcpWriter writer(rtcp);
    EXPECT_EQ(writer.nack(9, kSsrc, std::array{which}), 1u);
    stream->handle_nack(now, std::get<Nack>(*RtcpReader(writer.written()).next()));
  };
  nack(Time(1s + 50ms), sequence);
  nack(Time(1s + 50ms), sequence);
  nack(Time(1s + 50ms), static_cast<std::uint16_t>(sequence + 1));  // never sent
  polled = stream->poll_packet(Time(1s + 50ms), space);
  ASSERT_TRUE(polled);
  EXPECT_EQ(polled->kind, OutboundStream::Kind::kRepair);
  packet = Packet::parse(MutableBytes(space).first(polled->size));
  EXPECT_EQ(packet->ssrc(), kRepairSsrc);
  EXPECT_EQ(packet->payload_type(), kRtx);
  EXPECT_EQ(map.get<RepairedRid>(*packet)->value, "hi");
  EXPECT_FALSE(map.get<Rid>(*packet));
  EXPECT_FALSE(stream->poll_packet(Time(1s + 50ms), space));
  const auto original = unwrap_rtx(*packet, kSsrc, kVideo);
  ASSERT_TRUE(original);
  EXPECT_EQ(original->sequence_number(), sequence);
  EXPECT_EQ(original->payload().size(), 501u);  // the descriptor, and the frame
  nack(Time(1s + 100ms), sequence);             // the repeat is still under way
  EXPECT_FALSE(stream->poll_packet(Time(1s + 100ms), space));
  nack(Time(1s + 160ms), sequence);
  EXPECT_TRUE(stream->poll_packet(Time(1s + 160ms), space));
  nack(Time(4s), sequence);  // too old
  EXPECT_FALSE(stream->poll_packet(Time(4s), space));
  EXPECT_EQ(stream->stats().retransmitted_packets_sent, 2u);
}

TEST(OutboundStream, RefusesFramesWhileTooMuchWaits) {
  SeededRandom random(1);
  OutboundStream::Config config;
  config.format.codec = Codec::kVp8;
  auto stream = std::move(OutboundStream::create(config, random).value());
  const std::vector<std::uint8_t> frame(400'000, 0x10);
  EXPECT_TRUE(stream->send_frame(Time(1s), {.payload = frame}));
  EXPECT_TRUE(stream->send_frame(Time(1s), {.payload = frame}));
  const auto third = stream->send_frame(Time(1s), {.payload = frame});
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, Errc::kWouldBlock);
  std::array<std::uint8_t, 1500> space;
  const auto first = stream->poll_packet(Time(1s), space);
  const auto sequence = Packet::parse(MutableBytes(space).first(first->size))->sequence_number();
  stream->clear_queue();
  EXPECT_EQ(stream->queued_bytes(), 0u);
  EXPECT_TRUE(stream->send_frame(Time(1s), {.payload = frame}));
  const auto next = stream->poll_packet(Time(1s), space);
  EXPECT_EQ(Packet::parse(MutableBytes(space).first(next->size))->sequence_number(), sequence + 1);
  config.max_packet = 100;
  EXPECT_FALSE(OutboundStream::create(config, random));
}

TEST(OutboundStream, ForwardsPacketsWithNumbersAndExtensionsOfItsOwn) {
  SeededRandom random(1);
  ExtensionMap theirs;
  ASSERT_TRUE(theirs.add(1, ExtensionType::kMid));
  ASSERT_TRUE(theirs.add(5, ExtensionType::kAudioLevel));
  ASSERT_TRUE(theirs.add(6, "urn:unknown"));
  OutboundStream::Config config;
  config.ssrc = 77;
  config.payload_type = 100;
  config.mid = "out";
  ASSERT_TRUE(config.extensions.add(3, ExtensionType::kMid));
  ASSERT_TRUE(config.extensions.add(4, ExtensionType::kAudioLevel));
  ASSERT_TRUE(config.extensions.add(7, "urn:unknown"));
  const ExtensionMap ours = config.extensions;
  auto stream = std::move(OutboundStream::create(config, random).value());

  std::array<std::uint8_t, 300> incoming;
  PacketBuilder builder(incoming, {.marker = true, .payload_type = 96, .sequence_number = 9});
  theirs.add(builder, Mid{"in"});
  theirs.add(builder, AudioLevel{true, 20});
  builder.add_extension(6, as_bytes("?"));
  builder.payload_space()[0] = 0xab;
  const auto packet = Packet::parse(MutableBytes(incoming).first(builder.finish(1, 4)));
  ASSERT_TRUE(stream->send_packet(Time(1s), *packet, theirs, 5, 1000));
  ASSERT_TRUE(stream->send_packet(Time(1s), *packet, theirs, 7, 3000));
  std::array<std::uint8_t, 1500> space;
  auto polled = stream->poll_packet(Time(1s), space);
  const auto first = Packet::parse(MutableBytes(space).first(polled->size)).value();
  EXPECT_EQ(first.ssrc(), 77u);
  EXPECT_EQ(first.payload_type(), 100);
  EXPECT_TRUE(first.marker());
  EXPECT_EQ(ours.get<Mid>(first)->value, "out");
  EXPECT_EQ(ours.get<AudioLevel>(first)->level, 20);
  EXPECT_EQ(as_text(*first.extension(7)), "?");
  EXPECT_EQ(to_hex(first.payload()), "ab");
  const auto sequence = first.sequence_number();
  const auto timestamp = first.timestamp();
  polled = stream->poll_packet(Time(1s), space);
  const auto second = Packet::parse(MutableBytes(space).first(polled->size)).value();
  EXPECT_EQ(second.sequence_number(), static_cast<std::uint16_t>(sequence + 2));
  EXPECT_EQ(second.timestamp(), timestamp + 2000);
}

TEST(PacketHistory, IsBoundedByTimeBytesAndNumber) {
  PacketHistory history;
  const std::vector<std::uint8_t> packet(1000, 1);
  for (int i = 0; i < 10'000; ++i) history.add(Time(1s), static_cast<std::uint16_t>(i), packet);
  EXPECT_LE(history.bytes(), PacketHistory::kMaxBytes);
  EXPECT_TRUE(history.repeatable(Time(1s), 9'999, 10ms));
  EXPECT_FALSE(history.repeatable(Time(1s), 0, 10ms));
  for (int i = 0; i < PacketHistory::kMaxRepeats; ++i) {
    EXPECT_TRUE(history.repeat(Time(1s + i * 20ms), 9'999, 10ms));
  }
  EXPECT_FALSE(history.repeat(Time(2s), 9'999, 10ms));
  // What was overtaken is found too.
  history.add(Time(601s), 10'003, packet);
  history.add(Time(601s), 10'001, packet);
  EXPECT_EQ(history.size(), 2u);
  EXPECT_TRUE(history.repeatable(Time(601s), 10'001, 10ms));
  EXPECT_FALSE(history.repeatable(Time(601s), 10'002, 10ms));
}

struct SpliceTest : testing::Test {
  Packet packet(std::uint32_t ssrc, std::uint16_t sequence, std::uint32_t timestamp) {
    PacketBuilder builder(space,
                          {.sequence_number = sequence, .timestamp = timestamp, .ssrc = ssrc});
    return *Packet::parse(MutableBytes(space).first(builder.finish(0)));
  }
  std::string place(Time now, std::uint32_t ssrc, std::uint16_t sequence, std::uint32_t timestamp) {
    const auto place = splice.place(now, packet(ssrc, sequence, timestamp));
    return place ? std::to_string(place->sequence) + "@" + std::to_string(place->timestamp) : "-";
  }
  std::array<std::uint8_t, 100> space;
  Splice splice{90'000};
};

TEST_F(SpliceTest, GoesOnWhereTheOtherStreamEnded) {
  EXPECT_EQ(place(Time(1s), 1, 65'535, 5000), "0@0");
  EXPECT_EQ(place(Time(1s), 1, 0, 8000), "1@3000");
  EXPECT_EQ(place(Time(1s), 1, 3, 11'000), "4@6000");  // a gap of the network stays
  EXPECT_EQ(place(Time(1s), 1, 2, 8000), "3@3000");
  EXPECT_EQ(place(Time(1s + 100ms), 2, 777, 123), "5@15000");
  EXPECT_EQ(place(Time(1s + 133ms), 2, 778, 3123), "6@18000");
  EXPECT_EQ(place(Time(1s + 134ms), 2, 776, 0), "-");
  // Back again, in the same instant.
  EXPECT_EQ(place(Time(1s + 133ms), 1, 9, 14'000), "7@18001");
}

TEST_F(SpliceTest, ClosesTheGapsOfWhatIsLeftOut) {
  EXPECT_EQ(place(Time(1s), 1, 10, 0), "0@0");
  splice.leave_out(packet(1, 12, 0));
  EXPECT_EQ(place(Time(1s), 1, 13, 0), "2@0");
  EXPECT_EQ(place(Time(1s), 1, 11, 0), "1@0");  // was overtaken
  splice.leave_out(packet(1, 14, 0));
  splice.leave_out(packet(1, 15, 0));
  splice.leave_out(packet(1, 9, 0));
  EXPECT_EQ(place(Time(1s), 1, 16, 0), "3@0");
  for (int i = 17; i < 1017; i += 2) {
    splice.leave_out(packet(1, static_cast<std::uint16_t>(i), 0));
    EXPECT_EQ(place(Time(1s), 1, static_cast<std::uint16_t>(i + 1), 0),
              std::to_string(4 + (i - 17) / 2) + "@0");
  }
  EXPECT_EQ(place(Time(1s), 1, 11, 0), "-");  // too long ago
}

}  // namespace
}  // namespace floe::rtp
