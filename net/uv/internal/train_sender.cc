#include "floe/net/uv/internal/train_sender.h"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "floe/net/uv/internal/system_address.h"

namespace floe::net::uv {
namespace {

/// Messages per system call. Trains in one piece fill a batch with 17 of them; packets one by one
/// spread the cost of the call over 64.
constexpr unsigned kMaxMessages = 64;
/// What an earlier packet's ICMP error may make a call fail before the call itself is blamed.
constexpr int kMaxStaleErrors = 4;

struct SegmentControl {
  alignas(cmsghdr) std::uint8_t bytes[CMSG_SPACE(sizeof(std::uint16_t))];
};

}  // namespace

void Train::drop_front(std::uint32_t count) {
  bytes = bytes.subspan(std::min<std::size_t>(bytes.size(), std::size_t{count} * segment_size));
  packets -= count;
}

/// The arguments of one sendmmsg; only the first `count` are ever written.
struct TrainSender::Messages {
  mmsghdr headers[kMaxMessages];
  iovec parts[kMaxMessages];
  SegmentControl controls[kMaxMessages];
  sockaddr_storage addresses[kMaxMessages];
  std::uint32_t packets[kMaxMessages];
  unsigned count = 0;

  void add(sockaddr_storage& address, unsigned address_size, Bytes bytes) {
    parts[count] = {const_cast<std::uint8_t*>(bytes.data()), bytes.size()};
    mmsghdr& header = headers[count];
    header = {};
    header.msg_hdr.msg_name = &address;
    header.msg_hdr.msg_namelen = address_size;
    header.msg_hdr.msg_iov = &parts[count];
    header.msg_hdr.msg_iovlen = 1;
    packets[count] = 1;
    ++count;
  }
  /// Per call, not as a socket option: single packets must not be cut.
  void cut_last(std::uint32_t segment_size, std::uint32_t segments) {
    SegmentControl& control = controls[count - 1];
    msghdr& header = headers[count - 1].msg_hdr;
    header.msg_control = control.bytes;
    header.msg_controllen = sizeof(control.bytes);
    cmsghdr* cmsg = CMSG_FIRSTHDR(&header);
    cmsg->cmsg_level = IPPROTO_UDP;
    cmsg->cmsg_type = UDP_SEGMENT;
    cmsg->cmsg_len = CMSG_LEN(sizeof(std::uint16_t));
    const auto size = static_cast<std::uint16_t>(segment_size);
    std::memcpy(CMSG_DATA(cmsg), &size, sizeof(size));
    packets[count - 1] = segments;
  }
};

void TrainSender::compose(std::span<const Train> trains, Messages& messages) const {
  const Train* previous = nullptr;
  sockaddr_storage* address = nullptr;
  unsigned address_size = 0;
  for (const Train& train : trains) {
    if (messages.count == kMaxMessages) return;
    if (previous == nullptr || train.destination != previous->destination) {
      address = &messages.addresses[messages.count];
      address_size = to_system(train.destination, *address);
    }
    previous = &train;
    if (train.packets > 1 && segments_ && !train.one_by_one) {
      messages.add(*address, address_size, train.bytes);
      messages.cut_last(train.segment_size, train.packets);
      continue;
    }
    Train rest = train;
    while (rest.packets > 0 && messages.count < kMaxMessages) {
      const std::size_t size = std::min<std::size_t>(rest.segment_size, rest.bytes.size());
      messages.add(*address, address_size, rest.bytes.first(size));
      rest.drop_front(1);
    }
  }
}

void TrainSender::count_sent(std::span<Train>& trains, const Messages& messages, unsigned sent) {
  for (unsigned i = 0; i < sent; ++i) {
    Train& train = trains.front();
    if (train.one_by_one && segments_) {
      // Refused in one piece, accepted in pieces: the kernel (before 4.18, EINVAL) or this route's
      // device (no checksum offload, EIO) cannot cut packets.
      segments_ = false;
      ++stats_.gso_fallbacks;
    }
    stats_.datagrams_out += messages.packets[i];
    stats_.bytes_out += messages.parts[i].iov_len;
    if (messages.packets[i] > 1) ++stats_.gso_runs;
    train.drop_front(messages.packets[i]);
    if (train.packets == 0) trains = trains.subspan(1);
  }
}

TrainSender::Outcome TrainSender::send(std::span<Train>& trains, const Refused& refused) {
  int stale_errors = 0;
  while (!trains.empty()) {
    Messages messages;
    compose(trains, messages);
    ++stats_.send_calls;
    const int sent = calls_.send(fd_, messages.headers, messages.count);
    if (sent > 0) {
      count_sent(trains, messages, static_cast<unsigned>(sent));
      continue;
    }
    // sendmmsg fails only for its first message; a later one ends it early and fails next time.
    const int error = errno;
    Train& train = trains.front();
    if (error == EINTR) continue;
    if (error == EAGAIN || error == EWOULDBLOCK) return Outcome::kNoRoom;
    if (error == ENOBUFS || error == ENOMEM) return Outcome::kNoBuffers;
    if (error == ECONNREFUSED && ++stale_errors <= kMaxStaleErrors) continue;
    if ((error == EIO || error == EINVAL) && messages.packets[0] > 1) {
      // EINVAL also stands for segments above the MTU: the single packet tells which it is.
      train.one_by_one = true;
      continue;
    }
    refused(train, error);
    trains = trains.subspan(1);
  }
  return Outcome::kSent;
}

}  // namespace floe::net::uv
