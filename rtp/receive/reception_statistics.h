#pragma once

#include <cstdint>
#include <optional>

#include "floe/core/time.h"
#include "floe/rtp/ntp_time.h"
#include "floe/rtp/rtcp_packets.h"

namespace floe::rtp {

/// What a receiver counts about one source, and reports to it (RFC 3550 section 6.4.1 and
/// appendices A.1, A.3 and A.8).
class ReceptionStatistics {
 public:
  /// A jump by more than this is a source that began anew, if the next packet follows (appendix
  /// A.1; authentication makes its probation unnecessary).
  static constexpr int kMaxDropout = 3000;
  static constexpr int kMaxMisorder = 100;

  /// `clock_rate` in Hz; 0: jitter is not reckoned.
  ReceptionStatistics(std::uint32_t ssrc, std::uint32_t clock_rate)
      : ssrc_(ssrc), clock_rate_(clock_rate) {}

  enum class Sequence : std::uint8_t {
    kInOrder,     ///< Counted, in its order or near to it.
    kSuspicious,  ///< The first after a jump: not counted, and not to be used.
    kRestarted,   ///< The second: the source began anew.
  };
  Sequence handle_packet(Time now, std::uint16_t sequence, std::uint32_t timestamp);
  void handle_sender_report(Time now, const SenderReport& report);

  /// The block for a report that is sent now, and the beginning of the next one's interval.
  ReportBlock report(Time now);

  std::uint32_t ssrc() const { return ssrc_; }
  std::uint64_t received() const { return received_; }
  /// Negative if there were more duplicates than losses.
  std::int64_t lost() const;
  Duration jitter() const;
  std::optional<Time> last_packet() const { return last_packet_; }
  bool started() const { return received_ > 0; }
  /// Packets came since the last report; sources that are silent are not reported (RFC 3550 section
  /// 6.4).
  bool has_news() const { return received_ != reported_; }

 private:
  void begin(std::uint16_t sequence);
  void add_to_jitter(Time now, std::uint32_t timestamp);
  std::int64_t expected() const { return highest_ - base_ + 1; }

  std::uint32_t ssrc_;
  std::uint32_t clock_rate_;
  std::uint64_t received_ = 0;
  std::int64_t base_ = 0;  // the first sequence number; wraps are counted above bit 16
  std::int64_t highest_ = 0;
  std::int64_t received_since_base_ = 0;
  std::int64_t expected_before_ = 0;  // at the last report
  std::int64_t received_before_ = 0;
  std::int64_t lost_before_restart_ = 0;
  std::uint64_t reported_ = 0;  // `received_` at the last report
  std::optional<std::uint16_t> after_jump_;
  std::optional<Time> last_packet_;
  std::uint32_t last_timestamp_ = 0;
  double jitter_ = 0;  // in ticks
  std::uint32_t last_report_ = 0;
  Time last_report_at_{};
};

}  // namespace floe::rtp
