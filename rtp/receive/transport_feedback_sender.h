#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

#include "floe/core/time.h"
#include "floe/rtp/rtcp_writer.h"
#include "floe/rtp/sequence_number.h"

namespace floe::rtp {

/// Tells the sender of a transport when each of its packets came, for its congestion control
/// (draft-holmer-rmcat-transport-wide-cc-extensions). An engine for all streams of one transport.
class TransportFeedbackSender {
 public:
  /// Between feedback packets: several per round trip on usual paths, and with 100 bytes each less
  /// than 10 kbit/s.
  static constexpr Duration kInterval = std::chrono::milliseconds(100);
  /// Arrivals that wait to be told, or are kept to be told again beside one that was overtaken. At
  /// 100 ms this is 40,000 packets a second.
  static constexpr std::size_t kMaxArrivals = 4096;
  static constexpr Duration kKept = std::chrono::milliseconds(500);

  /// A packet with this transport-wide sequence number came. `media_ssrc` is its SSRC; feedback
  /// names the last one.
  void handle_packet(Time now, std::uint16_t sequence, std::uint32_t media_ssrc);

  /// Writes what is due: nothing before `next_timeout()`. Returns how many packets were written.
  /// What does not fit is due at once.
  std::size_t write(Time now, std::uint32_t sender_ssrc, RtcpWriter& writer);
  Time next_timeout() const { return deadline_; }

 private:
  using Arrivals = std::map<std::int64_t, Time>;

  bool write_one(std::uint32_t sender_ssrc, RtcpWriter& writer);

  SequenceUnwrapper sequences_;
  Arrivals arrivals_;
  std::int64_t next_ = 0;  // the first sequence number nothing was told of
  bool started_ = false;
  std::uint32_t media_ssrc_ = 0;
  std::uint8_t feedback_count_ = 0;
  Time not_before_{};  // for the next feedback
  Time deadline_ = kNever;
};

}  // namespace floe::rtp
