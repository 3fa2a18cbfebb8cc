#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "floe/core/bytes.h"
#include "floe/core/result.h"
#include "floe/net/endpoint.h"

namespace floe::mdns {

inline constexpr std::uint16_t kPort = 5353;  // RFC 6762 section 3
/// 224.0.0.251 or ff02::fb.
net::Address group(net::Family family);
/// The largest message (RFC 6762 section 17).
inline constexpr std::size_t kMaxMessage = 9'000;

/// The record types (RFC 1035, RFC 3596, RFC 4034) that matter here; others pass by their number.
enum class Type : std::uint16_t { kA = 1, kAaaa = 28, kNsec = 47, kAny = 255 };
/// The type of record that holds such an address.
Type type_of(net::Family family);

struct Question {
  std::string name;
  Type type = Type::kAny;
  bool unicast = false;  ///< QU: answer to the asker alone (RFC 6762 section 5.4).
};

struct Record {
  std::string name;
  Type type = Type::kA;
  bool cache_flush = false;  ///< This is all there is of its type (RFC 6762 section 10.2).
  std::uint32_t ttl = 0;     ///< Seconds; 0 takes the record back (section 10.1).
  std::optional<net::Address> address{};  ///< Of A and AAAA.
  /// In an NSEC record: the only type its name has (section 6.1). Written, not read.
  std::optional<Type> only_type{};
};

/// A DNS message as multicast DNS uses it (RFC 1035 section 4, RFC 6762 section 18). Names are
/// lower case, their labels joined by dots; dots and backslashes inside of labels stand behind a
/// backslash. Records of a class other than IN are left out.
struct Message {
  /// Read of one message at most; the rest is ignored. A full message of the shortest records has
  /// more, but no host name's answer stands behind so many.
  static constexpr std::size_t kMaxEntries = 256;

  std::uint16_t id = 0;
  bool is_response = false;
  std::vector<Question> questions;
  std::vector<Record> answers;
  std::vector<Record> authorities;  ///< In a probe, what its sender means to claim (section 8.2).
  std::vector<Record> additionals;

  /// Total: any bytes. Errors are `kMalformed`.
  [[nodiscard]] static Result<Message> parse(Bytes bytes);
  /// Empty if a name is none or the message gets larger than kMaxMessage.
  std::vector<std::uint8_t> write() const;
};

/// True for a name that ICE candidates may carry and multicast DNS resolves: host name characters,
/// labels of at most 63, 253 in all, and ".local" at the end (in any case).
bool is_local_name(std::string_view name);

}  // namespace floe::mdns
