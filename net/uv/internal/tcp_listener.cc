#include "floe/net/uv/internal/tcp_listener.h"

#include <uv.h>

#include <utility>

#include "floe/net/uv/internal/errors.h"
#include "floe/net/uv/internal/system_address.h"
#include "floe/net/uv/internal/tcp_stream.h"

namespace floe::net::uv {
namespace {

/// Connections the kernel completes before they are accepted; what libuv's own servers use.
constexpr int kBacklog = 128;

}  // namespace

struct TcpListener::Handle {
  uv_tcp_t tcp;
  TcpListener* owner;
  std::shared_ptr<Reactor> reactor;

  uv_stream_t* stream() { return reinterpret_cast<uv_stream_t*>(&tcp); }
};

Result<std::unique_ptr<TcpListener>> TcpListener::create(std::shared_ptr<Reactor> reactor,
                                                         const Endpoint& local,
                                                         ListenerHandler& handler) {
  auto listener = std::make_unique<TcpListener>(std::move(reactor), handler);
  if (Result<> opened = listener->open(local); !opened) return forward(opened);
  return listener;
}

TcpListener::TcpListener(std::shared_ptr<Reactor> reactor, ListenerHandler& handler)
    : reactor_(std::move(reactor)), handler_(handler) {
  reactor_->attach(*this);
}

TcpListener::~TcpListener() {
  reactor_->forget(*this);
  detach();
}

void TcpListener::detach() {
  if (handle_ == nullptr) return;
  handle_->owner = nullptr;
  uv_close(reinterpret_cast<uv_handle_t*>(&std::exchange(handle_, nullptr)->tcp),
           [](uv_handle_t* handle) { delete static_cast<Handle*>(handle->data); });
}

Result<> TcpListener::open(const Endpoint& local) {
  auto handle = std::make_unique<Handle>();
  int status = uv_tcp_init_ex(reactor_->loop(), &handle->tcp,
                              static_cast<unsigned>(address_family(local.family())));
  if (status < 0) return fail_with(status, "cannot create a TCP socket");
  handle->tcp.data = handle.get();
  handle->owner = this;
  handle->reactor = reactor_;
  handle_ = handle.release();

  sockaddr_storage address;
  auto* system = reinterpret_cast<sockaddr*>(&address);
  to_system(local, address);
  const unsigned flags = local.family() == Family::kIpv6 ? UV_TCP_IPV6ONLY : 0;
  status = uv_tcp_bind(&handle_->tcp, system, flags);
  if (status == 0) {
    status = uv_listen(handle_->stream(), kBacklog, [](uv_stream_t* stream, int error) {
      static_cast<Handle*>(stream->data)->owner->on_connection(error);
    });
  }
  int size = sizeof(address);
  if (status == 0) status = uv_tcp_getsockname(&handle_->tcp, system, &size);
  if (status < 0) return fail_with(status, "cannot listen on " + local.to_string());
  share_tcp_port(handle_->tcp);
  local_ = from_system(system);
  return {};
}

void TcpListener::on_connection(int status) {
  if (status < 0) {
    reactor_->log(LogLevel::kWarning, error_of(status, "cannot accept a TCP connection").message);
    return;
  }
  Result<std::unique_ptr<TcpStream>> stream = TcpStream::accept(reactor_, *handle_->stream());
  if (!stream) {
    reactor_->log(LogLevel::kInfo, stream.error().message);
    return;
  }
  handler_.on_accept(std::move(*stream));
}

}  // namespace floe::net::uv
