#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "floe/core/bytes.h"
#include "floe/core/result.h"

namespace floe::srtp {

/// Protection profiles, by their IANA numbers (RFC 5764 section 4.1.2, RFC 7714 section 14.2).
enum class Profile : std::uint16_t {
  kAes128CmHmacSha1_80 = 0x0001,
  kAes128CmHmacSha1_32 = 0x0002,
  kAeadAes128Gcm = 0x0007,
  kAeadAes256Gcm = 0x0008,
};

/// Bytes of master key and of master salt (RFC 3711 section 8.2, RFC 7714 section 12).
std::size_t master_key_size(Profile profile);
std::size_t master_salt_size(Profile profile);

/// One direction's secrets.
struct MasterKey {
  std::vector<std::uint8_t> key;
  std::vector<std::uint8_t> salt;
};

/// Why a packet that came in was dropped.
enum class DropReason : std::uint8_t {
  kMalformed,       ///< Not RTP or RTCP of version 2, or too short for its tag.
  kForged,          ///< The tag is not the peer's.
  kReplayed,        ///< It has come before.
  kOld,             ///< Too old to tell whether it has come before.
  kTooManySources,  ///< A source beyond `Session::kMaxSources`.
};
inline constexpr std::size_t kDropReasons = 5;
std::string_view to_string(DropReason reason);

/// SRTP and SRTCP of one DTLS association (RFC 3711, RFC 7714, RFC 5764), both directions, any
/// number of sources. An engine without time: packets are protected and unprotected in place.
class Session {
 public:
  struct Config {
    Profile profile = Profile::kAeadAes128Gcm;
    MasterKey local;   ///< For what is sent.
    MasterKey remote;  ///< For what is received.
    /// Header extensions that are encrypted in both directions, by their ids (RFC 6904), 1 to 255.
    std::vector<std::uint8_t> encrypted_extensions{};
    /// Packets that may overtake one another and still be told from replays, 64 to 32,767.
    std::size_t replay_window = 1024;
  };

  /// What protection adds to an RTP packet at most: the tag.
  static constexpr std::size_t kMaxRtpOverhead = 16;
  /// The same for RTCP: the tag, and the index with the encryption flag.
  static constexpr std::size_t kMaxRtcpOverhead = 20;
  /// Sources (SSRCs) of one direction with a state of their own. A peer that keeps inventing others
  /// must not fill the memory; a conference's forwarded tracks are some hundreds.
  static constexpr std::size_t kMaxSources = 1024;

  /// Errors: kInvalidArgument for keys of the wrong size or a value out of its range. The secrets
  /// are copied and wiped at the end; the caller wipes its own.
  [[nodiscard]] static Result<std::unique_ptr<Session>> create(const Config& config);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Protects the first `size` bytes of `space`, an RTP packet, and returns the size it has then.
  /// `space` has `kMaxRtpOverhead` bytes more. Errors: kMalformed; kInvalidArgument for a packet
  /// that was sent before (to repeat one, repeat its protected bytes), a space that is too small;
  /// kLimitExceeded for a source beyond `kMaxSources`, or a key that has served 2^48 packets.
  [[nodiscard]] Result<std::size_t> protect_rtp(MutableBytes space, std::size_t size);
  /// The same for a compound or reduced-size RTCP packet, with `kMaxRtcpOverhead`.
  [[nodiscard]] Result<std::size_t> protect_rtcp(MutableBytes space, std::size_t size);

  /// The RTP packet in `packet`, authenticated and decrypted in place; nothing if it was dropped.
  std::optional<MutableBytes> unprotect_rtp(MutableBytes packet);
  std::optional<MutableBytes> unprotect_rtcp(MutableBytes packet);

  /// Forgets a source's rollover counters and replay window, in one direction: it was announced to
  /// be gone. Should it come again, it begins anew.
  void forget_local(std::uint32_t ssrc);
  void forget_remote(std::uint32_t ssrc);

  struct Stats {
    std::uint64_t protected_packets = 0;
    std::uint64_t unprotected_packets = 0;
    std::array<std::uint64_t, kDropReasons> dropped{};  ///< By `DropReason`.

    std::uint64_t drops(DropReason reason) const {
      return dropped[static_cast<std::size_t>(reason)];
    }
  };
  const Stats& stats() const { return stats_; }

 private:
  struct Direction;
  enum class Kind : std::uint8_t { kRtp, kRtcp };

  Session();
  Result<std::size_t> protect(Kind kind, MutableBytes space, std::size_t size);
  std::optional<MutableBytes> unprotect(Kind kind, MutableBytes packet);
  void drop(DropReason reason) { ++stats_.dropped[static_cast<std::size_t>(reason)]; }

  std::unique_ptr<Direction> outbound_;
  std::unique_ptr<Direction> inbound_;
  Stats stats_;
};

}  // namespace floe::srtp
