#include "floe/tls/stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

#include "floe/net/sim/world.h"
#include "floe/tls/internal/server_authenticator.h"
#include "floe/tls/internal/stream_session.h"
#include "tests/network_conformance/stage.h"
#include "tests/tls/certificates.h"

namespace floe::tls {
namespace {

using net::conformance::Door;
using net::conformance::pattern;
using ::testing::HasSubstr;

/// Also keeps what it was told at the end.
struct Ear final : net::StreamHandler {
  bool connected = false;
  std::vector<std::uint8_t> data;
  std::optional<Error> end;
  std::string message() const { return end ? end->message : std::string("still open"); }

  void on_connected() override { connected = true; }
  void on_data(MutableBytes bytes) override { data.insert(data.end(), bytes.begin(), bytes.end()); }
  void on_closed(const Error& error) override { end = error; }
};

class TlsStreams : public ::testing::Test {
 protected:
  std::shared_ptr<const dtls::Identity> certificate_for(std::vector<std::string> names) {
    testing::Subject subject;
    subject.names = std::move(names);
    return authority_.issue(subject);
  }
  ClientOptions trusting(std::string name) {
    ClientOptions options;
    options.server_name = std::move(name);
    options.trust = authority_.trust();
    return options;
  }
  void serve(ServerOptions options) {
    listener_.reset();
    door_.streams.clear();
    listener_ = listen(bob_, {bob_.address(), 5349}, options, door_).value();
  }
  void serve(std::shared_ptr<const dtls::Identity> identity) {
    ServerOptions options;
    options.identity = std::move(identity);
    serve(options);
  }
  void dial(const ClientOptions& options) {
    ear_ = {};
    client_ = connect(alice_, listener_->local(), std::nullopt, options, ear_).value();
    EXPECT_TRUE(run_until([&] { return ear_.connected || ear_.end; }));
  }
  bool run_until(const std::function<bool()>& done) {
    return world_.run_until(done, std::chrono::seconds(60));
  }

  net::sim::World world_{8446};
  net::sim::Host& alice_ = world_.add_host("alice");
  net::sim::Host& bob_ = world_.add_host("bob");
  testing::Authority authority_{"An authority", bob_.wall_clock()};
  Door door_;
  std::unique_ptr<net::Listener> listener_;
  Ear ear_;
  std::unique_ptr<net::Stream> client_;
};

TEST_F(TlsStreams, ConnectToAServerWhoseCertificateIsForTheNameTheyWereGiven) {
  const struct {
    std::vector<std::string> names;
    std::string asked;
  } cases[] = {
      {{"DNS:turn.example"}, "turn.example"},
      {{"DNS:turn.example"}, "TURN.example."},
      {{"DNS:other.example", "DNS:*.turn.example"}, "a.turn.example"},
      {{"IP:192.0.2.7"}, "192.0.2.7"},
      {{"IP:2001:db8::7"}, "2001:db8:0::7"},
  };
  for (const auto& each : cases) {
    serve(certificate_for(each.names));
    dial(trusting(each.asked));
    EXPECT_TRUE(ear_.connected) << each.asked << ": " << ear_.message();
  }
  testing::Subject subject;
  subject.names = {"DNS:turn.example"};
  serve(authority_.issue_below(subject));
  dial(trusting("turn.example"));
  EXPECT_TRUE(ear_.connected) << ear_.message();
}

TEST_F(TlsStreams, SayWhyTheyRefuseACertificate) {
  testing::Subject expired;
  expired.names = {"DNS:turn.example"};
  expired.from = -std::chrono::days(30);
  expired.until = -std::chrono::days(1);
  testing::Subject early = expired;
  early.from = std::chrono::days(1);
  early.until = std::chrono::days(30);
  testing::Subject only_common_name;
  only_common_name.common_name = "turn.example";
  testing::Subject right;
  right.names = {"DNS:turn.example"};
  const testing::Authority stranger("A stranger", bob_.wall_clock());
  const auto self_signed = dtls::Identity::generate(bob_.wall_clock()).value();

  const struct {
    std::shared_ptr<const dtls::Identity> identity;
    std::string asked;
    std::string why;
  } cases[] = {
      {certificate_for({"DNS:other.example"}), "turn.example",
       "the certificate is for other.example, not turn.example"},
      {certificate_for({"DNS:a.example", "DNS:b.example", "IP:192.0.2.1"}), "192.0.2.2",
       "the certificate is for a.example, b.example and 192.0.2.1, not 192.0.2.2"},
      {certificate_for({"DNS:*.turn.example"}), "a.b.turn.example",
       "the certificate is for *.turn.example, not a.b.turn.example"},
      {certificate_for({"DNS:192.0.2.2"}), "192.0.2.2", "not 192.0.2.2"},
      {authority_.issue(only_common_name), "turn.example", "names no host"},
      {authority_.issue(expired), "turn.example", "turn.example expired on 20"},
      {authority_.issue(early), "turn.example", "is valid only from 20"},
      {stranger.issue(right), "turn.example", "unknown issuer, \"A stranger\""},
      {stranger.issue_below(right), "turn.example", "unknown issuer, \"A stranger\""},
      {self_signed, "turn.example", "unknown issuer"},
  };
  for (const auto& each : cases) {
    serve(each.identity);
    dial(trusting(each.asked));
    EXPECT_FALSE(ear_.connected);
    ASSERT_TRUE(ear_.end) << each.why;
    EXPECT_EQ(ear_.end->code, Errc::kVerificationFailed);
    EXPECT_THAT(ear_.end->message, HasSubstr(each.why));
    world_.run_for(std::chrono::seconds(1));
    EXPECT_TRUE(door_.streams.empty()) << each.why;
  }
}

TEST_F(TlsStreams, TrustTheSystemsAuthoritiesOnlyUnlessToldOtherwise) {
  serve(certificate_for({"DNS:turn.example"}));
  ClientOptions options;
  options.server_name = "turn.example";
  dial(options);
  ASSERT_TRUE(ear_.end);
  EXPECT_THAT(ear_.end->message, HasSubstr("unknown issuer, \"An authority\""));

  const testing::Authority other("Another", bob_.wall_clock());
  options.trust = Trust::from_pem(other.pem() + authority_.pem()).value();
  dial(options);
  EXPECT_TRUE(ear_.connected) << ear_.message();
}

TEST_F(TlsStreams, TakeCertificatesKeysAndAuthoritiesFromFiles) {
  const std::string folder = ::testing::TempDir();
  testing::Subject subject;
  subject.names = {"DNS:turn.example"};
  const auto pem = authority_.issue_pem(subject);
  const auto store = [&](const std::string& name, const std::string& text) {
    std::ofstream(folder + name) << text;
    return folder + name;
  };
  const std::string chain = store("floe_tls_chain.pem", pem.certificate_chain);
  const std::string key = store("floe_tls_key.pem", pem.private_key);
  const std::string ca = store("floe_tls_ca.pem", authority_.pem());
  const std::string empty = store("floe_tls_empty.pem", "");

  serve(read_identity(chain, key).value());
  ClientOptions options = trusting("turn.example");
  options.trust = Trust::from_file(ca).value();
  dial(options);
  EXPECT_TRUE(ear_.connected) << ear_.message();

  EXPECT_EQ(read_identity(chain, folder + "floe_no_such.pem").error().code, Errc::kNotFound);
  EXPECT_EQ(read_identity(chain, chain).error().code, Errc::kMalformed);
  EXPECT_EQ(Trust::from_file(folder + "floe_no_such.pem").error().code, Errc::kNotFound);
  EXPECT_THAT(Trust::from_file(empty).error().message, HasSubstr("floe_tls_empty.pem"));
  for (const std::string& path : {chain, key, ca, empty}) std::remove(path.c_str());
}

TEST_F(TlsStreams, RefuseOptionsThatProveNothing) {
  serve(certificate_for({"DNS:turn.example"}));
  for (const std::string name : {"", "two words", "a/b"}) {
    const auto refused = connect(alice_, listener_->local(), std::nullopt, trusting(name), ear_);
    ASSERT_FALSE(refused) << name;
    EXPECT_EQ(refused.error().code, Errc::kInvalidArgument);
  }
  ClientOptions options = trusting("turn.example");
  options.alpn = {""};
  EXPECT_FALSE(connect(alice_, listener_->local(), std::nullopt, options, ear_));
  EXPECT_EQ(listen(bob_, {bob_.address(), 1}, {}, door_).error().code, Errc::kInvalidArgument);
  EXPECT_EQ(Trust::from_pem("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
                .error()
                .code,
            Errc::kMalformed);
}

TEST_F(TlsStreams, AgreeOnAProtocolIfBothNameSome) {
  ServerOptions serving;
  serving.identity = certificate_for({"DNS:turn.example"});
  ClientOptions asking = trusting("turn.example");
  asking.alpn = {kAlpnTurn, "else"};
  serve(serving);
  dial(asking);
  EXPECT_TRUE(ear_.connected) << "a server that knows nothing of it: " << ear_.message();
  serving.alpn = {kAlpnNatDiscovery, kAlpnTurn};
  serve(serving);
  dial(asking);
  EXPECT_TRUE(ear_.connected) << ear_.message();
  dial(trusting("turn.example"));
  EXPECT_TRUE(ear_.connected) << "a client that names none: " << ear_.message();
  asking.alpn = {"h2"};
  dial(asking);
  ASSERT_TRUE(ear_.end);
  EXPECT_EQ(ear_.end->code, Errc::kRefused);
}

TEST_F(TlsStreams, CarryAMegabyteOverALossyPath) {
  alice_.interface().set_link(
      {.latency = std::chrono::milliseconds(30), .loss = 0.05, .reorder = 0.05});
  serve(certificate_for({"DNS:turn.example"}));
  dial(trusting("turn.example"));
  ASSERT_TRUE(ear_.connected) << ear_.message();
  Ear far;
  ASSERT_TRUE(run_until([&] { return door_.streams.size() == 1; }));
  door_.streams[0]->set_handler(far);
  const auto message = pattern(1 << 20);
  ASSERT_TRUE(client_->write(message));
  ASSERT_TRUE(run_until([&] { return far.data.size() == message.size(); }));
  EXPECT_EQ(far.data, message);
}

TEST_F(TlsStreams, AcceptAConnectionThatIsThereAlready) {
  listener_ = bob_.listen({bob_.address(), 443}, door_).value();
  client_ =
      connect(alice_, listener_->local(), std::nullopt, trusting("turn.example"), ear_).value();
  ASSERT_TRUE(run_until([&] { return door_.streams.size() == 1; }));
  ServerOptions serving;
  serving.identity = certificate_for({"DNS:turn.example"});
  Ear far;
  const auto server = accept(bob_, std::move(door_.streams[0]), serving, far).value();
  EXPECT_TRUE(server->write(pattern(100))) << "even before the handshake";
  EXPECT_EQ(server->buffered(), 100u);
  ASSERT_TRUE(run_until([&] { return far.connected && ear_.data.size() == 100; }));
  EXPECT_EQ(ear_.data, pattern(100));
  EXPECT_EQ(server->remote(), client_->local());
}

/// A TLS server that can do what a floe stream never does.
struct RudeServer final : net::ListenerHandler, net::StreamHandler {
  explicit RudeServer(std::shared_ptr<const dtls::Identity> identity) {
    ServerOptions options;
    options.identity = std::move(identity);
    session = StreamSession::create(dtls::Role::kServer,
                                    ServerAuthenticator::create(Medium::kStream, options).value())
                  .value();
  }
  void on_accept(std::unique_ptr<net::Stream> accepted) override {
    stream = std::move(accepted);
    stream->set_handler(*this);
  }
  void on_data(MutableBytes data) override {
    session->feed(data);
    static_cast<void>(session->handshake());
    flush();
  }
  void on_closed(const Error&) override {}
  void flush() {
    const auto bytes = to_vector(session->output());
    session->consume(bytes.size());
    static_cast<void>(stream->write(bytes));
  }
  std::unique_ptr<StreamSession> session;
  std::unique_ptr<net::Stream> stream;
};

TEST_F(TlsStreams, TellAnEndThatMayHaveBeenCutFromAGoodbye) {
  for (const bool says_goodbye : {false, true}) {
    RudeServer rude(certificate_for({"DNS:turn.example"}));
    listener_ = bob_.listen({bob_.address(), 443}, rude).value();
    dial(trusting("turn.example"));
    ASSERT_TRUE(ear_.connected) << ear_.message();
    world_.run_for(std::chrono::seconds(1));  // The client is done first.
    ASSERT_TRUE(rude.session->write(pattern(50)));
    if (says_goodbye) rude.session->send_close_notify();
    rude.flush();
    rude.stream->shutdown();
    ASSERT_TRUE(run_until([&] { return ear_.end.has_value(); }));
    EXPECT_EQ(ear_.data, pattern(50));
    EXPECT_EQ(ear_.end->code, Errc::kClosed);
    EXPECT_EQ(ear_.end->message.find("without close_notify") == std::string::npos, says_goodbye);
    listener_.reset();
  }
}

TEST_F(TlsStreams, EndAtGarbageBeforeAndAfterTheHandshake) {
  for (const bool after : {false, true}) {
    RudeServer rude(certificate_for({"DNS:turn.example"}));
    if (!after) {
      // Another protocol's server answers.
      listener_ = bob_.listen({bob_.address(), 443}, door_).value();
      door_.then = [&] {
        static_cast<void>(door_.streams.back()->write(as_bytes("220 mail\r\n")));
      };
    } else {
      listener_ = bob_.listen({bob_.address(), 443}, rude).value();
    }
    dial(trusting("turn.example"));
    if (after) {
      ASSERT_TRUE(ear_.connected) << ear_.message();
      ASSERT_TRUE(rude.stream->write(pattern(200)));
    }
    ASSERT_TRUE(run_until([&] { return ear_.end.has_value(); }));
    EXPECT_EQ(ear_.end->code, Errc::kMalformed) << ear_.message();
    EXPECT_EQ(client_->write(pattern(1)).error().code, Errc::kClosed);
    listener_.reset();
    door_.then = nullptr;
    door_.streams.clear();
  }
}

TEST_F(TlsStreams, SayThatTheConnectionEndedInTheHandshake) {
  listener_ = bob_.listen({bob_.address(), 443}, door_).value();
  door_.then = [&] { door_.streams.clear(); };
  dial(trusting("turn.example"));
  ASSERT_TRUE(ear_.end);
  EXPECT_EQ(ear_.end->code, Errc::kClosed);
  EXPECT_THAT(ear_.end->message, HasSubstr("in the middle of the handshake"));
}

TEST_F(TlsStreams, ListenersGiveNobodyForEverAndLetNobodyLockOthersOut) {
  serve(certificate_for({"DNS:turn.example"}));
  // More than the listener waits for: each opens a connection and says nothing, or garbage.
  std::vector<Ear> idle(kMaxHandshakes + 20);
  std::vector<std::unique_ptr<net::Stream>> streams;
  for (std::size_t i = 0; i < idle.size(); ++i) {
    streams.push_back(alice_.connect(listener_->local(), std::nullopt, idle[i]).value());
    world_.run_for(std::chrono::milliseconds(1));
  }
  world_.run_for(std::chrono::seconds(1));
  const auto ended = [&] {
    return std::ranges::count_if(idle, [](const Ear& ear) { return ear.end.has_value(); });
  };
  EXPECT_EQ(ended(), 20) << "the oldest make room";
  EXPECT_FALSE(idle.back().end);
  dial(trusting("turn.example"));
  EXPECT_TRUE(ear_.connected) << ear_.message();
  ASSERT_TRUE(run_until([&] { return door_.streams.size() == 1; }));

  ASSERT_TRUE(streams.back()->write(pattern(100)));
  world_.run_for(std::chrono::seconds(1));
  EXPECT_TRUE(idle.back().end) << "garbage is no handshake";
  world_.run_for(kHandshakePatience);
  EXPECT_EQ(static_cast<std::size_t>(ended()), idle.size());
  EXPECT_FALSE(ear_.end) << "who is done may be silent";
}

TEST_F(TlsStreams, OutliveATenMinuteSleep) {
  serve(certificate_for({"DNS:turn.example"}));
  dial(trusting("turn.example"));
  ASSERT_TRUE(run_until([&] { return door_.streams.size() == 1; }));
  Ear far;
  door_.streams[0]->set_handler(far);
  bob_.sleep_for(std::chrono::minutes(10));
  alice_.sleep_for(std::chrono::minutes(10));
  world_.run_for(std::chrono::minutes(11));
  ASSERT_TRUE(client_->write(pattern(100)));
  EXPECT_TRUE(run_until([&] { return far.data.size() == 100; }));
}

}  // namespace
}  // namespace floe::tls
