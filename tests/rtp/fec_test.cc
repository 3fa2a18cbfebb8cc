#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <vector>

#include "floe/core/random.h"
#include "floe/core/text.h"
#include "floe/rtp/packet_builder.h"
#include "floe/rtp/receive/inbound_stream.h"
#include "floe/rtp/receive/ulpfec_receiver.h"

namespace floe::rtp {
namespace {

using namespace std::chrono_literals;
using Octets = std::vector<std::uint8_t>;

constexpr std::uint32_t kSsrc = 2;
constexpr std::uint8_t kVideo = 96;
constexpr std::uint8_t kRed = 116;
constexpr std::uint8_t kUlpfec = 117;

Octets media(std::uint16_t sequence, std::uint32_t timestamp, std::uint8_t type,
             const Octets& payload, bool marker = false) {
  Octets space(payload.size() + 12);
  PacketBuilder builder(space, {.marker = marker,
                                .payload_type = type,
                                .sequence_number = sequence,
                                .timestamp = timestamp,
                                .ssrc = kSsrc});
  std::copy(payload.begin(), payload.end(), builder.payload_space().begin());
  EXPECT_EQ(builder.finish(payload.size()), space.size());
  return space;
}

/// RFC 5109 section 8, with a mask of 16 bits.
Octets parity(const std::vector<Octets>& packets) {
  const std::uint16_t base = static_cast<std::uint16_t>(packets[0][2] << 8 | packets[0][3]);
  std::size_t longest = 0;
  for (const Octets& packet : packets) longest = std::max(longest, packet.size() - 12);
  Octets all(14 + longest);
  std::uint16_t mask = 0;
  for (const Octets& packet : packets) {
    all[0] ^= packet[0] & 0x3f;
    all[1] ^= packet[1];
    for (std::size_t i = 4; i < 8; ++i) all[i] ^= packet[i];
    all[8] ^= static_cast<std::uint8_t>((packet.size() - 12) >> 8);
    all[9] ^= static_cast<std::uint8_t>(packet.size() - 12);
    for (std::size_t i = 12; i < packet.size(); ++i) all[14 + i - 12] ^= packet[i];
    const auto offset = static_cast<std::uint16_t>((packet[2] << 8 | packet[3]) - base);
    mask = static_cast<std::uint16_t>(mask | 0x8000 >> offset);
  }
  all[2] = static_cast<std::uint8_t>(base >> 8);
  all[3] = static_cast<std::uint8_t>(base);
  all[10] = static_cast<std::uint8_t>(longest >> 8);
  all[11] = static_cast<std::uint8_t>(longest);
  all[12] = static_cast<std::uint8_t>(mask >> 8);
  all[13] = static_cast<std::uint8_t>(mask);
  return all;
}

void give(UlpfecReceiver& receiver, Octets packet) {
  receiver.handle_media(*Packet::parse(packet));
}

Octets noise(Random& random, std::size_t size) {
  Octets bytes(size);
  random.fill(bytes);
  return bytes;
}

TEST(Ulpfec, RecoversAnyOneOfThePacketsOfRfc5109sExample) {
  SeededRandom random(1);
  // Section 10.1.
  const std::vector<Octets> packets = {
      media(8, 3, 11, noise(random, 200), true), media(9, 5, 18, noise(random, 140)),
      media(10, 7, 11, noise(random, 100)), media(11, 9, 18, noise(random, 340))};
  const Octets fec = parity(packets);
  EXPECT_EQ(to_hex(Bytes(fec).first(14)),
            "0080000800000008"
            "0174"
            "0154"
            "f000");
  for (std::size_t lost = 0; lost < packets.size(); ++lost) {
    UlpfecReceiver receiver(kSsrc);
    for (std::size_t i = 0; i < packets.size(); ++i) {
      if (i != lost) give(receiver, packets[i]);
    }
    EXPECT_FALSE(receiver.poll_recovered());
    EXPECT_TRUE(receiver.handle_parity(fec));
    EXPECT_EQ(receiver.poll_recovered(), packets[lost]);
    EXPECT_FALSE(receiver.poll_recovered());
  }
}

TEST(Ulpfec, UsesWhatItRecoveredToRecoverMore) {
  SeededRandom random(2);
  std::vector<Octets> packets;
  for (std::uint16_t i = 0; i < 6; ++i) {
    packets.push_back(
        media(static_cast<std::uint16_t>(65'533 + i), i, kVideo, noise(random, 50 + 10u * i)));
  }
  UlpfecReceiver receiver(kSsrc);
  give(receiver, packets[0]);
  give(receiver, packets[3]);
  give(receiver, packets[5]);
  EXPECT_TRUE(receiver.handle_parity(parity({packets[1], packets[2], packets[3]})));
  EXPECT_TRUE(receiver.handle_parity(parity({packets[2], packets[4], packets[5]})));
  EXPECT_FALSE(receiver.poll_recovered());
  EXPECT_TRUE(receiver.handle_parity(parity({packets[0], packets[1]})));
  EXPECT_EQ(receiver.poll_recovered(), packets[1]);
  EXPECT_EQ(receiver.poll_recovered(), packets[2]);
  EXPECT_EQ(receiver.poll_recovered(), packets[4]);
  EXPECT_FALSE(receiver.poll_recovered());
}

TEST(Ulpfec, RefusesWhatIsMalformedAndRecoversNoNonsense) {
  SeededRandom random(3);
  const std::vector<Octets> packets = {media(1, 0, kVideo, noise(random, 40)),
                                       media(2, 0, kVideo, noise(random, 90))};
  const Octets fec = parity(packets);
  UlpfecReceiver receiver(kSsrc);
  give(receiver, packets[0]);
  for (std::size_t size = 0; size < fec.size(); ++size) {
    EXPECT_FALSE(receiver.handle_parity(Bytes(fec).first(size)));
  }
  Octets extended = fec;
  extended[0] |= 0x80;
  EXPECT_FALSE(receiver.handle_parity(extended));
  Octets nothing = fec;
  nothing[12] = 0;
  EXPECT_FALSE(receiver.handle_parity(nothing));
  // It protects less than the packet has.
  Octets shorter(fec.begin(), fec.end() - 30);
  shorter[11] = static_cast<std::uint8_t>(shorter[11] - 30);
  EXPECT_TRUE(receiver.handle_parity(shorter));
  EXPECT_FALSE(receiver.poll_recovered());
  EXPECT_TRUE(receiver.handle_parity(fec));
  EXPECT_EQ(receiver.poll_recovered(), packets[1]);
  // Many that can never be of use are bounded.
  for (std::uint16_t i = 0; i < 1000; ++i) {
    const Octets one = media(static_cast<std::uint16_t>(1000 + 10 * i), 0, kVideo, {1});
    const Octets two = media(static_cast<std::uint16_t>(1001 + 10 * i), 0, kVideo, {2});
    EXPECT_TRUE(receiver.handle_parity(parity({one, two})));
    EXPECT_FALSE(receiver.poll_recovered());
  }
}

TEST(Ulpfec, SavesFramesOfAStreamThatIsSentInsideOfRed) {
  InboundStream::Config config;
  config.ssrc = kSsrc;
  config.formats = {{kVideo, {Codec::kVp8}, {}}};
  config.red = kRed;
  config.ulpfec = kUlpfec;
  config.nack = false;
  InboundStream stream(config);
  SeededRandom random(4);
  std::uint16_t sequence = 65'500;
  int frames = 0;
  for (int i = 0; i < 100; ++i) {
    const Time now = Time(i * 33ms);
    const auto timestamp = static_cast<std::uint32_t>(3000 * i);
    // Three packets, one of which is lost, and their parity.
    std::vector<Octets> packets;
    for (int part = 0; part < 3; ++part) {
      Octets payload = noise(random, 300);
      payload[0] = part == 0 ? 0x10 : 0x00;
      payload[1] = i == 0 ? 0x10 : 0x11;
      packets.push_back(media(sequence++, timestamp, kVideo, payload, part == 2));
    }
    Octets fec = parity(packets);
    const auto lost = random.below(3);
    const auto send = [&](const Octets& packet, std::uint8_t type) {
      const auto view = Packet::parse(MutableBytes(const_cast<Octets&>(packet)));
      Octets payload = {type};
      payload.insert(payload.end(), packet.begin() + 12, packet.end());
      Octets red = media(view->sequence_number(), timestamp, kRed, payload, view->marker());
      stream.handle_packet(now, *Packet::parse(red));
    };
    for (std::size_t part = 0; part < 3; ++part) {
      if (part != lost || i == 0) send(packets[part], kVideo);
    }
    send(media(sequence++, timestamp, kUlpfec, fec), kUlpfec);
    while (const auto frame = stream.poll_frame(now)) ++frames;
  }
  EXPECT_EQ(frames, 100);
  EXPECT_EQ(stream.stats().recovered_packets, 99u);
  EXPECT_EQ(stream.stats().parity_packets_received, 100u);
  EXPECT_EQ(stream.reception().lost(), 99);
}

}  // namespace
}  // namespace floe::rtp
