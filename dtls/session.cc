#include "floe/dtls/session.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/srtp.h>
#include <openssl/ssl.h>
#include <sys/time.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "floe/core/check.h"
#include "floe/dtls/identity_handles.h"
#include "floe/dtls/last_alert.h"
#include "floe/dtls/openssl_error.h"
#include "floe/dtls/record.h"

namespace floe::dtls {
namespace {

// RFC 8827 section 6.5: ECDHE_ECDSA with AES-128-GCM is the one suite all must do; it stands first
// because the CPU does it in hardware. The rest: AEAD with forward secrecy only. ECDHE_RSA is for
// peers whose certificate is RSA.
constexpr const char* kCipherSuites =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384";
constexpr const char* kGroups = "X25519:P-256:P-384";
constexpr int kSecurityLevel = 2;  // 112 bits: RSA from 2,048 bits on

// The longest flight that can exist (identity.cc's longest chain in the smallest datagrams) is 150
// datagrams. More are only there if nobody polls; what is lost then is sent again by the timer.
constexpr std::size_t kMaxOutgoing = 256;

const char* openssl_name(SrtpProfile profile) {
  switch (profile) {
    case SrtpProfile::kAes128CmHmacSha1_80:
      return "SRTP_AES128_CM_SHA1_80";
    case SrtpProfile::kAes128CmHmacSha1_32:
      return "SRTP_AES128_CM_SHA1_32";
    case SrtpProfile::kAeadAes128Gcm:
      return "SRTP_AEAD_AES_128_GCM";
    case SrtpProfile::kAeadAes256Gcm:
      return "SRTP_AEAD_AES_256_GCM";
  }
  return "";
}

std::string joined_names(std::span<const SrtpProfile> profiles) {
  std::string names;
  for (const SrtpProfile profile : profiles) {
    if (!names.empty()) names += ':';
    names += openssl_name(profile);
  }
  return names;
}

Session& session_of(const SSL* ssl) {
  return *static_cast<Session*>(SSL_get_app_data(ssl));
}

std::vector<std::uint8_t> to_der(X509* certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate, &der);
  if (size <= 0) return {};
  std::vector<std::uint8_t> bytes(der, der + size);
  OPENSSL_free(der);
  return bytes;
}

unsigned int to_us(Duration d) {
  return static_cast<unsigned int>(
      std::chrono::duration_cast<std::chrono::microseconds>(d).count());
}

}  // namespace

ssl_ctx_st* Session::new_context() {
  ERR_clear_error();
  SSL_CTX* context = SSL_CTX_new(DTLS_method());
  if (context == nullptr) return nullptr;
  // No highest version: an OpenSSL that has DTLS 1.3 brings it. RFC 8827 section 6.5 on the rest.
  bool ok = SSL_CTX_set_min_proto_version(context, DTLS1_2_VERSION) == 1 &&
            SSL_CTX_set_max_proto_version(context, 0) == 1 &&
            SSL_CTX_set_cipher_list(context, kCipherSuites) == 1 &&
            SSL_CTX_set1_groups_list(context, kGroups) == 1;
  if (!ok) {
    SSL_CTX_free(context);
    return nullptr;
  }
  SSL_CTX_set_security_level(context, kSecurityLevel);
  // Without SSL_OP_COOKIE_EXCHANGE there is no HelloVerifyRequest: ICE has already shown that the
  // peer is where its address says, and the round trip would be wasted.
  SSL_CTX_set_options(context, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 0);
  // RFC 8122 section 6.2: both sides must present a certificate. Whoever signed it means nothing,
  // the fingerprint does.
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_cert_verify_callback(context, on_verify, nullptr);
  return context;
}

Session::Session(Config config) : config_(std::move(config)) {}

Session::~Session() {
  SSL_free(ssl_);
}

Result<std::unique_ptr<Session>> Session::create(Config config) {
  ERR_clear_error();
  auto session = std::unique_ptr<Session>(new Session(std::move(config)));
  const Config& kept = session->config_;
  SSL* ssl = SSL_new(kept.authenticator != nullptr ? kept.authenticator->context()
                                                   : kept.identity->handles_->context);
  BIO* bio = BIO_new(datagram_method());
  session->ssl_ = ssl;
  if (ssl == nullptr || bio == nullptr) {
    BIO_free(bio);
    return fail(Errc::kInternal, "OpenSSL cannot set up a session: " + take_openssl_errors());
  }
  BIO_set_data(bio, session.get());
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl, bio, bio);
  SSL_set_app_data(ssl, session.get());
  SSL_set_info_callback(ssl, on_info);
  DTLS_set_timer_cb(ssl, on_timer);
  DTLS_set_link_mtu(ssl, static_cast<long>(kept.mtu));
  const std::string profiles = joined_names(kept.srtp_profiles);
  if (!profiles.empty() && SSL_set_tlsext_use_srtp(ssl, profiles.c_str()) != 0) {
    return fail(Errc::kUnsupported, "OpenSSL cannot negotiate the SRTP profiles " + profiles +
                                        ": " + take_openssl_errors());
  }
  if (kept.authenticator != nullptr && !kept.authenticator->prepare(ssl)) {
    return fail(Errc::kInternal, "OpenSSL cannot set up a session: " + take_openssl_errors());
  }
  if (kept.role == Role::kClient) {
    SSL_set_connect_state(ssl);
  } else {
    SSL_set_accept_state(ssl);
  }
  return session;
}

// A source and sink with datagram boundaries: OpenSSL's memory BIO would run them together.
bio_method_st* Session::datagram_method() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "floe datagrams");
    FLOE_CHECK(made != nullptr && BIO_meth_set_read(made, on_bio_read) == 1 &&
               BIO_meth_set_write(made, on_bio_write) == 1 &&
               BIO_meth_set_ctrl(made, on_bio_ctrl) == 1);
    return made;
  }();
  return method;
}

int Session::on_bio_read(bio_st* bio, char* out, int size) {
  auto& session = *static_cast<Session*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (session.input_.empty()) {
    BIO_set_retry_read(bio);
    return -1;
  }
  const std::size_t copied = std::min(static_cast<std::size_t>(size), session.input_.size());
  std::memcpy(out, session.input_.data(), copied);
  if (session.renumber_ && copied >= Record::kHeaderSize) {
    // Behind type (1), version (2) and epoch (2, zero); 64 bits from the epoch's on stay below
    // 2^48 for good.
    ByteWriter writer({reinterpret_cast<std::uint8_t*>(out) + 3, 8});
    writer.u64(++session.renumbered_);
  }
  session.input_ = {};
  return static_cast<int>(copied);
}

int Session::on_bio_write(bio_st* bio, const char* datagram, int size) {
  auto& session = *static_cast<Session*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  const Bytes bytes = as_bytes({datagram, static_cast<std::size_t>(size)});
  return session.take_write(bytes) ? size : -1;
}

long Session::on_bio_ctrl(bio_st*, int command, long, void*) {
  // All others, BIO_CTRL_DGRAM_GET_MTU_OVERHEAD among them: the link MTU is the datagram's size.
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

bool Session::take_write(Bytes datagram) {
  // While write() runs OpenSSL may first send something else that was due.
  const bool handshake = datagram[0] <= static_cast<std::uint8_t>(ContentType::kHandshake);
  if (!target_.empty() && !handshake) {
    if (datagram.size() > target_.size() || target_size_ != 0) return false;
    std::memcpy(target_.data(), datagram.data(), datagram.size());
    target_size_ = datagram.size();
    return true;
  }
  if (!in_flight_ && !retransmitting_ && !finished()) {
    in_flight_ = true;
    ++flight_;
  }
  // OpenSSL fills datagrams with the first transmission of a flight and gives each message one of
  // its own when it sends them again, which on a lossy path makes it so much less likely that all
  // come.
  const bool joins = !outgoing_.empty() && outgoing_.back().size() + datagram.size() <= config_.mtu;
  if (joins) {
    outgoing_.back().insert(outgoing_.back().end(), datagram.begin(), datagram.end());
  } else if (outgoing_.size() == kMaxOutgoing) {
    ++overflows_;
  } else {
    outgoing_.push_back(to_vector(datagram));
  }
  return true;
}

unsigned int Session::on_timer(ssl_st* ssl, unsigned int previous_us) {
  Session& session = session_of(ssl);
  const unsigned int initial = to_us(session.initial_rto_);
  session.retransmitting_ = previous_us != 0;
  if (previous_us == 0) {  // a new flight
    session.rto_is_new_ = false;
    return initial;
  }
  // The flight is about to be sent again: what of it still waits here would only double it.
  session.outgoing_.clear();
  ++session.retransmits_;
  const unsigned int before = std::exchange(session.rto_is_new_, false) ? initial : previous_us;
  return std::min(2 * before, to_us(kMaxRto));
}

int Session::on_verify(x509_store_ctx_st* store, void*) {
  const auto* ssl = static_cast<const SSL*>(
      X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  if (session_of(ssl).config_.accept_certificate(to_der(X509_STORE_CTX_get0_cert(store)))) {
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 1;
  }
  X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);  // becomes alert bad_certificate
  return 0;
}

void Session::on_info(const ssl_st* ssl, int where, int value) {
  if (where != SSL_CB_READ_ALERT || value >> 8 != kFatal) return;
  session_of(ssl).peer_alert_ = static_cast<std::uint8_t>(value & 0xff);
}

bool Session::has_dtls13() {
#ifdef DTLS1_3_VERSION
  return true;
#else
  return false;
#endif
}

void Session::feed(Bytes record, bool encrypted) {
  input_ = record;
  // An unencrypted record's sequence number protects nothing, since anybody can write it; but one
  // with a forged high number would move OpenSSL's replay window past all that the peer sends. So
  // such records are numbered as they come. DTLS 1.3 acknowledges records by number, so not there.
  renumber_ = !encrypted && !has_dtls13();
  in_flight_ = false;
  retransmitting_ = false;
}

void Session::end_feed() {
  input_ = {};
}

Session::Outcome Session::outcome_of(int returned) {
  if (returned > 0) return Outcome::kDone;
  switch (SSL_get_error(ssl_, returned)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      ERR_clear_error();
      return Outcome::kWantMore;
    case SSL_ERROR_ZERO_RETURN:
      ERR_clear_error();
      return Outcome::kClosed;
    default:
      timed_out_ = ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_READ_TIMEOUT_EXPIRED;
      error_ = take_openssl_errors();
      return Outcome::kFailed;
  }
}

Session::Outcome Session::handshake() {
  ERR_clear_error();
  return outcome_of(SSL_do_handshake(ssl_));
}

Session::Outcome Session::listen() {
  ERR_clear_error();
  // HelloVerifyRequest repeats the number of the record it answers, and the handshake goes on from
  // there (RFC 6347 section 4.2.1).
  renumber_ = false;
  BIO_ADDR* const unused = BIO_ADDR_new();
  FLOE_CHECK(unused != nullptr);
  const int result = DTLSv1_listen(ssl_, unused);
  BIO_ADDR_free(unused);
  ERR_clear_error();
  return result > 0 ? Outcome::kDone : Outcome::kWantMore;
}

Session::Outcome Session::read(MutableBytes space, std::size_t& size) {
  ERR_clear_error();
  return outcome_of(SSL_read_ex(ssl_, space.data(), space.size(), &size));
}

Result<std::size_t> Session::write(Bytes plaintext, MutableBytes out) {
  ERR_clear_error();
  target_ = out;
  target_size_ = 0;
  std::size_t taken = 0;
  const int ok = SSL_write_ex(ssl_, plaintext.data(), plaintext.size(), &taken);
  target_ = {};
  if (ok != 1 || target_size_ == 0) {
    return fail(Errc::kInternal, "OpenSSL did not seal the record: " + take_openssl_errors());
  }
  return target_size_;
}

void Session::send_close_notify() {
  ERR_clear_error();
  SSL_shutdown(ssl_);
  ERR_clear_error();
}

void Session::send_last_alert(std::uint8_t level, std::uint8_t description) {
  ERR_clear_error();
  if (!finished()) {
    outgoing_.push_back(unencrypted_alert(level, description));
  } else if (auto sealed = sealed_alert(ssl_, level, description)) {
    outgoing_.push_back(std::move(*sealed));
  } else {
    send_close_notify();  // the one alert that OpenSSL offers for every version
  }
  ERR_clear_error();
}

void Session::set_initial_rto(Duration rto) {
  initial_rto_ = std::clamp(rto, kMinRto, kMaxRto);
  rto_is_new_ = true;
}

std::optional<Duration> Session::timeout() const {
  timeval left{};
  if (DTLSv1_get_timeout(ssl_, &left) != 1) return std::nullopt;
  return std::chrono::seconds(left.tv_sec) + std::chrono::microseconds(left.tv_usec);
}

Session::Outcome Session::handle_timeout() {
  ERR_clear_error();
  const long result = DTLSv1_handle_timeout(ssl_);
  if (result < 0) return outcome_of(-1);
  ERR_clear_error();
  return result == 0 ? Outcome::kWantMore : Outcome::kDone;
}

bool Session::finished() const {
  return SSL_is_init_finished(ssl_) == 1;
}

bool Session::extended_master_secret() const {
  if (SSL_version(ssl_) != DTLS1_2_VERSION) return true;
  return SSL_get_extms_support(ssl_) == 1;
}

std::string Session::version() const {
  return SSL_get_version(ssl_);
}

std::string Session::cipher() const {
  return SSL_CIPHER_standard_name(SSL_get_current_cipher(ssl_));
}

std::vector<std::uint8_t> Session::peer_certificate() const {
  X509* certificate = SSL_get0_peer_certificate(ssl_);
  return certificate == nullptr ? std::vector<std::uint8_t>() : to_der(certificate);
}

std::optional<SrtpProfile> Session::srtp_profile() const {
  const SRTP_PROTECTION_PROFILE* selected = SSL_get_selected_srtp_profile(ssl_);
  if (selected == nullptr) return std::nullopt;
  return dtls::srtp_profile(static_cast<std::uint16_t>(selected->id));
}

Result<std::vector<std::uint8_t>> Session::export_keying_material(std::string_view label,
                                                                  std::size_t size) const {
  ERR_clear_error();
  std::vector<std::uint8_t> material(size);
  if (SSL_export_keying_material(ssl_, material.data(), size, label.data(), label.size(), nullptr,
                                 0, 0) != 1) {
    return fail(Errc::kInternal, "OpenSSL did not export keys: " + take_openssl_errors());
  }
  return material;
}

}  // namespace floe::dtls
