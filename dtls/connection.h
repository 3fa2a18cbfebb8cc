#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "floe/core/bytes.h"
#include "floe/core/limits.h"
#include "floe/core/result.h"
#include "floe/core/time.h"
#include "floe/dtls/authenticator.h"
#include "floe/dtls/fingerprint.h"
#include "floe/dtls/identity.h"
#include "floe/dtls/plaintext_queue.h"
#include "floe/dtls/record.h"
#include "floe/dtls/role.h"
#include "floe/dtls/srtp_profile.h"

namespace floe::dtls {

class Session;

/// The handshake is done and the peer's certificate is the one its fingerprint promised.
struct Connected {
  std::string cipher;                       ///< The cipher suite's IANA name.
  std::optional<SrtpProfile> srtp_profile;  ///< Empty if none was offered or none was common.
};
/// The peer sent close_notify: nothing more comes, and nothing more can be sent.
struct Closed {};
/// The connection is over; no other event follows.
struct Failed {
  Error error;
};
using Event = std::variant<Connected, Closed, Failed>;

/// One DTLS association over one ICE path (RFC 6347, 8842), as an engine: it is told the time and
/// handed datagrams, and asked for what to send, when to wake up and what happened.
///
/// Authentication is by fingerprint alone. As long as the remote fingerprints are not known, the
/// handshake may run to its end, but nothing that arrives is delivered and nothing can be sent
/// (RFC 8122 section 6.2).
///
/// What anybody could have forged does not end a handshake where that can be helped: records are
/// checked before OpenSSL sees them, and an unencrypted alert is believed only when the peer then
/// leaves three retransmissions unanswered. A well-formed handshake message with wrong contents
/// does end it, as in every DTLS 1.2. A peer that never answers is `Failed` after twelve
/// retransmissions; a server that is never contacted waits.
///
/// OpenSSL times retransmissions by the process's wall clock. Tests and simulators define
/// `gettimeofday` in their executable so that it follows their virtual time; otherwise its timers
/// and `now` agree by nature.
class Connection {
 public:
  struct Config {
    Role role = Role::kClient;
    std::shared_ptr<const Identity> identity;  ///< Required, or else:
    /// Authentication by other means than fingerprints, which stay empty.
    std::shared_ptr<const Authenticator> authenticator{};
    std::vector<Fingerprint> remote_fingerprints{};  ///< Empty: not known yet.
    /// First retransmission timeout, see `set_round_trip`. RFC 6347 section 4.2.4.1 has a second
    /// for those who know nothing about their path. Clamped to 50 ms to 3 s.
    Duration initial_rto = std::chrono::seconds(1);
    /// The largest datagram the handshake emits, 256 to 16,384 bytes.
    std::size_t mtu = kBaseDatagram;
    std::vector<SrtpProfile> srtp_profiles{};  ///< Most wanted first. Empty: no DTLS-SRTP.
  };

  /// What a record adds to its plaintext at most: header (13), explicit nonce (8) and tag (16) of
  /// AES-GCM; other suites add less.
  static constexpr std::size_t kMaxOverhead = 37;
  /// RFC 6347 section 4.1: 2^14 bytes.
  static constexpr std::size_t kMaxPlaintext = 16'384;

  static Result<std::unique_ptr<Connection>> create(Config config);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// True if a datagram on a multiplexed path is for DTLS (RFC 7983 section 7).
  static bool looks_like_dtls(Bytes datagram);
  /// The most plaintext whose record fits a datagram of this size.
  static constexpr std::size_t max_plaintext(std::size_t datagram_size) {
    if (datagram_size <= kMaxOverhead) return 0;
    const std::size_t room = datagram_size - kMaxOverhead;
    return room < kMaxPlaintext ? room : kMaxPlaintext;
  }

  /// The client's ClientHello becomes ready to send; the server begins to listen. A server keeps
  /// the few datagrams that came before. Further calls do nothing.
  void start(Time now);
  /// For a server that anybody may write to: instead of `start`, with each datagram from a client
  /// it does not know. A ClientHello without a cookie that the authenticator's context accepts is
  /// answered (`poll_transmit`) and forgotten. True once there was one with it: the handshake has
  /// begun, the connection belongs to that client. RFC 6347 section 4.2.1.
  bool listen(Time now, Bytes datagram);

  /// Derives the first retransmission timeout from the path's round trip: twice of it, between
  /// 50 ms and 3 s. Holds for timers started from here on, that is from the next flight or the
  /// next retransmission.
  void set_round_trip(Duration round_trip);

  /// The remote fingerprints from SDP. If the peer's certificate is known already it is checked
  /// here: `Connected` and what was held follow, or `Failed`. Refused are an empty list and hash
  /// functions floe does not know (`Fingerprint::parse` tells; skip those lines). After they were
  /// set once they cannot change.
  [[nodiscard]] Result<> set_remote_fingerprints(Time now, std::vector<Fingerprint> fingerprints);

  /// Takes one UDP datagram, maybe with several records. True if it was DTLS, whatever its fate;
  /// what is malformed, forged or replayed is dropped and counted. Poll events, plaintext and
  /// transmissions afterwards.
  bool handle_packet(Time now, MutableBytes datagram);

  /// The next decrypted application record; its bytes are valid until the next call of
  /// `poll_plaintext` or `handle_packet`. Empty before `Connected`.
  std::optional<MutableBytes> poll_plaintext();

  /// Writes the next datagram of the handshake, or an alert, into `space` and returns its size;
  /// 0 when there is none. `space` must hold `Config::mtu` bytes.
  std::size_t poll_transmit(Time now, MutableBytes space);

  /// Encrypts one application record straight into `out` and returns its size. `plaintext` has 1
  /// to `kMaxPlaintext` bytes, `out` at least `kMaxOverhead` more. `kInvalidState` before
  /// `Connected`, `kClosed` after the end.
  [[nodiscard]] Result<std::size_t> seal(Bytes plaintext, MutableBytes out);

  Time next_timeout() const { return deadline_; }
  void handle_timeout(Time now);

  std::optional<Event> poll_event();

  /// Sends close_notify (as a plain alert if the handshake is not over). What was sent before is
  /// not waited for, and what arrives is discarded. Further calls do nothing.
  void close(Time now);

  /// RFC 5705 with an empty context. `kInvalidState` before `Connected`.
  [[nodiscard]] Result<std::vector<std::uint8_t>> export_keying_material(std::string_view label,
                                                                         std::size_t size);
  /// RFC 5764 section 4.2. `kInvalidState` before `Connected`, `kNotFound` without a profile.
  [[nodiscard]] Result<SrtpKeys> srtp_keys();

  struct Stats {
    std::uint64_t datagrams_received = 0;  ///< Handed in, DTLS or not.
    std::uint64_t datagrams_sent = 0;      ///< By `poll_transmit`.
    std::uint64_t records_sealed = 0;
    std::uint64_t records_opened = 0;
    std::uint64_t retransmits = 0;  ///< Flights sent again because a timer ran out.
    std::array<std::uint64_t, kDropReasons> dropped{};  ///< By `DropReason`.
    std::string version;  ///< E.g. "DTLSv1.2"; empty before the handshake is done, as the next two.
    std::string cipher;
    std::vector<std::uint8_t> peer_certificate;  ///< DER.

    std::uint64_t drops(DropReason reason) const {
      return dropped[static_cast<std::size_t>(reason)];
    }
  };
  Stats stats() const;

  bool connected() const { return state_ == State::kConnected; }
  /// Counts the handshake flights this side has begun; a retransmission belongs to the flight it
  /// repeats. Datagrams from `poll_transmit` are of this flight, so whoever keeps copies of a
  /// flight's datagrams drops them when the number grows.
  std::uint32_t flight() const;

 private:
  enum class State : std::uint8_t {
    kIdle,         // start() not called yet
    kHandshaking,  // flights under way
    kUnverified,   // handshake done, remote fingerprints not known
    kConnected,
    kClosing,  // close() called: waits for the peer's close_notify only
    kOver,     // Closed or Failed was reported, or close() came before the handshake was done
  };

  // An unencrypted alert that would end the handshake, if it can be believed.
  struct Refusal {
    std::uint8_t description = 0;
    std::uint32_t flight = 0;       // ours, when it came
    std::uint64_t retransmits = 0;  // of the session, when it came
  };

  explicit Connection(Config config);

  bool active() const { return state_ != State::kIdle && state_ != State::kOver; }
  void drop(DropReason reason) { ++dropped_[static_cast<std::size_t>(reason)]; }
  void keep_for_start(Bytes datagram);
  void take_datagram(Bytes datagram);
  void take_record(const Record& record);
  void take_unencrypted_alert(Bytes body);
  void advance_handshake();
  void finish_handshake();
  bool accept_certificate(Bytes certificate);
  void verify_peer();
  void become_connected();
  void read_plaintext();
  void on_close_notify();
  void fail_with(Error error);
  Error handshake_error() const;
  bool refusal_confirmed() const;
  void update_deadline(Time now);
  [[nodiscard]] Result<> require_connected(std::string_view what) const;

  Config config_;
  State state_ = State::kIdle;
  std::unique_ptr<Session> session_;
  bool verified_ = false;
  std::optional<Error> mismatch_;  // found by accept_certificate in mid-handshake
  std::optional<Refusal> refusal_;
  std::size_t early_records_ = 0;
  PlaintextQueue plaintext_;
  std::vector<std::vector<std::uint8_t>> early_datagrams_;  // before start(), server only
  std::deque<Event> events_;                                // at most Connected and one ending
  Time deadline_ = kNever;

  std::uint64_t datagrams_received_ = 0;
  std::uint64_t datagrams_sent_ = 0;
  std::uint64_t records_sealed_ = 0;
  std::uint64_t records_opened_ = 0;
  std::array<std::uint64_t, kDropReasons> dropped_{};
};

}  // namespace floe::dtls
