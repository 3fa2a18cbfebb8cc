#include "floe/servers/turn/allocation.h"

#include <algorithm>

namespace floe::server {

Time Allocation::expires() const {
  Time first = kNever;
  for (const std::optional<Relay>& relay : relays) {
    if (relay) first = std::min(first, relay->expires);
  }
  return first;
}

bool Allocation::permit(Time now, const net::Address& peer) {
  const auto found = permissions_.find(peer);
  if (found == permissions_.end() && room_for_permissions(now) == 0) return false;
  permissions_[peer] = now + kPermissionLifetime;
  return true;
}

std::size_t Allocation::room_for_permissions(Time now) {
  if (permissions_.size() >= kMaxPermissions) remove_expired(now);
  return kMaxPermissions - permissions_.size();
}

Time Allocation::permitted_until(Time now, const net::Address& peer) const {
  const auto found = permissions_.find(peer);
  return found == permissions_.end() ? now : std::max(now, found->second);
}

Allocation::Bound Allocation::bind(Time now, std::uint16_t channel, const net::Endpoint& peer) {
  const Binding* of_channel = find_channel(now, channel);
  const Binding* of_peer = find_peer(now, peer);
  if (of_channel != of_peer) return Bound::kConflict;
  if (of_channel == nullptr) {
    if (channels_.size() >= kMaxChannels) remove_expired(now);
    if (channels_.size() >= kMaxChannels) return Bound::kFull;
    // Bindings that ended may still stand in the tables, under this number or
    // this peer.
    if (const auto old = channels_.find(channel); old != channels_.end()) {
      peers_.erase(old->second.peer);
    }
    if (const auto old = peers_.find(peer); old != peers_.end()) channels_.erase(old->second);
  }
  channels_[channel] = {channel, peer, now + kChannelLifetime};
  peers_[peer] = channel;
  return Bound::kYes;
}

const Binding* Allocation::find_channel(Time now, std::uint16_t channel) const {
  const auto found = channels_.find(channel);
  return found != channels_.end() && found->second.expires > now ? &found->second : nullptr;
}

const Binding* Allocation::find_peer(Time now, const net::Endpoint& peer) const {
  const auto found = peers_.find(peer);
  return found == peers_.end() ? nullptr : find_channel(now, found->second);
}

void Allocation::forget(net::Family family) {
  relay(family).reset();
  std::erase_if(permissions_, [&](const auto& entry) { return entry.first.family() == family; });
  std::erase_if(channels_, [&](const auto& entry) { return entry.second.peer.family() == family; });
  std::erase_if(peers_, [&](const auto& entry) { return entry.first.family() == family; });
}

void Allocation::remove_expired(Time now) {
  std::erase_if(permissions_, [&](const auto& entry) { return entry.second <= now; });
  std::erase_if(channels_, [&](const auto& entry) { return entry.second.expires <= now; });
  std::erase_if(peers_, [&](const auto& entry) { return !channels_.contains(entry.second); });
}

}  // namespace floe::server
