#include "floe/ice/surroundings.h"

#include <optional>
#include <utility>
#include <vector>

#include "floe/net/nat64_prefix.h"

namespace floe::ice {
namespace {

/// RFC 7050 section 3: what the resolver makes of a name that has IPv4 addresses only shows the
/// prefix.
std::optional<net::Nat64Prefix> find_prefix(const std::vector<net::Address>& addresses) {
  for (const net::Address& address : addresses) {
    if (!address.is_v6()) continue;
    if (const auto prefix = net::Nat64Prefix::discover(address)) return prefix;
  }
  return std::nullopt;
}

}  // namespace

Surroundings::Surroundings(net::Network& network, Agent& agent, Config config,
                           std::function<void()> changed, std::function<void(std::string)> problem)
    : network_(network),
      agent_(agent),
      config_(std::move(config)),
      changed_(std::move(changed)),
      problem_(std::move(problem)) {}

void Surroundings::prepare(LocalSocket& socket) {
  const net::Address& address = socket.local.address;
  if (address.is_loopback()) return;
  socket.hidden = config_.hide_addresses;
  // Nothing leaves but through a relay, so there is nothing to give a name to or to be reached at.
  if (agent_.policy() == Policy::kRelay && agent_.next_policy() == Policy::kRelay) return;
  if (config_.hide_addresses) give_name(socket);
  if (config_.port_mapping != nullptr && !address.is_link_local()) map_port(socket);
}

void Surroundings::prepare_again(LocalSocket socket) {
  const std::string before = socket.name;
  prepare(socket);
  if (socket.name != before) agent_.set_name(network_.now(), socket.id, socket.name);
}

void Surroundings::give_name(LocalSocket& socket) {
  const bool is_signalled = agent_.policy() == Policy::kAll || agent_.next_policy() == Policy::kAll;
  if (config_.mdns == nullptr || !is_signalled || names_.contains(socket.id)) return;
  auto name = config_.mdns->register_name(socket.local.address,
                                          [this, id = socket.id](const std::string& renamed) {
                                            agent_.set_name(network_.now(), id, renamed);
                                            changed_();
                                          });
  if (!name) {
    problem_(socket.local.address.to_string() + " has no name: " + name.error().message);
    return;
  }
  socket.name = (*name)->name();
  names_.insert_or_assign(socket.id, std::move(*name));
}

void Surroundings::map_port(LocalSocket& socket) {
  if (mappings_.contains(socket.id)) return;
  socket.awaits_mapping = true;
  mappings_.insert_or_assign(
      socket.id, config_.port_mapping->map(
                     socket.local, port_mapping::Protocol::kUdp,
                     [this, id = socket.id](Result<port_mapping::External> mapped) {
                       if (!mapped) problem_("no mapped port: " + mapped.error().message);
                       agent_.set_mapping(network_.now(), id,
                                          mapped ? std::optional(mapped->endpoint) : std::nullopt);
                       changed_();
                     }));
}

void Surroundings::forget(net::SocketId socket) {
  names_.erase(socket);
  mappings_.erase(socket);
}

void Surroundings::resolve(const Resolve& request) {
  if (config_.mdns == nullptr || resolutions_.size() >= kMaxResolutions) {
    agent_.set_resolved(network_.now(), request.id,
                        fail(Errc::kLimitExceeded, "too many names are being looked for"));
    return;
  }
  resolutions_[request.id] = config_.mdns->resolve(
      request.name, [this, id = request.id](const Result<std::vector<net::Address>>& found) {
        agent_.set_resolved(network_.now(), id, found);
        resolutions_.erase(id);
        changed_();
      });
}

void Surroundings::discover_nat64() {
  nat64_lookup_ = network_.lookup(
      net::Nat64Prefix::kDiscoveryName, [this](const Result<std::vector<net::Address>>& found) {
        agent_.set_nat64_prefix(network_.now(), found ? find_prefix(*found) : std::nullopt);
        changed_();
      });
}

void Surroundings::close() {
  names_.clear();
  mappings_.clear();
  resolutions_.clear();
  nat64_lookup_.reset();
}

}  // namespace floe::ice
