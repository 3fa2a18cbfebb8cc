#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "floe/core/bytes.h"
#include "floe/core/random.h"
#include "floe/core/result.h"
#include "floe/core/time.h"
#include "floe/dtls/connection.h"
#include "floe/rtp/session.h"
#include "floe/srtp/session.h"

namespace floe {

/// Audio and video of one connection: RTP above SRTP, whose keys are those of the DTLS handshake
/// (RFC 5764). An engine. What comes is authenticated before anything else looks at it; what leaves
/// is protected in place.
class MediaTransport {
 public:
  MediaTransport(Time now, rtp::Session::Config config, Random& random)
      : rtp_(now, std::move(config), random) {}

  /// RTP or RTCP, as RFC 7983 section 7 tells it from DTLS and STUN by its first byte.
  static bool looks_like_rtp(Bytes datagram) {
    return !datagram.empty() && datagram[0] >= 128 && datagram[0] <= 191;
  }

  /// The handshake is over. Errors: that SRTP cannot use these keys, which would be a bug.
  [[nodiscard]] Result<> start(dtls::Role role, dtls::SrtpKeys keys);
  bool started() const { return srtp_ != nullptr; }

  rtp::Session& rtp() { return rtp_; }
  const rtp::Session& rtp() const { return rtp_; }

  /// Before `start` packets are dropped: their keys are not known, and what they were is sent again
  /// or asked for.
  void handle_packet(Time now, MutableBytes datagram);
  /// Writes the next datagram; its size, 0 when there is none. `space` has `Config::max_packet` and
  /// `srtp::Session::kMaxRtcpOverhead` bytes.
  std::size_t poll_transmit(Time now, MutableBytes space);
  /// Writes the goodbye to the peer's receivers, of the same kind.
  std::size_t write_bye(Time now, MutableBytes space);

  struct Stats {
    std::uint64_t early = 0;  ///< Packets that came before the keys.
    std::uint64_t rtp_received = 0;
    std::uint64_t rtcp_received = 0;
    std::uint64_t rtp_sent = 0;
    std::uint64_t rtcp_sent = 0;
  };
  const Stats& stats() const { return stats_; }
  /// Null before `start`.
  const srtp::Session::Stats* srtp_stats() const { return srtp_ ? &srtp_->stats() : nullptr; }

 private:
  std::size_t protect_rtcp(MutableBytes space, std::size_t size);

  rtp::Session rtp_;
  std::unique_ptr<srtp::Session> srtp_;
  Stats stats_;
};

}  // namespace floe
