#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "floe/core/result.h"
#include "floe/net/network.h"
#include "floe/port_mapping/mapper.h"

namespace floe::port_mapping {

/// A port that is, or is becoming, reachable from outside. Destroying it takes the mapping back,
/// which goes on in the background for a few seconds.
class Mapping {
 public:
  virtual ~Mapping() = default;
};

/// How a mapped port is reached.
struct External {
  net::Endpoint endpoint;
  Method method = Method::kPcp;
  net::Address router;
  Duration lifetime{};  ///< Granted; it is renewed long before.
};

/// Asks the machine's default router for port mappings, by PCP (RFC 6887), NAT-PMP (RFC 6886) and
/// UPnP. One service serves everything on its network.
///
/// A UPnP mapping that is still there when the service itself is destroyed ends with its lease
/// (`kLifetime`): to take it back would take a connection. The others are taken back in that call.
class Service {
 public:
  /// Mappings at once, those that are being taken back included. Cheap routers keep 32 to 64.
  static constexpr std::size_t kMaxMappings = 64;
  /// How long taking one back may take.
  static constexpr Duration kGoodbye = std::chrono::seconds(5);

  struct Configuration {
    Mapper::Methods methods{};
  };
  /// The external endpoint, again whenever it changes (a router that restarted may give another
  /// one); or, as the last call, why there is none or no longer. Never from within `map`.
  using Callback = std::function<void(Result<External>)>;

  /// `network` must outlive the service.
  Service(net::Network& network, Configuration configuration);
  explicit Service(net::Network& network) : Service(network, Configuration{}) {}
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  /// `internal` is an address of this machine and a port that is open there; its default router is
  /// asked. Errors come to the callback, with words for a person. The mapping may outlive the
  /// service.
  [[nodiscard]] std::unique_ptr<Mapping> map(const net::Endpoint& internal, Protocol protocol,
                                             Callback callback);

 private:
  class Task;
  class Handle;
  class Listener;

  Result<net::DefaultRoute> router_for(const net::Address& internal);
  void listen(const std::string& interface);
  void announce(const net::Datagram& datagram);
  void forget(Task& task);

  net::Network& network_;
  Configuration configuration_;
  std::list<std::unique_ptr<Task>> tasks_;
  std::vector<std::unique_ptr<Listener>> listeners_;  ///< One for each interface with a router.
  std::shared_ptr<Service*> self_;                    ///< Holds nullptr once it is gone.
};

}  // namespace floe::port_mapping
