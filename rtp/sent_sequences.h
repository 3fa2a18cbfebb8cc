#pragma once

#include <cstdint>
#include <vector>

#include "floe/rtp/congestion/send_history.h"
#include "floe/rtp/sequence_number.h"
#include "floe/rtp/transport_feedback.h"

namespace floe::rtp {

/// The transport-wide sequence numbers of what is sent, and what the peer's feedback says in them.
class SentSequences {
 public:
  /// The number of a packet that leaves now; its low 16 bits go into the packet.
  std::int64_t next();
  /// Appends what the feedback says of each packet, for `CongestionController::on_feedback`.
  void read(const TransportFeedback& feedback, std::vector<PacketReport>& reports);

 private:
  std::int64_t next_ = 0;
  SequenceUnwrapper sent_;
  std::int64_t reference_ = 0;  // unwrapped, in TransportFeedback::kReferenceUnit
};

}  // namespace floe::rtp
