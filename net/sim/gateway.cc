#include "floe/net/sim/gateway.h"

#include <algorithm>
#include <utility>

namespace floe::net::sim {

Gateway::Gateway(Fabric& fabric, std::string name, Subnet& inside, Subnet& outside,
                 const LinkOptions& link)
    : fabric_(fabric),
      name_(std::move(name)),
      inside_(fabric, *this, inside, name_ + "/inside", {.latency = {}}),
      outside_(fabric, *this, outside, name_ + "/outside", link) {}

void Gateway::pass(PacketPtr packet, Attachment& to) {
  if (++packet->hops > kMaxHops) return drop(*packet, to, Verdict::kTooManyHops);
  if (packet->protocol == Protocol::kTcp && packet->tcp.has(TcpHeader::kSyn)) {
    // MSS clamping, as home routers do it: nobody here sends "packet too big".
    const std::size_t header = Packet::header_size(packet->destination.family(), Protocol::kTcp);
    const std::size_t mtu = to.uplink().options().mtu;
    const std::size_t room = mtu > header ? mtu - header : 1;
    packet->tcp.mss = static_cast<std::uint16_t>(std::min<std::size_t>(packet->tcp.mss, room));
  }
  tally_.count(Verdict::kSent);
  to.transmit(std::move(packet));
}

void Gateway::drop(const Packet& packet, Attachment& at, Verdict verdict) {
  tally_.count(verdict);
  at.note(packet, verdict);
}

}  // namespace floe::net::sim
