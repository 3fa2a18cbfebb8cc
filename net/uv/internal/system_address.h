#pragma once

#include "floe/net/endpoint.h"

struct sockaddr;
struct sockaddr_storage;

namespace floe::net::uv {

/// Writes `endpoint` as the system has it and returns how many bytes of `out` that takes.
unsigned to_system(const Endpoint& endpoint, sockaddr_storage& out);
/// `address` must be AF_INET or AF_INET6; anything else becomes 0.0.0.0:0.
Endpoint from_system(const sockaddr* address);
int address_family(Family family);

}  // namespace floe::net::uv
