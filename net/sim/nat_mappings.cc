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
  externals(flow.protocol)[*external].push_back(added);
  mappings_[flow] = std::move(mapping);
  return added;
}

const std::vector<Nat::Mapping*>& Nat::find_external(Protocol protocol, const Endpoint& external) {
  static const std::vector<Mapping*> none;
  for (auto found = externals(protocol).find(external); found != externals(protocol).end();
       found = externals(protocol).find(external)) {
    const auto expired = std::ranges::find_if(
        found->second, [this](const Mapping* mapping) { return mapping->expires <= now(); });
    if (expired == found->second.end()) return found->second;
    forget(**expired);
  }
  return none;
}

std::optional<Endpoint> Nat::find_explicit(Protocol protocol, const Endpoint& internal) const {
  const auto found = explicit_for(protocol).out.find(internal);
  if (found == explicit_for(protocol).out.end() || found->second.expires <= now()) {
    return std::nullopt;
  }
  return found->second.to;
}

bool Nat::is_explicit(Protocol protocol, const Endpoint& external) const {
  const auto found = explicit_for(protocol).in.find(external);
  return found != explicit_for(protocol).in.end() && found->second.expires > now();
}

std::optional<Endpoint> Nat::map_dynamic(Protocol protocol, const Endpoint& internal,
                                         std::uint16_t wanted_port, Duration lifetime) {
  const auto has_expired = [this](const auto& entry) { return entry.second.expires <= now(); };
  std::erase_if(explicit_for(protocol).out, has_expired);
  std::erase_if(explicit_for(protocol).in, has_expired);
  std::optional<Endpoint> external = find_explicit(protocol, internal);
  if (!external) {
    // A mapping that packets have made becomes this one, so that peers keep seeing one endpoint
    // (RFC 6887 section 11.3).
    const auto implicit = mappings_.find({protocol, internal, {}});
    if (implicit != mappings_.end() && implicit->second->expires > now()) {
      external = implicit->second->external;
      forget(*implicit->second);
    }
  }
  if (!external && wanted_port != 0) {
    const Endpoint wanted{choose_address(internal.address), wanted_port};
    if (is_free(protocol, wanted)) external = wanted;
  }
  if (!external) external = choose_external(protocol, internal);
  if (!external) return std::nullopt;
  Explicit& out = explicit_for(protocol).out[internal];
  if (out.to == *external && out.expires == kNever) return external;  // It is static.
  out = {*external, now() + lifetime};
  explicit_for(protocol).in[*external] = {internal, now() + lifetime};
  return external;
}

bool Nat::unmap_dynamic(Protocol protocol, const Endpoint& internal) {
  Translations& translations = explicit_for(protocol);
  const auto found = translations.out.find(internal);
  if (found == translations.out.end() || found->second.expires == kNever) return false;
  translations.in.erase(found->second.to);
  translations.out.erase(found);
  return true;
}

std::vector<Nat::DynamicMapping> Nat::dynamic_mappings() const {
  std::vector<DynamicMapping> list;
  for (const Protocol protocol : {Protocol::kUdp, Protocol::kTcp}) {
    const std::size_t first = list.size();
    for (const auto& [external, mapping] : explicit_for(protocol).in) {
      if (mapping.expires == kNever || mapping.expires <= now()) continue;
      list.push_back({protocol, mapping.to, external, mapping.expires});
    }
    std::ranges::sort(list.begin() + static_cast<std::ptrdiff_t>(first), list.end(), {},
                      &DynamicMapping::external);
  }
  return list;
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
  if (options_.port_overloading && !is_explicit(protocol, external) &&
      !static_addresses_in_.contains(external.address)) {
    return external;
  }
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
  return find_external(protocol, external).empty() &&
         !static_addresses_in_.contains(external.address) && !is_explicit(protocol, external);
}

void Nat::forget_external(const Mapping& mapping) {
  Externals& table = externals(mapping.flow.protocol);
  std::erase(table[mapping.external], &mapping);
  if (table[mapping.external].empty()) table.erase(mapping.external);
}

void Nat::forget(Mapping& mapping) {
  forget_external(mapping);
  const Flow flow = mapping.flow;  // The mapping ends with its entry.
  mappings_.erase(flow);
}

void Nat::forget_expired() {
  std::erase_if(mappings_, [this](const auto& entry) {
    const Mapping& mapping = *entry.second;
    if (mapping.expires > now()) return false;
    forget_external(mapping);
    return true;
  });
}

}  // namespace floe::net::sim
