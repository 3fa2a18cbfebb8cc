// Allocate and Refresh (RFC 8656 sections 7.2 and 8.2).
#include <algorithm>
#include <utility>
#include <vector>

#include "floe/servers/turn/internal/turn_relay_answers.h"
#include "floe/servers/turn/turn_relay.h"

namespace floe::server {

using net::Family;
using stun::AttributeType;
using stun::Message;

namespace {

constexpr std::uint8_t kUdpProtocol = 17;
constexpr std::uint8_t kTcpProtocol = 6;

/// There, but not to be read.
bool is_malformed(const Message& message, AttributeType type, bool readable) {
  return message.has(type) && !readable;
}

std::int64_t seconds(Duration duration) {
  return std::chrono::duration_cast<std::chrono::seconds>(duration).count();
}

}  // namespace

void TurnRelay::handle_allocate(Request& request) {
  if (const std::uint16_t code = check_allocate(request)) return refuse(request, code);
  if (configuration_.always_redirect) return redirect(request);
  if (const std::uint16_t code = check_limits(request)) {
    const bool is_elsewhere =
        code == stun::kInsufficientCapacity && !configuration_.alternate_servers.empty();
    return is_elsewhere ? redirect(request) : refuse(request, code);
  }

  auto allocation = std::make_unique<Allocation>();
  allocation->client = request.client;
  allocation->transport = request.transport;
  allocation->caller = request.caller;
  allocation->created_by = request.message.transaction_id();
  allocation->dont_fragment = request.message.dont_fragment();
  allocation->is_tcp = request.message.requested_transport() == kTcpProtocol;
  const std::uint16_t code = request.message.has(AttributeType::kReservationToken)
                                 ? take_reservation(request, *allocation)
                                 : open_relays(request, *allocation);
  if (code != 0) return refuse(request, code);

  for (std::optional<Relay>& relay : allocation->relays) {
    if (!relay) continue;
    relay->expires = request.now + lifetime_for(request.message);
    relays_[relay->socket] = allocation.get();
  }
  ++stats_.allocated;
  ++owners_[allocation->caller.owner];
  schedule(*allocation);
  const auto added = allocations_.emplace(request.client, std::move(allocation)).first;
  answer_allocate(request, *added->second);
}

std::uint16_t TurnRelay::check_allocate(const Request& request) const {
  const Message& message = request.message;
  if (request.allocation != nullptr) return stun::kAllocationMismatch;
  const auto protocol = message.requested_transport();
  if (!protocol) return stun::kBadRequest;
  if (*protocol != kUdpProtocol && *protocol != kTcpProtocol) return stun::kUnsupportedTransport;
  if (*protocol == kTcpProtocol) {
    if (const std::uint16_t code = check_tcp_allocate(request)) return code;
  }

  const bool has_token = message.has(AttributeType::kReservationToken);
  const bool has_family = message.has(AttributeType::kRequestedAddressFamily);
  const bool has_additional = message.has(AttributeType::kAdditionalAddressFamily);
  const bool has_even_port = message.has(AttributeType::kEvenPort);
  const auto even_port = message.even_port();
  const auto family = message.requested_address_family();
  const auto additional = message.additional_address_family();
  if (is_malformed(message, AttributeType::kReservationToken,
                   message.reservation_token().has_value()) ||
      is_malformed(message, AttributeType::kEvenPort, even_port.has_value())) {
    return stun::kBadRequest;
  }
  if (has_token && (has_even_port || has_family || has_additional)) return stun::kBadRequest;
  if (has_family && has_additional) return stun::kBadRequest;
  if (even_port && even_port->reserve_next && has_additional) return stun::kBadRequest;
  if (has_additional && additional != Family::kIpv6) return stun::kBadRequest;
  // A family nobody knows cannot be supported either.
  if (has_family && (!family || pool(*family) == nullptr)) return stun::kAddressFamilyNotSupported;
  const bool wants_ipv4 = !has_token && !has_family && !has_additional;
  if (wants_ipv4 && pool(Family::kIpv4) == nullptr) return stun::kAddressFamilyNotSupported;
  return 0;
}

std::uint16_t TurnRelay::check_limits(const Request& request) const {
  const auto owned = owners_.find(request.caller.owner);
  const std::size_t quota = configuration_.max_allocations_per_user;
  if (quota != 0 && owned != owners_.end() && owned->second >= quota) {
    return stun::kAllocationQuotaReached;
  }
  return allocations_.size() >= configuration_.max_allocations ? stun::kInsufficientCapacity : 0;
}

std::uint16_t TurnRelay::open_relays(const Request& request, Allocation& allocation) {
  const Message& message = request.message;
  const bool is_dual = message.has(AttributeType::kAdditionalAddressFamily);
  const auto even_port = message.even_port();
  PortPool::Want want = even_port ? PortPool::Want::kEven : PortPool::Want::kAny;
  if (even_port && even_port->reserve_next) {
    if (reservations_.size() >= kMaxReservations) return stun::kInsufficientCapacity;
    want = PortPool::Want::kEvenPair;
  }

  std::array<std::uint16_t, 2> errors{};
  std::vector<Family> families{message.requested_address_family().value_or(Family::kIpv4)};
  if (is_dual) families.push_back(Family::kIpv6);
  for (const Family family : families) {
    Relay relay;
    std::optional<Relay> reserved;
    const std::uint16_t code = open_relay(family, want, allocation, relay, reserved);
    errors[static_cast<std::size_t>(family)] = code;
    if (code != 0) continue;
    allocation.relay(family) = relay;
    if (reserved)
      allocation.token =
          reserve(request.now, {*reserved, request.caller.owner, allocation.dont_fragment});
  }
  const std::uint16_t first = errors[static_cast<std::size_t>(families.front())];
  if (allocation.expires() == kNever) return first;
  // RFC 8656 section 7.2, ninth check: one of the two will do, with the reason
  // for the other.
  allocation.additional_error = std::max(errors[0], errors[1]);
  return 0;
}

std::uint16_t TurnRelay::take_reservation(const Request& request, Allocation& allocation) {
  ReservationToken token{};
  const Bytes bytes = *request.message.reservation_token();
  std::copy_n(bytes.begin(), token.size(), token.begin());
  const auto found = reservations_.find(token);
  // Whoever learns a token must not take another user's port.
  if (found == reservations_.end() || found->second.owner != request.caller.owner) {
    return stun::kInsufficientCapacity;
  }
  // The socket is open as it is; a DF bit it does not set cannot be had any
  // more.
  if (allocation.dont_fragment && !found->second.dont_fragment) {
    return stun::kInsufficientCapacity;
  }
  allocation.dont_fragment = found->second.dont_fragment;
  allocation.relay(found->second.relay.local.family()) = found->second.relay;
  reservations_.erase(found);
  return 0;
}

std::uint16_t TurnRelay::open_relay(Family family, PortPool::Want want, const Allocation& of,
                                    Relay& relay, std::optional<Relay>& reserved) {
  Pool* from = pool(family);
  if (from == nullptr) return stun::kAddressFamilyNotSupported;
  const auto open = [&](std::uint16_t port, Relay& opened) {
    opened.local = {from->address.local, port};
    opened.external = {from->external(), port};
    const Result<net::SocketId> socket = of.is_tcp
                                             ? host_.listen_relay(opened.local)
                                             : host_.open_relay(opened.local, of.dont_fragment);
    if (socket) opened.socket = *socket;
    return socket.has_value();
  };
  // Ports that turn out to be somebody else's stay taken until the end, so as
  // not to be met again.
  std::vector<std::uint16_t> refused;
  bool done = false;
  for (int i = 0; i < kMaxPortTries && !done; ++i) {
    const std::optional<std::uint16_t> port = from->ports.take(want, random_);
    if (!port) break;
    const auto next = static_cast<std::uint16_t>(*port + 1);
    done = open(*port, relay);
    if (done && want == PortPool::Want::kEvenPair && !open(next, reserved.emplace())) {
      host_.close_relay(relay.socket);
      reserved.reset();
      done = false;
    }
    if (done) break;
    refused.push_back(*port);
    if (want == PortPool::Want::kEvenPair) refused.push_back(next);
  }
  for (const std::uint16_t port : refused) from->ports.give_back(port);
  return done ? 0 : stun::kInsufficientCapacity;
}

ReservationToken TurnRelay::reserve(Time now, Reservation reservation) {
  ReservationToken token{};
  random_.fill(token);
  reservations_[token] = std::move(reservation);
  reservation_ends_.emplace_back(now + kReservationLifetime, token);
  return token;
}

void TurnRelay::answer_allocate(Request& request, const Allocation& allocation) {
  succeed(request, [&](stun::MessageBuilder& response) {
    for (const std::optional<Relay>& relay : allocation.relays) {
      if (relay) response.add_xor_address(AttributeType::kXorRelayedAddress, relay->external);
    }
    const Duration left = std::max(allocation.expires() - request.now, Duration());
    response.add_u32(AttributeType::kLifetime, static_cast<std::uint32_t>(seconds(left)));
    response.add_xor_address(AttributeType::kXorMappedAddress, request.client.endpoint);
    if (allocation.token) response.add(AttributeType::kReservationToken, *allocation.token);
    if (allocation.additional_error != 0) {
      const Family missing = allocation.relay(Family::kIpv4) ? Family::kIpv6 : Family::kIpv4;
      response.add_address_error(missing, allocation.additional_error, {});
    }
    add_software(response, request.message, configuration_.software);
  });
}

void TurnRelay::handle_refresh(Request& request) {
  Allocation& allocation = *request.allocation;
  const auto family = request.message.requested_address_family();
  const bool is_for_one = request.message.has(AttributeType::kRequestedAddressFamily);
  if (is_for_one && (!family || !allocation.relay(*family))) {
    return refuse(request, stun::kPeerAddressFamilyMismatch);
  }
  const bool is_end = request.message.lifetime() == 0u;
  const Duration lifetime = is_end ? Duration() : lifetime_for(request.message);

  deadlines_.erase({allocation.expires(), allocation.client});
  for (const Family each : {Family::kIpv4, Family::kIpv6}) {
    std::optional<Relay>& relay = allocation.relay(each);
    if (!relay || (is_for_one && family != each)) continue;
    relay->expires = request.now + lifetime;
  }
  schedule(allocation);
  succeed(request, [&](stun::MessageBuilder& response) {
    response.add_u32(AttributeType::kLifetime, static_cast<std::uint32_t>(seconds(lifetime)));
    add_software(response, request.message, configuration_.software);
  });
  if (!is_end) return;
  if (is_for_one) end_family(allocation, *family);
  if (!is_for_one || allocation.expires() == kNever) end(allocation);
}

Duration TurnRelay::lifetime_for(const Message& message) const {
  const Duration wanted = std::chrono::seconds(message.lifetime().value_or(0));
  return std::max(configuration_.default_lifetime, std::min(wanted, configuration_.max_lifetime));
}

}  // namespace floe::server
