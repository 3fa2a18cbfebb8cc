#include "floe/net/send_batch.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "floe/core/check.h"
#include "floe/core/limits.h"

namespace floe::net {

MutableBytes SendBatch::open(const Route& route, std::size_t size_max) {
  FLOE_CHECK(!is_open_);
  FLOE_CHECK(size_max <= kMaxUdpPayload);
  const std::size_t needed = used_ + route.prefix.size() + size_max + Prefix::kMaxPadding;
  if (needed > kCapacity) return {};
  if (needed > allocated_) grow(needed);
  open_route_ = route;
  open_size_ = size_max;
  is_open_ = true;
  return {buffer_.get() + used_ + route.prefix.size(), size_max};
}

void SendBatch::commit(std::size_t size) {
  FLOE_CHECK(is_open_ && size <= open_size_);
  is_open_ = false;
  if (size > 0) append(size);
}

bool SendBatch::add(const Route& route, Bytes payload) {
  const MutableBytes space = open(route, payload.size());
  if (!is_open_) return false;
  if (!payload.empty()) std::memcpy(space.data(), payload.data(), payload.size());
  is_open_ = false;
  append(payload.size());
  return true;
}

bool SendBatch::add_empty(const Route& route) {
  return add(route, {});
}

void SendBatch::append(std::size_t payload_size) {
  const Prefix& prefix = open_route_.prefix;
  if (!prefix.can_carry(payload_size)) {
    failures_.push_back({open_route_,
                         {Errc::kMessageTooLong, std::to_string(payload_size) +
                                                     " bytes are too many for one packet to " +
                                                     prefix.peer.to_string()}});
    return;
  }
  const std::size_t size = prefix.frame(buffer_.get() + used_, payload_size, ++serial_);

  const auto wire_size = static_cast<std::uint32_t>(size);
  Run* last = runs_.empty() ? nullptr : &runs_.back();
  const bool joins = last != nullptr && !last->closed && last->route == open_route_ &&
                     wire_size > 0 && wire_size <= last->segment_size &&
                     last->segments < kMaxSegments && last->size + wire_size <= kMaxUdpPayload;
  if (joins) {
    last->size += wire_size;
    last->segments += 1;
    last->closed = wire_size < last->segment_size;
  } else {
    runs_.push_back(
        {open_route_, static_cast<std::uint32_t>(used_), wire_size, wire_size, 1, wire_size == 0});
  }
  used_ += size;
  ++packets_;
}

Bytes SendBatch::packet(const Run& run, std::size_t index) const {
  FLOE_CHECK(index < run.segments);
  const std::size_t at = index * run.segment_size;
  return bytes(run).subspan(at, std::min<std::size_t>(run.segment_size, run.size - at));
}

void SendBatch::clear() {
  FLOE_CHECK(!is_open_);
  used_ = 0;
  packets_ = 0;
  runs_.clear();
  failures_.clear();
}

void SendBatch::grow(std::size_t needed) {
  const std::size_t size =
      std::min(kCapacity, std::max<std::size_t>({needed, allocated_ * 2, 4096}));
  std::unique_ptr<std::uint8_t[]> larger(new std::uint8_t[size]);
  if (used_ > 0) std::memcpy(larger.get(), buffer_.get(), used_);
  buffer_ = std::move(larger);
  allocated_ = size;
}

}  // namespace floe::net
