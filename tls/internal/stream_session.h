#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "floe/core/bytes.h"
#include "floe/core/result.h"
#include "floe/dtls/authenticator.h"
#include "floe/dtls/role.h"

struct bio_st;
struct ssl_st;

namespace floe::tls {

/// TLS as an engine, OpenSSL's `SSL` between two buffers: it is fed what arrived and asked for what
/// to send. Every call clears OpenSSL's error queue first and leaves it empty.
class StreamSession {
 public:
  enum class Outcome : std::uint8_t {
    kDone,      ///< Handshake finished, bytes read.
    kWantMore,  ///< Nothing to do until more arrives.
    kClosed,    ///< The peer sent close_notify.
    kFailed,    ///< For good; `error()` says why.
  };

  static Result<std::unique_ptr<StreamSession>> create(
      dtls::Role role, std::shared_ptr<const dtls::Authenticator> authenticator);
  ~StreamSession();
  StreamSession(const StreamSession&) = delete;
  StreamSession& operator=(const StreamSession&) = delete;

  void feed(Bytes arrived);
  Outcome handshake();
  /// Up to one record; `space` should hold one (16 KiB).
  Outcome read(MutableBytes space, std::size_t& size);
  /// Only after the handshake.
  [[nodiscard]] Result<> write(Bytes plaintext);
  void send_close_notify();

  /// What is to be sent, in order; valid until the next call. `consume` takes it off the front.
  Bytes output() const;
  void consume(std::size_t size);

  const Error& error() const { return error_; }

 private:
  explicit StreamSession(std::shared_ptr<const dtls::Authenticator> authenticator);
  Outcome outcome_of(int returned);
  static void on_info(const ssl_st* ssl, int where, int value);

  std::shared_ptr<const dtls::Authenticator> authenticator_;
  ssl_st* ssl_ = nullptr;
  bio_st* input_ = nullptr;  // Owned by ssl_, as output_.
  bio_st* output_ = nullptr;
  std::size_t consumed_ = 0;  // Of output_.
  int peer_alert_ = -1;
  Error error_;
};

}  // namespace floe::tls
