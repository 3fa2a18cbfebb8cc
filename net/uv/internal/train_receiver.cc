#include "floe/net/uv/internal/train_receiver.h"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "floe/net/uv/internal/reactor.h"
#include "floe/net/uv/internal/system_address.h"

namespace floe::net::uv {
namespace {

struct SegmentControl {
  alignas(cmsghdr) std::uint8_t bytes[CMSG_SPACE(sizeof(int))];
};

/// The size of a train's packets; 0 if the kernel joined none.
std::size_t segment_size(msghdr& header) {
  for (cmsghdr* cmsg = CMSG_FIRSTHDR(&header); cmsg != nullptr; cmsg = CMSG_NXTHDR(&header, cmsg)) {
    if (cmsg->cmsg_level != IPPROTO_UDP || cmsg->cmsg_type != UDP_GRO) continue;
    int size = 0;
    std::memcpy(&size, CMSG_DATA(cmsg), sizeof(size));
    return size > 0 ? static_cast<std::size_t>(size) : 0;
  }
  return 0;
}

void split(MutableBytes bytes, std::size_t segment, const Endpoint& source, SocketId socket,
           std::vector<Datagram>& datagrams) {
  do {
    const std::size_t size = segment == 0 ? bytes.size() : std::min(segment, bytes.size());
    datagrams.push_back({bytes.first(size), source, socket});
    bytes = bytes.subspan(size);
  } while (!bytes.empty());
}

}  // namespace

int receive_trains(int fd, UdpCalls& calls, Reactor& reactor, SocketId socket,
                   std::vector<Datagram>& datagrams) {
  mmsghdr headers[Reactor::kReceiveBuffers];
  iovec parts[Reactor::kReceiveBuffers];
  SegmentControl controls[Reactor::kReceiveBuffers];
  sockaddr_storage sources[Reactor::kReceiveBuffers];
  for (std::size_t i = 0; i < Reactor::kReceiveBuffers; ++i) {
    const MutableBytes buffer = reactor.receive_buffer(i);
    parts[i] = {buffer.data(), buffer.size()};
    headers[i] = {};
    headers[i].msg_hdr.msg_name = &sources[i];
    headers[i].msg_hdr.msg_namelen = sizeof(sources[i]);
    headers[i].msg_hdr.msg_iov = &parts[i];
    headers[i].msg_hdr.msg_iovlen = 1;
    headers[i].msg_hdr.msg_control = controls[i].bytes;
    headers[i].msg_hdr.msg_controllen = sizeof(controls[i].bytes);
  }
  const int received = calls.receive(fd, headers, Reactor::kReceiveBuffers);
  Stats& stats = reactor.stats();
  ++stats.receive_calls;
  for (int i = 0; i < received; ++i) {
    if ((headers[i].msg_hdr.msg_flags & MSG_TRUNC) != 0) {
      ++stats.dropped_truncated;
      continue;
    }
    const Endpoint source = from_system(reinterpret_cast<const sockaddr*>(&sources[i]));
    const std::size_t before = datagrams.size();
    split(reactor.receive_buffer(i).first(headers[i].msg_len), segment_size(headers[i].msg_hdr),
          source, socket, datagrams);
    const std::size_t packets = datagrams.size() - before;
    stats.datagrams_in += packets;
    stats.bytes_in += headers[i].msg_len;
    if (packets > 1) ++stats.gro_trains;
  }
  return received;
}

}  // namespace floe::net::uv
