#include <algorithm>
#include <utility>

#include "floe/turn_client/client.h"

// Allocate requests and what comes back (RFC 8656 section 7).
namespace floe::turn {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr Duration kLoopWindow = minutes(5);  // RFC 8489 section 10

bool is_usable(const net::Endpoint& endpoint) {
  return endpoint.port != 0 && !endpoint.address.is_unspecified() &&
         !endpoint.address.is_multicast() && !endpoint.address.is_broadcast();
}

/// How long RFC 8656 section 7.4 wants a server to be left alone.
Duration rest_after(std::uint16_t code) {
  switch (code) {
    case stun::kAllocationQuotaReached:
    case stun::kInsufficientCapacity:
      return minutes(1);
    case stun::kAllocationMismatch:
      return minutes(2);
    default:
      return {};
  }
}

}  // namespace

void Client::start(Time now) {
  if (state_ != State::kIdle) return;
  session_.use_server(configuration_.server);
  visited_.clear();
  alternate_.reset();
  recovering_ = false;
  recoveries_ = 0;
  local_ports_ = 0;
  allocate(now);
}

Result<> Client::follow_redirect(Time now, net::SocketId socket) {
  if (state_ != State::kRedirected) {
    return fail(Errc::kInvalidState, "the TURN server has not named an alternate server");
  }
  // RFC 8489 section 10: the same name and password, but realm and nonce are the old server's.
  session_.use_server(*std::exchange(alternate_, std::nullopt));
  session_.use_socket(socket);
  allocate(now);
  return {};
}

void Client::allocate(Time now) {
  state_ = State::kAllocating;
  allocate_at_ = kNever;
  if (!was_visited(now, server())) visited_.push_back({server(), now});
  allocation_request_ = std::make_unique<Request>(Request{stun::Method::kAllocate});
  send_allocate(now);
}

void Client::send_allocate(Time now) {
  const Result<> sent = session_.send(now, *allocation_request_, [&](stun::MessageBuilder& b) {
    const Configuration& c = configuration_;
    b.add_requested_transport(static_cast<std::uint8_t>(c.relay));
    if (c.lifetime) {
      b.add_u32(stun::AttributeType::kLifetime, static_cast<std::uint32_t>(c.lifetime->count()));
    }
    if (c.family) b.add_address_family(stun::AttributeType::kRequestedAddressFamily, *c.family);
    if (c.both_families) {
      b.add_address_family(stun::AttributeType::kAdditionalAddressFamily, net::Family::kIpv6);
    }
    if (c.even_port) b.add_even_port(*c.even_port);
    if (c.reservation_token) b.add(stun::AttributeType::kReservationToken, *c.reservation_token);
    if (c.dont_fragment) b.add_flag(stun::AttributeType::kDontFragment);
    if (c.mobility) b.add_flag(stun::AttributeType::kMobilityTicket);
  });
  if (!sent) give_up({sent.error(), 0});
}

void Client::handle_allocate(Time now, Session::Outcome outcome, const stun::Message& response,
                             const Failure& failure) {
  using Outcome = Session::Outcome;
  if (outcome == Outcome::kDropped) return;
  if (state_ == State::kClosing) {
    // Closed while the request was under way: only an allocation that came of it is to be deleted.
    if (outcome != Outcome::kSuccess) return finish_closing();
    return start_goodbye(now);
  }
  if (outcome == Outcome::kSendAgain) return send_allocate(now);
  if (outcome == Outcome::kSuccess) return handle_allocated(now, response);
  if (outcome == Outcome::kFailed) return handle_allocate_error(now, response, failure);
}

void Client::handle_allocated(Time now, const stun::Message& response) {
  allocation_request_.reset();
  relayed_.clear();
  for (std::size_t i = 0; i < 2; ++i) {
    const std::optional<net::Endpoint> address = response.xor_relayed_address(i);
    if (!address || !is_usable(*address) || has_family(address->family())) continue;
    if (configuration_.family && *configuration_.family != address->family()) continue;
    relayed_.push_back(*address);
  }
  if (relayed_.empty()) {
    // RFC 8656 section 7.3: delete it and do not try again.
    goodbye_failure_ =
        Failure{{Errc::kMalformed,
                 "the TURN server's relayed address is missing, unusable or of a family "
                 "that was not asked for"},
                0};
    return start_goodbye(now);
  }
  Allocated allocated;
  allocated.relayed = relayed_;
  allocated.mapped = response.xor_mapped_address();
  if (allocated.mapped && !is_usable(*allocated.mapped)) allocated.mapped.reset();
  if (configuration_.both_families && relayed_.size() == 1) {
    const auto refused = response.address_error_code();
    allocated.refused_family_code =
        refused ? refused->error.code : stun::kAddressFamilyNotSupported;
    // RFC 8656 section 7.3: the refused family must not (440) or should not soon (508) be asked for
    // again.
    configuration_.both_families = false;
    configuration_.family = relayed_[0].family();
  }
  if (const auto token = response.reservation_token()) {
    std::copy(token->begin(), token->end(), allocated.reservation_token.emplace().begin());
  }
  configuration_.reservation_token.reset();  // It is used up.
  keep_ticket(response);
  allocated.dont_fragment = configuration_.dont_fragment;
  allocated.can_move = !ticket_.empty();
  allocated.again = recovering_;
  state_ = State::kAllocated;
  allocated_since_ = now;
  local_ports_ = 0;
  moving_ = false;
  ++stats_.allocations;
  take_lifetime(now, response.lifetime());
  allocated.lifetime = expires_at_ - now;
  emit(std::move(allocated));
  restore_permissions(now);
  restore_channels(now);
}

void Client::handle_allocate_error(Time now, const stun::Message& response,
                                   const Failure& failure) {
  if (failure.code == stun::kTryAlternate) return handle_redirect(now, response, failure);
  if (ask_for_less(response, failure.code)) return allocate(now);
  handle_allocate_failure(now, failure);
}

void Client::handle_allocate_failure(Time now, const Failure& failure) {
  if (failure.code == stun::kAllocationMismatch) {
    // RFC 8656 section 7.4: three local ports are worth a try.
    if (++local_ports_ < kMaxLocalPorts) return need_socket(failure);
    return give_up(failure);
  }
  // A server that restarts, or that still counts the lost allocation against the quota, is asked
  // again; one that refuses is not.
  const bool passes =
      failure.code == 0 ? failure.error.code == Errc::kTimedOut
                        : failure.code / 100 == 5 || failure.code == stun::kAllocationQuotaReached;
  if (recovering_ && passes) return allocate_again(now, failure, rest_after(failure.code));
  give_up(failure);
}

bool Client::ask_for_less(const stun::Message& response, std::uint16_t code) {
  Configuration& c = configuration_;
  if (code == stun::kMobilityForbidden) return std::exchange(c.mobility, false);
  if (code == stun::kUnknownAttribute) {
    bool less = false;
    for (const stun::AttributeType type : response.unknown_attributes()) {
      if (type == stun::AttributeType::kDontFragment && c.dont_fragment) {
        c.dont_fragment = false;
        less = true;
      }
    }
    return less;
  }
  if (code == stun::kInsufficientCapacity && (c.even_port || c.reservation_token)) {
    c.even_port.reset();
    c.reservation_token.reset();
    return true;
  }
  return false;
}

void Client::handle_redirect(Time now, const stun::Message& response, const Failure& failure) {
  const auto refuse = [&](Errc errc, std::string message) {
    give_up({{errc, std::move(message)}, failure.code});
  };
  // RFC 8489 section 10: one for the request's own family comes first, perhaps one for the other.
  std::optional<net::Endpoint> alternate;
  for (std::size_t i = 0; i < 2 && !alternate; ++i) {
    const std::optional<net::Endpoint> named = response.alternate_server(i);
    if (named && named->family() == server().family() && is_usable(*named)) alternate = named;
  }
  if (!alternate) {
    return refuse(Errc::kMalformed, "the TURN server redirects without a usable address");
  }
  if (was_visited(now, *alternate)) {
    return refuse(Errc::kRefused,
                  "the TURN servers redirect in a loop, back to " + alternate->to_string());
  }
  if (visited_.size() > kMaxRedirects) {
    return refuse(Errc::kLimitExceeded, "the TURN servers redirected more than " +
                                            std::to_string(kMaxRedirects) + " times");
  }
  Redirected redirected;
  redirected.server = *alternate;
  redirected.domain = response.alternate_domain().value_or(std::string_view());
  redirected.authenticated = allocation_request_->attempt.authenticated();
  ++stats_.redirects;
  alternate_ = alternate;
  allocation_request_.reset();
  state_ = State::kRedirected;
  emit(std::move(redirected));
}

bool Client::was_visited(Time now, const net::Endpoint& server) const {
  return std::any_of(visited_.begin(), visited_.end(), [&](const Visit& visit) {
    return visit.server == server && now - visit.at < kLoopWindow;
  });
}

void Client::need_socket(const Failure& failure) {
  allocation_request_.reset();
  state_ = State::kSocketNeeded;
  emit(SocketNeeded{failure});
}

void Client::give_up(const Failure& failure) {
  forget_allocation();
  state_ = State::kIdle;
  emit(Failed{failure, rest_after(failure.code)});
}

}  // namespace floe::turn
