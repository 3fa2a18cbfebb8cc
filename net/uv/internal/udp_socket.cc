#include "floe/net/uv/internal/udp_socket.h"

#include <uv.h>

#ifndef _WIN32
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#endif

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

#include "floe/net/uv/internal/errors.h"

namespace floe::net::uv {
namespace {

#ifndef _WIN32
void set_int(int fd, int level, int option, int value) {
  // All of these improve a socket that works without them.
  static_cast<void>(setsockopt(fd, level, option, &value, sizeof(value)));
}

void set_fragmentation(int fd, bool dont_fragment, Family family) {
  // RFC 8899 section 3: probing the path needs packets that are not fragmented, of sizes that the
  // kernel's own idea of the path MTU must not limit (hence PROBE, not DO).
#if defined(IP_MTU_DISCOVER) && defined(IPV6_MTU_DISCOVER)
  if (family == Family::kIpv4) {
    set_int(fd, IPPROTO_IP, IP_MTU_DISCOVER, dont_fragment ? IP_PMTUDISC_PROBE : IP_PMTUDISC_DONT);
  } else {
    set_int(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER,
            dont_fragment ? IPV6_PMTUDISC_PROBE : IPV6_PMTUDISC_DONT);
  }
#elif defined(IP_DONTFRAG) && defined(IPV6_DONTFRAG)
  if (family == Family::kIpv4) {
    set_int(fd, IPPROTO_IP, IP_DONTFRAG, dont_fragment ? 1 : 0);
  } else {
    set_int(fd, IPPROTO_IPV6, IPV6_DONTFRAG, dont_fragment ? 1 : 0);
  }
#endif
}

Error membership_error(const Address& group, const Multicast& multicast) {
  return error_of(code_of_errno(errno),
                  "cannot join " + group.to_string() + " on " +
                      (multicast.interface.empty() ? "any interface" : multicast.interface));
}

Result<> set_ipv4_multicast(int fd, const Multicast& multicast, int index) {
  ip_mreqn request{};
  request.imr_ifindex = index;
  if (index != 0 && setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &request, sizeof(request)) != 0) {
    return fail_with(code_of_errno(errno), "cannot send to groups by " + multicast.interface);
  }
  set_int(fd, IPPROTO_IP, IP_TTL, multicast.hops);
  set_int(fd, IPPROTO_IP, IP_MULTICAST_TTL, multicast.hops);
  set_int(fd, IPPROTO_IP, IP_MULTICAST_LOOP, multicast.loop ? 1 : 0);
#ifdef IP_MULTICAST_ALL
  set_int(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0);  // Only the groups this socket has joined.
#endif
  for (const Address& group : multicast.groups) {
    std::memcpy(&request.imr_multiaddr, group.bytes().data(), sizeof(request.imr_multiaddr));
    if (setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof(request)) != 0) {
      return tl::unexpected<Error>(membership_error(group, multicast));
    }
  }
  return {};
}

Result<> set_ipv6_multicast(int fd, const Multicast& multicast, int index) {
  if (index != 0 && setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &index, sizeof(index)) != 0) {
    return fail_with(code_of_errno(errno), "cannot send to groups by " + multicast.interface);
  }
  set_int(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, multicast.hops);
  set_int(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, multicast.hops);
  set_int(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, multicast.loop ? 1 : 0);
#ifdef IPV6_MULTICAST_ALL
  set_int(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0);
#endif
  for (const Address& group : multicast.groups) {
    ipv6_mreq request{};
    std::memcpy(&request.ipv6mr_multiaddr, group.bytes().data(), sizeof(request.ipv6mr_multiaddr));
    request.ipv6mr_interface = static_cast<unsigned>(index);
    if (setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &request, sizeof(request)) != 0) {
      return tl::unexpected<Error>(membership_error(group, multicast));
    }
  }
  return {};
}

Result<> set_multicast(int fd, const Multicast& multicast, Family family) {
  const auto index = static_cast<int>(if_nametoindex(multicast.interface.c_str()));
  if (!multicast.interface.empty() && index == 0) {
    return fail(Errc::kAddressNotAvailable, "no interface is called " + multicast.interface);
  }
  return family == Family::kIpv4 ? set_ipv4_multicast(fd, multicast, index)
                                 : set_ipv6_multicast(fd, multicast, index);
}
#endif

}  // namespace

Result<> set_udp_options([[maybe_unused]] int fd, const UdpOptions& options,
                         [[maybe_unused]] std::size_t buffer) {
  const Family family = options.bind.family();
  if (options.multicast) {
    if (Result<> good = options.multicast->check(family); !good) return good;
  }
#ifndef _WIN32
  const int size = static_cast<int>(std::min<std::size_t>(buffer, std::numeric_limits<int>::max()));
  set_int(fd, SOL_SOCKET, SO_RCVBUF, size);
  set_int(fd, SOL_SOCKET, SO_SNDBUF, size);
  if (options.reuse_port) set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  if (options.reuse_address) {
    set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
#ifndef __linux__
    // The BSDs want it of sockets that are to have one multicast port.
    set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1);
#endif
  }
  set_fragmentation(fd, options.dont_fragment, family);
  if (options.multicast) return set_multicast(fd, *options.multicast, family);
  return {};
#else
  if (options.reuse_port || options.reuse_address) {
    return fail(Errc::kUnsupported, "this system cannot share a UDP port between sockets");
  }
  if (options.multicast) return fail(Errc::kUnsupported, "this system has no multicast for floe");
  return {};
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
