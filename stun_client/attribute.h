#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "floe/core/bytes.h"

namespace floe::stun {

/// Attribute types. Below 0x8000 a receiver must understand the attribute to process the message,
/// from there on it may ignore it (RFC 8489 section 14).
enum class AttributeType : std::uint16_t {
  // RFC 8489 section 18.3
  kMappedAddress = 0x0001,
  kUsername = 0x0006,
  kMessageIntegrity = 0x0008,
  kErrorCode = 0x0009,
  kUnknownAttributes = 0x000a,
  kRealm = 0x0014,
  kNonce = 0x0015,
  kMessageIntegritySha256 = 0x001c,
  kPasswordAlgorithm = 0x001d,
  kUserhash = 0x001e,
  kXorMappedAddress = 0x0020,
  kPasswordAlgorithms = 0x8002,
  kAlternateDomain = 0x8003,
  kSoftware = 0x8022,
  kAlternateServer = 0x8023,
  kFingerprint = 0x8028,
  // RFC 8656 section 18 (TURN)
  kChannelNumber = 0x000c,
  kLifetime = 0x000d,
  kXorPeerAddress = 0x0012,
  kData = 0x0013,
  kXorRelayedAddress = 0x0016,
  kRequestedAddressFamily = 0x0017,
  kEvenPort = 0x0018,
  kRequestedTransport = 0x0019,
  kDontFragment = 0x001a,
  kReservationToken = 0x0022,
  kAdditionalAddressFamily = 0x8000,
  kAddressErrorCode = 0x8001,
  kIcmp = 0x8004,
  // RFC 6062 section 6.2 (TURN over TCP)
  kConnectionId = 0x002a,
  // RFC 8445 section 16.1 (ICE)
  kPriority = 0x0024,
  kUseCandidate = 0x0025,
  kIceControlled = 0x8029,
  kIceControlling = 0x802a,
  // RFC 5780 section 9.1 (NAT behaviour discovery)
  kChangeRequest = 0x0003,
  kPadding = 0x0026,
  kResponsePort = 0x0027,
  kResponseOrigin = 0x802b,
  kOtherAddress = 0x802c,
  // RFC 7635 section 6 (third-party authorization)
  kAccessToken = 0x001b,
  kThirdPartyAuthorization = 0x802e,
  // RFC 8016 (mobility with TURN)
  kMobilityTicket = 0x8030,
  // Deployed without an RFC
  kNomination = 0xc001,                    ///< draft-thatcher-ice-renomination
  kGoogNetworkInfo = 0xc057,               ///< network id and network cost, 16 bits each
  kMetaDtlsInStun = 0xc070,                ///< one DTLS datagram inside a connectivity check
  kMetaDtlsInStunAcknowledgement = 0xc071  ///< the DTLS datagrams that arrived
};

constexpr bool is_comprehension_required(AttributeType type) {
  return static_cast<std::uint16_t>(type) < 0x8000;
}

/// The attribute's name as its standard writes it ("XOR-MAPPED-ADDRESS"), or "" for a type that is
/// not listed above.
std::string_view name(AttributeType type);

/// The attributes one message may carry. The busiest message floe knows, a connectivity check with
/// every extension, or an Allocate request with long-term credentials, has 16; the rest is room
/// for vendors. Messages with more are refused.
inline constexpr std::size_t kMaxAttributes = 32;

/// Attribute types in the order they were met; never more than kMaxAttributes.
class AttributeTypes {
 public:
  using value_type = AttributeType;
  using const_iterator = const AttributeType*;

  /// Ignored when the list is full.
  void push_back(AttributeType type) {
    if (size_ < types_.size()) types_[size_++] = type;
  }
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  AttributeType operator[](std::size_t index) const { return types_[index]; }
  const_iterator begin() const { return types_.data(); }
  const_iterator end() const { return types_.data() + size_; }
  operator std::span<const AttributeType>() const { return {types_.data(), size_}; }

 private:
  std::array<AttributeType, kMaxAttributes> types_{};
  std::size_t size_ = 0;
};

/// ERROR-CODE (RFC 8489 section 14.8). `reason` points into the message.
struct ErrorCode {
  std::uint16_t code = 0;  ///< 300 to 699.
  std::string_view reason;
};

// The error codes floe sends or reacts to, with the section that defines them.
inline constexpr std::uint16_t kTryAlternate = 300;                // RFC 8489 section 14.8
inline constexpr std::uint16_t kBadRequest = 400;                  // RFC 8489 section 14.8
inline constexpr std::uint16_t kUnauthenticated = 401;             // RFC 8489 section 14.8
inline constexpr std::uint16_t kForbidden = 403;                   // RFC 8656 section 19
inline constexpr std::uint16_t kMobilityForbidden = 405;           // RFC 8016
inline constexpr std::uint16_t kUnknownAttribute = 420;            // RFC 8489 section 14.8
inline constexpr std::uint16_t kAllocationMismatch = 437;          // RFC 8656 section 19
inline constexpr std::uint16_t kStaleNonce = 438;                  // RFC 8489 section 14.8
inline constexpr std::uint16_t kAddressFamilyNotSupported = 440;   // RFC 8656 section 19
inline constexpr std::uint16_t kWrongCredentials = 441;            // RFC 8656 section 19
inline constexpr std::uint16_t kUnsupportedTransport = 442;        // RFC 8656 section 19
inline constexpr std::uint16_t kPeerAddressFamilyMismatch = 443;   // RFC 8656 section 19
inline constexpr std::uint16_t kConnectionAlreadyExists = 446;     // RFC 6062 section 6.3
inline constexpr std::uint16_t kConnectionTimeoutOrFailure = 447;  // RFC 6062 section 6.3
inline constexpr std::uint16_t kAllocationQuotaReached = 486;      // RFC 8656 section 19
inline constexpr std::uint16_t kRoleConflict = 487;                // RFC 8445 section 16.2
inline constexpr std::uint16_t kServerError = 500;                 // RFC 8489 section 14.8
inline constexpr std::uint16_t kInsufficientCapacity = 508;        // RFC 8656 section 19

/// How a long-term password becomes a key (RFC 8489 section 18.5).
enum class PasswordAlgorithm : std::uint16_t { kMd5 = 0x0001, kSha256 = 0x0002 };

/// EVEN-PORT (RFC 8656 section 18.7).
struct EvenPort {
  bool reserve_next = false;
};

/// ICMP (RFC 8656 section 18.13): why the server could not deliver a packet.
struct Icmp {
  std::uint8_t type = 0;
  std::uint8_t code = 0;
  std::uint32_t error_data = 0;  ///< The next hop's MTU where the type has one.
};

/// GOOG-NETWORK-INFO: how dear the sender's network is, 0 (best) to 999.
struct NetworkInfo {
  std::uint16_t id = 0;
  std::uint16_t cost = 0;
};

/// CHANGE-REQUEST (RFC 5780 section 7.2).
struct ChangeRequest {
  bool address = false;
  bool port = false;
};

}  // namespace floe::stun
