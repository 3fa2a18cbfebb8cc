#include "floe/net/sim/attachment.h"

#include <algorithm>
#include <utility>

#include "floe/core/check.h"
#include "floe/net/sim/subnet.h"

namespace floe::net::sim {

Attachment::Attachment(Fabric& fabric, Node& node, Subnet& subnet, std::string name,
                       const LinkOptions& link)
    : fabric_(fabric),
      node_(node),
      subnet_(subnet),
      name_(std::move(name)),
      place_(fabric.add_place(name_)),
      uplink_(link, fabric.seed_for(name_ + "/up")),
      downlink_(link, fabric.seed_for(name_ + "/down")) {}

const Address& Attachment::address(Family family) const {
  const auto found = std::ranges::find(addresses_, family, &Address::family);
  FLOE_CHECK(found != addresses_.end());
  return *found;
}

bool Attachment::has(const Address& address) const {
  return std::ranges::find(addresses_, address) != addresses_.end();
}

bool Attachment::has(Family family) const {
  return std::ranges::find(addresses_, family, &Address::family) != addresses_.end();
}

void Attachment::add_address(const Address& address) {
  subnet_.claim(address, *this);
  addresses_.push_back(address);
  node_.attachment_changed(*this);
}

void Attachment::remove_address(const Address& address) {
  if (std::erase(addresses_, address) == 0) return;
  subnet_.release(address);
  node_.attachment_changed(*this);
}

void Attachment::set_addresses(const std::vector<Address>& addresses) {
  for (const Address& address : addresses_) subnet_.release(address);
  addresses_.clear();
  for (const Address& address : addresses) add_address(address);
  node_.attachment_changed(*this);
}

void Attachment::set_up(bool up) {
  if (std::exchange(up_, up) != up) node_.attachment_changed(*this);
}

void Attachment::transmit(PacketPtr packet) {
  carry(uplink_, std::move(packet), Packet::Leg::kToSubnet);
}

void Attachment::deliver(PacketPtr packet) {
  carry(downlink_, std::move(packet), Packet::Leg::kToNode);
}

void Attachment::echo(PacketPtr packet) {
  packet->attachment_ = this;
  packet->leg_ = Packet::Leg::kToNode;
  fabric_.events().schedule(*packet.release(), fabric_.now());
}

void Attachment::carry(Link& link, PacketPtr packet, Packet::Leg leg) {
  if (!up_) return note(*packet, Verdict::kLinkDown);
  const Link::Passage passage = link.pass(fabric_.now(), *packet);
  if (is_drop(passage.verdict)) return note(*packet, passage.verdict);
  if (leg == Packet::Leg::kToSubnet) note(*packet, Verdict::kSent);

  packet->attachment_ = this;
  packet->leg_ = leg;
  PacketPtr copy = passage.duplicated ? fabric_.packets().copy(*packet) : nullptr;
  fabric_.events().schedule(*packet.release(), passage.arrival);
  if (copy) fabric_.events().schedule(*copy.release(), passage.arrival);
}

void Attachment::arrive(PacketPtr packet) {
  if (!up_) return note(*packet, Verdict::kLinkDown);
  node_.receive(std::move(packet), *this);
}

}  // namespace floe::net::sim
