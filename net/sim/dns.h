#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "floe/core/time.h"
#include "floe/net/endpoint.h"
#include "floe/net/nat64_prefix.h"

namespace floe::net::sim {

enum class DnsFailure : std::uint8_t {
  kNoSuchName,     ///< NXDOMAIN: Errc::kNotFound. What every unknown name gets.
  kServerFailure,  ///< SERVFAIL: Errc::kInternal.
  kNoAnswer,       ///< The callback never comes.
};

/// The names every host of a world can look up. Case does not matter.
class Dns {
 public:
  static constexpr Duration kDefaultLatency = std::chrono::milliseconds(20);

  /// Knows ipv4only.arpa (RFC 7050) from the start.
  Dns();
  /// Replaces what was known of `name`.
  void add(std::string_view name, std::vector<Address> addresses,
           Duration latency = kDefaultLatency);
  void fail(std::string_view name, DnsFailure failure, Duration latency = kDefaultLatency);
  void remove(std::string_view name);

  struct Answer {
    std::vector<Address> addresses;
    std::optional<DnsFailure> failure;
    Duration latency = kDefaultLatency;
    bool is_local = false;  ///< Known without asking anybody, so no interface needs to be up.
  };
  /// Literal addresses are their own answer, at once; so is "localhost".
  Answer resolve(std::string_view name) const;
  /// What a DNS64 makes of it (RFC 6147 section 5.1): a name without IPv6 addresses gets those that
  /// lead to its IPv4 ones through the NAT64.
  Answer resolve(std::string_view name, const Nat64Prefix& dns64) const;

 private:
  std::unordered_map<std::string, Answer> names_;
};

}  // namespace floe::net::sim
