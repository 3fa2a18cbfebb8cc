#include "floe/rtp/sent_sequences.h"

namespace floe::rtp {

std::int64_t SentSequences::next() {
  sent_.unwrap(static_cast<std::uint16_t>(next_));
  return next_++;
}

void SentSequences::read(const TransportFeedback& feedback, std::vector<PacketReport>& reports) {
  // The reference time counts 24 bits of 64 ms, which are twelve days, and may go back a little.
  const auto ahead = static_cast<std::int32_t>(
      (feedback.reference_time() - static_cast<std::uint32_t>(reference_)) << 8);
  reference_ += ahead / 256;
  feedback.for_each([&](const PacketStatus& status) {
    PacketReport report;
    report.sequence = sent_.peek(status.sequence);
    if (status.arrival) {
      report.received = TransportFeedback::kReferenceUnit * reference_ + *status.arrival;
    }
    reports.push_back(report);
  });
}

}  // namespace floe::rtp
