#include <gtest/gtest.h>

#include "floe/crypto/crypto.h"
#include "tests/sctp/pipe.h"

namespace floe::sctp::test {
namespace {

constexpr auto kA = Associations::kA;

std::vector<std::uint8_t> with_good_checksum(std::vector<std::uint8_t> packet) {
  for (std::size_t i = 8; i < 12; ++i) packet[i] = 0;
  std::uint32_t crc = crypto::crc32c(packet);
  for (std::size_t i = 8; i < 12; ++i, crc >>= 8) packet[i] = static_cast<std::uint8_t>(crc);
  return packet;
}

TEST(SctpGarbage, EveryPacketCarriesTheChecksumOfRfc9260) {
  Associations pipe(small_association(), small_association());
  int checked = 0;
  pipe.drop = [&](auto, Bytes packet) {
    EXPECT_EQ(to_vector(packet), with_good_checksum(to_vector(packet)));
    ++checked;
    return false;
  };
  ASSERT_TRUE(connect(pipe));
  EXPECT_GT(checked, 3);
}

TEST(SctpGarbage, APacketWithABadChecksumIsDroppedAndCounted) {
  Associations pipe(small_association(), small_association());
  std::vector<std::uint8_t> init;
  pipe.drop = [&](auto from, Bytes packet) {
    if (from == kA && init.empty()) init = to_vector(packet);
    return false;
  };
  ASSERT_TRUE(connect(pipe));
  for (std::size_t bit = 8 * 4; bit < init.size() * 8; ++bit) {
    auto broken = init;
    broken[bit / 8] = static_cast<std::uint8_t>(broken[bit / 8] ^ (1u << bit % 8));
    EXPECT_FALSE(pipe.b.handle_packet(pipe.now, broken)) << bit;
  }
  EXPECT_EQ(pipe.b.stats().dropped_bad_checksum, init.size() * 8 - 32);
  auto zero = init;
  for (std::size_t i = 8; i < 12; ++i) zero[i] = 0;  // RFC 9653 was not negotiated
  EXPECT_FALSE(pipe.b.handle_packet(pipe.now, zero));
}

TEST(SctpGarbage, PacketsForOtherPortsAndShortOnesAreDropped) {
  Associations pipe(small_association(), small_association());
  ASSERT_TRUE(connect(pipe));
  std::vector<std::uint8_t> packet(64);
  const auto before = pipe.a.stats().dropped_malformed;
  EXPECT_FALSE(pipe.a.handle_packet(pipe.now, {}));
  EXPECT_FALSE(pipe.a.handle_packet(pipe.now, Bytes(packet).first(15)));
  EXPECT_FALSE(pipe.a.handle_packet(pipe.now, with_good_checksum(packet)));
  EXPECT_EQ(pipe.a.stats().dropped_malformed, before + 3);
  EXPECT_FALSE(pipe.a.poll_transmit(pipe.now));
}

// What a peer with a good DTLS connection and bad intentions can send: damaged packets whose
// checksum is right. The association may end; it must not crash, hang or hand out damaged events
// for ever.
TEST(SctpGarbage, DamagedPacketsWithGoodChecksumsDoNoHarm) {
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    SeededRandom random(seed);
    Associations pipe(small_association(), small_association(), seed);
    std::vector<std::vector<std::uint8_t>> seen;
    pipe.drop = [&](auto from, Bytes packet) {
      if (from == kA) seen.push_back(to_vector(packet));
      return false;
    };
    (void)pipe.a.connect(pipe.now);
    (void)pipe.b.connect(pipe.now);
    SendOptions partial;
    partial.max_retransmits = 0;
    for (int i = 0; i < 30; ++i) {
      (void)pipe.a.send(pipe.now, static_cast<StreamId>(random.below(64)), 53,
                        pattern(1 + random.below(6000)), i % 2 == 0 ? partial : SendOptions{});
      const auto stream = static_cast<StreamId>(random.below(64));
      if (i % 5 == 0) (void)pipe.a.reset_streams(pipe.now, std::span(&stream, 1));
      pipe.run(milliseconds(7));
      if (seen.empty()) continue;
      auto packet = seen[random.below(seen.size())];
      switch (random.below(3)) {
        case 0:  // bits flipped
          for (int flips = 0; flips < 3; ++flips) {
            const std::size_t at = 12 + random.below(packet.size() - 12);
            packet[at] = static_cast<std::uint8_t>(packet[at] ^ (1u << random.below(8)));
          }
          break;
        case 1:  // truncated
          packet.resize(16 + random.below(packet.size() - 15));
          break;
        default:  // noise behind the common header
          random.fill(MutableBytes(packet).subspan(12));
      }
      pipe.b.handle_packet(pipe.now, with_good_checksum(packet));
    }
    pipe.run(seconds(2));
  }
}

TEST(SctpGarbage, AParameterOfLengthZeroNeverReachesTheStack) {
  Associations pipe(small_association(), small_association());
  std::vector<std::uint8_t> init;
  pipe.drop = [&](auto from, Bytes packet) {
    if (from == kA && has_chunk(packet, kInit)) init = to_vector(packet);
    return false;
  };
  ASSERT_TRUE(connect(pipe));
  ASSERT_GT(init.size(), 36u);
  init[34] = init[35] = 0;  // the length of the first parameter
  const auto before = pipe.b.stats().dropped_malformed;
  EXPECT_FALSE(pipe.b.handle_packet(pipe.now, with_good_checksum(init)));
  EXPECT_EQ(pipe.b.stats().dropped_malformed, before + 1);
}

TEST(SctpGarbage, NothingIsAcceptedAfterTheEnd) {
  Associations pipe(small_association(), small_association());
  std::vector<std::uint8_t> last;
  pipe.drop = [&](auto, Bytes packet) {
    last = to_vector(packet);
    return false;
  };
  ASSERT_TRUE(connect(pipe));
  pipe.a.abort(pipe.now);
  EXPECT_FALSE(pipe.a.handle_packet(pipe.now, last));
  EXPECT_EQ(pipe.a.stats().dropped_late, 1u);
  EXPECT_EQ(pipe.a.send(pipe.now, 0, 53, pattern(1)).error().code, Errc::kClosed);
  pipe.a.abort(pipe.now);
  pipe.a.shutdown(pipe.now);
  pipe.a.handle_timeout(pipe.now);
  EXPECT_FALSE(pipe.a.poll_event(pipe.now));
}

}  // namespace
}  // namespace floe::sctp::test
