#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "floe/core/bytes.h"
#include "floe/dtls/role.h"

namespace floe::dtls {

/// Why bytes from outside went no further.
enum class DropReason : std::uint8_t {
  kNotDtls,           ///< First byte or size is not that of DTLS.
  kMalformed,         ///< A record or handshake header contradicts itself or its datagram.
  kUnexpected,        ///< Well-formed, but nothing a peer in its role sends at this point.
  kUnencryptedAlert,  ///< Anybody could have sent it; see Connection's handling of refusals.
  kStaleEpoch,        ///< Unencrypted although the handshake is done.
  kUndecryptable,     ///< Failed authentication, or a replay.
  kQueueFull,         ///< A bounded queue of this connection had no room.
  kNotRunning,        ///< Before start() or after the end.
};
inline constexpr std::size_t kDropReasons = 8;
std::string_view to_string(DropReason reason);

/// RFC 5246 section 6.2.1, RFC 9147 section 4 for the last.
enum class ContentType : std::uint8_t {
  kChangeCipherSpec = 20,
  kAlert = 21,
  kHandshake = 22,
  kApplicationData = 23,
  kAck = 26,
};

/// One record as it stands in a datagram (RFC 6347 section 4.1).
struct Record {
  static constexpr std::size_t kHeaderSize = 13;

  std::uint8_t type = 0;  ///< A `ContentType`, or 32..63: DTLS 1.3's unified header.
  std::uint16_t epoch = 0;
  Bytes body;   ///< Behind the header; empty for a unified header, whose length may be implied.
  Bytes whole;  ///< With the header.

  bool is(ContentType wanted) const { return type == static_cast<std::uint8_t>(wanted); }
  bool unified() const { return (type & 0xe0) == 0x20; }
  bool encrypted() const { return unified() || epoch != 0; }
};

/// Takes the next record off the front of `rest`; nothing if it is malformed, in which case what
/// follows cannot be found either. A record with a unified header (DTLS 1.3, always encrypted)
/// is everything that is left: the record layer that understands it goes on from there.
std::optional<Record> next_record(Bytes& rest);

/// Why a peer in the role opposite to `own` cannot have meant this unencrypted record, if so.
/// OpenSSL answers such records by ending the handshake, and anybody who can reach the port may
/// send them, so they are kept from it.
std::optional<DropReason> why_drop_unencrypted(const Record& record, Role own);

/// RFC 5246 section 7.2; those named here are the ones floe itself sends or tells apart.
enum class AlertDescription : std::uint8_t {
  kCloseNotify = 0,
  kHandshakeFailure = 40,
  kBadCertificate = 42,
};
inline constexpr std::uint8_t kWarning = 1;
inline constexpr std::uint8_t kFatal = 2;

/// The registered name of an alert, e.g. "bad_certificate".
std::string_view alert_name(std::uint8_t description);

}  // namespace floe::dtls
