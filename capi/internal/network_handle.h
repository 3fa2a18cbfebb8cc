#pragma once

#include <memory>
#include <unordered_set>

#include "floe/capi/internal/call.h"
#include "floe/capi/internal/handle.h"
#include "floe/capi/network.h"
#include "floe/mdns/service.h"
#include "floe/net/uv/network.h"
#include "floe/port_mapping/service.h"

namespace floe::c {

/// A handle that was made from a network. It may be freed after it.
class Member {
 public:
  explicit Member(floe_network& network);
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;
  virtual ~Member();

  /// The network is about to end: lets go of all that needs it.
  virtual void let_go() = 0;

 private:
  friend struct ::floe_network;
  floe_network* network_;
};

}  // namespace floe::c

struct floe_network {
  ~floe_network();

  /// The services that connections share are there once one of them wants them.
  std::shared_ptr<floe::mdns::Service> shared_mdns();
  std::shared_ptr<floe::port_mapping::Service> shared_port_mapping();

  std::unique_ptr<floe::net::uv::Network> network;
  std::unique_ptr<floe::net::Timer> poll_timer;
  std::shared_ptr<floe::mdns::Service> mdns;
  std::shared_ptr<floe::port_mapping::Service> port_mapping;
  std::unordered_set<floe::c::Member*> members;
  bool turning = false;  ///< Within `floe_network_run` or `floe_network_poll`.
  floe::c::Link<floe_network> link{*this};
};
