// CreatePermission and ChannelBind (RFC 8656 sections 10.2 and 12.2), and who
// may be a peer at all.
#include "floe/servers/turn/internal/turn_relay_answers.h"
#include "floe/servers/turn/turn_relay.h"

namespace floe::server {

using stun::AttributeType;

namespace {

/// RFC 8656 gives channels up to 0x4fff. RFC 5766 allowed up to 0x7fff, and
/// clients of that time use them; on a TURN server's own sockets they collide
/// with nothing.
constexpr std::uint16_t kFirstChannel = 0x4000;
constexpr std::uint16_t kLastChannel = 0x7fff;

std::optional<std::uint16_t> channel_in(const stun::Message& message) {
  const std::optional<Bytes> value = message.find(AttributeType::kChannelNumber);
  if (!value || value->size() != 4) return std::nullopt;
  const std::uint16_t channel = ByteReader(*value).u16();
  if (channel < kFirstChannel || channel > kLastChannel) return std::nullopt;
  return channel;
}

}  // namespace

void TurnRelay::handle_create_permission(Request& request) {
  const stun::Message& message = request.message;
  Allocation& allocation = *request.allocation;
  // All of them or none: first look, then leap.
  std::size_t count = 0;
  std::uint16_t code = 0;
  for (const AttributeType type : message.attribute_types()) {
    if (type != AttributeType::kXorPeerAddress) continue;
    const std::optional<net::Endpoint> peer = message.xor_peer_address(count++);
    if (!peer) return refuse(request, stun::kBadRequest);
    if (code == 0) code = check_peer(allocation, peer->address);
  }
  if (count == 0) return refuse(request, stun::kBadRequest);
  if (code != 0) return refuse(request, code);
  std::size_t fresh = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const net::Address peer = message.xor_peer_address(i)->address;
    if (allocation.permitted_until(request.now, peer) == request.now) ++fresh;
  }
  if (fresh > allocation.room_for_permissions(request.now)) {
    return refuse(request, stun::kInsufficientCapacity);
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (!allocation.permit(request.now, message.xor_peer_address(i)->address)) {
      return refuse(request, stun::kInsufficientCapacity);
    }
  }
  succeed(request, [](stun::MessageBuilder&) {});
}

void TurnRelay::handle_channel_bind(Request& request) {
  const std::optional<std::uint16_t> channel = channel_in(request.message);
  const std::optional<net::Endpoint> peer = request.message.xor_peer_address();
  if (!channel || !peer) return refuse(request, stun::kBadRequest);
  Allocation& allocation = *request.allocation;
  // RFC 6062 has no channels: data goes over connections of its own.
  if (allocation.is_tcp) return refuse(request, stun::kBadRequest);
  if (const std::uint16_t code = check_peer(allocation, peer->address)) {
    return refuse(request, code);
  }
  if (!may_reach(*peer)) return refuse(request, stun::kForbidden);
  const bool has_room = allocation.permitted_until(request.now, peer->address) > request.now ||
                        allocation.room_for_permissions(request.now) > 0;
  if (!has_room) return refuse(request, stun::kInsufficientCapacity);
  switch (allocation.bind(request.now, *channel, *peer)) {
    case Allocation::Bound::kConflict:
      return refuse(request, stun::kBadRequest);
    case Allocation::Bound::kFull:
      return refuse(request, stun::kInsufficientCapacity);
    case Allocation::Bound::kYes:
      break;
  }
  if (!allocation.permit(request.now, peer->address)) {
    return refuse(request, stun::kInsufficientCapacity);
  }
  succeed(request, [](stun::MessageBuilder&) {});
}

std::uint16_t TurnRelay::check_peer(const Allocation& allocation, const net::Address& peer) const {
  if (!allocation.relay(peer.family())) return stun::kPeerAddressFamilyMismatch;
  return may_reach(peer) ? 0 : stun::kForbidden;
}

/// Another client's relayed address is a peer like any other: two peers that
/// both need a relay may well have the same one.
bool TurnRelay::may_reach(const net::Address& peer) const {
  if (policy_.allows(peer)) return true;
  return pool_of_external(peer) != nullptr && !policy_.denies_explicitly(peer);
}

/// But nothing else on this machine is: of its addresses only ports that are
/// relays.
bool TurnRelay::may_reach(const net::Endpoint& peer) const {
  if (peer.port == 0) return false;
  if (policy_.allows(peer.address)) return true;
  const Pool* own = pool_of_external(peer.address);
  return own != nullptr && !policy_.denies_explicitly(peer.address) &&
         own->ports.is_taken(peer.port);
}

const TurnRelay::Pool* TurnRelay::pool_of_external(const net::Address& address) const {
  const Pool* candidate = pool(address.family());
  return candidate != nullptr && candidate->external() == address ? candidate : nullptr;
}

/// Few 1:1 NATs turn packets around, so what goes to our own external address
/// is sent to the local one, and comes from it.
net::Endpoint TurnRelay::destination_of(const net::Endpoint& peer) const {
  const Pool* own = pool_of_external(peer.address);
  return own == nullptr ? peer : net::Endpoint{own->address.local, peer.port};
}

net::Endpoint TurnRelay::peer_at(const net::Endpoint& source) const {
  const Pool* own = pool(source.family());
  if (own == nullptr || own->address.local != source.address) return source;
  return {own->external(), source.port};
}

}  // namespace floe::server
