#pragma once

#include <functional>
#include <memory>

#include "floe/net/network.h"
#include "floe/net/uv/network.h"

namespace floe::net::uv {

class Reactor;

/// Bytes (with `kKeptOverhead` for each run) that a UDP socket keeps while the system has no room:
/// two full batches, so that whoever waits for `send_backlog() == 0` never loses a packet.
inline constexpr std::size_t kMaxBacklog = 2 * SendBatch::kCapacity;
/// Charged for the bookkeeping of what is kept, so that empty packets are bounded too.
inline constexpr std::size_t kKeptOverhead = 64;

Result<std::unique_ptr<UdpSocket>> open_portable_udp(std::shared_ptr<Reactor> reactor,
                                                     const Options& network_options,
                                                     const UdpOptions& options,
                                                     UdpHandler& handler);
#ifdef __linux__
Result<std::unique_ptr<UdpSocket>> open_linux_udp(std::shared_ptr<Reactor> reactor,
                                                  const Options& network_options,
                                                  const UdpOptions& options, UdpHandler& handler);
#endif

/// What `options` ask for, before the socket is bound; buffers of `buffer` bytes.
Result<> set_udp_options(int fd, const UdpOptions& options, std::size_t buffer);
/// Binds by `try_bind` (0 or libuv's error code) to the port that `options` ask for, or to the
/// first free one of their range from a random start.
Result<> bind_udp(const UdpOptions& options, Random& random,
                  const std::function<int(const Endpoint&)>& try_bind);
/// Why a packet cannot leave a socket bound to `local`, before the system is asked.
Result<> check_destination(const Endpoint& local, const Endpoint& destination);
Error send_error(int code, const Endpoint& local, const Endpoint& destination);

}  // namespace floe::net::uv
