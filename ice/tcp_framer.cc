#include "floe/ice/tcp_framer.h"

#include <algorithm>

namespace floe::ice {
namespace {

std::size_t length_at(const std::uint8_t* header) {
  return static_cast<std::size_t>(header[0]) << 8 | header[1];
}

}  // namespace

bool TcpFramer::check(std::size_t length) {
  if (length > max_packet_) broken_ = true;
  return !broken_;
}

bool TcpFramer::fill(MutableBytes& data, std::size_t size) {
  if (torn_.size() < size) {
    const std::size_t count = std::min(size - torn_.size(), data.size());
    torn_.insert(torn_.end(), data.begin(), data.begin() + static_cast<std::ptrdiff_t>(count));
    data = data.subspan(count);
  }
  return torn_.size() >= size;
}

std::optional<MutableBytes> TcpFramer::next(MutableBytes& data) {
  if (taken_) {
    torn_.clear();
    taken_ = false;
  }
  while (!broken_) {
    if (torn_.empty() && data.size() >= kHeader) {
      const std::size_t length = length_at(data.data());
      if (!check(length)) break;
      if (data.size() >= kHeader + length) {
        const MutableBytes packet = data.subspan(kHeader, length);
        data = data.subspan(kHeader + length);
        if (packet.empty()) continue;
        return packet;
      }
    }
    if (!fill(data, kHeader)) return std::nullopt;
    const std::size_t length = length_at(torn_.data());
    if (!check(length)) break;
    if (!fill(data, kHeader + length)) return std::nullopt;
    if (length == 0) {
      torn_.clear();
      continue;
    }
    taken_ = true;
    return MutableBytes(torn_).subspan(kHeader);
  }
  data = {};
  return std::nullopt;
}

}  // namespace floe::ice
