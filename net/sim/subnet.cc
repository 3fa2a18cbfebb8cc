#include "floe/net/sim/subnet.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "floe/core/check.h"
#include "floe/net/sim/gateway.h"

namespace floe::net::sim {
namespace {

// Where hosts on the internet get their addresses: two blocks for documentation (RFC 5737), then
// half of the one for benchmarks (RFC 2544). 192.0.2.0/24 stays free for "nobody has it".
constexpr std::array kPublicBlocks = {
    AddressBlock{Address::v4(198, 51, 100, 0), 24},
    AddressBlock{Address::v4(203, 0, 113, 0), 24},
    AddressBlock{Address::v4(198, 19, 0, 0), 16},
};

}  // namespace

Subnet Subnet::internet() {
  Subnet subnet;
  subnet.name_ = "internet";
  subnet.is_internet_ = true;
  subnet.ipv6_.block = AddressBlock::parse("2001:db8::/64");
  return subnet;
}

void Subnet::set_gateway(Family family, Gateway& gateway, const Address& address) {
  FLOE_CHECK(!has_gateway(family));
  of(family).gateway = &gateway;
  of(family).gateway_address = address;
}

void Subnet::add_route(const AddressBlock& block, Attachment& via) {
  routes_.push_back({block, &via});
  Gateway* gateway = of(block.family()).gateway;
  if (gateway != nullptr && gateway->is_transparent()) {
    gateway->outside().subnet().add_route(block, gateway->outside());
  }
}

Address Subnet::allocate(Family family) {
  Side& side = of(family);
  while (true) {
    std::uint32_t index = ++side.last_allocated;
    std::optional<Address> address;
    if (is_internet_ && family == Family::kIpv4) {
      for (const AddressBlock& block : kPublicBlocks) {
        const std::uint32_t hosts = (1u << (32 - block.length)) - 2;
        if (index <= hosts) {
          address = block.at(index);
          break;
        }
        index -= hosts;
      }
    } else if (side.block) {
      // An IPv4 block's last address is its broadcast address.
      const bool is_last = family == Family::kIpv4 && !side.block->at(index + 1);
      if (!is_last) address = side.block->at(index);
    }
    FLOE_CHECK(address);  // The subnet is full, or has no block of this family.
    if (!attachments_.contains(*address)) return *address;
  }
}

void Subnet::claim(const Address& address, Attachment& attachment) {
  const bool is_new = attachments_.emplace(address, &attachment).second;
  FLOE_CHECK(is_new);  // Two nodes of one subnet have the same address.
}

bool Subnet::is_on_link(const Address& address) const {
  const auto& block = of(address.family()).block;
  return (block && block->contains(address)) || attachments_.contains(address) ||
         std::ranges::any_of(routes_, [&](const Route& r) { return r.block.contains(address); });
}

Attachment* Subnet::next_hop(const Address& destination, const Attachment& from) const {
  if (const auto found = attachments_.find(destination); found != attachments_.end()) {
    return found->second;
  }
  for (const Route& route : routes_) {
    if (route.block.contains(destination)) return route.via == &from ? nullptr : route.via;
  }
  const Side& side = of(destination.family());
  if (side.gateway == nullptr || (side.block && side.block->contains(destination))) return nullptr;
  Attachment& gateway = side.gateway->inside_attachment();
  return &gateway == &from ? nullptr : &gateway;
}

void Subnet::flood(PacketPtr packet, Attachment& from) {
  // By address, for the order of a hash table is nobody's business.
  std::map<Address, Attachment*> members;
  if (!is_internet_) {
    for (const auto& [address, attachment] : attachments_) {
      const bool is_first = address == attachment->addresses().front();
      if (is_first && attachment != &from && attachment->takes_multicast()) {
        members[address] = attachment;
      }
    }
  }
  for (const auto& [address, member] : members) member->deliver(from.copy(*packet));
}

void Subnet::forward(PacketPtr packet, Attachment& from) {
  if (packet->destination.address.is_multicast()) return flood(std::move(packet), from);
  Attachment* hop = next_hop(packet->destination.address, from);
  if (hop == nullptr) {
    tally_.count(Verdict::kNoSuchAddress);
    return from.note(*packet, Verdict::kNoSuchAddress);
  }
  hop->deliver(std::move(packet));
}

}  // namespace floe::net::sim
