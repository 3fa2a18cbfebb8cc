#include "floe/net/uv/internal/udp_socket.h"

#include <uv.h>

#include <algorithm>
#include <limits>

#include "floe/net/uv/internal/errors.h"

namespace floe::net::uv {
namespace {

#ifndef _WIN32
void set_int(int fd, int level, int option, int value) {
  // All of these improve a socket that works without them.
  static_cast<void>(setsockopt(fd, level, option, &value, sizeof(value)));
}
#endif

}  // namespace

void set_udp_options([[maybe_unused]] int fd, [[maybe_unused]] Family family,
                     [[maybe_unused]] std::size_t buffer) {
#ifndef _WIN32
  const int size = static_cast<int>(std::min<std::size_t>(buffer, std::numeric_limits<int>::max()));
  set_int(fd, SOL_SOCKET, SO_RCVBUF, size);
  set_int(fd, SOL_SOCKET, SO_SNDBUF, size);
  // RFC 8899 section 3: probing the path needs packets that are not fragmented, of sizes that the
  // kernel's own idea of the path MTU must not limit (hence PROBE, not DO).
#if defined(IP_MTU_DISCOVER) && defined(IPV6_MTU_DISCOVER)
  if (family == Family::kIpv4) {
    set_int(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
  } else {
    set_int(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
  }
#elif defined(IP_DONTFRAG) && defined(IPV6_DONTFRAG)
  if (family == Family::kIpv4) {
    set_int(fd, IPPROTO_IP, IP_DONTFRAG, 1);
  } else {
    set_int(fd, IPPROTO_IPV6, IPV6_DONTFRAG, 1);
  }
#endif
#endif
}

Result<> bind_udp(const UdpOptions& options, Random& random,
                  const std::function<int(const Endpoint&)>& try_bind) {
  const bool any_port = options.port_min == 0 && options.port_max == 0;
  if (options.bind.port != 0 || any_port) {
    const int status = try_bind(options.bind);
    if (status == 0) return {};
    return fail_with(status, "cannot bind a UDP socket to " + options.bind.to_string());
  }
  const std::string range =
      "[" + std::to_string(options.port_min) + ", " + std::to_string(options.port_max) + "]";
  if (options.port_min == 0 || options.port_min > options.port_max) {
    return fail(Errc::kInvalidArgument, "UDP port range " + range + " has no port or has port 0");
  }
  const std::uint32_t count = options.port_max - options.port_min + 1u;
  const std::uint32_t start = static_cast<std::uint32_t>(random.below(count));
  for (std::uint32_t i = 0; i < count; ++i) {
    Endpoint candidate = options.bind;
    candidate.port = static_cast<std::uint16_t>(options.port_min + (start + i) % count);
    const int status = try_bind(candidate);
    if (status == 0) return {};
    // A privileged port in the range is as good as taken.
    if (status != UV_EADDRINUSE && status != UV_EACCES) {
      return fail_with(status, "cannot bind a UDP socket to " + candidate.to_string());
    }
  }
  return fail(Errc::kAddressInUse, "no UDP port of " + range + " is free on " +
                                       options.bind.address.to_string() + "; widen the range");
}

Result<> check_destination(const Endpoint& local, const Endpoint& destination) {
  if (local.family() == destination.family()) return {};
  return fail(Errc::kInvalidArgument, "the socket at " + local.to_string() +
                                          " and the destination " + destination.to_string() +
                                          " are of different address families");
}

Error send_error(int code, const Endpoint& local, const Endpoint& destination) {
  return error_of(code, "cannot send from " + local.to_string() + " to " + destination.to_string());
}

}  // namespace floe::net::uv
