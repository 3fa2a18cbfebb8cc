#include <algorithm>
#include <utility>

#include "floe/turn_client/client.h"

// Permissions (RFC 8656 sections 9 and 10).
namespace floe::turn {
namespace {

using std::chrono::seconds;

constexpr seconds kPermissionLifetime{300};  // RFC 8656 section 9
/// A minute before the end: a transaction that gets no answer takes 39.5 s to say so.
constexpr seconds kPermissionRefresh = kPermissionLifetime - seconds(60);
/// After a request that failed and may yet succeed.
constexpr seconds kRetryPause{10};
/// After 508: the server is short of something, which takes longer to pass.
constexpr seconds kCapacityPause{60};

bool can_be_peer(const net::Address& address) {
  return !address.is_unspecified() && !address.is_multicast() && !address.is_broadcast();
}

}  // namespace

Result<> Client::permit(Time now, const net::Address& peer) {
  if (!can_be_peer(peer)) {
    return fail(Errc::kInvalidArgument, peer.to_string() + " is no address a peer can have");
  }
  if (find_permission(peer) != nullptr) return {};
  if (state_ == State::kAllocated && !has_family(peer.family())) {
    return fail(Errc::kInvalidArgument,
                "the TURN allocation has no address of the family of " + peer.to_string());
  }
  if (permissions_.size() == kMaxPermissions) {
    return fail(Errc::kLimitExceeded, "one TURN allocation has at most " +
                                          std::to_string(kMaxPermissions) + " permissions");
  }
  permissions_.push_back({peer});
  if (state_ == State::kAllocated) send_permission(now, permissions_.back());
  return {};
}

void Client::release(const net::Address& peer) {
  std::erase_if(permissions_,
                [&](const Permission& permission) { return permission.peer == peer; });
  for (Channel& channel : channels_) {
    if (channel.peer.address != peer) continue;
    channel.wanted = channel.bound = false;
    channel.expires_at = channel.request_at = kNever;
    channel.request.reset();
  }
}

const Client::Permission* Client::find_permission(const net::Address& peer) const {
  const auto found =
      std::find_if(permissions_.begin(), permissions_.end(),
                   [&](const Permission& permission) { return permission.peer == peer; });
  return found == permissions_.end() ? nullptr : &*found;
}

Client::Permission* Client::find_permission(const net::Address& peer) {
  return const_cast<Permission*>(std::as_const(*this).find_permission(peer));
}

void Client::send_permission(Time now, Permission& permission) {
  permission.request_at = kNever;
  if (!permission.request) {
    permission.request = std::make_unique<Request>(Request{stun::Method::kCreatePermission});
  }
  // The port is ignored (RFC 8656 section 10.1).
  const Result<> sent = session_.send(now, *permission.request, [&](stun::MessageBuilder& b) {
    b.add_xor_address(stun::AttributeType::kXorPeerAddress, {permission.peer, 0});
  });
  if (sent) return;
  permission.request.reset();
  permission.request_at = now + kCapacityPause;
}

void Client::grant(Time now, Permission& permission) {
  permission.expires_at = now + kPermissionLifetime;
  if (!permission.request) permission.request_at = now + kPermissionRefresh;
  if (permission.granted) return;
  permission.granted = true;
  emit(PermissionGranted{permission.peer});
}

void Client::handle_permission(Time now, std::size_t index, Session::Outcome outcome,
                               const Failure& failure) {
  using Outcome = Session::Outcome;
  Permission& permission = permissions_[index];
  if (outcome == Outcome::kDropped || outcome == Outcome::kWait) return;
  if (outcome == Outcome::kSendAgain) return send_permission(now, permission);
  permission.request.reset();
  if (outcome == Outcome::kSuccess) return grant(now, permission);
  switch (failure.code) {
    case stun::kAllocationMismatch:
      return lose(now, failure.error);
    case stun::kInsufficientCapacity:
      permission.request_at = now + kCapacityPause;
      return;
    case 0:
    case stun::kUnauthenticated:
    case stun::kStaleNonce:
    case stun::kWrongCredentials:
      // Not about this peer: a Refresh finds out what has become of the allocation.
      permission.request_at = now + kRetryPause;
      return refresh(now);
    default: {
      const net::Address peer = permission.peer;
      release(peer);
      emit(PermissionFailed{peer, failure});
    }
  }
}

void Client::handle_permission_timeouts(Time now) {
  bool unanswered = false;
  for (Permission& permission : permissions_) {
    if (permission.expires_at <= now) {
      permission.granted = false;
      permission.expires_at = kNever;
    }
    if (!permission.request) {
      if (permission.request_at <= now) send_permission(now, permission);
      continue;
    }
    Failure failure;
    const Session::Tick tick = session_.handle_timeout(now, *permission.request, failure);
    if (tick == Session::Tick::kSendAgain) send_permission(now, permission);
    if (tick != Session::Tick::kTimedOut) continue;
    permission.request.reset();
    permission.request_at = now + kRetryPause;
    unanswered = true;
  }
  if (unanswered) refresh(now);
}

void Client::restore_permissions(Time now) {
  const auto foreign = [&](const Permission& permission) {
    return !has_family(permission.peer.family());
  };
  for (Permission& permission : permissions_) {
    if (!foreign(permission)) {
      send_permission(now, permission);
      continue;
    }
    // What the server would say (RFC 8656 section 10.2), without asking it.
    emit(PermissionFailed{permission.peer,
                          {{Errc::kUnsupported,
                            "the TURN allocation has no address of the family "
                            "of " +
                                permission.peer.to_string()},
                           stun::kPeerAddressFamilyMismatch}});
  }
  std::erase_if(channels_,
                [&](const Channel& channel) { return !has_family(channel.peer.family()); });
  std::erase_if(permissions_, foreign);
}

}  // namespace floe::turn
