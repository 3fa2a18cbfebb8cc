#include <algorithm>
#include <utility>

#include "floe/net/sim/host.h"
#include "floe/net/sim/internal/tcp_stack.h"
#include "floe/net/sim/internal/udp_stack.h"

namespace floe::net::sim {

bool Host::owns(const Address& address) const {
  if (address.is_loopback()) return true;
  const Address plain = without_scope(address);
  return std::ranges::any_of(nics_, [&](const Nic& nic) {
    return nic.attachment->up() && nic.attachment->has(plain) &&
           (address.scope_id() == 0 || address.scope_id() == nic.index);
  });
}

bool Host::can_bind(const Address& address) const {
  return address.is_unspecified() || address.is_multicast() || owns(address);
}

std::optional<Host::Path> Host::path_from(Attachment& attachment, const Address& source,
                                          const Address& destination) const {
  if (!attachment.subnet().leads_to(destination)) return std::nullopt;
  return Path{&attachment, source, attachment.mtu()};
}

std::optional<Host::Path> Host::path(const Address& local, const Address& destination) const {
  if (local.family() != destination.family() || destination.is_unspecified()) return std::nullopt;
  if (owns(destination)) {
    const bool any = local.is_unspecified();
    if (!any && !owns(local)) return std::nullopt;
    return Path{nullptr, without_scope(any ? destination : local), kLoopbackMtu};
  }
  if (local.is_loopback()) return std::nullopt;

  if (!local.is_unspecified()) {
    const Address source = without_scope(local);
    for (const Nic& nic : nics_) {
      if (!nic.attachment->up() || !nic.attachment->has(source)) continue;
      return path_from(*nic.attachment, source, without_scope(destination));
    }
    return std::nullopt;
  }

  // From a wildcard: the first interface that has the destination on its subnet, else the first
  // that has a gateway; and an address of the destination's scope (RFC 6724 rule 2, for short).
  for (const bool on_link : {true, false}) {
    for (const Nic& nic : nics_) {
      Attachment& attachment = *nic.attachment;
      if (!attachment.up()) continue;
      if (destination.scope_id() != 0 && destination.scope_id() != nic.index) continue;
      if (on_link && !attachment.subnet().is_on_link(without_scope(destination))) continue;
      for (const Address& source : attachment.addresses()) {
        if (source.family() != destination.family()) continue;
        if (source.is_link_local() != destination.is_link_local()) continue;
        if (auto path = path_from(attachment, source, without_scope(destination))) return path;
      }
    }
  }
  return std::nullopt;
}

const Host::Nic* Host::multicast_nic(std::string_view interface_name, const Address& local) const {
  const bool any = local.is_unspecified() || local.is_multicast();
  const auto found = std::ranges::find_if(nics_, [&](const Nic& nic) {
    if (!nic.attachment->up() || !nic.attachment->has(local.family())) return false;
    if (!interface_name.empty()) return nic.name == interface_name;
    return any || nic.attachment->has(without_scope(local));
  });
  return found != nics_.end() ? &*found : nullptr;
}

std::optional<Host::Path> Host::path_to_group(std::uint32_t index, const Address& local,
                                              const Address& group) const {
  const auto nic = std::ranges::find(nics_, index, &Nic::index);
  if (nic == nics_.end() || !nic->attachment->up()) return std::nullopt;
  Attachment& attachment = *nic->attachment;
  const Address plain = without_scope(local);
  if (attachment.has(plain)) return Path{&attachment, plain, attachment.mtu()};
  if (!local.is_unspecified() && !local.is_multicast()) return std::nullopt;
  if (!attachment.has(group.family())) return std::nullopt;
  const auto& addresses = attachment.addresses();
  // A link-local address for a link-local group, if there is one (RFC 6724 rule 2).
  const auto best = std::ranges::find_if(addresses, [&](const Address& address) {
    return address.family() == group.family() && address.is_v6() && address.is_link_local();
  });
  const Address& source = best != addresses.end() ? *best : attachment.address(group.family());
  return Path{&attachment, source, attachment.mtu()};
}

std::uint32_t Host::arriving_index() const {
  for (const Nic& nic : nics_) {
    if (nic.attachment.get() == arriving_at_) return nic.index;
  }
  return 0;
}

void Host::transmit(PacketPtr packet, const Path& path) {
  packet->source.address = path.source;
  packet->destination.address = without_scope(packet->destination.address);
  if (path.attachment != nullptr) return path.attachment->transmit(std::move(packet));
  fabric_.record(loopback_place_, *packet, Verdict::kSent);
  packet->loop_back_at(*this);
  fabric_.events().schedule(*packet.release(), now());
}

void Host::receive_loopback(PacketPtr packet) {
  arriving_at_ = nullptr;
  dispatch(std::move(packet));
}

void Host::receive(PacketPtr packet, Attachment& at) {
  arriving_at_ = &at;
  if (asleep()) return note(*packet, Verdict::kAsleep);
  dispatch(std::move(packet));
}

void Host::dispatch(PacketPtr packet) {
  if (packet->protocol == Protocol::kTcp) return tcp_->receive(*packet);
  udp_->receive(std::move(packet));
}

Endpoint Host::seen_source(const Packet& packet) const {
  const Address& address = packet.source.address;
  if (!address.is_v6() || !address.is_link_local()) return packet.source;
  for (const Nic& nic : nics_) {
    if (nic.attachment.get() != arriving_at_) continue;
    return {Address::v6(address.bytes().first<16>(), nic.index), packet.source.port};
  }
  return packet.source;
}

void Host::note(const Packet& packet, Verdict verdict) {
  tally_.count(verdict);
  if (arriving_at_ != nullptr) {
    arriving_at_->note(packet, verdict);
  } else {
    fabric_.record(loopback_place_, packet, verdict);
  }
}

std::optional<std::uint16_t> Host::choose_port(std::uint16_t min, std::uint16_t max,
                                               const std::function<bool(std::uint16_t)>& is_free) {
  const std::uint32_t count = max - min + 1u;
  const auto start = static_cast<std::uint32_t>(system_random_.below(count));
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto port = static_cast<std::uint16_t>(min + (start + i) % count);
    if (is_free(port)) return port;
  }
  return std::nullopt;
}

}  // namespace floe::net::sim
