#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "floe/rtp/packet.h"
#include "floe/rtp/sequence_number.h"

namespace floe::rtp {

/// Recovers lost packets of one stream from parity packets (ULPFEC, RFC 5109), as Firefox and
/// Chromium send them inside of RED on the stream's own SSRC. One protection level, which both
/// use, and whole packets only.
class UlpfecReceiver {
 public:
  /// A mask reaches over 48 packets; parity comes at the end of a frame or a few frames later.
  static constexpr std::size_t kMaxMedia = 192;
  /// Parity packets that wait for all but one of what they protect.
  static constexpr std::size_t kMaxParity = 48;

  explicit UlpfecReceiver(std::uint32_t ssrc) : ssrc_(ssrc) {}

  /// A media packet as it was protected: without RED, repeated ones included.
  void handle_media(const Packet& packet);
  /// The payload of a parity packet. False if it is malformed.
  bool handle_parity(Bytes payload);

  /// The next packet that was recovered, whole; call it after each of the above until there is
  /// none.
  std::optional<std::vector<std::uint8_t>> poll_recovered();

 private:
  struct Parity {
    std::vector<std::int64_t> protects;  // ascending, at most 48
    std::vector<std::uint8_t> header;    // the first ten bytes
    std::vector<std::uint8_t> payload;   // of the first level
  };

  void keep(std::int64_t sequence, Bytes packet);
  std::optional<std::vector<std::uint8_t>> recover(const Parity& parity,
                                                   std::int64_t missing) const;

  std::uint32_t ssrc_;
  SequenceUnwrapper sequences_;
  std::map<std::int64_t, std::vector<std::uint8_t>> media_;
  std::deque<Parity> parity_;
};

}  // namespace floe::rtp
