#include <gtest/gtest.h>

#include "tests/dtls/pair.h"

namespace floe::dtls::testing {
namespace {

using Profiles = std::vector<SrtpProfile>;

void offer(Connection::Config& client, Connection::Config& server, Profiles a, Profiles b) {
  client.srtp_profiles = std::move(a);
  server.srtp_profiles = std::move(b);
}

TEST(SrtpProfile, IsNegotiatedAndBothSidesDeriveTheSameKeys) {
  for (const SrtpProfile profile :
       {SrtpProfile::kAes128CmHmacSha1_80, SrtpProfile::kAes128CmHmacSha1_32,
        SrtpProfile::kAeadAes128Gcm, SrtpProfile::kAeadAes256Gcm}) {
    auto client = client_config();
    auto server = server_config();
    offer(client, server, {profile}, {profile});
    Pair pair(std::move(client), std::move(server));
    pair.connect();
    EXPECT_EQ(std::get<Connected>(pair.client.events[0]).srtp_profile, profile);
    EXPECT_EQ(std::get<Connected>(pair.server.events[0]).srtp_profile, profile);
    const auto a = pair.client.connection->srtp_keys();
    const auto b = pair.server.connection->srtp_keys();
    ASSERT_TRUE(a.has_value() && b.has_value());
    EXPECT_EQ(a->profile, profile);
    EXPECT_EQ(a->client_key, b->client_key);
    EXPECT_EQ(a->client_salt, b->client_salt);
    EXPECT_EQ(a->server_key, b->server_key);
    EXPECT_EQ(a->server_salt, b->server_salt);
    EXPECT_NE(a->client_key, a->server_key);
    EXPECT_EQ(a->client_key.size(), master_key_size(profile));
    EXPECT_EQ(a->server_salt.size(), master_salt_size(profile));
  }
}

TEST(SrtpProfile, KeysAreSplitInTheOrderOfRfc5764) {
  auto client = client_config();
  auto server = server_config();
  offer(client, server, {SrtpProfile::kAeadAes128Gcm}, {SrtpProfile::kAeadAes128Gcm});
  Pair pair(std::move(client), std::move(server));
  pair.connect();
  const auto keys = pair.client.connection->srtp_keys();
  std::vector<std::uint8_t> joined;
  for (const auto* part :
       {&keys->client_key, &keys->server_key, &keys->client_salt, &keys->server_salt}) {
    joined.insert(joined.end(), part->begin(), part->end());
  }
  EXPECT_EQ(joined,
            *pair.server.connection->export_keying_material("EXTRACTOR-dtls_srtp", 2 * (16 + 12)));
}

TEST(SrtpProfile, ServersOrderDecidesAmongTheCommonOnes) {
  auto client = client_config();
  auto server = server_config();
  offer(client, server,
        {SrtpProfile::kAes128CmHmacSha1_80, SrtpProfile::kAes128CmHmacSha1_32,
         SrtpProfile::kAeadAes128Gcm},
        {SrtpProfile::kAeadAes256Gcm, SrtpProfile::kAeadAes128Gcm,
         SrtpProfile::kAes128CmHmacSha1_80});
  Pair pair(std::move(client), std::move(server));
  pair.connect();
  EXPECT_EQ(std::get<Connected>(pair.client.events[0]).srtp_profile, SrtpProfile::kAeadAes128Gcm);
}

TEST(SrtpProfile, MissesWithoutAProfileInCommonAndTheConnectionStillComesUp) {
  auto client = client_config();
  auto server = server_config();
  offer(client, server, {SrtpProfile::kAeadAes128Gcm}, {SrtpProfile::kAes128CmHmacSha1_80});
  Pair pair(std::move(client), std::move(server));
  pair.connect();
  EXPECT_EQ(std::get<Connected>(pair.client.events[0]).srtp_profile, std::nullopt);
  EXPECT_EQ(pair.client.connection->srtp_keys().error().code, Errc::kNotFound);
}

TEST(SrtpProfile, IsNotOfferedWithoutMedia) {
  auto server = server_config();
  server.srtp_profiles = {SrtpProfile::kAeadAes128Gcm};
  Pair pair(client_config(), std::move(server));
  pair.connect();
  EXPECT_EQ(std::get<Connected>(pair.server.events[0]).srtp_profile, std::nullopt);
}

TEST(SrtpProfile, ExportsDependOnTheLabelAndAreRefusedOutOfTime) {
  Pair pair;
  EXPECT_EQ(pair.client.connection->export_keying_material("label", 16).error().code,
            Errc::kInvalidState);
  EXPECT_EQ(pair.client.connection->srtp_keys().error().code, Errc::kInvalidState);
  pair.connect();
  const auto a = pair.client.connection->export_keying_material("EXPERIMENTAL a", 40);
  EXPECT_EQ(*a, *pair.server.connection->export_keying_material("EXPERIMENTAL a", 40));
  EXPECT_NE(*a, *pair.client.connection->export_keying_material("EXPERIMENTAL b", 40));
  EXPECT_EQ(pair.client.connection->export_keying_material("label", 0).error().code,
            Errc::kInvalidArgument);
  EXPECT_EQ(pair.client.connection->export_keying_material("label", 2'000).error().code,
            Errc::kInvalidArgument);
  pair.client.connection->close(pair.now());
  EXPECT_EQ(pair.client.connection->export_keying_material("label", 16).error().code,
            Errc::kClosed);
}

TEST(SrtpProfile, KnowsItsIanaNumbersAndNames) {
  EXPECT_EQ(srtp_profile(0x0007), SrtpProfile::kAeadAes128Gcm);
  EXPECT_EQ(srtp_profile(0x0005), std::nullopt);  // SRTP_NULL_HMAC_SHA1_80
  EXPECT_EQ(to_string(SrtpProfile::kAes128CmHmacSha1_80), "SRTP_AES128_CM_HMAC_SHA1_80");
}

}  // namespace
}  // namespace floe::dtls::testing
