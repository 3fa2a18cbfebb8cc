#include "floe/capi/ice_mux.h"

#include <string>

#include "floe/capi/internal/ice_mux_handles.h"
#include "floe/core/text.h"

using floe::Result;

namespace floe::c {
namespace {

template <typename Handle, typename Mux>
Handle* create(floe_network* network) {
  return call_for<Handle*>(nullptr, [&]() -> Result<Handle*> {
    if (network == nullptr) return is_null("network");
    return new Handle(*network, std::make_shared<Mux>(*network->network));
  });
}

/// The port that `open` gets at an endpoint; 0 if it gets none.
template <typename Handle, typename Open>
std::uint16_t port_of(Handle* handle, const char* address, std::uint16_t port, Open&& open) {
  return call_for<std::uint16_t>(0, [&]() -> Result<std::uint16_t> {
    if (handle == nullptr) return is_null("mux");
    if (handle->mux == nullptr) {
      return fail(Errc::kInvalidState, "the network of this mux was freed");
    }
    const auto read = text(address, "address");
    if (!read) return forward(read);
    const auto parsed = net::Address::parse(*read);
    if (!parsed) return fail(Errc::kMalformed, quoted(*read) + " is no IP address");
    const Result<net::Endpoint> got = open(*handle->mux, net::Endpoint{*parsed, port});
    if (!got) return forward(got);
    return got->port;
  });
}

}  // namespace
}  // namespace floe::c

floe_udp_mux* floe_udp_mux_create(floe_network* network) {
  return floe::c::create<floe_udp_mux, floe::ice::UdpMux>(network);
}

void floe_udp_mux_free(floe_udp_mux* mux) {
  delete mux;
}

uint16_t floe_udp_mux_open(floe_udp_mux* mux, const char* address, uint16_t port) {
  return floe::c::port_of(mux, address, port, [](auto& on, const floe::net::Endpoint& local) {
    floe::net::UdpOptions options;
    options.bind = local;
    return on.open(options);
  });
}

floe_tcp_mux* floe_tcp_mux_create(floe_network* network) {
  return floe::c::create<floe_tcp_mux, floe::ice::TcpMux>(network);
}

void floe_tcp_mux_free(floe_tcp_mux* mux) {
  delete mux;
}

uint16_t floe_tcp_mux_listen(floe_tcp_mux* mux, const char* address, uint16_t port) {
  return floe::c::port_of(mux, address, port, [](auto& on, const floe::net::Endpoint& local) {
    return on.listen(local);
  });
}
