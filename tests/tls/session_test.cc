#include "floe/tls/internal/stream_session.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>

#include "floe/tls/internal/client_authenticator.h"
#include "floe/tls/internal/server_authenticator.h"
#include "tests/network_conformance/stage.h"
#include "tests/tls/certificates.h"

namespace floe::tls {
namespace {

using net::conformance::pattern;

constexpr std::chrono::sys_seconds kToday = std::chrono::sys_days{std::chrono::year{2026} / 5 / 1};

/// Two ends of TLS, without a network.
struct Ends {
  explicit Ends(int highest_version) {
    const testing::Authority authority("An authority", kToday);
    testing::Subject subject;
    subject.names = {"DNS:turn.example"};
    ServerOptions serving;
    serving.identity = authority.issue(subject);
    ClientOptions trusting;
    trusting.server_name = "turn.example";
    trusting.trust = authority.trust();
    const auto server_side = ServerAuthenticator::create(Medium::kStream, serving).value();
    SSL_CTX_set_max_proto_version(server_side->context(), highest_version);
    client = StreamSession::create(
                 dtls::Role::kClient,
                 ClientAuthenticator::create(Medium::kStream, trusting, kToday).value())
                 .value();
    server = StreamSession::create(dtls::Role::kServer, server_side).value();
  }

  /// Hands what `from` wants to send to `to`, `piece` bytes at a time, each followed by `after`.
  static void carry(StreamSession& from, StreamSession& to, std::size_t piece, const auto& after) {
    while (!from.output().empty()) {
      const auto bytes = to_vector(from.output().first(std::min(piece, from.output().size())));
      from.consume(bytes.size());
      to.feed(bytes);
      after();
    }
  }
  bool shake_hands(std::size_t piece) {
    bool client_done = false;
    bool server_done = false;
    const auto step_client = [&] {
      client_done = client->handshake() == StreamSession::Outcome::kDone;
    };
    const auto step_server = [&] {
      server_done = server->handshake() == StreamSession::Outcome::kDone;
    };
    step_client();
    for (int flight = 0; flight < 4; ++flight) {
      carry(*client, *server, piece, step_server);
      carry(*server, *client, piece, step_client);
    }
    return client_done && server_done;
  }
  /// What `to` reads of `message`, which arrives in pieces.
  static std::vector<std::uint8_t> pass(StreamSession& from, StreamSession& to, Bytes message,
                                        std::size_t piece) {
    EXPECT_TRUE(from.write(message));
    std::vector<std::uint8_t> read;
    std::array<std::uint8_t, 16'384> space;
    carry(from, to, piece, [&] {
      std::size_t size = 0;
      while (to.read(space, size) == StreamSession::Outcome::kDone) {
        read.insert(read.end(), space.begin(), space.begin() + static_cast<std::ptrdiff_t>(size));
      }
    });
    return read;
  }

  std::unique_ptr<StreamSession> client;
  std::unique_ptr<StreamSession> server;
};

TEST(TlsSession, ReadsTheSameHoweverTheBytesAreCutInBothVersions) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (const std::size_t piece : {1, 2, 3, 7, 100, 1'000'000}) {
      Ends ends(version);
      ASSERT_TRUE(ends.shake_hands(piece)) << ends.client->error().message;
      const std::vector<std::uint8_t> message = pattern(20'000);  // Two records.
      EXPECT_EQ(Ends::pass(*ends.client, *ends.server, message, piece), message);
      EXPECT_EQ(Ends::pass(*ends.server, *ends.client, message, piece), message);
    }
  }
}

TEST(TlsSession, EndsAtAByteThatWasChangedOnTheWay) {
  std::size_t refused = 0;
  std::size_t size = 1;
  for (std::size_t at = 0; at < size; ++at) {
    Ends ends(TLS1_3_VERSION);
    ASSERT_TRUE(ends.shake_hands(1'000'000));
    ASSERT_TRUE(ends.client->write(pattern(10)));
    auto record = to_vector(ends.client->output());
    size = record.size();
    record[at] ^= 0x40;
    ends.server->feed(record);
    std::array<std::uint8_t, 16'384> space;
    std::size_t read = 0;
    const auto outcome = ends.server->read(space, read);
    EXPECT_NE(outcome, StreamSession::Outcome::kDone) << "byte " << at;
    if (outcome == StreamSession::Outcome::kFailed) {
      ++refused;
      EXPECT_EQ(ends.server->error().code, Errc::kMalformed);
      EXPECT_FALSE(ends.server->output().empty()) << "an alert says so";
    }
  }
  // A length that grew waits for bytes that never come.
  EXPECT_GE(refused, size - 2);
}

TEST(TlsSession, TellsTheEndFromMissingBytes) {
  Ends ends(TLS1_3_VERSION);
  ASSERT_TRUE(ends.shake_hands(1'000'000));
  ends.client->send_close_notify();
  std::array<std::uint8_t, 16'384> space;
  std::size_t size = 0;
  EXPECT_EQ(ends.server->read(space, size), StreamSession::Outcome::kWantMore);
  ends.server->feed(to_vector(ends.client->output()));
  EXPECT_EQ(ends.server->read(space, size), StreamSession::Outcome::kClosed);
  EXPECT_TRUE(ends.server->write(pattern(10))) << "the other direction stays open";
}

}  // namespace
}  // namespace floe::tls
