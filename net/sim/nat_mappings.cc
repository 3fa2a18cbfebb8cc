#include <algorithm>
#include <utility>

#include "floe/net/sim/nat.h"

namespace floe::net::sim {
namespace {

// Expired entries of a table go when it has doubled since the last time, from this size on.
constexpr std::size_t kFirstSweep = 64;

// `remote` without the parts that `behavior` does not look at.
Endpoint significant(const Endpoint& remote, Behavior behavior) {
  switch (behavior) {
    case Behavior::kEndpointIndependent:
      return {};
    case Behavior::kAddressDependent:
      return {remote.address, 0};
    case Behavior::kAddressAndPortDependent:
      return remote;
  }
  return remote;
}

}  // namespace

Nat::Mapping* Nat::find_or_create(const Packet& packet) {
  const Flow flow{packet.protocol, packet.source,
                  significant(packet.destination, options_.mapping)};
  if (const auto found = mappings_.find(flow); found != mappings_.end()) {
    if (found->second->expires > now()) return found->second.get();
    forget(*found->second);
  }
  if (mappings_.size() >= std::max(sweep_at_, kFirstSweep)) {
    forget_expired();
    sweep_at_ = mappings_.size() * 2;
  }
  const auto external = choose_external(flow.protocol, flow.internal);
  if (!external) return nullptr;
  auto mapping = std::make_unique<Mapping>(Mapping{flow, *external, {}, {}, kFirstSweep});
  Mapping* added = mapping.get();
  externals(flow.protocol)[*external] = added;
  mappings_[flow] = std::move(mapping);
  return added;
}

Nat::Mapping* Nat::find_external(Protocol protocol, const Endpoint& external) {
  const auto found = externals(protocol).find(external);
  if (found == externals(protocol).end()) return nullptr;
  if (found->second->expires > now()) return found->second;
  forget(*found->second);
  return nullptr;
}

void Nat::refresh(Mapping& mapping, const Endpoint& remote) {
  const bool is_udp = mapping.flow.protocol == Protocol::kUdp;
  mapping.expires = now() + (is_udp ? options_.udp_timeout : options_.tcp_timeout);
  if (mapping.permitted.size() >= mapping.sweep_at) {
    std::erase_if(mapping.permitted, [this](const auto& entry) { return entry.second <= now(); });
    mapping.sweep_at = std::max(kFirstSweep, mapping.permitted.size() * 2);
  }
  mapping.permitted[significant(remote, options_.filtering)] = mapping.expires;
}

// RFC 4787 section 5.
bool Nat::permits(const Mapping& mapping, const Endpoint& remote) const {
  if (options_.filtering == Behavior::kEndpointIndependent) return true;
  const auto found = mapping.permitted.find(significant(remote, options_.filtering));
  return found != mapping.permitted.end() && found->second > now();
}

std::optional<Endpoint> Nat::choose_external(Protocol protocol, const Endpoint& internal) {
  Endpoint external{choose_address(internal.address), internal.port};
  if (options_.port_preservation && is_free(protocol, external)) return external;
  const std::uint32_t ports = options_.last_port - options_.first_port + 1u;
  const auto start = static_cast<std::uint32_t>(random_.below(ports));
  for (std::uint32_t i = 0; i < ports; ++i) {
    external.port = static_cast<std::uint16_t>(options_.first_port + (start + i) % ports);
    if (is_free(protocol, external)) return external;
  }
  return std::nullopt;
}

const Address& Nat::choose_address(const Address& internal) {
  if (external_.size() == 1) return external_.front();
  const auto draw = [this] { return static_cast<std::size_t>(random_.below(external_.size())); };
  if (options_.pooling == Pooling::kArbitrary) return external_[draw()];
  const auto found = pairing_.find(internal);
  if (found != pairing_.end()) return external_[found->second];
  return external_[pairing_[internal] = draw()];
}

bool Nat::is_free(Protocol protocol, const Endpoint& external) {
  return find_external(protocol, external) == nullptr &&
         !static_addresses_in_.contains(external.address) &&
         !static_endpoints_[static_cast<std::size_t>(protocol)].in.contains(external);
}

void Nat::forget(Mapping& mapping) {
  externals(mapping.flow.protocol).erase(mapping.external);
  const Flow flow = mapping.flow;  // The mapping ends with its entry.
  mappings_.erase(flow);
}

void Nat::forget_expired() {
  std::erase_if(mappings_, [this](const auto& entry) {
    const Mapping& mapping = *entry.second;
    if (mapping.expires > now()) return false;
    externals(mapping.flow.protocol).erase(mapping.external);
    return true;
  });
}

}  // namespace floe::net::sim
