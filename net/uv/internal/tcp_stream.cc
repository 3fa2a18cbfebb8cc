#include "floe/net/uv/internal/tcp_stream.h"

#include <uv.h>

#ifndef _WIN32
#include <sys/socket.h>
#endif

#include <csignal>
#include <utility>
#include <vector>

#include "floe/net/uv/internal/errors.h"
#include "floe/net/uv/internal/system_address.h"

namespace floe::net::uv {
namespace {

/// Charged for the bookkeeping of each write that has to wait.
constexpr std::size_t kWriteOverhead = 64;

/// libuv writes with writev(2), which kills a process whose peer has gone, by default. A program
/// that has chosen what SIGPIPE does to it keeps its choice.
void survive_broken_pipes() {
#ifndef _WIN32
  static const bool done = [] {
    struct sigaction action {};
    if (sigaction(SIGPIPE, nullptr, &action) == 0 && action.sa_handler == SIG_DFL) {
      signal(SIGPIPE, SIG_IGN);
    }
    return true;
  }();
  static_cast<void>(done);
#endif
}

}  // namespace

void share_tcp_port([[maybe_unused]] uv_tcp_s& tcp) {
#ifndef _WIN32
  uv_os_fd_t fd = -1;
  const int on = 1;
  if (uv_fileno(reinterpret_cast<uv_handle_t*>(&tcp), &fd) < 0) return;
  static_cast<void>(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)));
  static_cast<void>(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)));
#endif
}

struct TcpStream::Handle {
  uv_tcp_t tcp;
  uv_connect_t connect;
  uv_shutdown_t shutdown;
  TcpStream* owner;
  std::shared_ptr<Reactor> reactor;

  uv_stream_t* stream() { return reinterpret_cast<uv_stream_t*>(&tcp); }

  static void on_connect(uv_connect_t* connect, int status) {
    if (auto* owner = static_cast<Handle*>(connect->data)->owner) owner->on_connect(status);
  }
  static void on_allocate(uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
    const MutableBytes space = static_cast<Handle*>(handle->data)->reactor->receive_buffer();
    *buffer =
        uv_buf_init(reinterpret_cast<char*>(space.data()), static_cast<unsigned>(space.size()));
  }
  static void on_read(uv_stream_t* stream, ssize_t size, const uv_buf_t* buffer) {
    TcpStream* owner = static_cast<Handle*>(stream->data)->owner;
    if (size < 0) {
      owner->finish(static_cast<int>(size));
    } else if (size > 0) {
      owner->on_read(
          {reinterpret_cast<std::uint8_t*>(buffer->base), static_cast<std::size_t>(size)});
    }
  }
};

/// Bytes that libuv keeps until the socket has room; owns itself until then.
struct TcpStream::Pending {
  uv_write_t uv;
  Handle* handle;  // Closed after all of its requests.
  std::vector<std::uint8_t> bytes;

  static void on_written(uv_write_t* uv, int status) {
    const std::unique_ptr<Pending> pending(static_cast<Pending*>(uv->data));
    if (TcpStream* owner = pending->handle->owner) owner->on_written(status);
  }
};

TcpStream::TcpStream(std::shared_ptr<Reactor> reactor) : reactor_(std::move(reactor)) {
  reactor_->attach(*this);
}

TcpStream::~TcpStream() {
  reactor_->forget(*this);
  detach();
}

void TcpStream::detach() {
  if (handle_ == nullptr) return;
  reactor_->remove_outlet(id_);
  state_ = State::kFinished;
  handle_->owner = nullptr;
  uv_close(reinterpret_cast<uv_handle_t*>(&std::exchange(handle_, nullptr)->tcp),
           [](uv_handle_t* handle) { delete static_cast<Handle*>(handle->data); });
}

Result<> TcpStream::open(unsigned family) {
  survive_broken_pipes();
  auto handle = std::make_unique<Handle>();
  if (const int status = uv_tcp_init_ex(reactor_->loop(), &handle->tcp, family); status < 0) {
    return fail_with(status, "cannot create a TCP socket");
  }
  handle->tcp.data = handle.get();
  handle->connect.data = handle.get();
  handle->owner = this;
  handle->reactor = reactor_;
  handle_ = handle.release();
  id_ = reactor_->add_outlet(*this);
  return {};
}

Result<std::unique_ptr<TcpStream>> TcpStream::connect(std::shared_ptr<Reactor> reactor,
                                                      const Endpoint& remote,
                                                      std::optional<Endpoint> local,
                                                      StreamHandler& handler) {
  auto stream = std::make_unique<TcpStream>(std::move(reactor));
  stream->handler_ = &handler;
  stream->remote_ = remote;
  if (local && local->family() != remote.family()) {
    return fail(Errc::kInvalidArgument, "cannot connect to " + remote.to_string() + " from " +
                                            local->to_string() + ", of another address family");
  }
  if (Result<> r = stream->open(static_cast<unsigned>(address_family(remote.family()))); !r) {
    return forward(r);
  }
  if (Result<> r = stream->start_connect(local); !r) return forward(r);
  return stream;
}

Result<> TcpStream::start_connect(std::optional<Endpoint> local) {
  sockaddr_storage address;
  auto* system = reinterpret_cast<sockaddr*>(&address);
  int size = sizeof(address);
  if (local) {
    to_system(*local, address);
    const unsigned flags = local->family() == Family::kIpv6 ? UV_TCP_IPV6ONLY : 0;
    // Before the port is bound if it may be somebody's; not before the system chooses one, which
    // would then be no longer ours alone.
    if (local->port != 0) share_tcp_port(handle_->tcp);
    int status = uv_tcp_bind(&handle_->tcp, system, flags);
    // libuv holds back that the port is taken; asking for the name brings it out.
    if (status == 0) status = uv_tcp_getsockname(&handle_->tcp, system, &size);
    if (status < 0) return fail_with(status, "cannot connect from " + local->to_string());
    if (local->port == 0) share_tcp_port(handle_->tcp);
  }
  to_system(remote_, address);
  // STUN messages and small records must not wait for an acknowledgement (RFC 6544 section 7.1).
  uv_tcp_nodelay(&handle_->tcp, 1);
  const int status = uv_tcp_connect(&handle_->connect, &handle_->tcp, system, Handle::on_connect);
  if (status == UV_EADDRNOTAVAIL && local && local->port != 0) {
    return fail(Errc::kAddressInUse, "there is a connection from " + local->to_string() + " to " +
                                         remote_.to_string() + " already");
  }
  if (status < 0) return fail_with(status, "cannot connect to " + remote_.to_string());
  size = sizeof(address);
  if (uv_tcp_getsockname(&handle_->tcp, system, &size) == 0) local_ = from_system(system);
  return {};
}

Result<std::unique_ptr<TcpStream>> TcpStream::accept(std::shared_ptr<Reactor> reactor,
                                                     uv_stream_s& listener) {
  auto stream = std::make_unique<TcpStream>(std::move(reactor));
  if (Result<> r = stream->open(AF_UNSPEC); !r) return forward(r);
  if (const int status = uv_accept(&listener, stream->handle_->stream()); status < 0) {
    return fail_with(status, "cannot accept a TCP connection");
  }
  if (Result<> r = stream->take_names(); !r) return forward(r);
  stream->state_ = State::kOpen;
  uv_tcp_nodelay(&stream->handle_->tcp, 1);
  return stream;
}

Result<> TcpStream::take_names() {
  sockaddr_storage address;
  auto* system = reinterpret_cast<sockaddr*>(&address);
  int size = sizeof(address);
  int status = uv_tcp_getsockname(&handle_->tcp, system, &size);
  if (status == 0) local_ = from_system(system);
  size = sizeof(address);
  if (status == 0) status = uv_tcp_getpeername(&handle_->tcp, system, &size);
  // The other end may be gone already.
  if (status < 0) return fail_with(status, "the TCP connection has ended");
  remote_ = from_system(system);
  return {};
}

void TcpStream::set_handler(StreamHandler& handler) {
  handler_ = &handler;
  if (state_ == State::kOpen) read();
}

void TcpStream::on_connect(int status) {
  Result<> connected;
  if (status < 0) {
    connected = fail_with(status, "cannot connect to " + remote_.to_string());
  } else {
    connected = take_names();
  }
  if (!connected) return finish(connected.error());
  state_ = State::kOpen;
  if (shut_down_) {
    shut_down_ = false;
    shutdown();
  }
  read();
  handler_->on_connected();
}

void TcpStream::read() {
  if (paused_) return;
  // UV_EALREADY when it reads already; UV_ENOTCONN when it has failed, which a write reports.
  uv_read_start(handle_->stream(), Handle::on_allocate, Handle::on_read);
}

void TcpStream::on_read(MutableBytes data) {
  handler_->on_data(data);
}

void TcpStream::finish(int code) {
  if (code == UV_EOF) {
    return finish(Error{Errc::kClosed, remote_.to_string() + " closed the TCP connection"});
  }
  finish(error_of(code, "the TCP connection to " + remote_.to_string() + " broke"));
}

void TcpStream::finish(const Error& error) {
  if (state_ == State::kFinished) return;
  state_ = State::kFinished;
  reactor_->remove_outlet(id_);
  // The handle stays until the stream is destroyed: what was accepted for sending still leaves.
  uv_read_stop(handle_->stream());
  handler_->on_closed(error);
}

std::size_t TcpStream::buffered() const {
  if (state_ == State::kFinished) return 0;
  return uv_stream_get_write_queue_size(handle_->stream());
}

std::size_t TcpStream::charged() const {
  return buffered() + waiting_writes_ * kWriteOverhead;
}

void TcpStream::pause_reading() {
  paused_ = true;
  if (state_ == State::kOpen) uv_read_stop(handle_->stream());
}

void TcpStream::resume_reading() {
  paused_ = false;
  if (state_ == State::kOpen && handler_ != nullptr) read();
}

Result<> TcpStream::write(Bytes data) {
  if (state_ == State::kFinished || shut_down_) {
    return fail(Errc::kClosed,
                "the TCP stream to " + remote_.to_string() + " is closed for sending");
  }
  if (charged() + data.size() > kMaxBuffered) {
    return fail(Errc::kWouldBlock, "the TCP stream to " + remote_.to_string() +
                                       " has no room; wait until it has drained");
  }
  if (data.empty()) return {};
  const uv_buf_t buffer = uv_buf_init(
      const_cast<char*>(reinterpret_cast<const char*>(data.data())),  // libuv only reads it
      static_cast<unsigned>(data.size()));
  // UV_EAGAIN while connecting or while earlier bytes wait, so the order holds.
  const int written = uv_try_write(handle_->stream(), &buffer, 1);
  if (written >= 0) {
    data = data.subspan(static_cast<std::size_t>(written));
  } else if (written != UV_EAGAIN) {
    return fail_with(written, "cannot write to " + remote_.to_string());
  }
  return data.empty() ? Result<>() : keep(data);
}

Result<> TcpStream::keep(Bytes data) {
  auto pending = std::make_unique<Pending>();
  pending->uv.data = pending.get();
  pending->handle = handle_;
  pending->bytes = to_vector(data);
  const uv_buf_t buffer = uv_buf_init(reinterpret_cast<char*>(pending->bytes.data()),
                                      static_cast<unsigned>(pending->bytes.size()));
  const int status = uv_write(&pending->uv, handle_->stream(), &buffer, 1, Pending::on_written);
  if (status < 0) return fail_with(status, "cannot write to " + remote_.to_string());
  pending.release();
  ++waiting_writes_;
  return {};
}

void TcpStream::on_written(int status) {
  --waiting_writes_;
  // Without a handler a broken connection waits to be read, like everything else.
  if (state_ == State::kFinished || handler_ == nullptr) return;
  if (status < 0) {
    // A failed connect cancels its writes and has its own callback.
    if (status != UV_ECANCELED) finish(status);
    return;
  }
  if (waiting_writes_ == 0) handler_->on_drained();
}

void TcpStream::shutdown() {
  if (state_ == State::kFinished || std::exchange(shut_down_, true)) return;
  if (state_ == State::kConnecting) return;  // Follows once it is connected.
  // Fails only if the connection has; reading reports that.
  uv_shutdown(&handle_->shutdown, handle_->stream(), [](uv_shutdown_t*, int) {});
}

void TcpStream::send(SendBatch& batch, std::span<const SendBatch::Run> runs) {
  for (const SendBatch::Run& run : runs) {
    Result<> written = write(batch.bytes(run));
    if (written) continue;
    ++reactor_->stats().runs_failed;
    batch.failures().push_back({run.route, written.error()});
  }
}

}  // namespace floe::net::uv
