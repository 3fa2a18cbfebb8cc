#include "floe/tls/internal/stream_session.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <limits>
#include <utility>

#include "floe/core/check.h"
#include "floe/dtls/openssl_error.h"
#include "floe/dtls/record.h"

namespace floe::tls {

StreamSession::StreamSession(std::shared_ptr<const dtls::Authenticator> authenticator)
    : authenticator_(std::move(authenticator)) {}

StreamSession::~StreamSession() {
  SSL_free(ssl_);
}

Result<std::unique_ptr<StreamSession>> StreamSession::create(
    dtls::Role role, std::shared_ptr<const dtls::Authenticator> authenticator) {
  ERR_clear_error();
  std::unique_ptr<StreamSession> session(new StreamSession(std::move(authenticator)));
  SSL* const ssl = SSL_new(session->authenticator_->context());
  BIO* const input = BIO_new(BIO_s_mem());
  BIO* const output = BIO_new(BIO_s_mem());
  session->ssl_ = ssl;
  if (ssl == nullptr || input == nullptr || output == nullptr) {
    BIO_free(input);
    BIO_free(output);
    return fail(Errc::kInternal, "OpenSSL cannot set up a session: " + dtls::take_openssl_errors());
  }
  SSL_set_bio(ssl, input, output);
  session->input_ = input;
  session->output_ = output;
  SSL_set_app_data(ssl, session.get());
  SSL_set_info_callback(ssl, on_info);
  if (!session->authenticator_->prepare(ssl)) {
    return fail(Errc::kInternal, "OpenSSL cannot set up a session: " + dtls::take_openssl_errors());
  }
  if (role == dtls::Role::kClient) {
    SSL_set_connect_state(ssl);
  } else {
    SSL_set_accept_state(ssl);
  }
  return session;
}

void StreamSession::on_info(const ssl_st* ssl, int where, int value) {
  if (where != SSL_CB_READ_ALERT || value >> 8 != dtls::kFatal) return;
  static_cast<StreamSession*>(SSL_get_app_data(ssl))->peer_alert_ = value & 0xff;
}

void StreamSession::feed(Bytes arrived) {
  FLOE_CHECK(arrived.size() <= std::numeric_limits<int>::max());
  if (arrived.empty()) return;
  const int taken = BIO_write(input_, arrived.data(), static_cast<int>(arrived.size()));
  FLOE_CHECK(taken == static_cast<int>(arrived.size()));
}

StreamSession::Outcome StreamSession::handshake() {
  ERR_clear_error();
  return outcome_of(SSL_do_handshake(ssl_));
}

StreamSession::Outcome StreamSession::read(MutableBytes space, std::size_t& size) {
  ERR_clear_error();
  return outcome_of(SSL_read_ex(ssl_, space.data(), space.size(), &size));
}

StreamSession::Outcome StreamSession::outcome_of(int returned) {
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
      break;
  }
  const std::string reason = dtls::take_openssl_errors();
  if (auto failure = authenticator_->failure()) {
    error_ = *std::move(failure);
  } else if (peer_alert_ >= 0) {
    error_ = {Errc::kRefused,
              "the other end ended TLS with alert " +
                  std::string(dtls::alert_name(static_cast<std::uint8_t>(peer_alert_)))};
  } else {
    error_ = {Errc::kMalformed, "TLS failed: " + reason};
  }
  return Outcome::kFailed;
}

Result<> StreamSession::write(Bytes plaintext) {
  ERR_clear_error();
  std::size_t taken = 0;
  if (SSL_write_ex(ssl_, plaintext.data(), plaintext.size(), &taken) == 1) return {};
  return fail(Errc::kClosed, "TLS cannot send: " + dtls::take_openssl_errors());
}

void StreamSession::send_close_notify() {
  ERR_clear_error();
  SSL_shutdown(ssl_);
  ERR_clear_error();
}

Bytes StreamSession::output() const {
  const char* bytes = nullptr;
  const long size = BIO_get_mem_data(output_, &bytes);
  return as_bytes({bytes, static_cast<std::size_t>(size)}).subspan(consumed_);
}

void StreamSession::consume(std::size_t size) {
  consumed_ += size;
  if (!output().empty()) return;
  BIO_reset(output_);
  consumed_ = 0;
}

}  // namespace floe::tls
