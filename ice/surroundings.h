#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "floe/ice/agent.h"
#include "floe/mdns/service.h"
#include "floe/net/network.h"
#include "floe/port_mapping/service.h"

namespace floe::ice {

/// What an agent asks of the network around it besides sockets and servers: multicast DNS for names
/// in the place of addresses, the router for mapped ports, the resolver for the NAT64's prefix.
class Surroundings {
 public:
  /// Lookups at once: those of the agent's current generation and of one before a restart.
  static constexpr std::size_t kMaxResolutions = 2 * Agent::kMaxNamedCandidates;

  /// Either service may be absent.
  struct Config {
    std::shared_ptr<mdns::Service> mdns;
    bool hide_addresses = false;
    std::shared_ptr<port_mapping::Service> port_mapping;
  };

  /// `network` and `agent` must outlive it. `changed` is called, in later turns, when the agent was
  /// told something; `problem` at any time, with a sentence for a person.
  Surroundings(net::Network& network, Agent& agent, Config config, std::function<void()> changed,
               std::function<void(std::string)> problem);

  /// For a socket that the agent is about to be told of: gives its address a name and has its port
  /// mapped, as the configuration wants it.
  void prepare(LocalSocket& socket);
  /// The same for one that the agent knows, after its policy has changed.
  void prepare_again(LocalSocket socket);
  /// Takes both back.
  void forget(net::SocketId socket);
  /// `Agent::set_resolved` gets the answer.
  void resolve(const Resolve& request);
  /// `Agent::set_nat64_prefix` gets the answer.
  void discover_nat64();
  /// Takes everything back and abandons the lookups.
  void close();

 private:
  void give_name(LocalSocket& socket);
  void map_port(LocalSocket& socket);

  net::Network& network_;
  Agent& agent_;
  Config config_;
  std::function<void()> changed_;
  std::function<void(std::string)> problem_;
  std::map<net::SocketId, std::unique_ptr<mdns::Registration>> names_;
  std::map<net::SocketId, std::unique_ptr<port_mapping::Mapping>> mappings_;
  std::map<NameId, std::unique_ptr<mdns::Resolution>> resolutions_;
  std::unique_ptr<net::Lookup> nat64_lookup_;
};

}  // namespace floe::ice
