#include "floe/stun_client/stream_framer.h"

#include <algorithm>

#include "floe/stun_client/message.h"

namespace floe::stun {
namespace {

/// Type and length: what tells a frame's size, of both kinds.
constexpr std::size_t kHeader = 4;
/// Room that is kept from one torn frame to the next: most are a packet of the path's MTU. Larger
/// room is given back, so that one large message does not cost an idle stream memory for good.
constexpr std::size_t kKeptCapacity = 2'048;

}  // namespace

std::optional<MutableBytes> StreamFramer::next(MutableBytes& data) {
  release_taken();
  if (broken_ || (data.empty() && torn_.empty())) return std::nullopt;

  const bool in_one_piece = torn_.empty() && data.size() >= kHeader;
  if (!in_one_piece && !fill(data, kHeader)) return std::nullopt;
  const std::optional<Size> size = size_of(in_one_piece ? Bytes(data) : Bytes(torn_));
  if (!size) {
    broken_ = true;
    return std::nullopt;
  }
  if (in_one_piece && data.size() >= size->padded) {
    const MutableBytes frame = data.first(size->frame);
    data = data.subspan(size->padded);
    return frame;
  }
  if (!fill(data, size->padded)) return std::nullopt;
  taken_ = true;
  return MutableBytes(torn_).first(size->frame);
}

std::optional<StreamFramer::Size> StreamFramer::size_of(Bytes header) const {
  Size size;
  if (is_channel_data(header[0])) {
    size.frame = kHeader + (std::size_t{header[2]} << 8 | header[3]);
    size.padded = (size.frame + 3) / 4 * 4;
  } else if (const std::optional<std::size_t> message = message_size(header)) {
    size.frame = size.padded = *message;
  } else {
    return std::nullopt;
  }
  if (size.padded > max_frame_) return std::nullopt;
  return size;
}

bool StreamFramer::fill(MutableBytes& data, std::size_t size) {
  const std::size_t missing = size - std::min(size, torn_.size());
  const MutableBytes part = data.first(std::min(missing, data.size()));
  torn_.insert(torn_.end(), part.begin(), part.end());
  data = data.subspan(part.size());
  return torn_.size() >= size;
}

void StreamFramer::release_taken() {
  if (!taken_) return;
  taken_ = false;
  torn_.clear();
  if (torn_.capacity() > kKeptCapacity) torn_.shrink_to_fit();
}

}  // namespace floe::stun
