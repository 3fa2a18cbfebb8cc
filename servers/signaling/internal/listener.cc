#include "floe/servers/signaling/internal/listener.h"

#include <uv.h>

#include <cstring>
#include <string>
#include <utility>

namespace floe::server {
namespace {

// Connections that the system holds until they are accepted.
constexpr int kBacklog = 128;

void close_and_delete(uv_tcp_t* handle) {
  uv_close(reinterpret_cast<uv_handle_t*>(handle),
           [](uv_handle_t* closed) { delete reinterpret_cast<uv_tcp_t*>(closed); });
}

Errc errc_of(int code) {
  switch (code) {
    case UV_EADDRINUSE:
      return Errc::kAddressInUse;
    case UV_EADDRNOTAVAIL:
      return Errc::kAddressNotAvailable;
    case UV_EACCES:
      return Errc::kPermissionDenied;
    default:
      return Errc::kInternal;
  }
}

tl::unexpected<Error> fail_with(int code, const net::Endpoint& local) {
  return fail(errc_of(code),
              "cannot listen on TCP " + local.to_string() + ": " + uv_strerror(code));
}

}  // namespace

Listener::Listener(uv_loop_s& loop, std::function<void(int)> accepted)
    : loop_(loop), accepted_(std::move(accepted)), server_(new uv_tcp_t) {
  uv_tcp_init(&loop_, server_);
  server_->data = this;
}

Listener::~Listener() {
  close_and_delete(server_);
}

Result<net::Endpoint> Listener::listen(const net::Endpoint& local) {
  // Both parse again what Endpoint writes, so they cannot fail.
  sockaddr_storage address{};
  const std::string host = local.address.to_string();
  if (local.address.is_v4()) {
    uv_ip4_addr(host.c_str(), local.port, reinterpret_cast<sockaddr_in*>(&address));
  } else {
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&address);
    uv_ip6_addr(host.c_str(), local.port, v6);
    v6->sin6_scope_id = local.address.scope_id();
  }
  if (const int code = uv_tcp_bind(server_, reinterpret_cast<sockaddr*>(&address), 0)) {
    return fail_with(code, local);
  }
  // libuv reports a taken port here, not when binding.
  if (const int code =
          uv_listen(reinterpret_cast<uv_stream_t*>(server_), kBacklog, on_connection)) {
    return fail_with(code, local);
  }
  int size = sizeof address;
  if (const int code = uv_tcp_getsockname(server_, reinterpret_cast<sockaddr*>(&address), &size)) {
    return fail_with(code, local);
  }
  const std::uint16_t port = local.address.is_v4()
                                 ? reinterpret_cast<sockaddr_in*>(&address)->sin_port
                                 : reinterpret_cast<sockaddr_in6*>(&address)->sin6_port;
  return net::Endpoint{local.address, ntohs(port)};
}

void Listener::on_connection(uv_stream_t* server, int status) {
  if (status < 0) return;
  auto* self = static_cast<Listener*>(server->data);
  auto* client = new uv_tcp_t;
  uv_tcp_init(&self->loop_, client);
  uv_os_fd_t descriptor = -1;
  if (uv_accept(server, reinterpret_cast<uv_stream_t*>(client)) == 0 &&
      uv_fileno(reinterpret_cast<uv_handle_t*>(client), &descriptor) == 0) {
    // A small message must not wait for the one before it to be acknowledged.
    uv_tcp_nodelay(client, 1);
    // libuv keeps and closes the one it accepted.
    const int copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
    if (copy >= 0) self->accepted_(copy);
  }
  close_and_delete(client);
}

}  // namespace floe::server
