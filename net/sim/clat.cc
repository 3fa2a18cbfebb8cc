#include "floe/net/sim/clat.h"

#include <utility>

namespace floe::net::sim {

Clat::Clat(Fabric& fabric, std::string name, Subnet& inside, Subnet& outside,
           const ClatOptions& options)
    : Gateway(fabric, std::move(name), inside, outside, options.link),
      prefix_(*outside.nat64_prefix()) {}

const Address& Clat::outside_address(const Address& inside) {
  const auto found = out_.find(inside);
  if (found != out_.end()) return found->second;
  const Address address = outside().subnet().allocate(Family::kIpv6);
  outside().add_address(address);
  in_[address] = inside;
  return out_[inside] = address;
}

void Clat::receive(PacketPtr packet, Attachment& at) {
  if (&at == &inside_attachment()) {
    if (!packet->source.address.is_v4()) return drop(*packet, at, Verdict::kWrongFamily);
    packet->source.address = outside_address(packet->source.address);
    packet->destination.address = prefix_.embed(packet->destination.address);
    return pass(std::move(packet), outside());
  }
  const auto inside = in_.find(packet->destination.address);
  const auto source = prefix_.extract(packet->source.address);
  if (inside == in_.end() || !source) return drop(*packet, at, Verdict::kNoMapping);
  packet->source.address = *source;
  packet->destination.address = inside->second;
  pass(std::move(packet), inside_attachment());
}

}  // namespace floe::net::sim
