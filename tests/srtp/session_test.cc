#include "floe/srtp/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "floe/core/random.h"
#include "floe/core/text.h"

namespace floe::srtp {
namespace {

using testing::HasSubstr;

constexpr std::array kProfiles = {Profile::kAes128CmHmacSha1_80, Profile::kAes128CmHmacSha1_32,
                                  Profile::kAeadAes128Gcm, Profile::kAeadAes256Gcm};

MasterKey make_key(Profile profile, std::uint8_t first) {
  MasterKey master;
  master.key.assign(master_key_size(profile), first);
  master.salt.assign(master_salt_size(profile), static_cast<std::uint8_t>(first + 1));
  return master;
}

Session::Config config_for(Profile profile, bool client) {
  Session::Config config;
  config.profile = profile;
  config.local = make_key(profile, client ? 1 : 50);
  config.remote = make_key(profile, client ? 50 : 1);
  return config;
}

/// Two ends of one DTLS association.
struct Pair {
  explicit Pair(Profile profile) : Pair(config_for(profile, true), config_for(profile, false)) {}
  Pair(const Session::Config& a, const Session::Config& b)
      : client(std::move(Session::create(a).value())),
        server(std::move(Session::create(b).value())) {}
  std::unique_ptr<Session> client;
  std::unique_ptr<Session> server;
};

std::vector<std::uint8_t> rtp(std::uint16_t sequence, std::uint32_t ssrc = 0x11223344,
                              std::size_t payload = 100) {
  std::vector<std::uint8_t> packet(12 + payload, 0xaa);
  ByteWriter writer(packet);
  writer.u8(0x80);
  writer.u8(96);
  writer.u16(sequence);
  writer.u32(160u * sequence);
  writer.u32(ssrc);
  return packet;
}

/// An empty receiver report.
std::vector<std::uint8_t> rtcp(std::uint32_t ssrc = 0x11223344) {
  std::vector<std::uint8_t> packet(8);
  ByteWriter writer(packet);
  writer.u8(0x80);
  writer.u8(201);
  writer.u16(1);
  writer.u32(ssrc);
  return packet;
}

std::vector<std::uint8_t> protect_rtp(Session& session, std::vector<std::uint8_t> packet) {
  const std::size_t size = packet.size();
  packet.resize(size + Session::kMaxRtpOverhead);
  const auto protected_size = session.protect_rtp(packet, size);
  EXPECT_TRUE(protected_size) << protected_size.error().message;
  packet.resize(protected_size.value_or(0));
  return packet;
}

std::vector<std::uint8_t> protect_rtcp(Session& session, std::vector<std::uint8_t> packet) {
  const std::size_t size = packet.size();
  packet.resize(size + Session::kMaxRtcpOverhead);
  packet.resize(session.protect_rtcp(packet, size).value());
  return packet;
}

bool takes(Session& session, std::vector<std::uint8_t> packet) {
  return session.unprotect_rtp(packet).has_value();
}

TEST(SrtpSession, CarriesRtpAndRtcpBothWaysWithEveryProfile) {
  for (const Profile profile : kProfiles) {
    Pair pair(profile);
    for (const auto& [from, to] : {std::pair(pair.client.get(), pair.server.get()),
                                   std::pair(pair.server.get(), pair.client.get())}) {
      const auto plain = rtp(7);
      auto packet = protect_rtp(*from, plain);
      EXPECT_GT(packet.size(), plain.size());
      // The header stays readable, the payload does not.
      EXPECT_TRUE(std::equal(plain.begin(), plain.begin() + 12, packet.begin()));
      EXPECT_FALSE(std::equal(plain.begin() + 12, plain.end(), packet.begin() + 12));
      const auto opened = to->unprotect_rtp(packet);
      ASSERT_TRUE(opened);
      EXPECT_EQ(to_vector(*opened), plain);
      EXPECT_EQ(opened->data(), packet.data());

      auto report = protect_rtcp(*from, rtcp());
      const auto report_opened = to->unprotect_rtcp(report);
      ASSERT_TRUE(report_opened);
      EXPECT_EQ(to_vector(*report_opened), rtcp());
    }
  }
}

/// The vector of libsrtp's own tests: session keys that follow RFC 3711 from this master key.
TEST(SrtpSession, AgreesWithAKnownPacket) {
  Session::Config config = config_for(Profile::kAes128CmHmacSha1_80, true);
  config.local.key = *from_hex("e1f97a0d3e018be0d64fa32c06de4139");
  config.local.salt = *from_hex("0ec675ad498afeebb6960b3aabe6");
  auto session = Session::create(config).value();
  auto plain = *from_hex("800f1234decafbadcafebabeabababababababababababababababab");
  EXPECT_EQ(to_hex(protect_rtp(*session, plain)),
            "800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb");
}

TEST(SrtpSession, DropsReplaysAndSaysSo) {
  for (const Profile profile : kProfiles) {
    Pair pair(profile);
    const auto packet = protect_rtp(*pair.client, rtp(1));
    EXPECT_TRUE(takes(*pair.server, packet));
    EXPECT_FALSE(takes(*pair.server, packet));
    EXPECT_EQ(pair.server->stats().drops(DropReason::kReplayed), 1u);
    auto report = protect_rtcp(*pair.client, rtcp());
    auto again = report;
    EXPECT_TRUE(pair.server->unprotect_rtcp(report));
    EXPECT_FALSE(pair.server->unprotect_rtcp(again));
    EXPECT_EQ(pair.server->stats().drops(DropReason::kReplayed), 2u);
    EXPECT_EQ(pair.server->stats().unprotected_packets, 2u);
  }
}

TEST(SrtpSession, TakesPacketsInAnyOrderWithinItsWindowAndNoneBehindIt) {
  Pair pair(Profile::kAeadAes128Gcm);
  std::vector<std::vector<std::uint8_t>> packets;
  for (std::uint16_t i = 0; i < 1100; ++i) packets.push_back(protect_rtp(*pair.client, rtp(i)));
  EXPECT_TRUE(takes(*pair.server, packets[1099]));
  EXPECT_TRUE(takes(*pair.server, packets[500]));
  EXPECT_TRUE(takes(*pair.server, packets[1098]));
  EXPECT_FALSE(takes(*pair.server, packets[10]));
  EXPECT_EQ(pair.server->stats().drops(DropReason::kOld), 1u);
}

TEST(SrtpSession, DropsWhatIsForgedInAnyByte) {
  for (const Profile profile : kProfiles) {
    Pair pair(profile);
    const auto packet = protect_rtp(*pair.client, rtp(1, 5, 20));
    for (std::size_t at = 0; at < packet.size(); ++at) {
      auto forged = packet;
      forged[at] ^= 0x01;
      EXPECT_FALSE(takes(*pair.server, forged)) << at;
    }
    // None of them has moved the window or taken the packet's place.
    EXPECT_TRUE(takes(*pair.server, packet));
    EXPECT_EQ(pair.server->stats().unprotected_packets, 1u);
    EXPECT_GT(pair.server->stats().drops(DropReason::kForged), 0u);
  }
}

TEST(SrtpSession, DropsWhatIsOfAnotherAssociation) {
  Pair pair(Profile::kAeadAes256Gcm);
  Session::Config config = config_for(Profile::kAeadAes256Gcm, true);
  config.local.key[0] ^= 1;
  auto stranger = Session::create(config).value();
  EXPECT_FALSE(takes(*pair.server, protect_rtp(*stranger, rtp(1))));
  EXPECT_EQ(pair.server->stats().drops(DropReason::kForged), 1u);
}

TEST(SrtpSession, GoesOverTheWrapOfTheSequenceNumberWithLossAndReordering) {
  for (const Profile profile : kProfiles) {
    Pair pair(profile);
    std::vector<std::vector<std::uint8_t>> packets;
    // Two wraps; every third packet is lost, neighbours are swapped.
    for (std::uint32_t i = 65'000; i < 2 * 65'536 + 100; ++i) {
      packets.push_back(protect_rtp(*pair.client, rtp(static_cast<std::uint16_t>(i), 9, 4)));
    }
    std::uint64_t taken = 0;
    for (std::size_t i = 0; i + 2 < packets.size(); i += 3) {
      taken += takes(*pair.server, packets[i + 1]) ? 1 : 0;
      taken += takes(*pair.server, packets[i]) ? 1 : 0;
    }
    EXPECT_EQ(taken, packets.size() / 3 * 2);
  }
}

TEST(SrtpSession, RefusesToSendANumberTwice) {
  Pair pair(Profile::kAeadAes128Gcm);
  protect_rtp(*pair.client, rtp(5));
  auto again = rtp(5);
  again.resize(again.size() + Session::kMaxRtpOverhead);
  const auto result = pair.client->protect_rtp(again, again.size() - Session::kMaxRtpOverhead);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::kInvalidArgument);
  EXPECT_THAT(result.error().message, HasSubstr("sent before"));
}

TEST(SrtpSession, EncryptsTheHeaderExtensionsItIsToldTo) {
  for (const Profile profile : kProfiles) {
    auto client = config_for(profile, true);
    auto server = config_for(profile, false);
    client.encrypted_extensions = server.encrypted_extensions = {3};
    Pair pair(client, server);
    // One-byte extensions (RFC 8285): id 2 with 1 byte, id 3 with 4 bytes, padding.
    auto plain = *from_hex(
        "90600001000000100000000a"
        "bede0002"
        "20113355667788"
        "00"
        "aabbccdd");
    auto packet = protect_rtp(*pair.client, plain);
    EXPECT_EQ(to_hex(Bytes(packet).subspan(12, 7)), "bede0002201133");
    EXPECT_NE(to_hex(Bytes(packet).subspan(19, 4)), "55667788");
    const auto opened = pair.server->unprotect_rtp(packet);
    ASSERT_TRUE(opened);
    EXPECT_EQ(to_vector(*opened), plain);
  }
}

TEST(SrtpSession, KeepsSourcesApartAndLetsThemBeForgotten) {
  Pair pair(Profile::kAes128CmHmacSha1_80);
  const auto first = protect_rtp(*pair.client, rtp(1, 1));
  EXPECT_TRUE(takes(*pair.server, first));
  EXPECT_TRUE(takes(*pair.server, protect_rtp(*pair.client, rtp(1, 2))));
  pair.server->forget_remote(1);
  // It begins anew, so what it sent before counts as new.
  EXPECT_TRUE(takes(*pair.server, first));
  pair.client->forget_local(2);
  protect_rtp(*pair.client, rtp(1, 2));
  pair.client->forget_local(77);  // Never heard of.
}

TEST(SrtpSession, BoundsTheSourcesOfAPeerAndOfItsOwn) {
  Pair pair(Profile::kAeadAes128Gcm);
  for (std::uint32_t ssrc = 0; ssrc < Session::kMaxSources; ++ssrc) {
    ASSERT_TRUE(takes(*pair.server, protect_rtp(*pair.client, rtp(1, ssrc))));
  }
  auto one_more = rtp(1, 999'999);
  one_more.resize(one_more.size() + Session::kMaxRtpOverhead);
  const auto refused =
      pair.client->protect_rtp(one_more, one_more.size() - Session::kMaxRtpOverhead);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kLimitExceeded);

  auto other = Session::create(config_for(Profile::kAeadAes128Gcm, true)).value();
  EXPECT_FALSE(takes(*pair.server, protect_rtp(*other, rtp(1, 999'999))));
  EXPECT_EQ(pair.server->stats().drops(DropReason::kTooManySources), 1u);
  EXPECT_TRUE(takes(*pair.server, protect_rtp(*pair.client, rtp(2, 5))));
}

TEST(SrtpSession, RefusesPacketsThatAreNone) {
  Pair pair(Profile::kAeadAes128Gcm);
  std::vector<std::uint8_t> space(100);
  EXPECT_EQ(pair.client->protect_rtp(space, 12).error().code, Errc::kMalformed);  // Version 0.
  space[0] = 0x80;
  EXPECT_EQ(pair.client->protect_rtp(space, 11).error().code, Errc::kMalformed);
  EXPECT_EQ(pair.client->protect_rtp(space, 101).error().code, Errc::kMalformed);
  EXPECT_EQ(pair.client->protect_rtp(space, 90).error().code, Errc::kInvalidArgument);  // No room.
  EXPECT_EQ(pair.client->protect_rtcp(space, 7).error().code, Errc::kMalformed);
  // Contributing sources and an extension that run past the end.
  space[0] = 0x8f;
  EXPECT_EQ(pair.client->protect_rtp(space, 20).error().code, Errc::kMalformed);
  space[0] = 0x90;
  space[14] = 0xff;
  EXPECT_EQ(pair.client->protect_rtp(space, 20).error().code, Errc::kMalformed);
}

TEST(SrtpSession, DropsGarbageOfEverySizeWithoutHarm) {
  for (const Profile profile : kProfiles) {
    Pair pair(profile);
    SeededRandom random(4);
    std::uint64_t handed_in = 0;
    for (std::size_t size = 0; size < 200; ++size) {
      for (int i = 0; i < 20; ++i) {
        std::vector<std::uint8_t> packet(size);
        random.fill(packet);
        if (size > 0) packet[0] = static_cast<std::uint8_t>((packet[0] & 0x3f) | 0x80);
        auto copy = packet;
        EXPECT_FALSE(pair.server->unprotect_rtp(packet));
        EXPECT_FALSE(pair.server->unprotect_rtcp(copy));
        handed_in += 2;
      }
    }
    std::uint64_t dropped = 0;
    for (const std::uint64_t count : pair.server->stats().dropped) dropped += count;
    EXPECT_EQ(dropped, handed_in);
    EXPECT_TRUE(takes(*pair.server, protect_rtp(*pair.client, rtp(1))));
  }
}

TEST(SrtpSession, NamesWhatIsWrongWithItsConfiguration) {
  auto config = config_for(Profile::kAeadAes256Gcm, true);
  config.remote.key.pop_back();
  EXPECT_THAT(Session::create(config).error().message, HasSubstr("remote SRTP master key"));
  config = config_for(Profile::kAeadAes256Gcm, true);
  config.replay_window = 10;
  EXPECT_THAT(Session::create(config).error().message, HasSubstr("replay window"));
  config = config_for(Profile::kAeadAes256Gcm, true);
  config.encrypted_extensions = {0};
  EXPECT_THAT(Session::create(config).error().message, HasSubstr("header extension"));
}

}  // namespace
}  // namespace floe::srtp
