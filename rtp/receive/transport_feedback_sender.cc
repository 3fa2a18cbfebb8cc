#include "floe/rtp/receive/transport_feedback_sender.h"

#include <algorithm>
#include <array>

#include "floe/rtp/transport_feedback.h"

namespace floe::rtp {
namespace {

// One feedback packet shares a datagram with reports at times.
constexpr std::size_t kMaxBody = 1000;
constexpr std::size_t kMinBody = 64;
constexpr std::size_t kRtcpHeader = 4;

}  // namespace

void TransportFeedbackSender::handle_packet(Time now, std::uint16_t sequence,
                                            std::uint32_t media_ssrc) {
  media_ssrc_ = media_ssrc;
  const std::int64_t unwrapped = sequences_.unwrap(sequence);
  if (!started_) {
    started_ = true;
    next_ = unwrapped;
    not_before_ = now;
  }
  if (!arrivals_.emplace(unwrapped, now).second) return;
  // One that was overtaken after feedback about its place had left is told with all after it.
  next_ = std::min(next_, unwrapped);
  while (arrivals_.size() > kMaxArrivals) {
    arrivals_.erase(arrivals_.begin());
    next_ = std::max(next_, arrivals_.begin()->first);
  }
  if (deadline_ == kNever) deadline_ = std::max(now, not_before_);
}

std::size_t TransportFeedbackSender::write(Time now, std::uint32_t sender_ssrc,
                                           RtcpWriter& writer) {
  if (now < deadline_) return 0;
  std::size_t written = 0;
  while (arrivals_.lower_bound(next_) != arrivals_.end()) {
    if (!write_one(sender_ssrc, writer)) return written;
    ++written;
  }
  deadline_ = kNever;
  not_before_ = now + kInterval;
  std::erase_if(arrivals_, [&](const auto& arrival) {
    return arrival.first < next_ && now - arrival.second > kKept;
  });
  return written;
}

bool TransportFeedbackSender::write_one(std::uint32_t sender_ssrc, RtcpWriter& writer) {
  if (writer.space_left() < kMinBody + kRtcpHeader) return false;
  const std::size_t max_body = std::min(writer.space_left() - kRtcpHeader, kMaxBody) / 4 * 4;
  auto arrival = arrivals_.lower_bound(next_);
  std::int64_t base = next_;
  // An outage that does not fit: what came after it matters more.
  constexpr std::int64_t kMaxGap = 1000;
  if (arrival->first - base > kMaxGap) base = arrival->first;
  TransportFeedbackBuilder builder(sender_ssrc, media_ssrc_, feedback_count_,
                                   static_cast<std::uint16_t>(base), arrival->second, max_body);
  for (; arrival != arrivals_.end(); ++arrival) {
    if (!builder.add(static_cast<std::uint16_t>(arrival->first), arrival->second)) break;
    next_ = arrival->first + 1;
  }
  if (builder.empty()) {
    // Not even one after so many losses: they go untold.
    next_ = arrivals_.lower_bound(next_)->first;
    return write_one(sender_ssrc, writer);
  }
  std::array<std::uint8_t, kMaxBody> space;
  ByteWriter body(space);
  builder.write(body);
  ++feedback_count_;
  return writer.transport_feedback(body.written());
}

}  // namespace floe::rtp
