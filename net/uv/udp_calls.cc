#include "floe/net/uv/udp_calls.h"

#include <sys/socket.h>

namespace floe::net::uv {

int UdpCalls::send(int fd, mmsghdr* messages, unsigned count) {
  return ::sendmmsg(fd, messages, count, MSG_NOSIGNAL);
}

int UdpCalls::receive(int fd, mmsghdr* messages, unsigned count) {
  return ::recvmmsg(fd, messages, count, MSG_DONTWAIT, nullptr);
}

}  // namespace floe::net::uv
