#include "floe/sctp/send_queue.h"

#include <algorithm>

#include "floe/core/check.h"

namespace floe::sctp::internal {
namespace {

// One byte of a stream with normal weight takes this much virtual time, so that one with the
// largest weight, 65,535, still takes some.
constexpr std::uint64_t kTimePerByte = 256;
constexpr std::uint16_t kNormalWeight = 256;
// What a message costs besides its payload (a chunk header), so that empty ones take turns too.
constexpr std::size_t kMessageCost = 16;

constexpr std::size_t kCommonHeader = 12;
constexpr std::size_t kDataHeader = 16;
constexpr std::uint8_t kDataChunk = 0;
constexpr std::uint8_t kEnds = 1;
constexpr std::uint8_t kBegins = 2;

// RFC 9260 section 1.6: serial number arithmetic
bool is_after(std::uint32_t a, std::uint32_t b) {
  return static_cast<std::int32_t>(a - b) > 0;
}

}  // namespace

std::size_t SendQueue::bytes(StreamId stream) const {
  const auto found = lanes_.find(stream);
  return found == lanes_.end() ? 0 : found->second.bytes;
}

std::uint16_t SendQueue::weight(StreamId stream) const {
  const auto found = weights_.find(stream);
  return found == weights_.end() ? kNormalWeight : found->second;
}

void SendQueue::set_weight(StreamId stream, std::uint16_t weight) {
  if (weight == kNormalWeight) {
    weights_.erase(stream);
  } else {
    weights_[stream] = std::max<std::uint16_t>(weight, 1);
  }
}

void SendQueue::make_ready(StreamId stream, Lane& lane) {
  if (lane.ready || lane.held || lane.messages.empty()) return;
  lane.turn = std::max(lane.turn, virtual_time_);
  lane.ready = true;
  ready_.emplace(lane.turn, stream);
}

void SendQueue::push(Message message) {
  const StreamId stream = message.stream;
  Lane& lane = lanes_[stream];
  lane.bytes += message.payload.size();
  bytes_ += message.payload.size();
  ++messages_;
  lane.messages.push_back(std::move(message));
  if (!(in_progress_ && current_ == stream)) make_ready(stream, lane);
}

void SendQueue::push_reset(StreamId stream) {
  Message marker;
  marker.stream = stream;
  marker.reset = true;
  push(std::move(marker));
}

void SendQueue::release(StreamId stream) {
  const auto found = lanes_.find(stream);
  if (found == lanes_.end()) return;
  found->second.held = false;
  make_ready(stream, found->second);
  erase_if_idle(stream);
}

std::vector<StreamId> SendQueue::take_resets() {
  return std::exchange(resets_, {});
}

void SendQueue::pop_front(StreamId stream, Lane& lane) {
  const std::size_t size = lane.messages.front().payload.size();
  const std::size_t left = size - lane.messages.front().handed;
  lane.bytes -= left;
  bytes_ -= left;
  lane.messages.pop_front();
  --messages_;
  if (lane.ready) {
    ready_.erase({lane.turn, stream});
    lane.ready = false;
  }
  lane.turn = std::max(lane.turn, virtual_time_) +
              (size + kMessageCost) * kTimePerByte * kNormalWeight / weight(stream);
  make_ready(stream, lane);
}

void SendQueue::erase_if_idle(StreamId stream) {
  const auto found = lanes_.find(stream);
  if (found != lanes_.end() && found->second.messages.empty() && !found->second.held) {
    lanes_.erase(found);
  }
}

SendQueue::Message* SendQueue::front(Time now, std::set<StreamId>& expired) {
  if (in_progress_) return &lanes_.at(current_).messages.front();
  while (!ready_.empty()) {
    const auto [turn, stream] = *ready_.begin();
    Lane& lane = lanes_.at(stream);
    Message& message = lane.messages.front();
    if (message.reset) {
      lane.held = true;
      resets_.push_back(stream);
      pop_front(stream, lane);
      continue;
    }
    if (now > message.deadline) {
      expired.insert(stream);
      pop_front(stream, lane);
      erase_if_idle(stream);
      continue;
    }
    virtual_time_ = turn;
    return &message;
  }
  return nullptr;
}

void SendQueue::advance(std::size_t bytes) {
  const StreamId stream = in_progress_ ? current_ : ready_.begin()->second;
  Lane& lane = lanes_.at(stream);
  Message& message = lane.messages.front();
  FLOE_CHECK(bytes > 0 && message.handed + bytes <= message.payload.size());
  message.handed += bytes;
  lane.bytes -= bytes;
  bytes_ -= bytes;
  in_progress_ = message.handed < message.payload.size();
  if (in_progress_) {
    current_ = stream;
    return;
  }
  pop_front(stream, lane);
  erase_if_idle(stream);
}

void SendQueue::drop() {
  const StreamId stream = in_progress_ ? current_ : ready_.begin()->second;
  in_progress_ = false;
  pop_front(stream, lanes_.at(stream));
  erase_if_idle(stream);
}

void SendQueue::clear() {
  *this = SendQueue();
}

std::size_t Untransmitted::bytes(StreamId stream) const {
  const auto found = lanes_.find(stream);
  return found == lanes_.end() ? 0 : found->second.bytes;
}

void Untransmitted::handed(StreamId stream, std::size_t bytes, bool begins) {
  Lane& lane = lanes_[stream];
  if (begins || lane.parts.empty()) {
    lane.parts.push_back({bytes, !begins});
  } else {
    lane.parts.back().bytes += bytes;
  }
  lane.bytes += bytes;
  bytes_ += bytes;
}

void Untransmitted::chunk(StreamId stream, bool begins, bool ends, std::size_t bytes) {
  const auto found = lanes_.find(stream);
  if (found == lanes_.end()) return;
  Lane& lane = found->second;
  const auto drop_front = [&] {
    lane.bytes -= lane.parts.front().bytes;
    bytes_ -= lane.parts.front().bytes;
    lane.parts.pop_front();
  };
  // A message that begins while the one before is unfinished: usrsctp gave up the rest of that.
  if (begins && lane.parts.size() > 1 && lane.parts.front().begun) drop_front();
  Part& part = lane.parts.front();
  const std::size_t sent = std::min(bytes, part.bytes);
  part.begun = true;
  part.bytes -= sent;
  lane.bytes -= sent;
  bytes_ -= sent;
  if (ends) drop_front();
  if (lane.parts.empty()) lanes_.erase(found);
}

void Untransmitted::transmitted(Bytes packet, std::set<StreamId>& fell) {
  if (bytes_ == 0) return;
  ByteReader reader(packet);
  reader.skip(kCommonHeader);
  while (reader.ok() && reader.remaining() >= kDataHeader) {
    const std::uint8_t type = reader.u8();
    const std::uint8_t flags = reader.u8();
    const std::size_t length = reader.u16();
    if (length < 4) return;
    if (type != kDataChunk || length < kDataHeader) {
      reader.skip((length + 3) / 4 * 4 - 4);
      continue;
    }
    const std::uint32_t tsn = reader.u32();
    const StreamId stream = reader.u16();
    reader.skip((length + 3) / 4 * 4 - 10);
    if (has_highest_ && !is_after(tsn, highest_tsn_)) continue;  // a retransmission
    has_highest_ = true;
    highest_tsn_ = tsn;
    chunk(stream, (flags & kBegins) != 0, (flags & kEnds) != 0, length - kDataHeader);
    fell.insert(stream);
  }
}

void Untransmitted::clear(std::set<StreamId>& fell) {
  for (const auto& [stream, lane] : lanes_) {
    if (lane.bytes > 0) fell.insert(stream);
  }
  lanes_.clear();
  bytes_ = 0;
}

}  // namespace floe::sctp::internal
