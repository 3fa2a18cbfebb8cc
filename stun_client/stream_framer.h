#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "floe/core/bytes.h"

namespace floe::stun {

/// Cuts the bytes of a stream into STUN messages (RFC 8489 section 6.2.2) and TURN's ChannelData
/// messages (RFC 8656 section 12.5), for both ends of a stream:
///
///     void on_data(MutableBytes data) {
///       while (const auto frame = framer_.next(data)) handle(*frame);
///       if (framer_.broken()) ...close the stream...
///     }
///
/// A frame that arrived in one piece is a view into `data`; only a frame that was torn apart is
/// copied. Bytes behind the last frame that was asked for stay in `data`: that is how the stream
/// goes on as something else after a ConnectionBind (RFC 6062 section 5.4).
class StreamFramer {
 public:
  /// ChannelData with the longest payload, 65,535 bytes, and its padding; a STUN message is at most
  /// 65,552 bytes long.
  static constexpr std::size_t kMaxFrame = 65'552;

  /// A frame that says it is longer than `max_frame` breaks the stream. What is kept of a torn
  /// frame never takes more memory than the bytes that arrived of it.
  explicit StreamFramer(std::size_t max_frame = kMaxFrame) : max_frame_(max_frame) {}

  /// The next whole frame, its header included and the padding behind ChannelData left out, taken
  /// off the front of `data`. nullopt when more must arrive, with `data` empty, or when the stream
  /// is broken. The view is valid until the next call and as long as `data`'s bytes are.
  std::optional<MutableBytes> next(MutableBytes& data);

  /// The stream carried something that is neither STUN nor ChannelData, or a frame too long: where
  /// the next frame begins cannot be known, so the stream is to be closed.
  bool broken() const { return broken_; }
  /// Bytes of a torn frame that wait for the rest.
  std::size_t waiting() const { return taken_ ? 0 : torn_.size(); }

 private:
  struct Size {
    std::size_t frame = 0;
    std::size_t padded = 0;
  };
  /// Of the frame that begins with the kHeader bytes at `header`; nullopt breaks the stream.
  std::optional<Size> size_of(Bytes header) const;
  /// Moves bytes from `data` until `torn_` has `size` of them; false when `data` has too few.
  bool fill(MutableBytes& data, std::size_t size);
  void release_taken();

  std::size_t max_frame_;
  std::vector<std::uint8_t> torn_;
  bool taken_ = false;  ///< What stands in `torn_` was handed out.
  bool broken_ = false;
};

/// True for the first byte of a ChannelData message. RFC 8656 gives channels 0x4000 to 0x4fff; the
/// rest, to 0x7fff, is what RFC 5766 allowed and its clients still use.
constexpr bool is_channel_data(std::uint8_t first) {
  return (first & 0xc0) == 0x40;
}

}  // namespace floe::stun
