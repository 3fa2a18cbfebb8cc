#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/dtls/openssl_peer.h"
#include "tests/dtls/pair.h"
#include "tests/dtls/virtual_time.h"

namespace floe::dtls::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A floe connection against OpenSSL itself, without loss or delay.
struct Mixed {
  Mixed(Connection::Config config, const OpensslPeer::Options& options)
      : floe{make(std::move(config))}, peer(options) {
    set_virtual_time(kStart);
    floe->start(kStart);
  }

  void run() {
    auto from_peer = peer.step({});
    for (int round = 0; round < 12; ++round) {
      if (!from_peer.empty()) floe->handle_packet(kStart, from_peer);
      from_peer = deliver();
      while (auto event = floe->poll_event()) events.push_back(std::move(*event));
    }
  }
  std::vector<std::uint8_t> deliver() {
    std::vector<std::uint8_t> answer;
    std::vector<std::uint8_t> space(kBaseDatagram);
    while (const std::size_t size = floe->poll_transmit(kStart, space)) {
      const auto more = peer.step(Bytes(space).first(size));
      answer.insert(answer.end(), more.begin(), more.end());
    }
    return answer;
  }
  bool connected() const {
    return events.size() == 1 && std::holds_alternative<Connected>(events[0]);
  }
  Error failure() const {
    if (events.size() != 1 || !std::holds_alternative<Failed>(events[0])) return {};
    return std::get<Failed>(events[0]).error;
  }

  std::unique_ptr<Connection> floe;
  OpensslPeer peer;
  std::vector<Event> events;
};

OpensslPeer::Options peer_options(bool server, const PemPair& pem) {
  OpensslPeer::Options options;
  options.server = server;
  options.certificate_pem = pem.certificate;
  options.key_pem = pem.key;
  return options;
}

Connection::Config config_for(const OpensslPeer::Options& options) {
  auto config = options.server ? client_config() : server_config();
  config.remote_fingerprints.clear();
  if (!options.certificate_pem.empty()) {
    config.remote_fingerprints =
        fingerprints_of(**Identity::from_pem(options.certificate_pem, options.key_pem));
  }
  return config;
}

TEST(DtlsAuthentication, ClientRefusesAServerWithAnotherCertificate) {
  auto client = client_config();
  client.remote_fingerprints = fingerprints_of(*other_identity());
  Pair pair(std::move(client));
  pair.start();
  pair.run();
  ASSERT_NE(pair.client.failure(), nullptr);
  EXPECT_EQ(pair.client.failure()->code, Errc::kVerificationFailed);
  EXPECT_THAT(pair.client.failure()->message,
              AllOf(HasSubstr(identity()->fingerprint()->to_string()),
                    HasSubstr(other_identity()->fingerprint()->to_string())));
  ASSERT_NE(pair.server.failure(), nullptr);
  EXPECT_EQ(pair.server.failure()->code, Errc::kRefused);
  EXPECT_THAT(pair.server.failure()->message, HasSubstr("bad_certificate"));
  EXPECT_FALSE(pair.client.connected() || pair.server.connected());
}

TEST(DtlsAuthentication, ServerRefusesAClientWithAnotherCertificate) {
  auto client = client_config();
  client.identity = other_identity();
  Pair pair(std::move(client));
  pair.start();
  pair.run();
  ASSERT_NE(pair.server.failure(), nullptr);
  EXPECT_EQ(pair.server.failure()->code, Errc::kVerificationFailed);
  ASSERT_NE(pair.client.failure(), nullptr);
  EXPECT_EQ(pair.client.failure()->code, Errc::kRefused);
  EXPECT_THAT(pair.client.failure()->message, HasSubstr("bad_certificate"));
  EXPECT_FALSE(pair.client.connected() || pair.server.connected());
}

TEST(DtlsAuthentication, HoldsDataUntilTheFingerprintArrivesAndThenDeliversIt) {
  auto server = server_config();
  server.remote_fingerprints.clear();
  Pair pair(client_config(), std::move(server));
  pair.start();
  pair.run([&] { return pair.client.connected(); });
  pair.send(true, "early");
  pair.send(true, "bird");
  pair.run({}, 1s);
  EXPECT_TRUE(pair.server.events.empty());
  EXPECT_TRUE(pair.server.received.empty());
  std::vector<std::uint8_t> out(100);
  EXPECT_EQ(pair.server.connection->seal(as_bytes("x"), out).error().code, Errc::kInvalidState);
  EXPECT_EQ(pair.server.connection->export_keying_material("label", 8).error().code,
            Errc::kInvalidState);
  EXPECT_EQ(pair.server.connection->next_timeout(), kNever);

  ASSERT_TRUE(
      pair.server.connection->set_remote_fingerprints(pair.now(), fingerprints_of(*identity())));
  pair.pump();
  EXPECT_TRUE(pair.server.connected());
  EXPECT_THAT(pair.server.received, ElementsAre("early", "bird"));
}

TEST(DtlsAuthentication, RefusesWithAnAlertWhenTheLateFingerprintDoesNotMatch) {
  auto server = server_config();
  server.remote_fingerprints.clear();
  Pair pair(client_config(), std::move(server));
  pair.start();
  pair.run([&] { return pair.client.connected(); });
  pair.send(true, "never to be seen");
  pair.run({}, 1s);
  ASSERT_TRUE(pair.server.connection->set_remote_fingerprints(pair.now(),
                                                              fingerprints_of(*other_identity())));
  pair.run();
  EXPECT_TRUE(pair.server.received.empty());
  EXPECT_FALSE(pair.server.connected());
  ASSERT_NE(pair.server.failure(), nullptr);
  EXPECT_EQ(pair.server.failure()->code, Errc::kVerificationFailed);
  EXPECT_THAT(pair.server.failure()->message,
              AllOf(HasSubstr(identity()->fingerprint()->to_string()),
                    HasSubstr(other_identity()->fingerprint()->to_string())));
  ASSERT_NE(pair.client.failure(), nullptr);
  EXPECT_THAT(pair.client.failure()->message, HasSubstr("bad_certificate"));
}

TEST(DtlsAuthentication, SealsItsLateAlertWithEverySuiteInBothRoles) {
  const PemPair pem = make_ec_identity("P-256");
  for (const bool peer_is_server : {false, true}) {
    for (const auto& [suite, standard_name] :
         {std::pair("ECDHE-ECDSA-AES128-GCM-SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
          std::pair("ECDHE-ECDSA-AES256-GCM-SHA384", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
          std::pair("ECDHE-ECDSA-CHACHA20-POLY1305",
                    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256")}) {
      auto options = peer_options(peer_is_server, pem);
      options.ciphers = suite;
      auto config = config_for(options);
      config.remote_fingerprints.clear();
      Mixed mixed(std::move(config), options);
      mixed.run();
      ASSERT_TRUE(mixed.peer.finished()) << suite;
      EXPECT_EQ(mixed.floe->stats().cipher, standard_name) << suite;
      EXPECT_TRUE(mixed.floe->set_remote_fingerprints(kStart, fingerprints_of(*other_identity())));
      mixed.deliver();
      EXPECT_EQ(mixed.peer.alert(), 42) << suite;
    }
  }
}

TEST(DtlsAuthentication, ChecksFingerprintsThatCameInMidHandshake) {
  for (const bool good : {true, false}) {
    auto server = server_config();
    server.remote_fingerprints.clear();
    auto client = client_config();
    client.remote_fingerprints.clear();
    Pair pair(std::move(client), std::move(server));
    pair.start();
    pair.run({}, 30ms);
    const auto promised = fingerprints_of(good ? *identity() : *other_identity());
    ASSERT_TRUE(
        pair.client.connection->set_remote_fingerprints(pair.now(), fingerprints_of(*identity())));
    ASSERT_TRUE(pair.server.connection->set_remote_fingerprints(pair.now(), promised));
    pair.run();
    EXPECT_EQ(pair.server.connected(), good);
    EXPECT_EQ(pair.client.connected(), good);
    EXPECT_EQ(pair.server.failure() == nullptr, good);
    EXPECT_EQ(pair.client.failure() == nullptr, good);
  }
}

TEST(DtlsAuthentication, BoundsWhatItHoldsUntilTheFingerprintArrives) {
  auto server = server_config();
  server.remote_fingerprints.clear();
  Pair pair(client_config(), std::move(server));
  pair.start();
  pair.run([&] { return pair.client.connected(); });
  const std::string block(10'000, 'x');
  for (int i = 0; i < 30; ++i) pair.send(true, block);
  pair.run({}, 1s);
  ASSERT_TRUE(
      pair.server.connection->set_remote_fingerprints(pair.now(), fingerprints_of(*identity())));
  pair.pump();
  EXPECT_LE(pair.server.received.size() * block.size(), PlaintextQueue::kMaxBytes);
  EXPECT_EQ(pair.server.connection->stats().drops(DropReason::kQueueFull),
            30 - pair.server.received.size());
  pair.send(true, "after");
  pair.run({}, 1s);
  EXPECT_EQ(pair.server.received.back(), "after");
}

TEST(DtlsAuthentication, FingerprintsAreSetOnceAndMustBeUsable) {
  auto connection = make([] {
    auto config = server_config();
    config.remote_fingerprints.clear();
    return config;
  }());
  EXPECT_EQ(connection->set_remote_fingerprints(kStart, {}).error().code, Errc::kInvalidArgument);
  EXPECT_EQ(connection->set_remote_fingerprints(kStart, {{"sha-256", {1, 2}}}).error().code,
            Errc::kInvalidArgument);
  EXPECT_EQ(connection->set_remote_fingerprints(kStart, {{"md5", {1, 2}}}).error().code,
            Errc::kUnsupported);
  EXPECT_TRUE(connection->set_remote_fingerprints(kStart, fingerprints_of(*identity())));
  EXPECT_TRUE(connection->set_remote_fingerprints(kStart, fingerprints_of(*identity())));
  EXPECT_EQ(
      connection->set_remote_fingerprints(kStart, fingerprints_of(*other_identity())).error().code,
      Errc::kInvalidState);
}

TEST(DtlsAuthentication, ConnectsToPeersWithEcdsaAndRsaIdentitiesInBothRoles) {
  for (const auto& pem :
       {make_ec_identity("P-256"), make_ec_identity("P-384"), make_rsa_identity(2'048)}) {
    for (const bool peer_is_server : {false, true}) {
      const auto options = peer_options(peer_is_server, pem);
      Mixed mixed(config_for(options), options);
      mixed.run();
      EXPECT_TRUE(mixed.connected()) << mixed.failure().message;
      EXPECT_TRUE(mixed.peer.finished());
    }
  }
}

TEST(DtlsAuthentication, UsesAnRsaIdentityOfItsOwn) {
  const PemPair pem = make_rsa_identity(2'048);
  for (const bool peer_is_server : {false, true}) {
    const auto options = peer_options(peer_is_server, make_ec_identity("P-256"));
    auto config = config_for(options);
    config.identity = *Identity::from_pem(pem.certificate, pem.key);
    Mixed mixed(std::move(config), options);
    mixed.run();
    EXPECT_TRUE(mixed.connected()) << mixed.failure().message;
  }
}

TEST(DtlsAuthentication, GoesThroughTheCookieExchangeOfOtherServers) {
  auto options = peer_options(true, make_ec_identity("P-256"));
  options.cookie = true;
  Mixed mixed(config_for(options), options);
  mixed.run();
  EXPECT_TRUE(mixed.connected()) << mixed.failure().message;
  EXPECT_EQ(mixed.floe->flight(), 3u);
}

TEST(DtlsAuthentication, RefusesPeersWithoutExtendedMasterSecret) {
  for (const bool peer_is_server : {false, true}) {
    auto options = peer_options(peer_is_server, make_ec_identity("P-256"));
    options.extended_master_secret = false;
    Mixed mixed(config_for(options), options);
    mixed.run();
    EXPECT_EQ(mixed.failure().code, Errc::kUnsupported);
    EXPECT_THAT(mixed.failure().message, HasSubstr("extended master secret"));
    EXPECT_EQ(mixed.peer.alert(), 40);
  }
}

TEST(DtlsAuthentication, RefusesAClientWithoutACertificate) {
  OpensslPeer::Options options;
  auto config = config_for(options);
  config.remote_fingerprints = fingerprints_of(*identity());
  Mixed mixed(std::move(config), options);
  mixed.run();
  EXPECT_THAT(mixed.failure().message, HasSubstr("certificate"));
  EXPECT_FALSE(mixed.peer.finished());
  EXPECT_FALSE(mixed.connected());
}

TEST(DtlsAuthentication, RefusesOldVersionsAndWeakSuites) {
  constexpr int kDtls10 = 0xfeff;
  for (const bool peer_is_server : {false, true}) {
    auto options = peer_options(peer_is_server, make_ec_identity("P-256"));
    options.ciphers = "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0";
    Mixed cbc(config_for(options), options);
    cbc.run();
    EXPECT_FALSE(cbc.connected() || cbc.peer.finished());
    options.ciphers = "ALL:@SECLEVEL=0";
    options.max_version = kDtls10;
    Mixed old(config_for(options), options);
    old.run();
    EXPECT_FALSE(old.connected() || old.peer.finished());
  }
}

}  // namespace
}  // namespace floe::dtls::testing
