#include "floe/net/sim/packet.h"

#include <utility>

#include "floe/net/sim/host.h"
#include "floe/net/sim/subnet.h"

namespace floe::net::sim {

void Packet::fire() {
  PacketPtr self(this);
  switch (leg_) {
    case Leg::kToSubnet:
      return attachment_->subnet().forward(std::move(self), *attachment_);
    case Leg::kToNode:
      return attachment_->arrive(std::move(self));
    case Leg::kLoopback:
      return host_->receive_loopback(std::move(self));
  }
}

void answer_with_reset(const Packet& packet, Packet& reset) {
  reset.protocol = Protocol::kTcp;
  reset.source = packet.destination;
  reset.destination = packet.source;
  reset.tcp.flags = TcpHeader::kRst | TcpHeader::kAck;
  reset.tcp.sequence = packet.tcp.acknowledgment;
  const bool counts = packet.tcp.has(TcpHeader::kSyn) || packet.tcp.has(TcpHeader::kFin);
  reset.tcp.acknowledgment = packet.tcp.sequence + packet.payload.size() + (counts ? 1 : 0);
}

void RecyclePacket::operator()(Packet* packet) const {
  packet->pool_->recycle(packet);
}

PacketPtr PacketPool::make() {
  if (free_.empty()) {
    all_.push_back(std::unique_ptr<Packet>(new Packet(*this)));
    return PacketPtr(all_.back().get());
  }
  Packet* packet = free_.back();
  free_.pop_back();
  return PacketPtr(packet);
}

PacketPtr PacketPool::copy(const Packet& packet) {
  PacketPtr copy = make();
  copy->protocol = packet.protocol;
  copy->hops = packet.hops;
  copy->dont_fragment = packet.dont_fragment;
  copy->source = packet.source;
  copy->destination = packet.destination;
  copy->tcp = packet.tcp;
  copy->payload = packet.payload;
  copy->attachment_ = packet.attachment_;
  copy->host_ = packet.host_;
  copy->leg_ = packet.leg_;
  return copy;
}

void PacketPool::recycle(Packet* packet) {
#if defined(__SANITIZE_ADDRESS__)
  constexpr bool kKeepsMemory = false;  // Lets ASan see a view that is used after its handler.
#else
  constexpr bool kKeepsMemory = true;
#endif
  if (kKeepsMemory && packet->payload.capacity() <= kKeptCapacity) {
    packet->payload.clear();
  } else {
    packet->payload = {};
  }
  packet->hops = 0;
  packet->dont_fragment = true;
  packet->tcp = {};
  free_.push_back(packet);
}

}  // namespace floe::net::sim
