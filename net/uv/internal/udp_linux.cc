#include "floe/net/uv/internal/udp_linux.h"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "floe/net/uv/internal/errors.h"
#include "floe/net/uv/internal/system_address.h"
#include "floe/net/uv/internal/train_receiver.h"

namespace floe::net::uv {
namespace {

/// Receive calls per turn, each for up to `Reactor::kReceiveBuffers` trains: enough to amortise the
/// turn, few enough that other sockets and timers get theirs within milliseconds.
constexpr int kMaxReceiveCalls = 8;
/// Errors taken from the socket's error queue at once; it holds no more than its buffer does.
constexpr int kMaxQueuedErrors = 64;
/// Kept trains offered to the kernel at a time, as many as a full batch has.
constexpr std::size_t kFlushTrains = 16;
/// How soon to try again when the kernel is out of buffers: nothing announces that they are back.
constexpr Duration kRetryDelay = std::chrono::milliseconds(1);

}  // namespace

struct LinuxUdpSocket::Handle {
  uv_poll_t poll;
  LinuxUdpSocket* owner;
  std::shared_ptr<Reactor> reactor;
  std::vector<Datagram> datagrams;  ///< Here, since the handler may destroy the socket.

  static void on_poll(uv_poll_t* poll, int status, int events) {
    auto* self = static_cast<Handle*>(poll->data);
    if (status < 0) self->owner->clear_error();
    if ((events & UV_WRITABLE) != 0) self->owner->flush();
    if ((events & UV_READABLE) != 0) self->owner->receive();
  }
};

Result<std::unique_ptr<UdpSocket>> LinuxUdpSocket::create(std::shared_ptr<Reactor> reactor,
                                                          UdpCalls& calls, int fd,
                                                          const Endpoint& local,
                                                          UdpHandler& handler) {
  auto handle = std::make_unique<Handle>();
  if (const int status = uv_poll_init(reactor->loop(), &handle->poll, fd); status < 0) {
    ::close(fd);
    return fail_with(status, "cannot watch a UDP socket");
  }
  auto socket = std::make_unique<LinuxUdpSocket>(reactor, calls, fd, local, handler);
  handle->poll.data = handle.get();
  handle->owner = socket.get();
  handle->reactor = std::move(reactor);
  socket->handle_ = handle.release();
  socket->poll();
  return socket;
}

LinuxUdpSocket::LinuxUdpSocket(std::shared_ptr<Reactor> reactor, UdpCalls& calls, int fd,
                               const Endpoint& local, UdpHandler& handler)
    : reactor_(std::move(reactor)),
      calls_(calls),
      fd_(fd),
      local_(local),
      handler_(handler),
      sender_(fd, calls, reactor_->stats()) {
  reactor_->attach(*this);
  id_ = reactor_->add_outlet(*this);
}

LinuxUdpSocket::~LinuxUdpSocket() {
  reactor_->forget(*this);
  detach();
}

void LinuxUdpSocket::detach() {
  if (handle_ == nullptr) return;
  reactor_->remove_outlet(id_);
  reactor_->shrink_backlog(kept_size_);
  kept_.clear();
  kept_size_ = 0;
  retry_.reset();
  handle_->owner = nullptr;
  uv_close(reinterpret_cast<uv_handle_t*>(&std::exchange(handle_, nullptr)->poll),
           [](uv_handle_t* handle) { delete static_cast<Handle*>(handle->data); });
  // libuv lets go of the descriptor within uv_close; the port is free from here on.
  ::close(fd_);
}

void LinuxUdpSocket::poll() {
  // Fails only for a handle that is closing.
  uv_poll_start(&handle_->poll, wants_room_ ? UV_READABLE | UV_WRITABLE : UV_READABLE,
                Handle::on_poll);
}

void LinuxUdpSocket::send(SendBatch& batch, std::span<const SendBatch::Run> runs) {
  trains_.clear();
  for (const SendBatch::Run& run : runs) {
    const Endpoint& destination = run.route.destination;
    if (Result<> possible = check_destination(local_, destination); !possible) {
      ++reactor_->stats().runs_failed;
      batch.failures().push_back({run.route, possible.error()});
      continue;
    }
    trains_.push_back({&run.route, destination, batch.bytes(run), run.segment_size, run.segments});
  }
  std::span<Train> rest = trains_;
  if (kept_.empty()) {
    const auto outcome = sender_.send(rest, [&](const Train& train, int error) {
      ++reactor_->stats().runs_failed;
      batch.failures().push_back(
          {*train.route, send_error(code_of_errno(error), local_, train.destination)});
    });
    if (!rest.empty()) wait_for_room(outcome);
  }
  for (const Train& train : rest) keep(train);
}

void LinuxUdpSocket::keep(const Train& train) {
  const std::size_t charge = train.bytes.size() + kKeptOverhead;
  if (kept_size_ + charge > kMaxBacklog) {
    reactor_->stats().dropped_backlog_full += train.packets;
    return;
  }
  Kept& kept = kept_.emplace_back();
  kept.train = train;
  kept.train.route = nullptr;
  kept.charge = charge;
  kept.bytes.reset(new std::uint8_t[train.bytes.size()]);
  if (!train.bytes.empty()) std::memcpy(kept.bytes.get(), train.bytes.data(), train.bytes.size());
  kept.train.bytes = {kept.bytes.get(), train.bytes.size()};
  kept_size_ += charge;
  reactor_->grow_backlog(charge);
  ++reactor_->stats().runs_kept;
}

void LinuxUdpSocket::flush() {
  const auto refused = [&](const Train& train, int) {
    reactor_->stats().dropped_unsendable += train.packets;
  };
  auto outcome = TrainSender::Outcome::kSent;
  while (!kept_.empty() && outcome == TrainSender::Outcome::kSent) {
    trains_.clear();
    const std::size_t count = std::min(kept_.size(), kFlushTrains);
    for (std::size_t i = 0; i < count; ++i) trains_.push_back(kept_[i].train);
    std::span<Train> rest = trains_;
    outcome = sender_.send(rest, refused);
    for (std::size_t done = count - rest.size(); done > 0; --done) {
      kept_size_ -= kept_.front().charge;
      reactor_->shrink_backlog(kept_.front().charge);
      kept_.pop_front();
    }
    if (!rest.empty()) kept_.front().train = rest.front();
  }
  wait_for_room(outcome);
}

void LinuxUdpSocket::wait_for_room(TrainSender::Outcome outcome) {
  const bool wants_room = outcome == TrainSender::Outcome::kNoRoom;
  if (std::exchange(wants_room_, wants_room) != wants_room) poll();
  if (outcome != TrainSender::Outcome::kNoBuffers) return;
  if (!retry_) {
    retry_ = TimerQueue::create(reactor_, [this] { flush(); });
  }
  retry_->arm(reactor_->now() + kRetryDelay);
}

void LinuxUdpSocket::receive() {
  Handle* const handle = handle_;  // Outlives this call, whatever the handler does.
  for (int call = 0; call < kMaxReceiveCalls; ++call) {
    handle->datagrams.clear();
    const int trains = receive_trains(fd_, calls_, *reactor_, id_, handle->datagrams);
    if (trains < 0) {
      const int error = errno;
      if (error == EINTR) continue;
      if (error == EAGAIN || error == EWOULDBLOCK) return;
      // An ICMP error that some earlier packet caused; the socket is as good as before.
      ++reactor_->stats().receive_errors;
      continue;
    }
    if (!handle->datagrams.empty()) {
      handler_.on_datagrams(handle->datagrams);
      if (handle->owner == nullptr) return;
    }
    if (static_cast<std::size_t>(trains) < Reactor::kReceiveBuffers) return;
  }
}

void LinuxUdpSocket::clear_error() {
  // libuv stops watching a descriptor that polls as being in error. The error is an ICMP message
  // about a packet, so it is taken off and the socket watched again.
  ++reactor_->stats().receive_errors;
  int error = 0;
  socklen_t size = sizeof(error);
  getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
  for (int i = 0; i < kMaxQueuedErrors; ++i) {
    msghdr header{};
    if (::recvmsg(fd_, &header, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) break;
  }
  poll();
}

Result<std::unique_ptr<UdpSocket>> open_linux_udp(std::shared_ptr<Reactor> reactor,
                                                  const Options& network_options,
                                                  const UdpOptions& options, UdpHandler& handler) {
  static UdpCalls kernel;
  const Family family = options.bind.family();
  const int fd =
      ::socket(address_family(family), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP);
  if (fd < 0) return fail_with(code_of_errno(errno), "cannot create a UDP socket");
  const int on = 1;
  if (family == Family::kIpv6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
  // Kernels before 5.0 do not know it and hand packets over one by one.
  setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof(on));
  if (Result<> set = set_udp_options(fd, options, network_options.udp_buffer); !set) {
    ::close(fd);
    return forward(set);
  }

  sockaddr_storage address{};
  const Result<> bound = bind_udp(options, reactor->random(), [&](const Endpoint& local) {
    const unsigned size = to_system(local, address);
    const int result = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), size);
    return result == 0 ? 0 : code_of_errno(errno);
  });
  if (!bound) {
    ::close(fd);
    return forward(bound);
  }
  socklen_t size = sizeof(address);
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  UdpCalls& calls = network_options.udp_calls != nullptr ? *network_options.udp_calls : kernel;
  return LinuxUdpSocket::create(std::move(reactor), calls, fd,
                                from_system(reinterpret_cast<const sockaddr*>(&address)), handler);
}

}  // namespace floe::net::uv
