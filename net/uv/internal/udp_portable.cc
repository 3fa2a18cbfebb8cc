#include "floe/net/uv/internal/udp_portable.h"

#include <uv.h>

#include <utility>
#include <vector>

#include "floe/net/uv/internal/errors.h"
#include "floe/net/uv/internal/system_address.h"

namespace floe::net::uv {

struct PortableUdpSocket::Handle {
  uv_udp_t udp;
  PortableUdpSocket* owner;
  std::shared_ptr<Reactor> reactor;
  std::size_t kept_size = 0;

  static void on_allocate(uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
    const MutableBytes space = static_cast<Handle*>(handle->data)->reactor->receive_buffer();
    *buffer =
        uv_buf_init(reinterpret_cast<char*>(space.data()), static_cast<unsigned>(space.size()));
  }
  static void on_receive(uv_udp_t* udp, ssize_t size, const uv_buf_t* buffer,
                         const sockaddr* source, unsigned flags) {
    auto* self = static_cast<Handle*>(udp->data);
    Stats& stats = self->reactor->stats();
    ++stats.receive_calls;
    if (size < 0) {
      ++stats.receive_errors;  // An ICMP message about an earlier packet.
    } else if (source == nullptr) {
      return;  // Nothing more to read.
    } else if ((flags & UV_UDP_PARTIAL) != 0) {
      ++stats.dropped_truncated;
    } else {
      self->owner->receive(
          {reinterpret_cast<std::uint8_t*>(buffer->base), static_cast<std::size_t>(size)},
          from_system(source));
    }
  }
};

/// A packet that libuv keeps until the socket has room; owns itself until then.
struct PortableUdpSocket::Pending {
  uv_udp_send_t uv;
  Handle* handle;  // Closed after all of its requests.
  std::vector<std::uint8_t> packet;

  std::size_t charge() const { return packet.size() + kKeptOverhead; }

  static void on_sent(uv_udp_send_t* uv, int status) {
    const std::unique_ptr<Pending> pending(static_cast<Pending*>(uv->data));
    Handle& handle = *pending->handle;
    Stats& stats = handle.reactor->stats();
    handle.kept_size -= pending->charge();
    handle.reactor->shrink_backlog(pending->charge());
    if (status == 0) {
      ++stats.datagrams_out;
      stats.bytes_out += pending->packet.size();
    } else if (status != UV_ECANCELED) {
      ++stats.dropped_unsendable;
    }
  }
};

Result<std::unique_ptr<UdpSocket>> PortableUdpSocket::create(std::shared_ptr<Reactor> reactor,
                                                             std::size_t buffer,
                                                             const UdpOptions& options,
                                                             UdpHandler& handler) {
  auto socket = std::make_unique<PortableUdpSocket>(std::move(reactor), handler);
  if (Result<> opened = socket->open(buffer, options); !opened) return forward(opened);
  return socket;
}

PortableUdpSocket::PortableUdpSocket(std::shared_ptr<Reactor> reactor, UdpHandler& handler)
    : reactor_(std::move(reactor)), handler_(handler) {
  reactor_->attach(*this);
}

PortableUdpSocket::~PortableUdpSocket() {
  reactor_->forget(*this);
  detach();
}

void PortableUdpSocket::detach() {
  if (handle_ == nullptr) return;
  reactor_->remove_outlet(id_);
  handle_->owner = nullptr;
  uv_close(reinterpret_cast<uv_handle_t*>(&std::exchange(handle_, nullptr)->udp),
           [](uv_handle_t* handle) { delete static_cast<Handle*>(handle->data); });
}

Result<> PortableUdpSocket::open(std::size_t buffer, const UdpOptions& options) {
  const Family family = options.bind.family();
  auto handle = std::make_unique<Handle>();
  int status =
      uv_udp_init_ex(reactor_->loop(), &handle->udp, static_cast<unsigned>(address_family(family)));
  if (status < 0) return fail_with(status, "cannot create a UDP socket");
  handle->udp.data = handle.get();
  handle->owner = this;
  handle->reactor = reactor_;
  handle_ = handle.release();

#ifndef _WIN32
  uv_os_fd_t fd = -1;
  uv_fileno(reinterpret_cast<uv_handle_t*>(&handle_->udp), &fd);
  if (Result<> set = set_udp_options(fd, options, buffer); !set) return set;
#else
  if (Result<> set = set_udp_options(-1, options, buffer); !set) return set;
  int size = static_cast<int>(buffer);
  uv_recv_buffer_size(reinterpret_cast<uv_handle_t*>(&handle_->udp), &size);
  uv_send_buffer_size(reinterpret_cast<uv_handle_t*>(&handle_->udp), &size);
#endif

  sockaddr_storage address{};
  const unsigned flags = family == Family::kIpv6 ? UV_UDP_IPV6ONLY : 0;
  const Result<> bound = bind_udp(options, reactor_->random(), [&](const Endpoint& local) {
    to_system(local, address);
    return uv_udp_bind(&handle_->udp, reinterpret_cast<const sockaddr*>(&address), flags);
  });
  if (!bound) return forward(bound);
  int size_of_address = sizeof(address);
  uv_udp_getsockname(&handle_->udp, reinterpret_cast<sockaddr*>(&address), &size_of_address);
  local_ = from_system(reinterpret_cast<const sockaddr*>(&address));
  status = uv_udp_recv_start(&handle_->udp, Handle::on_allocate, Handle::on_receive);
  if (status < 0)
    return fail_with(status, "cannot read from the UDP socket at " + local_.to_string());
  id_ = reactor_->add_outlet(*this);
  return {};
}

void PortableUdpSocket::receive(MutableBytes packet, const Endpoint& source) {
  ++reactor_->stats().datagrams_in;
  reactor_->stats().bytes_in += packet.size();
  Datagram datagram{packet, source, id_};
  handler_.on_datagrams({&datagram, 1});
}

void PortableUdpSocket::send(SendBatch& batch, std::span<const SendBatch::Run> runs) {
  for (const SendBatch::Run& run : runs) {
    const Endpoint& destination = run.route.destination;
    if (Result<> possible = check_destination(local_, destination); !possible) {
      ++reactor_->stats().runs_failed;
      batch.failures().push_back({run.route, possible.error()});
      continue;
    }
    for (std::size_t i = 0; i < run.segments; ++i) {
      const int status = send_packet(batch.packet(run, i), destination);
      if (status == 0) continue;
      ++reactor_->stats().runs_failed;
      batch.failures().push_back({run.route, send_error(status, local_, destination)});
      break;
    }
  }
}

int PortableUdpSocket::send_packet(Bytes packet, const Endpoint& destination) {
  sockaddr_storage address;
  to_system(destination, address);
  // libuv takes its buffers as mutable and only reads them.
  const uv_buf_t buffer =
      uv_buf_init(const_cast<char*>(reinterpret_cast<const char*>(packet.data())),
                  static_cast<unsigned>(packet.size()));
  Stats& stats = reactor_->stats();
  ++stats.send_calls;
  const int status =
      uv_udp_try_send(&handle_->udp, &buffer, 1, reinterpret_cast<const sockaddr*>(&address));
  if (status == UV_EAGAIN || status == UV_ENOBUFS) return keep(packet, destination);
  if (status < 0) return status;
  ++stats.datagrams_out;
  stats.bytes_out += packet.size();
  return 0;
}

int PortableUdpSocket::keep(Bytes packet, const Endpoint& destination) {
  auto pending = std::make_unique<Pending>();
  if (handle_->kept_size + packet.size() + kKeptOverhead > kMaxBacklog) {
    ++reactor_->stats().dropped_backlog_full;
    return 0;
  }
  pending->uv.data = pending.get();
  pending->handle = handle_;
  pending->packet.assign(packet.begin(), packet.end());
  const uv_buf_t buffer = uv_buf_init(reinterpret_cast<char*>(pending->packet.data()),
                                      static_cast<unsigned>(pending->packet.size()));
  sockaddr_storage address;
  to_system(destination, address);
  const std::size_t charge = pending->charge();
  const int status = uv_udp_send(&pending->uv, &handle_->udp, &buffer, 1,
                                 reinterpret_cast<const sockaddr*>(&address), Pending::on_sent);
  if (status < 0) return status;
  pending.release();
  handle_->kept_size += charge;
  reactor_->grow_backlog(charge);
  ++reactor_->stats().runs_kept;
  return 0;
}

Result<std::unique_ptr<UdpSocket>> open_portable_udp(std::shared_ptr<Reactor> reactor,
                                                     const Options& network_options,
                                                     const UdpOptions& options,
                                                     UdpHandler& handler) {
  return PortableUdpSocket::create(std::move(reactor), network_options.udp_buffer, options,
                                   handler);
}

}  // namespace floe::net::uv
