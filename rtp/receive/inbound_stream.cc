#include "floe/rtp/receive/inbound_stream.h"

#include <algorithm>
#include <utility>

#include "floe/rtp/red.h"
#include "floe/rtp/rtx.h"

namespace floe::rtp {
namespace {

constexpr Duration kWaitForRepeats = std::chrono::milliseconds(1500);
constexpr Duration kWaitForOrder = std::chrono::milliseconds(100);

Duration max_wait(const InboundStream::Config& config) {
  if (config.max_wait) return *config.max_wait;
  return config.video && config.nack ? kWaitForRepeats : kWaitForOrder;
}

}  // namespace

std::string_view to_string(InboundDrop reason) {
  switch (reason) {
    case InboundDrop::kUnknownFormat:
      return "unknown format";
    case InboundDrop::kMalformed:
      return "malformed";
    case InboundDrop::kDuplicate:
      return "duplicate";
    case InboundDrop::kLate:
      return "late";
    case InboundDrop::kSuspicious:
      return "suspicious";
    case InboundDrop::kFull:
      return "buffer full";
  }
  return "unknown";
}

InboundStream::InboundStream(Config config)
    : config_(std::move(config)),
      buffer_(config_.video, max_wait(config_)),
      reception_(config_.ssrc, config_.clock_rate) {
  for (const Format& format : config_.formats) {
    buffer_.add_format(format.payload_type, format.format, format.parameter_sets);
  }
  if (config_.ulpfec) ulpfec_.emplace(config_.ssrc);
}

void InboundStream::handle_packet(Time now, const Packet& packet) {
  ++stats_.packets_received;
  stats_.bytes_received += packet.payload().size();
  stats_.header_bytes_received += packet.bytes().size() - packet.payload().size();
  switch (reception_.handle_packet(now, packet.sequence_number(), packet.timestamp())) {
    case ReceptionStatistics::Sequence::kSuspicious:
      drop(InboundDrop::kSuspicious);
      return;
    case ReceptionStatistics::Sequence::kRestarted:
      sequences_ = {};
      missing_.clear();
      buffer_.restart(packet.sequence_number());
      if (ulpfec_) ulpfec_.emplace(config_.ssrc);
      break;
    case ReceptionStatistics::Sequence::kInOrder:
      break;
  }
  const std::int64_t sequence = sequences_.unwrap(packet.sequence_number());
  if (!missing_.handle_packet(now, sequence)) buffer_.restart(sequence);
  insert(now, Origin::kStream, sequence, packet);
  deliver(now);
  handle_timeout(now);
}

void InboundStream::handle_repair(Time now, const Packet& packet) {
  if (!repair_ || repair_->ssrc() != packet.ssrc()) {
    repair_.emplace(packet.ssrc(), config_.clock_rate);
  }
  repair_->handle_packet(now, packet.sequence_number(), packet.timestamp());
  const auto repair =
      std::find_if(config_.repairs.begin(), config_.repairs.end(),
                   [&](const Repair& one) { return one.payload_type == packet.payload_type(); });
  if (repair == config_.repairs.end()) return drop(InboundDrop::kUnknownFormat);
  // Padding alone: a probe of the sender's congestion control.
  if (packet.payload().empty()) return;
  const auto original = unwrap_rtx(packet, config_.ssrc, repair->repaired);
  if (!original) return drop(InboundDrop::kMalformed);
  ++stats_.retransmitted_packets_received;
  stats_.retransmitted_bytes_received += original->payload().size();
  insert_late(now, Origin::kRepair, *original);
}

void InboundStream::handle_recovered(Time now, const Packet& packet) {
  insert_late(now, Origin::kRedundancy, packet);
}

void InboundStream::insert_late(Time now, Origin origin, const Packet& packet) {
  // Before the stream itself has come its sequence numbers mean nothing.
  const auto last = sequences_.last();
  if (!last) return drop(InboundDrop::kLate);
  const std::int64_t sequence = sequences_.peek(packet.sequence_number());
  if (sequence > *last + static_cast<std::int64_t>(MissingPackets::kMaxMissing)) {
    return drop(InboundDrop::kSuspicious);
  }
  missing_.handle_packet(now, sequence);
  if (sequence > *last) sequences_.unwrap(packet.sequence_number());
  insert(now, origin, sequence, packet);
  deliver(now);
  handle_timeout(now);
}

void InboundStream::insert(Time now, Origin origin, std::int64_t sequence, const Packet& packet) {
  const bool red = config_.red && packet.payload_type() == *config_.red;
  if (red && !packet.payload().empty()) {
    if (!ulpfec_) return insert_red(now, origin, sequence, packet);
    const auto unwrapped = unwrap_red(packet);
    if (!unwrapped) return drop(InboundDrop::kMalformed);
    return insert_protected(now, origin, sequence, *unwrapped);
  }
  if (ulpfec_ && origin != Origin::kRedundancy && !packet.payload().empty()) {
    return insert_protected(now, origin, sequence, packet);
  }
  FrameBuffer::Payload payload;
  payload.sequence = sequence;
  payload.timestamp = packet.timestamp();
  payload.marker = packet.marker();
  payload.payload_type = packet.payload_type();
  payload.bytes = packet.payload();
  keep(now, origin, payload);
}

void InboundStream::insert_protected(Time now, Origin origin, std::int64_t sequence,
                                     const Packet& packet) {
  FrameBuffer::Payload payload;
  payload.sequence = sequence;
  payload.timestamp = packet.timestamp();
  payload.marker = packet.marker();
  payload.payload_type = packet.payload_type();
  if (packet.payload_type() == *config_.ulpfec) {
    ++stats_.parity_packets_received;
    if (!ulpfec_->handle_parity(packet.payload())) drop(InboundDrop::kMalformed);
    // Its sequence number is one of the stream's, with no media: like padding.
  } else {
    ulpfec_->handle_media(packet);
    payload.bytes = packet.payload();
  }
  keep(now, origin, payload);
  insert_recovered(now);
}

void InboundStream::insert_recovered(Time now) {
  while (auto bytes = ulpfec_->poll_recovered()) {
    const auto packet = Packet::parse(*bytes);
    FrameBuffer::Payload payload;
    payload.sequence = sequences_.peek(packet->sequence_number());
    payload.timestamp = packet->timestamp();
    payload.marker = packet->marker();
    payload.payload_type = packet->payload_type();
    payload.bytes = packet->payload();
    missing_.handle_packet(now, std::min(payload.sequence, *sequences_.last()));
    keep(now, Origin::kRedundancy, payload);
  }
}

void InboundStream::insert_red(Time now, Origin origin, std::int64_t sequence,
                               const Packet& packet) {
  const auto blocks = RedBlocks::parse(packet.payload());
  if (!blocks) return drop(InboundDrop::kMalformed);
  // Each block repeats a packet; they are the ones right before this one, as browsers send it.
  auto before = static_cast<std::int64_t>(blocks->redundant().size());
  for (const RedBlock& block : blocks->redundant()) {
    FrameBuffer::Payload payload;
    payload.sequence = sequence - before--;
    payload.timestamp = packet.timestamp() - block.timestamp_offset;
    payload.payload_type = block.payload_type;
    payload.bytes = block.payload;
    const auto wanted = buffer_.wanted_from();
    if (block.payload.empty() || !wanted || payload.sequence < *wanted ||
        buffer_.contains(payload.sequence)) {
      continue;
    }
    missing_.handle_packet(now, payload.sequence);
    keep(now, Origin::kRedundancy, payload);
  }
  FrameBuffer::Payload payload;
  payload.sequence = sequence;
  payload.timestamp = packet.timestamp();
  payload.marker = packet.marker();
  payload.payload_type = blocks->primary().payload_type;
  payload.bytes = blocks->primary().payload;
  keep(now, origin, payload);
}

void InboundStream::keep(Time now, Origin origin, const FrameBuffer::Payload& payload) {
  const FrameBuffer::Outcome outcome = buffer_.insert(now, payload);
  if (origin == Origin::kRedundancy) {
    // What cannot be used never came, so it is no packet that was dropped.
    if (outcome == FrameBuffer::Outcome::kKept) ++stats_.recovered_packets;
    return;
  }
  switch (outcome) {
    case FrameBuffer::Outcome::kKept:
      break;
    case FrameBuffer::Outcome::kDuplicate:
      drop(InboundDrop::kDuplicate);
      break;
    case FrameBuffer::Outcome::kLate:
      drop(InboundDrop::kLate);
      break;
    case FrameBuffer::Outcome::kMalformed:
      drop(InboundDrop::kMalformed);
      break;
    case FrameBuffer::Outcome::kUnknownFormat:
      drop(InboundDrop::kUnknownFormat);
      break;
    case FrameBuffer::Outcome::kFull:
      drop(InboundDrop::kFull);
      break;
  }
}

void InboundStream::deliver(Time now) {
  while (frames_.size() < kMaxFrames) {
    auto frame = buffer_.next(now);
    if (!frame) break;
    ++stats_.frames_received;
    if (config_.video && frame->frame.key_frame) ++stats_.key_frames_received;
    frames_.push_back(std::move(*frame));
  }
  if (const auto wanted = buffer_.wanted_from()) missing_.forget_before(*wanted);
  if (buffer_.wants_key_frame() != key_frame_wanted_) {
    key_frame_wanted_ = buffer_.wants_key_frame();
    next_key_frame_request_ = key_frame_wanted_ ? now : kNever;
  }
}

std::optional<ReceivedFrame> InboundStream::poll_frame(Time now) {
  if (frames_.empty()) return std::nullopt;
  const bool full = frames_.size() == kMaxFrames;
  ReceivedFrame frame = std::move(frames_.front());
  frames_.pop_front();
  if (full) deliver(now);
  return frame;
}

std::vector<std::uint16_t> InboundStream::take_nacks() {
  return std::exchange(nacks_, {});
}

bool InboundStream::take_key_frame_request() {
  return std::exchange(key_frame_request_, false);
}

void InboundStream::set_round_trip(Duration round_trip) {
  round_trip_ = round_trip;
  missing_.set_round_trip(round_trip);
}

void InboundStream::handle_sender_report(Time now, const SenderReport& report) {
  if (report.sender == config_.ssrc) reception_.handle_sender_report(now, report);
  if (repair_ && report.sender == repair_->ssrc()) repair_->handle_sender_report(now, report);
}

Time InboundStream::next_timeout() const {
  Time next = next_key_frame_request_;
  // While nobody takes the frames there is no use in waiting for more.
  if (frames_.size() < kMaxFrames) next = std::min(next, buffer_.next_timeout());
  if (config_.nack) next = std::min(next, missing_.next_timeout());
  return next;
}

void InboundStream::handle_timeout(Time now) {
  if (frames_.size() < kMaxFrames && buffer_.next_timeout() <= now) deliver(now);
  if (config_.nack && missing_.next_timeout() <= now) {
    const std::size_t before = nacks_.size();
    missing_.take_due(now, nacks_);
    stats_.nack_count += nacks_.size() - before;
    // Nobody polls: the newest are what still helps.
    if (nacks_.size() > MissingPackets::kMaxMissing) {
      nacks_.erase(nacks_.begin(),
                   nacks_.end() - static_cast<std::ptrdiff_t>(MissingPackets::kMaxMissing));
    }
  }
  if (next_key_frame_request_ <= now) {
    key_frame_request_ = true;
    ++stats_.key_frame_requests;
    next_key_frame_request_ = now + std::max<Duration>(kKeyFrameInterval, round_trip_ * 3 / 2);
  }
}

InboundStream::Stats InboundStream::stats() const {
  Stats stats = stats_;
  stats.frames_dropped = buffer_.dropped_frames();
  return stats;
}

}  // namespace floe::rtp
