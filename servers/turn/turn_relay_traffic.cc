// The packets themselves: ChannelData, Send and Data indications (RFC 8656
// sections 11 and 12).
#include <algorithm>
#include <cstring>

#include "floe/core/limits.h"
#include "floe/servers/turn/turn_relay.h"

namespace floe::server {

using stun::AttributeType;

namespace {

constexpr std::size_t kChannelHeader = 4;
/// Header, XOR-PEER-ADDRESS with an IPv6 address, DATA's header and padding.
constexpr std::size_t kDataOverhead = stun::kHeaderSize + 24 + 4 + 3;

std::uint16_t u16_at(Bytes bytes, std::size_t at) {
  return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

}  // namespace

void TurnRelay::handle_channel_data(Time now, const net::Datagram& datagram,
                                    net::SendBatch& batch) {
  const Bytes packet = datagram.payload;
  // Over UDP there may be padding (RFC 8656 section 12.5); a stream's was taken
  // off.
  if (packet.size() < kChannelHeader || u16_at(packet, 2) > packet.size() - kChannelHeader) {
    ++stats_.dropped_malformed;
    return;
  }
  const Bytes payload = packet.subspan(kChannelHeader, u16_at(packet, 2));
  const std::uint16_t channel = u16_at(packet, 0);
  const TurnClient client{datagram.socket, datagram.source};
  if (to_peer_.channel == channel && to_peer_.from == client && now < to_peer_.until) {
    return relay_to_peer(to_peer_.route, payload, batch);
  }
  const Allocation* allocation = find(client);
  if (allocation == nullptr) {
    ++stats_.dropped_no_allocation;
    return;
  }
  const Binding* binding = allocation->find_channel(now, channel);
  if (binding == nullptr) {
    ++stats_.dropped_no_channel;
    return;
  }
  const Relay& relay = *allocation->relay(binding->peer.family());
  to_peer_ = {client, channel, {relay.socket, destination_of(binding->peer), {}}, binding->expires};
  relay_to_peer(to_peer_.route, payload, batch);
}

void TurnRelay::handle_send(Time now, const stun::Message& message, const TurnClient& client,
                            net::SendBatch& batch) {
  const Allocation* allocation = find(client);
  const std::optional<net::Endpoint> peer = message.xor_peer_address();
  const std::optional<Bytes> payload = message.data();
  if (allocation == nullptr || allocation->is_tcp) {
    ++stats_.dropped_no_allocation;
  } else if (!peer || !payload) {
    ++stats_.dropped_malformed;
  } else if (message.dont_fragment() && !allocation->dont_fragment) {
    ++stats_.dropped_dont_fragment;  // RFC 8656 section 11.2: the DF bit is not
                                     // set here.
  } else if (!allocation->relay(peer->family()) ||
             allocation->permitted_until(now, peer->address) <= now || !may_reach(*peer)) {
    ++stats_.dropped_no_permission;
  } else {
    const Relay& relay = *allocation->relay(peer->family());
    relay_to_peer({relay.socket, destination_of(*peer), {}}, *payload, batch);
  }
}

void TurnRelay::relay_to_peer(const net::Route& route, Bytes payload, net::SendBatch& batch) {
  if (payload.size() > kMaxUdpPayload) {
    ++stats_.dropped_too_long;
  } else if (!batch.add(route, payload)) {
    ++stats_.dropped_batch_full;
  } else {
    ++stats_.packets_to_peers;
    stats_.bytes_to_peers += payload.size();
  }
}

void TurnRelay::handle_peer_packet(Time now, Allocation& allocation, const net::Datagram& datagram,
                                   net::SendBatch& batch) {
  const net::Endpoint peer = peer_at(datagram.source);
  const Time permitted_until = allocation.permitted_until(now, peer.address);
  if (permitted_until <= now) {
    ++stats_.dropped_no_permission;
    return;
  }
  const Binding* binding = allocation.find_peer(now, peer);
  if (binding == nullptr) {
    return write_data_indication(allocation, peer, datagram.payload, batch);
  }
  // RFC 8656 section 12.5: from the server it MUST be ChannelData if there is a
  // channel.
  const net::Prefix prefix =
      net::Prefix::channel_data(binding->channel, is_stream(allocation.transport));
  to_client_ = {{datagram.socket, datagram.source},
                binding->channel,
                {allocation.client.socket, allocation.client.endpoint, prefix},
                std::min(permitted_until, binding->expires)};
  relay_to_client(to_client_.route, datagram.payload, batch);
}

void TurnRelay::relay_to_client(const net::Route& route, Bytes payload, net::SendBatch& batch) {
  if (payload.size() + kChannelHeader > kMaxUdpPayload) {
    ++stats_.dropped_too_long;
  } else if (!batch.add(route, payload)) {
    ++stats_.dropped_batch_full;
  } else {
    ++stats_.packets_to_clients;
    stats_.bytes_to_clients += payload.size();
  }
}

void TurnRelay::write_data_indication(const Allocation& allocation, const net::Endpoint& peer,
                                      Bytes payload, net::SendBatch& batch) {
  if (payload.size() + kDataOverhead > kMaxUdpPayload) {
    ++stats_.dropped_too_long;
    return;
  }
  const MutableBytes space = batch.open({allocation.client.socket, allocation.client.endpoint, {}},
                                        payload.size() + kDataOverhead);
  if (space.empty()) {
    ++stats_.dropped_batch_full;
    return;
  }
  // Nobody answers an indication: its transaction id need only differ from the
  // last one's.
  stun::TransactionId id{};
  ++indications_;
  std::memcpy(id.data(), &indications_, sizeof indications_);
  stun::MessageBuilder indication(space, stun::Class::kIndication, stun::Method::kData, id);
  indication.add_xor_address(AttributeType::kXorPeerAddress, peer);
  indication.add(AttributeType::kData, payload);
  batch.commit(indication.bytes().size());
  ++stats_.packets_to_clients;
  stats_.bytes_to_clients += payload.size();
}

}  // namespace floe::server
