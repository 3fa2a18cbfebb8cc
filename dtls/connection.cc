#include "floe/dtls/connection.h"

#include <algorithm>
#include <utility>

#include "floe/core/check.h"
#include "floe/core/text.h"
#include "floe/crypto/crypto.h"
#include "floe/dtls/session.h"

namespace floe::dtls {
namespace {

constexpr std::size_t kMinMtu = 256;  // OpenSSL fragments no finer
constexpr std::size_t kMaxMtu = 16'384;

// What a server may be handed before start(): a ClientHello, in two datagrams with post-quantum key
// shares, and one retransmission of it.
constexpr std::size_t kMaxEarlyDatagrams = 4;
constexpr std::size_t kMaxEarlyDatagramSize = 2'048;

// Application records that OpenSSL keeps (17 KiB each) until the peer's Finished is there. Anybody
// can forge them, and SCTP sends again what is lost.
constexpr std::size_t kMaxEarlyRecords = 16;

// Remote fingerprints: a few hash functions for a few certificates.
constexpr std::size_t kMaxFingerprints = 32;

// An unencrypted alert may be anybody's, but a peer that sent one is gone: it is believed when our
// flight went unanswered through this many retransmissions.
constexpr std::uint64_t kRefusalRetransmits = 3;

// How far OpenSSL's clock and ours may round apart before we look again.
constexpr Duration kMinWait = std::chrono::milliseconds(1);

constexpr std::size_t kMaxExport = 1'024;

Result<> check_fingerprints(const std::vector<Fingerprint>& fingerprints) {
  if (fingerprints.size() > kMaxFingerprints) {
    return fail(Errc::kLimitExceeded,
                "more than " + std::to_string(kMaxFingerprints) + " remote fingerprints");
  }
  for (const Fingerprint& fingerprint : fingerprints) {
    const auto example = Fingerprint::of({}, fingerprint.algorithm);
    if (!example) return forward(example);
    if (example->bytes.size() != fingerprint.bytes.size()) {
      return fail(Errc::kInvalidArgument, "remote fingerprint '" + fingerprint.to_string() +
                                              "' has the wrong number of bytes");
    }
  }
  return {};
}

std::string joined(const std::vector<Fingerprint>& fingerprints) {
  std::string text;
  for (const Fingerprint& fingerprint : fingerprints) {
    if (!text.empty()) text += ", ";
    text += fingerprint.to_string();
  }
  return text;
}

Error mismatch(Bytes certificate, const std::vector<Fingerprint>& promised) {
  const auto actual = Fingerprint::of(certificate, promised.front().algorithm);
  FLOE_CHECK(actual.has_value());
  return {Errc::kVerificationFailed, "the peer's certificate has fingerprint " +
                                         actual->to_string() + ", signalled was " +
                                         joined(promised)};
}

}  // namespace

Result<std::unique_ptr<Connection>> Connection::create(Config config) {
  if ((config.identity == nullptr) == (config.authenticator == nullptr)) {
    return fail(Errc::kInvalidArgument,
                "a DTLS connection needs either Config::identity or Config::authenticator");
  }
  if (config.mtu < kMinMtu || config.mtu > kMaxMtu) {
    return fail(Errc::kInvalidArgument, "Config::mtu of " + std::to_string(config.mtu) +
                                            " is not between 256 and 16,384 bytes");
  }
  if (auto ok = check_fingerprints(config.remote_fingerprints); !ok) return forward(ok);

  auto connection = std::unique_ptr<Connection>(new Connection(std::move(config)));
  Connection& self = *connection;
  auto session = Session::create(
      {.role = self.config_.role,
       .identity = self.config_.identity,
       .authenticator = self.config_.authenticator,
       .mtu = self.config_.mtu,
       .srtp_profiles = self.config_.srtp_profiles,
       .accept_certificate = [&self](Bytes der) { return self.accept_certificate(der); }});
  if (!session) return forward(session);
  self.session_ = std::move(*session);
  self.session_->set_initial_rto(self.config_.initial_rto);
  return connection;
}

Connection::Connection(Config config) : config_(std::move(config)) {}
Connection::~Connection() = default;

bool Connection::looks_like_dtls(Bytes datagram) {
  return datagram.size() >= Record::kHeaderSize && datagram[0] >= 20 && datagram[0] <= 63;
}

void Connection::start(Time now) {
  if (state_ != State::kIdle) return;
  state_ = State::kHandshaking;
  advance_handshake();
  for (const auto& datagram : std::exchange(early_datagrams_, {})) take_datagram(datagram);
  update_deadline(now);
}

bool Connection::listen(Time now, Bytes datagram) {
  FLOE_CHECK(state_ == State::kIdle && config_.role == Role::kServer);
  ++datagrams_received_;
  const auto record = looks_like_dtls(datagram) ? next_record(datagram) : std::nullopt;
  if (!record) {
    drop(DropReason::kMalformed);
    return false;
  }
  const auto reason = record->encrypted() ? std::optional(DropReason::kUnexpected)
                                          : why_drop_unencrypted(*record, config_.role);
  if (reason) {
    drop(*reason);
    return false;
  }
  session_->feed(record->whole, false);
  const bool verified = session_->listen() == Session::Outcome::kDone;
  if (verified) {
    state_ = State::kHandshaking;
    advance_handshake();
    update_deadline(now);
  }
  session_->end_feed();
  return verified;
}

void Connection::set_round_trip(Duration round_trip) {
  // Twice, since the answer also takes the peer's computation and the path's jitter.
  session_->set_initial_rto(2 * std::min(round_trip, Session::kMaxRto));
}

Result<> Connection::set_remote_fingerprints(Time now, std::vector<Fingerprint> fingerprints) {
  if (auto ok = check_fingerprints(fingerprints); !ok) return ok;
  if (fingerprints.empty()) {
    return fail(Errc::kInvalidArgument, "the list of remote fingerprints is empty");
  }
  if (!config_.remote_fingerprints.empty()) {
    if (config_.remote_fingerprints == fingerprints) return {};
    // RFC 8842 section 5.1: other fingerprints mean a new association.
    return fail(Errc::kInvalidState,
                "remote fingerprints of a DTLS connection cannot change; make a new one");
  }
  config_.remote_fingerprints = std::move(fingerprints);
  if (state_ == State::kUnverified) verify_peer();
  update_deadline(now);
  return {};
}

bool Connection::handle_packet(Time now, MutableBytes datagram) {
  ++datagrams_received_;
  if (!looks_like_dtls(datagram)) {
    drop(DropReason::kNotDtls);
    return false;
  }
  if (state_ == State::kIdle && config_.role == Role::kServer) {
    keep_for_start(datagram);
  } else if (!active()) {
    drop(DropReason::kNotRunning);
  } else {
    take_datagram(datagram);
    update_deadline(now);
  }
  return true;
}

void Connection::keep_for_start(Bytes datagram) {
  if (early_datagrams_.size() == kMaxEarlyDatagrams || datagram.size() > kMaxEarlyDatagramSize) {
    drop(DropReason::kQueueFull);
  } else {
    early_datagrams_.push_back(to_vector(datagram));
  }
}

void Connection::take_datagram(Bytes datagram) {
  while (!datagram.empty() && active()) {
    const auto record = next_record(datagram);
    if (!record) return drop(DropReason::kMalformed);
    take_record(*record);
  }
}

void Connection::take_record(const Record& record) {
  // OpenSSL takes a type it does not know for a reason to end the handshake.
  if (record.unified() && !Session::has_dtls13()) return drop(DropReason::kUnexpected);
  if (!record.encrypted()) {
    if (state_ != State::kHandshaking) return drop(DropReason::kStaleEpoch);
    if (record.is(ContentType::kAlert)) return take_unencrypted_alert(record.body);
    if (const auto reason = why_drop_unencrypted(record, config_.role)) return drop(*reason);
  } else if (state_ == State::kHandshaking && record.is(ContentType::kApplicationData) &&
             ++early_records_ > kMaxEarlyRecords) {
    return drop(DropReason::kQueueFull);
  }
  const std::uint64_t opened = records_opened_;
  const bool expects_data =
      state_ != State::kHandshaking && record.is(ContentType::kApplicationData);
  session_->feed(record.whole, record.encrypted());
  if (state_ == State::kHandshaking) advance_handshake();
  if (active() && state_ != State::kHandshaking) read_plaintext();
  session_->end_feed();
  if (expects_data && opened == records_opened_) drop(DropReason::kUndecryptable);
}

void Connection::take_unencrypted_alert(Bytes body) {
  drop(DropReason::kUnencryptedAlert);
  // Before our first flight nobody has anything to refuse.
  if (body.size() != 2 || session_->flight() == 0) return;
  const bool ends =
      body[0] == kFatal || body[1] == static_cast<std::uint8_t>(AlertDescription::kCloseNotify);
  if (!ends || (refusal_ && refusal_->flight == session_->flight())) return;
  refusal_ = Refusal{body[1], session_->flight(), session_->retransmits()};
}

bool Connection::refusal_confirmed() const {
  return refusal_ && refusal_->flight == session_->flight() &&
         session_->retransmits() >= refusal_->retransmits + kRefusalRetransmits;
}

void Connection::advance_handshake() {
  switch (session_->handshake()) {
    case Session::Outcome::kDone:
      return finish_handshake();
    case Session::Outcome::kWantMore:
      return;
    case Session::Outcome::kClosed:
      return fail_with({Errc::kRefused, "the peer closed in the middle of the DTLS handshake"});
    case Session::Outcome::kFailed:
      return fail_with(handshake_error());
  }
}

Error Connection::handshake_error() const {
  if (mismatch_) return *mismatch_;
  if (config_.authenticator != nullptr) {
    if (auto failure = config_.authenticator->failure()) return *std::move(failure);
  }
  if (session_->timed_out()) {
    std::string text = "the DTLS peer answered none of " + std::to_string(session_->retransmits()) +
                       " retransmissions";
    if (refusal_) text += " after alert " + std::string(alert_name(refusal_->description));
    return {Errc::kTimedOut, std::move(text)};
  }
  if (const auto alert = session_->peer_alert()) {
    return {Errc::kRefused,
            "the DTLS peer ended the connection with alert " + std::string(alert_name(*alert))};
  }
  return {Errc::kInternal, "DTLS failed: " + session_->error()};
}

void Connection::finish_handshake() {
  state_ = State::kUnverified;
  refusal_.reset();
  // Its context has decided, and nothing that RFC 7627 protects is taken from the session.
  if (config_.authenticator != nullptr) return become_connected();
  if (!session_->extended_master_secret()) {
    // RFC 7627: without it, exported SRTP keys and the certificates that were verified do not
    // belong together for certain. Every WebRTC peer has it.
    session_->send_last_alert(kFatal,
                              static_cast<std::uint8_t>(AlertDescription::kHandshakeFailure));
    return fail_with(
        {Errc::kUnsupported, "the DTLS peer does not do extended master secret (RFC 7627)"});
  }
  if (!config_.remote_fingerprints.empty()) verify_peer();
}

// RFC 8122 section 6.2: a certificate that does not match ends the handshake with bad_certificate.
bool Connection::accept_certificate(Bytes certificate) {
  const auto& promised = config_.remote_fingerprints;
  if (promised.empty() || matches(certificate, promised)) return true;
  mismatch_ = mismatch(certificate, promised);
  return false;
}

// The same, at the end of the handshake or when the fingerprints came after it.
void Connection::verify_peer() {
  const std::vector<std::uint8_t> certificate = session_->peer_certificate();
  if (!matches(certificate, config_.remote_fingerprints)) {
    session_->send_last_alert(kFatal, static_cast<std::uint8_t>(AlertDescription::kBadCertificate));
    return fail_with(mismatch(certificate, config_.remote_fingerprints));
  }
  become_connected();
}

void Connection::become_connected() {
  verified_ = true;
  state_ = State::kConnected;
  events_.push_back(Connected{session_->cipher(), session_->srtp_profile()});
}

void Connection::read_plaintext() {
  std::array<std::uint8_t, kMaxPlaintext> overflow;
  while (active()) {
    // OpenSSL must get on even if nobody fetches what it read.
    const bool keep = state_ != State::kClosing;
    const MutableBytes kept = keep ? plaintext_.open(kMaxPlaintext) : MutableBytes();
    std::size_t size = 0;
    switch (session_->read(kept.empty() ? MutableBytes(overflow) : kept, size)) {
      case Session::Outcome::kDone:
        ++records_opened_;
        if (!kept.empty()) {
          plaintext_.commit(size);
        } else {
          drop(keep ? DropReason::kQueueFull : DropReason::kNotRunning);
        }
        break;
      case Session::Outcome::kWantMore:
        return;
      case Session::Outcome::kClosed:
        return on_close_notify();
      case Session::Outcome::kFailed:
        return fail_with(handshake_error());
    }
  }
}

std::optional<MutableBytes> Connection::poll_plaintext() {
  if (!verified_) return std::nullopt;
  return plaintext_.pop();
}

void Connection::on_close_notify() {
  // RFC 5246 section 7.2.1: answer with our own and close at once. What came before it is still
  // there to be polled.
  session_->send_close_notify();
  state_ = State::kOver;
  events_.push_back(Closed{});
}

void Connection::fail_with(Error error) {
  state_ = State::kOver;
  plaintext_.clear();
  events_.push_back(Failed{std::move(error)});
}

void Connection::close(Time now) {
  plaintext_.clear();
  if (state_ == State::kUnverified || state_ == State::kConnected) {
    session_->send_close_notify();
    state_ = State::kClosing;
  } else if (state_ == State::kHandshaking || state_ == State::kIdle) {
    if (session_->flight() != 0) {
      session_->send_last_alert(kWarning,
                                static_cast<std::uint8_t>(AlertDescription::kCloseNotify));
    }
    state_ = State::kOver;
  }
  update_deadline(now);
}

std::size_t Connection::poll_transmit(Time, MutableBytes space) {
  auto& outgoing = session_->outgoing();
  if (outgoing.empty()) return 0;
  FLOE_CHECK(outgoing.front().size() <= space.size());
  const std::size_t size = outgoing.front().size();
  std::copy(outgoing.front().begin(), outgoing.front().end(), space.begin());
  outgoing.pop_front();
  ++datagrams_sent_;
  return size;
}

Result<> Connection::require_connected(std::string_view what) const {
  if (state_ == State::kConnected) return {};
  if (state_ == State::kClosing || state_ == State::kOver) {
    return fail(Errc::kClosed, std::string(what) + ": the DTLS connection is over");
  }
  return fail(Errc::kInvalidState,
              std::string(what) + ": the DTLS connection is not established; wait for Connected");
}

Result<std::size_t> Connection::seal(Bytes plaintext, MutableBytes out) {
  if (auto ok = require_connected("seal"); !ok) return forward(ok);
  if (plaintext.empty()) {
    return fail(Errc::kInvalidArgument, "seal: a record needs at least one byte");
  }
  if (plaintext.size() > kMaxPlaintext) {
    return fail(Errc::kMessageTooLong, "seal: " + std::to_string(plaintext.size()) +
                                           " bytes do not fit a record of 16,384");
  }
  if (out.size() < plaintext.size() + kMaxOverhead) {
    return fail(Errc::kInvalidArgument,
                "seal: `out` must hold 37 bytes (kMaxOverhead) more than the plaintext");
  }
  auto size = session_->write(plaintext, out);
  if (size) ++records_sealed_;
  return size;
}

void Connection::handle_timeout(Time now) {
  if (now < deadline_) return;
  if (session_->handle_timeout() == Session::Outcome::kFailed) {
    fail_with(handshake_error());
  } else if (refusal_confirmed()) {
    fail_with({Errc::kRefused, "the DTLS peer ended the handshake with alert " +
                                   std::string(alert_name(refusal_->description))});
  }
  update_deadline(now);
}

void Connection::update_deadline(Time now) {
  deadline_ = kNever;
  if (state_ != State::kHandshaking) return;
  // OpenSSL decides by the wall clock. Should that have been set back, looking again at least every
  // kMaxRto catches it being set right.
  if (const auto left = session_->timeout()) {
    deadline_ = now + std::clamp(*left, kMinWait, Session::kMaxRto);
  }
}

std::optional<Event> Connection::poll_event() {
  if (events_.empty()) return std::nullopt;
  Event event = std::move(events_.front());
  events_.pop_front();
  return event;
}

Result<std::vector<std::uint8_t>> Connection::export_keying_material(std::string_view label,
                                                                     std::size_t size) {
  if (auto ok = require_connected("export_keying_material"); !ok) return forward(ok);
  if (size == 0 || size > kMaxExport) {
    return fail(Errc::kInvalidArgument, "export_keying_material: " + std::to_string(size) +
                                            " is not between 1 and 1,024 bytes");
  }
  return session_->export_keying_material(label, size);
}

Result<SrtpKeys> Connection::srtp_keys() {
  if (auto ok = require_connected("srtp_keys"); !ok) return forward(ok);
  const auto profile = session_->srtp_profile();
  if (!profile) return fail(Errc::kNotFound, "srtp_keys: no SRTP profile was negotiated");
  const std::size_t key = master_key_size(*profile);
  const std::size_t salt = master_salt_size(*profile);
  auto material = session_->export_keying_material("EXTRACTOR-dtls_srtp", 2 * (key + salt));
  if (!material) return forward(material);
  ByteReader reader(*material);
  SrtpKeys keys{.profile = *profile,
                .client_key = to_vector(reader.bytes(key)),
                .client_salt = {},
                .server_key = to_vector(reader.bytes(key)),
                .server_salt = {}};
  keys.client_salt = to_vector(reader.bytes(salt));
  keys.server_salt = to_vector(reader.bytes(salt));
  crypto::wipe(*material);
  return keys;
}

Connection::Stats Connection::stats() const {
  Stats stats;
  stats.datagrams_received = datagrams_received_;
  stats.datagrams_sent = datagrams_sent_;
  stats.records_sealed = records_sealed_;
  stats.records_opened = records_opened_;
  stats.retransmits = session_->retransmits();
  stats.dropped = dropped_;
  stats.dropped[static_cast<std::size_t>(DropReason::kQueueFull)] += session_->overflows();
  stats.peer_certificate = session_->peer_certificate();
  if (session_->finished()) {
    stats.version = session_->version();
    stats.cipher = session_->cipher();
  }
  return stats;
}

std::uint32_t Connection::flight() const {
  return session_->flight();
}

}  // namespace floe::dtls
