#include "floe/net/sim/nat.h"

#include <algorithm>
#include <utility>

#include "floe/core/check.h"

// What happens to packets; the table of mappings is in nat_mappings.cc.
namespace floe::net::sim {

NatOptions NatOptions::full_cone() {
  return {.filtering = Behavior::kEndpointIndependent};
}

NatOptions NatOptions::address_restricted() {
  return {.filtering = Behavior::kAddressDependent};
}

NatOptions NatOptions::port_restricted() {
  return {.filtering = Behavior::kAddressAndPortDependent};
}

NatOptions NatOptions::symmetric() {
  return {.mapping = Behavior::kAddressAndPortDependent,
          .filtering = Behavior::kAddressAndPortDependent};
}

NatOptions NatOptions::symmetric_address_restricted() {
  return {.mapping = Behavior::kAddressAndPortDependent, .filtering = Behavior::kAddressDependent};
}

NatOptions NatOptions::home_router() {
  return {.filtering = Behavior::kAddressAndPortDependent, .port_preservation = true};
}

NatOptions NatOptions::carrier_grade(std::vector<Address> addresses) {
  return {.filtering = Behavior::kEndpointIndependent, .external = std::move(addresses)};
}

NatOptions NatOptions::nat64_gateway() {
  return {.filtering = Behavior::kAddressDependent, .nat64 = Nat64Prefix::well_known()};
}

Nat::Nat(Fabric& fabric, std::string name, Subnet& inside, Subnet& outside,
         const NatOptions& options)
    : Gateway(fabric, std::move(name), inside, outside, options.link),
      options_(options),
      random_(fabric.seed_for(this->name() + "/nat")),
      external_(options.external),
      up_since_(fabric.now()) {
  FLOE_CHECK(!external_.empty() && options_.first_port <= options_.last_port);
  this->outside().set_addresses(external_);
}

void Nat::map_static(const Address& internal, const Address& external) {
  if (!is_external(external)) outside().add_address(external);
  static_addresses_out_[internal] = external;
  static_addresses_in_[external] = internal;
}

void Nat::map_static(Protocol protocol, const Endpoint& internal, const Endpoint& external) {
  if (!is_external(external.address)) outside().add_address(external.address);
  explicit_for(protocol).out[internal] = {external};
  explicit_for(protocol).in[external] = {internal};
}

void Nat::rebind() {
  mappings_.clear();
  for (Externals& externals : externals_) externals.clear();
  pairing_.clear();
  for (Translations& translations : explicit_) {
    const auto is_dynamic = [](const auto& entry) { return entry.second.expires != kNever; };
    std::erase_if(translations.out, is_dynamic);
    std::erase_if(translations.in, is_dynamic);
  }
  up_since_ = now();
  if (on_restart_) on_restart_();
}

void Nat::reboot(const std::vector<Address>& external) {
  FLOE_CHECK(!external.empty());
  std::vector<Address> addresses = external;
  const auto keep = [&](const Address& address) {
    if (std::ranges::find(addresses, address) == addresses.end()) addresses.push_back(address);
  };
  for (const auto& [address, internal] : static_addresses_in_) keep(address);
  for (const Translations& translations : explicit_) {
    for (const auto& [endpoint, internal] : translations.in) {
      if (internal.expires == kNever) keep(endpoint.address);
    }
  }
  external_ = external;
  outside().set_addresses(addresses);
  rebind();
}

bool Nat::enter(Packet& packet) const {
  if (!options_.nat64) return packet.destination.family() == Family::kIpv4;
  const auto embedded = options_.nat64->extract(packet.destination.address);
  if (embedded) packet.destination.address = *embedded;
  return embedded.has_value();
}

void Nat::receive(PacketPtr packet, Attachment& at) {
  const bool is_outgoing = &at == &inside_attachment();
  const bool is_ours = is_outgoing ? enter(*packet) : packet->destination.address.is_v4();
  if (!is_ours) return drop(*packet, at, Verdict::kWrongFamily);
  const bool is_hairpin = is_outgoing && is_external(packet->destination.address);
  if (is_hairpin && !options_.hairpin) return drop(*packet, at, Verdict::kNoHairpin);
  if (is_outgoing && inside_attachment().has(packet->destination.address)) {
    return drop(*packet, at, Verdict::kNoSuchPort);  // The NAT itself runs no services.
  }

  if (is_outgoing) {
    // RFC 4787 section 6, REQ-9a: a hairpinned packet too shows its external source.
    const Verdict verdict = translate_source(*packet);
    if (is_drop(verdict)) return drop(*packet, at, verdict);
  }
  if (!is_outgoing || is_hairpin) {
    const Verdict verdict = translate_destination(*packet);
    if (is_drop(verdict)) return drop(*packet, at, verdict);
    if (options_.nat64) packet->source.address = options_.nat64->embed(packet->source.address);
  }
  pass(std::move(packet), is_outgoing && !is_hairpin ? outside() : inside_attachment());
}

Verdict Nat::translate_source(Packet& packet) {
  if (const auto external = find_explicit(packet.protocol, packet.source)) {
    packet.source = *external;
    return Verdict::kSent;
  }
  const auto address = static_addresses_out_.find(packet.source.address);
  if (address != static_addresses_out_.end()) {
    packet.source.address = address->second;
    return Verdict::kSent;
  }
  Mapping* mapping = find_or_create(packet);
  if (mapping == nullptr) return Verdict::kNoFreePort;
  refresh(*mapping, packet.destination);
  packet.source = mapping->external;
  return Verdict::kSent;
}

Verdict Nat::translate_destination(Packet& packet) {
  if (is_explicit(packet.protocol, packet.destination)) {
    packet.destination = explicit_for(packet.protocol).in.at(packet.destination).to;
    return Verdict::kSent;
  }
  const auto address = static_addresses_in_.find(packet.destination.address);
  if (address != static_addresses_in_.end()) {
    packet.destination.address = address->second;
    return Verdict::kSent;
  }
  Mapping* mapping = nullptr;
  const std::vector<Mapping*>& candidates = find_external(packet.protocol, packet.destination);
  for (Mapping* each : candidates) {
    if (!permits(*each, packet.source)) continue;
    if (mapping == nullptr || each->expires >= mapping->expires) mapping = each;
  }
  if (mapping == nullptr) return candidates.empty() ? Verdict::kNoMapping : Verdict::kFiltered;
  if (options_.inbound_refresh) refresh(*mapping, packet.source);
  packet.destination = mapping->flow.internal;
  return Verdict::kSent;
}

}  // namespace floe::net::sim
