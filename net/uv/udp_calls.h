#pragma once

struct mmsghdr;

namespace floe::net::uv {

/// The kernel calls that move packets through a batched socket. A test overrides them to make the
/// kernel refuse, fill up or lack UDP_SEGMENT on demand.
class UdpCalls {
 public:
  virtual ~UdpCalls() = default;
  /// As sendmmsg(2): the number of messages sent, or -1 and errno.
  virtual int send(int fd, mmsghdr* messages, unsigned count);
  /// As recvmmsg(2) without a timeout.
  virtual int receive(int fd, mmsghdr* messages, unsigned count);
};

}  // namespace floe::net::uv
