#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "floe/core/random.h"
#include "floe/core/time.h"
#include "floe/rtp/ntp_time.h"
#include "floe/rtp/receive/inbound_stream.h"
#include "floe/rtp/rtcp_packets.h"
#include "floe/rtp/rtcp_writer.h"
#include "floe/rtp/send/outbound_stream.h"

namespace floe::rtp {

/// Sends the regular reports of one transport: sender and receiver reports, the CNAME, and what a
/// receiver needs to know the round trip (RFC 3611 sections 4.4 and 4.5). An engine: it says when
/// the next report is due and writes it. Feedback (NACK, PLI) does not wait for it: between two
/// ends it may leave at once (RFC 4585 section 3.5.2).
class Reporter {
 public:
  struct Config {
    std::uint32_t ssrc = 0;  ///< Reports come from it while nothing is sent.
    std::string cname{};     ///< At most 255 bytes (RFC 7022 says how to make one).
    /// T_rr_interval (RFC 4585 section 3.4): the interval varies from half to one and a half of it.
    Duration interval = std::chrono::seconds(1);
    /// For RTCP, in bits a second: 5 % of the media's (RFC 3550 section 6.2). A longer interval
    /// follows where reports would need more.
    std::uint64_t bandwidth = 50'000;
  };

  /// Peers whose reference times are answered (DLRR); a point-to-point session has one.
  static constexpr std::size_t kMaxReferences = 16;

  /// `random` outlives the reporter. Call `start` when the transport is up.
  Reporter(Config config, Random& random);
  void start(Time now);

  /// Writes a compound packet if one is due. `ntp_now` is `now` by an `NtpClock`. Sources beyond
  /// what fits have their turn in the next report. False if nothing was due, or `writer` has not
  /// room for one report and the CNAME.
  bool write(Time now, NtpTime ntp_now, std::span<OutboundStream* const> outbound,
             std::span<InboundStream* const> inbound, RtcpWriter& writer);
  /// The last words (RFC 3550 section 6.6): a compound packet with BYE for these sources.
  bool write_bye(std::span<const std::uint32_t> sources, RtcpWriter& writer) const;
  Time next_timeout() const { return next_; }

  /// The size of every RTCP packet that comes counts for the interval.
  void handle_size(std::size_t size);
  /// A peer's reference time, or its answer to ours.
  void handle_packet(Time now, NtpTime ntp_now, const ExtendedReport& report);
  /// From the peer's answer to our reference time: what a side that only receives knows.
  std::optional<Duration> round_trip() const { return round_trip_; }

 private:
  struct Reference {
    std::uint32_t ssrc;
    std::uint32_t compact;
    Time received;
  };

  Duration interval(std::size_t sources);
  void write_references(Time now, std::uint32_t sender, RtcpWriter& writer);

  Config config_;
  Random& random_;
  Time next_ = kNever;
  double average_size_ = 100;  // bytes; RFC 3550 section 6.3.2 begins with a guess
  std::size_t turn_ = 0;       // which inbound source is reported first
  std::vector<Reference> references_;
  std::optional<Duration> round_trip_;
};

}  // namespace floe::rtp
