#include "floe/rtp/receive/reception_statistics.h"

#include <algorithm>
#include <cmath>

namespace floe::rtp {

void ReceptionStatistics::begin(std::uint16_t sequence) {
  base_ = sequence;
  highest_ = sequence;
  received_since_base_ = 0;
  expected_before_ = 0;
  received_before_ = 0;
  after_jump_.reset();
  last_packet_.reset();
}

ReceptionStatistics::Sequence ReceptionStatistics::handle_packet(Time now, std::uint16_t sequence,
                                                                 std::uint32_t timestamp) {
  Sequence answer = Sequence::kInOrder;
  if (!started()) {
    begin(sequence);
  } else {
    const auto ahead = static_cast<std::int16_t>(sequence - static_cast<std::uint16_t>(highest_));
    if (ahead > kMaxDropout || ahead < -kMaxMisorder) {
      if (after_jump_ != sequence) {
        after_jump_ = static_cast<std::uint16_t>(sequence + 1);
        return Sequence::kSuspicious;
      }
      lost_before_restart_ += expected() - received_since_base_;
      begin(sequence);
      answer = Sequence::kRestarted;
    } else if (ahead > 0) {
      highest_ += ahead;
    }
  }
  ++received_;
  ++received_since_base_;
  add_to_jitter(now, timestamp);
  last_packet_ = now;
  last_timestamp_ = timestamp;
  return answer;
}

void ReceptionStatistics::add_to_jitter(Time now, std::uint32_t timestamp) {
  // Appendix A.8. Packets of one frame have the same timestamp, and the sender spreads them: only
  // the first of each tells about the network.
  if (clock_rate_ == 0 || !last_packet_ || timestamp == last_timestamp_) return;
  const double arrived = std::chrono::duration<double>(now - *last_packet_).count() * clock_rate_;
  const double sent = static_cast<std::int32_t>(timestamp - last_timestamp_);
  const double difference = std::abs(arrived - sent);
  // Five seconds and more are a pause of the source, or of this machine, and no jitter.
  if (difference > 5.0 * clock_rate_) return;
  jitter_ += (difference - jitter_) / 16;
}

void ReceptionStatistics::handle_sender_report(Time now, const SenderReport& report) {
  last_report_ = report.ntp.compact();
  last_report_at_ = now;
}

std::int64_t ReceptionStatistics::lost() const {
  if (!started()) return 0;
  return lost_before_restart_ + expected() - received_since_base_;
}

Duration ReceptionStatistics::jitter() const {
  if (clock_rate_ == 0) return {};
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(jitter_ / clock_rate_));
}

ReportBlock ReceptionStatistics::report(Time now) {
  ReportBlock block;
  block.ssrc = ssrc_;
  // Appendix A.3.
  constexpr std::int64_t kMostLost = 0x7f'ffff;
  block.cumulative_lost =
      static_cast<std::int32_t>(std::clamp<std::int64_t>(lost(), -kMostLost - 1, kMostLost));
  const std::int64_t expected_now = expected() - expected_before_;
  const std::int64_t lost_now = expected_now - (received_since_base_ - received_before_);
  if (expected_now > 0 && lost_now > 0) {
    block.fraction_lost =
        static_cast<std::uint8_t>(std::min<std::int64_t>(255, (lost_now << 8) / expected_now));
  }
  expected_before_ = expected();
  received_before_ = received_since_base_;
  reported_ = received_;
  block.highest_sequence = static_cast<std::uint32_t>(highest_);
  block.jitter = static_cast<std::uint32_t>(jitter_);
  if (last_report_ != 0) {
    block.last_report = last_report_;
    block.delay = to_compact(now - last_report_at_);
  }
  return block;
}

}  // namespace floe::rtp
