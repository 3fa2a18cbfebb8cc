#pragma once

#include <memory>
#include <utility>

#include "floe/capi/ice_mux.h"
#include "floe/capi/internal/network_handle.h"
#include "floe/ice/tcp_mux.h"
#include "floe/ice/udp_mux.h"

struct floe_udp_mux final : floe::c::Member {
  floe_udp_mux(floe_network& network, std::shared_ptr<floe::ice::UdpMux> of)
      : Member(network), mux(std::move(of)) {}
  void let_go() override { mux.reset(); }

  std::shared_ptr<floe::ice::UdpMux> mux;  ///< NULL when the network is gone.
};

struct floe_tcp_mux final : floe::c::Member {
  floe_tcp_mux(floe_network& network, std::shared_ptr<floe::ice::TcpMux> of)
      : Member(network), mux(std::move(of)) {}
  void let_go() override { mux.reset(); }

  std::shared_ptr<floe::ice::TcpMux> mux;  ///< NULL when the network is gone.
};
