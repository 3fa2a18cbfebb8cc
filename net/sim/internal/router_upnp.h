#pragma once

#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "floe/net/sim/router.h"

namespace floe::net::sim {

/// The router as a UPnP Internet Gateway Device 1: found by SSDP, described by XML, asked by SOAP.
class Router::Upnp final : private UdpHandler, private ListenerHandler {
 public:
  Upnp(Host& host, Nat& nat, const RouterOptions& options);
  ~Upnp() override;

 private:
  class Visit;

  void on_datagrams(std::span<Datagram> datagrams) override;
  void on_accept(std::unique_ptr<Stream> stream) override;
  void forget(Visit& visit);

  std::string respond(const Endpoint& client, std::string_view head, std::string_view body);
  std::string act(const Endpoint& client, std::string_view action, std::string_view body);
  std::string add_mapping(const Endpoint& client, std::string_view body);
  std::string delete_mapping(std::string_view body);

  Host& host_;
  Nat& nat_;
  const RouterOptions& options_;
  std::unique_ptr<UdpSocket> ssdp_;
  std::unique_ptr<Listener> listener_;
  std::list<std::unique_ptr<Visit>> visits_;
  std::vector<std::unique_ptr<Visit>> gone_;  ///< End once they are not running any more.
};

}  // namespace floe::net::sim
