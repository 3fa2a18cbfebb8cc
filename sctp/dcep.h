#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "floe/core/bytes.h"
#include "floe/core/result.h"

// The WebRTC Data Channel Establishment Protocol (RFC 8832) and the payload protocol identifiers
// of RFC 8831 section 8.
namespace floe::sctp {

/// What a message on a data channel is, told by SCTP's payload protocol identifier.
enum class Ppid : std::uint32_t {
  kDcep = 50,
  kString = 51,
  kBinaryPartial = 52,  ///< Deprecated: more of the same message follows.
  kBinary = 53,
  kStringPartial = 54,  ///< Deprecated: more of the same message follows.
  kStringEmpty = 56,
  kBinaryEmpty = 57,
};

/// DATA_CHANNEL_OPEN (RFC 8832 section 5.1).
struct DcepOpen {
  bool ordered = true;
  /// At most one of the two is set; with neither the channel is reliable.
  std::optional<std::uint32_t> max_retransmits;
  std::optional<std::uint32_t> max_packet_life_time;  ///< Milliseconds.
  /// RFC 8831 section 6.4: 128 below normal, 256 normal, 512 high, 1024 extra high.
  std::uint16_t priority = 256;
  std::string label;
  std::string protocol;

  bool operator==(const DcepOpen&) const = default;
};

/// DATA_CHANNEL_ACK (RFC 8832 section 5.2).
struct DcepAck {
  bool operator==(const DcepAck&) const = default;
};

using DcepMessage = std::variant<DcepOpen, DcepAck>;

/// Total: any bytes give a message or an error with its reason.
[[nodiscard]] Result<DcepMessage> parse_dcep(Bytes bytes);

/// kInvalidArgument if label or protocol has more than 65,535 bytes or is not UTF-8, or if both
/// limits are set.
[[nodiscard]] Result<std::vector<std::uint8_t>> serialize(const DcepOpen& open);
std::vector<std::uint8_t> serialize(const DcepAck& ack);

}  // namespace floe::sctp
