#include "floe/net/uv/internal/system_address.h"

#include <uv.h>

#include <cstring>
#include <span>

namespace floe::net::uv {

unsigned to_system(const Endpoint& endpoint, sockaddr_storage& out) {
  const Bytes bytes = endpoint.address.bytes();
  if (endpoint.family() == Family::kIpv4) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(endpoint.port);
    std::memcpy(&v4.sin_addr, bytes.data(), bytes.size());
    std::memcpy(&out, &v4, sizeof(v4));
    return sizeof(v4);
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(endpoint.port);
  v6.sin6_scope_id = endpoint.address.scope_id();
  std::memcpy(&v6.sin6_addr, bytes.data(), bytes.size());
  std::memcpy(&out, &v6, sizeof(v6));
  return sizeof(v6);
}

Endpoint from_system(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, address, sizeof(v4));
    std::uint8_t bytes[4];
    std::memcpy(bytes, &v4.sin_addr, sizeof(bytes));
    return {Address::v4(std::span<const std::uint8_t, 4>(bytes)), ntohs(v4.sin_port)};
  }
  if (address->sa_family == AF_INET6) {
    sockaddr_in6 v6;
    std::memcpy(&v6, address, sizeof(v6));
    std::uint8_t bytes[16];
    std::memcpy(bytes, &v6.sin6_addr, sizeof(bytes));
    // A scope means something on link-local addresses only (RFC 4007 section 6); elsewhere it would
    // make equal addresses differ.
    const bool link_local = bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
    return {Address::v6(std::span<const std::uint8_t, 16>(bytes),
                        link_local ? static_cast<std::uint32_t>(v6.sin6_scope_id) : 0),
            ntohs(v6.sin6_port)};
  }
  return {};
}

int address_family(Family family) {
  return family == Family::kIpv4 ? AF_INET : AF_INET6;
}

}  // namespace floe::net::uv
