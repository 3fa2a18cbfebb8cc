#include "floe/net/sim/internal/udp_stack.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "floe/net/sim/host.h"

namespace floe::net::sim {
namespace {

// What packets for a socket at `local` carry as their destination.
Endpoint wire_key(const Endpoint& local) {
  return {without_scope(local.address), local.port};
}

class OpenSocket final : public UdpSocket {
 public:
  OpenSocket(UdpStack& stack, std::shared_ptr<UdpPort> port)
      : stack_(stack), port_(std::move(port)) {}
  ~OpenSocket() override { stack_.close(*port_); }
  SocketId id() const override { return port_->id(); }
  Endpoint local() const override { return port_->local(); }

 private:
  UdpStack& stack_;
  std::shared_ptr<UdpPort> port_;
};

}  // namespace

void UdpPort::take(PacketPtr packet, const Endpoint& source) {
  waiting_bytes_ += packet->payload.size();
  waiting_.push_back({std::move(packet), source});
  if (!scheduled()) host_.fabric_.events().schedule(*this, host_.now());
}

void UdpPort::close() {
  handler_ = nullptr;
  host_.fabric_.events().cancel(*this);
}

void UdpPort::fire() {
  if (host_.asleep()) return host_.fabric_.events().schedule(*this, host_.wakes_at());
  const auto self = shared_from_this();  // The handler may destroy the socket.
  std::vector<Arrived> arrived;
  arrived.swap(waiting_);
  waiting_bytes_ = 0;
  for (std::size_t at = 0; at < arrived.size() && handler_ != nullptr; at += kMaxTrain) {
    std::array<Datagram, kMaxTrain> train;
    const std::size_t count = std::min(kMaxTrain, arrived.size() - at);
    for (std::size_t i = 0; i < count; ++i) {
      train[i] = {arrived[at + i].packet->payload, arrived[at + i].source, id_};
    }
    handler_->on_datagrams(std::span(train).first(count));
  }
  arrived.clear();
  if (waiting_.empty()) waiting_.swap(arrived);  // Its memory serves the next ones.
}

bool UdpPort::is_member(const Address& group, std::uint32_t nic) const {
  if (!options_.multicast || nic != nic_) return false;
  if (!local_.address.is_unspecified() && local_.address != group) return false;
  const std::vector<Address>& groups = options_.multicast->groups;
  return std::ranges::find(groups, group, without_scope) != groups.end();
}

Result<Endpoint> UdpStack::choose_local(const UdpOptions& options) {
  Endpoint local = options.bind;
  if (!host_.can_bind(local.address)) {
    return fail(Errc::kAddressNotAvailable,
                local.address.to_string() + " is not an address of " + host_.name());
  }
  if (local.port != 0) {
    if (is_free(local, options)) return local;
    return fail(Errc::kAddressInUse, "UDP " + local.to_string() + " is taken");
  }
  const bool any = options.port_min == 0 && options.port_max == 0;
  const std::uint16_t min = any ? Host::kFirstDynamicPort : options.port_min;
  const std::uint16_t max = any ? Host::kLastDynamicPort : options.port_max;
  if (min == 0 || min > max) {
    return fail(Errc::kInvalidArgument, "the port range " + std::to_string(min) + ".." +
                                            std::to_string(max) + " is empty or starts at 0");
  }
  const auto port = host_.choose_port(min, max, [&](std::uint16_t candidate) {
    return is_free({local.address, candidate}, options);
  });
  if (!port) {
    return fail(Errc::kAddressInUse, "every UDP port in " + std::to_string(min) + ".." +
                                         std::to_string(max) + " is taken");
  }
  local.port = *port;
  return local;
}

Result<std::unique_ptr<UdpSocket>> UdpStack::open(const UdpOptions& options, UdpHandler& handler) {
  const auto local = choose_local(options);
  if (!local) return forward(local);
  std::uint32_t nic = 0;
  if (options.multicast) {
    if (Result<> good = options.multicast->check(local->family()); !good) return forward(good);
    const auto* found = host_.multicast_nic(options.multicast->interface, local->address);
    if (found == nullptr) {
      return fail(Errc::kAddressNotAvailable, host_.name() + " has no interface " +
                                                  options.multicast->interface +
                                                  " for multicast from " + local->to_string());
    }
    nic = found->index;
  } else if (const auto* found = host_.multicast_nic({}, local->address)) {
    nic = found->index;
  }
  auto port = std::make_shared<UdpPort>(host_, options, *local, nic, host_.next_id(), handler);
  by_id_[port->id()] = port;
  by_local_[wire_key(*local)].push_back(port.get());
  by_port_[local->port].push_back(port.get());
  return std::make_unique<OpenSocket>(*this, std::move(port));
}

void UdpStack::close(UdpPort& port) {
  port.close();
  const auto remove = [&](auto& table, const auto& key) {
    std::erase(table[key], &port);
    if (table[key].empty()) table.erase(key);
  };
  remove(by_local_, wire_key(port.local()));
  remove(by_port_, port.local().port);
  by_id_.erase(port.id());
}

bool UdpStack::is_free(const Endpoint& local, const UdpOptions& options) const {
  const auto same_port = by_port_.find(local.port);
  if (same_port == by_port_.end()) return true;
  return std::ranges::none_of(same_port->second, [&](const UdpPort* other) {
    const Address& theirs = other->local().address;
    const bool overlaps =
        theirs.family() == local.family() &&
        (theirs == local.address || theirs.is_unspecified() || local.address.is_unspecified());
    return overlaps && !other->shares_with(options);
  });
}

bool UdpStack::has_member(const Endpoint& group, std::uint32_t nic) const {
  const auto same_port = by_port_.find(group.port);
  return same_port != by_port_.end() &&
         std::ranges::any_of(same_port->second, [&](const UdpPort* port) {
           return port->is_member(group.address, nic);
         });
}

std::optional<Host::Path> UdpStack::find_path(const UdpPort& port,
                                              const Address& destination) const {
  const Address& local = port.local().address;
  if (local.family() != destination.family()) return std::nullopt;
  if (destination.is_multicast()) return host_.path_to_group(port.nic(), local, destination);
  return host_.path(local.is_multicast() ? Address::unspecified(local.family()) : local,
                    destination);
}

std::optional<Error> UdpStack::send(const SendBatch& batch, const SendBatch::Run& run) {
  const auto found = by_id_.find(run.route.socket);
  if (found == by_id_.end()) return std::nullopt;
  const UdpPort& port = *found->second;
  const Endpoint& local = port.local();
  const Endpoint& destination = run.route.destination;
  if (destination.port == 0) {
    return Error{Errc::kInvalidArgument, "nobody can be reached at port 0"};
  }
  const auto path = find_path(port, destination.address);
  if (!path) {
    return Error{Errc::kUnreachable,
                 "no way from " + local.to_string() + " to " + destination.to_string()};
  }
  const std::size_t header = Packet::header_size(destination.family(), Protocol::kUdp);
  const bool dont_fragment = port.options().dont_fragment;
  if (dont_fragment && header + run.segment_size > path->mtu) {
    return Error{Errc::kMessageTooLong, "a datagram of " + std::to_string(run.segment_size) +
                                            " bytes is too long for an MTU of " +
                                            std::to_string(path->mtu)};
  }
  const Endpoint plain{without_scope(destination.address), destination.port};
  const bool loops = destination.address.is_multicast() &&
                     (!port.options().multicast || port.options().multicast->loop) &&
                     has_member(plain, port.nic());
  for (std::size_t i = 0; i < run.segments; ++i) {
    PacketPtr packet = host_.fabric_.packets().make();
    packet->protocol = Protocol::kUdp;
    packet->dont_fragment = dont_fragment;
    packet->source = {path->source, local.port};
    packet->destination = plain;
    const Bytes payload = batch.packet(run, i);
    packet->payload.assign(payload.begin(), payload.end());
    if (loops) path->attachment->echo(host_.fabric_.packets().copy(*packet));
    host_.transmit(std::move(packet), *path);
  }
  return std::nullopt;
}

UdpPort* UdpStack::find(const Packet& packet) const {
  // The more special socket wins; among those that share a port a flow always meets the same one.
  for (const bool wildcard : {false, true}) {
    Endpoint local = packet.destination;
    if (wildcard) local.address = Address::unspecified(local.family());
    const auto found = by_local_.find(local);
    if (found == by_local_.end()) continue;
    return found->second[packet.source.hash() % found->second.size()];
  }
  return nullptr;
}

void UdpStack::receive_for_group(PacketPtr packet) {
  const std::uint32_t nic = host_.arriving_index();
  if (!has_member(packet->destination, nic)) return host_.note(*packet, Verdict::kNotMember);
  const Endpoint source = host_.seen_source(*packet);
  for (UdpPort* port : by_port_[packet->destination.port]) {
    if (!port->is_member(packet->destination.address, nic)) continue;
    const bool has_room = port->has_room(*packet, receive_buffer_);
    host_.note(*packet, has_room ? Verdict::kDelivered : Verdict::kBufferFull);
    if (has_room) port->take(host_.fabric_.packets().copy(*packet), source);
  }
}

void UdpStack::receive(PacketPtr packet) {
  if (packet->destination.address.is_multicast()) return receive_for_group(std::move(packet));
  UdpPort* port = find(*packet);
  if (port == nullptr) return host_.note(*packet, Verdict::kNoSuchPort);
  if (!port->has_room(*packet, receive_buffer_)) return host_.note(*packet, Verdict::kBufferFull);
  host_.note(*packet, Verdict::kDelivered);
  const Endpoint source = host_.seen_source(*packet);
  port->take(std::move(packet), source);
}

}  // namespace floe::net::sim
