#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "floe/core/bytes.h"
#include "floe/core/result.h"
#include "floe/core/time.h"
#include "floe/dtls/authenticator.h"
#include "floe/dtls/identity.h"
#include "floe/dtls/role.h"
#include "floe/dtls/srtp_profile.h"

struct bio_method_st;
struct bio_st;
struct ssl_ctx_st;
struct ssl_st;
struct x509_store_ctx_st;

namespace floe::dtls {

/// OpenSSL's `SSL` with datagrams instead of a socket under it; internal to this folder. Every call
/// clears OpenSSL's error queue first and leaves it empty.
class Session {
 public:
  enum class Outcome : std::uint8_t {
    kDone,      ///< Handshake finished, record read, flight sent again.
    kWantMore,  ///< Nothing to do until the next record or timeout.
    kClosed,    ///< The peer sent close_notify.
    kFailed,    ///< For good; `error()` says why.
  };

  /// 50 ms: two round trips of 25 ms, below which waiting longer costs nothing a person notices and
  /// a slower peer (key operations of tens of ms) is not flooded. 3 s: RFC 6298's old initial
  /// timeout. RFC 6347 section 4.2.4.1 would double on to 60 s, for the sake of congestion; a
  /// handshake is a few datagrams and somebody waits for it, and consent (RFC 7675) is gone after
  /// 30 s anyway, about when OpenSSL's twelve retransmissions are used up.
  static constexpr Duration kMinRto = std::chrono::milliseconds(50);
  static constexpr Duration kMaxRto = std::chrono::seconds(3);

  struct Config {
    Role role;
    std::shared_ptr<const Identity> identity;            ///< One of these two.
    std::shared_ptr<const Authenticator> authenticator;  ///< Decides on certificates itself.
    std::size_t mtu;
    std::span<const SrtpProfile> srtp_profiles;
    /// Asked for the peer's certificate (DER) in mid-handshake; false ends it with bad_certificate.
    std::function<bool(Bytes)> accept_certificate;
  };
  static Result<std::unique_ptr<Session>> create(Config config);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// The settings that connections share; for `Identity`, null on failure.
  static ssl_ctx_st* new_context();

  /// Whether the OpenSSL that floe was built with has DTLS 1.3, and so its records.
  static bool has_dtls13();

  /// One record for the coming `handshake` and `read` calls, up to `end_feed`. Before they ask for
  /// it, they may return others that were kept because they came before their keys.
  void feed(Bytes record, bool encrypted);
  void end_feed();
  Outcome handshake();
  /// For a server's first datagrams, fed as unencrypted ones: a ClientHello without a valid cookie
  /// is answered with HelloVerifyRequest and forgotten (kWantMore), one with it begins the
  /// handshake (kDone), which `handshake` continues.
  Outcome listen();
  /// One application record into `space`, which must hold the largest.
  Outcome read(MutableBytes space, std::size_t& size);
  /// Seals straight into `out`.
  Result<std::size_t> write(Bytes plaintext, MutableBytes out);
  void send_close_notify();
  /// An alert outside the handshake's own, after which the session must not be used any further:
  /// in plain text as long as we have no write key, else sealed.
  void send_last_alert(std::uint8_t level, std::uint8_t description);

  void set_initial_rto(Duration rto);
  /// Time to the next retransmission; nothing if none is planned.
  std::optional<Duration> timeout() const;
  Outcome handle_timeout();

  /// Datagrams to send, oldest first; the caller pops.
  std::deque<std::vector<std::uint8_t>>& outgoing() { return outgoing_; }
  bool finished() const;
  const std::string& error() const { return error_; }
  /// Description of the fatal alert that the peer sent (authenticated), if it ended the session.
  std::optional<std::uint8_t> peer_alert() const { return peer_alert_; }
  bool timed_out() const { return timed_out_; }
  std::uint64_t retransmits() const { return retransmits_; }
  std::uint32_t flight() const { return flight_; }
  /// Datagrams given up because nobody fetched those before them.
  std::uint64_t overflows() const { return overflows_; }

  /// RFC 7627, or a protocol version that has its protection built in.
  bool extended_master_secret() const;
  std::string version() const;
  std::string cipher() const;
  std::vector<std::uint8_t> peer_certificate() const;
  std::optional<SrtpProfile> srtp_profile() const;
  Result<std::vector<std::uint8_t>> export_keying_material(std::string_view label,
                                                           std::size_t size) const;

 private:
  explicit Session(Config config);
  Outcome outcome_of(int returned);
  bool take_write(Bytes datagram);

  static bio_method_st* datagram_method();
  static int on_bio_read(bio_st* bio, char* out, int size);
  static int on_bio_write(bio_st* bio, const char* datagram, int size);
  static long on_bio_ctrl(bio_st* bio, int command, long number, void* pointer);
  static unsigned int on_timer(ssl_st* ssl, unsigned int previous_us);
  static int on_verify(x509_store_ctx_st* store, void*);
  static void on_info(const ssl_st* ssl, int where, int value);

  Config config_;
  ssl_st* ssl_ = nullptr;
  bool renumber_ = false;  // input_ gets a number of ours
  std::uint64_t renumbered_ = 0;
  Bytes input_;  // the record being fed
  std::deque<std::vector<std::uint8_t>> outgoing_;
  MutableBytes target_;  // where write() wants its record
  std::size_t target_size_ = 0;
  Duration initial_rto_ = std::chrono::seconds(1);
  bool rto_is_new_ = false;
  bool in_flight_ = false;  // something was sent since the last record came in
  bool retransmitting_ = false;
  bool timed_out_ = false;
  std::uint64_t retransmits_ = 0;
  std::uint32_t flight_ = 0;
  std::uint64_t overflows_ = 0;
  std::optional<std::uint8_t> peer_alert_;
  std::string error_;
};

}  // namespace floe::dtls
