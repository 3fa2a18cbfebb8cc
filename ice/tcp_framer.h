#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "floe/core/bytes.h"

namespace floe::ice {

/// Cuts the bytes of an ICE-TCP stream into packets, each behind its 16-bit length (RFC 4571
/// section 2). The length bounds what is kept of a torn packet: 65,535 bytes, and never more memory
/// than has arrived.
class TcpFramer {
 public:
  static constexpr std::size_t kMaxPacket = 65'535;

  /// Packets longer than this break the stream.
  void set_max_packet(std::size_t bytes) { max_packet_ = bytes; }
  /// The next whole packet, taken off the front of `data`; nullopt when more must arrive, with
  /// `data` empty. A packet that came in one piece is a view into `data`, else it is valid until
  /// the next call. Empty packets, which RFC 4571 allows, are passed over.
  std::optional<MutableBytes> next(MutableBytes& data);
  /// Where the next packet begins is not known any more, or not believed.
  bool broken() const { return broken_; }

 private:
  static constexpr std::size_t kHeader = 2;

  bool check(std::size_t length);
  bool fill(MutableBytes& data, std::size_t size);

  std::vector<std::uint8_t> torn_;  ///< A packet's beginning, its length included.
  std::size_t max_packet_ = kMaxPacket;
  bool broken_ = false;
  bool taken_ = false;  ///< What stands in `torn_` was handed out.
};

}  // namespace floe::ice
