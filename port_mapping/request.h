#pragma once

#include <cstdint>
#include <string_view>

#include "floe/core/time.h"
#include "floe/net/endpoint.h"

namespace floe::port_mapping {

/// The IP protocol numbers.
enum class Protocol : std::uint8_t { kTcp = 6, kUdp = 17 };
/// How the router was asked.
enum class Method : std::uint8_t {
  kPcp,     ///< RFC 6887
  kNatPmp,  ///< RFC 6886
  kUpnp,    ///< UPnP Internet Gateway Device
};
std::string_view to_string(Method method);

/// How long a mapping is asked for. Routers that announce nothing are noticed to have forgotten it
/// at its renewal, half of this time later, and it stays this long when a program crashes: so less
/// than the two hours that RFC 6886 section 3.3 recommends.
inline constexpr Duration kLifetime = std::chrono::minutes(20);
/// Both PCP's and NAT-PMP's server (RFC 6887 section 19.1).
inline constexpr std::uint16_t kServerPort = 5351;
/// Where routers announce to 224.0.0.1 that they have restarted (RFC 6886 section 3.2.1).
inline constexpr std::uint16_t kAnnouncementPort = 5350;

/// What is to be reachable from outside.
struct Request {
  net::Endpoint internal;
  Protocol protocol = Protocol::kUdp;
};

/// What a router has granted.
struct Lease {
  net::Endpoint external;
  Duration lifetime{};
};

}  // namespace floe::port_mapping
