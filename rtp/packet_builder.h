#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "floe/core/bytes.h"

namespace floe::rtp {

/// The fields of an RTP header that are not lengths (RFC 3550 section 5.1).
struct Header {
  bool marker = false;
  std::uint8_t payload_type = 0;  ///< 0 to 127.
  std::uint16_t sequence_number = 0;
  std::uint32_t timestamp = 0;  ///< In units of the payload's clock rate.
  std::uint32_t ssrc = 0;
  std::span<const std::uint32_t> csrcs{};  ///< At most 15.
};

/// Writes one RTP packet in place: the header, then extensions, then the payload, which the caller
/// may write into `payload_space()` itself.
///
///     PacketBuilder builder(space, header);
///     builder.add_extension(id, value);
///     std::copy(..., builder.payload_space().begin());
///     const std::size_t size = builder.finish(payload_size);
class PacketBuilder {
 public:
  /// `space` outlives the builder; its size is the largest packet. `mixed_extensions`: the peer
  /// takes two-byte elements (a=extmap-allow-mixed), so values of more than 16 bytes, empty ones
  /// and ids above 14 may be added.
  PacketBuilder(MutableBytes space, const Header& header, bool mixed_extensions = false);

  /// False if the element does not fit the form, or the space; nothing is written then. `id` is 1
  /// to 255. Must come before `payload_space()`.
  bool add_extension(std::uint8_t id, Bytes value);
  /// Ends the extensions. What is left for payload and padding.
  MutableBytes payload_space();
  /// The packet's whole size. The payload is the first `payload_size` bytes of `payload_space()`,
  /// `padding_size` (0 to 255) bytes follow. 0 if something did not fit.
  std::size_t finish(std::size_t payload_size, std::size_t padding_size = 0);

  bool ok() const { return ok_; }

 private:
  bool widen_extensions();
  void end_extensions();

  MutableBytes space_;
  bool mixed_;
  bool ok_ = true;
  bool two_byte_ = false;
  bool ended_ = false;
  std::size_t block_at_ = 0;  // of the extension header; 0: there is none
  std::size_t size_ = 0;
};

}  // namespace floe::rtp
