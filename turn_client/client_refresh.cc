#include <algorithm>

#include "floe/turn_client/client.h"

// Keeping the allocation, and deleting it (RFC 8656 section 8).
namespace floe::turn {
namespace {

using std::chrono::seconds;

constexpr seconds kDefaultLifetime{600};  // RFC 8656 section 6
/// What a server says is taken within these bounds: less would make us ask it all the time, and no
/// server keeps an allocation for longer than a day unasked.
constexpr seconds kMinLifetime{10};
constexpr seconds kMaxLifetime{86'400};
/// RFC 8656 section 8: refresh roughly a minute before the end.
constexpr seconds kRefreshBefore{60};
/// After a Refresh that failed and may yet succeed.
constexpr seconds kRetryPause{10};
/// A ticket must fit in a Refresh request beside the longest credentials.
constexpr std::size_t kMaxTicket = 128;

}  // namespace

void Client::take_lifetime(Time now, std::optional<std::uint32_t> value) {
  const seconds lifetime =
      std::clamp(value ? seconds(*value) : kDefaultLifetime, kMinLifetime, kMaxLifetime);
  expires_at_ = now + lifetime;
  refresh_at_ = now + std::max<Duration>(lifetime - kRefreshBefore, lifetime / 2);
}

void Client::keep_ticket(const stun::Message& response) {
  const auto ticket = response.find(stun::AttributeType::kMobilityTicket);
  if (!configuration_.mobility || !ticket || ticket->size() > kMaxTicket) return;
  ticket_.assign(ticket->begin(), ticket->end());
}

void Client::refresh(Time now) {
  if (state_ == State::kAllocated && !allocation_request_) start_refresh(now);
}

void Client::start_refresh(Time now) {
  refresh_at_ = kNever;
  allocation_request_ = std::make_unique<Request>(Request{stun::Method::kRefresh});
  send_refresh(now);
}

void Client::send_refresh(Time now) {
  const Result<> sent = session_.send(now, *allocation_request_, [&](stun::MessageBuilder& b) {
    if (state_ == State::kClosing) {
      b.add_u32(stun::AttributeType::kLifetime, 0);
    } else if (configuration_.lifetime) {
      b.add_u32(stun::AttributeType::kLifetime,
                static_cast<std::uint32_t>(configuration_.lifetime->count()));
    }
    if (moving_) b.add(stun::AttributeType::kMobilityTicket, ticket_);
  });
  if (sent) return;
  if (state_ == State::kClosing) return finish_closing();
  give_up({sent.error(), 0});
}

void Client::handle_refresh(Time now, Session::Outcome outcome, const stun::Message& response,
                            const Failure& failure) {
  using Outcome = Session::Outcome;
  if (outcome == Outcome::kDropped || outcome == Outcome::kWait) return;
  if (outcome == Outcome::kSendAgain) return send_refresh(now);
  if (state_ == State::kClosing) return finish_closing();
  allocation_request_.reset();
  if (outcome == Outcome::kSuccess) {
    const std::optional<std::uint32_t> lifetime = response.lifetime();
    if (lifetime == 0u) {
      return lose(now, {Errc::kClosed, "the TURN server has deleted the allocation"});
    }
    moving_ = false;
    keep_ticket(response);
    return take_lifetime(now, lifetime);
  }
  switch (failure.code) {
    case 0:                          // No error response came, or none that can be read.
    case stun::kAllocationMismatch:  // RFC 8656 section 5: it no longer exists.
    case stun::kWrongCredentials:    // It is somebody else's.
    case stun::kUnauthenticated:     // Asking afresh tells whether the password is at fault.
    case stun::kStaleNonce:
      return lose(now, failure.error);
    default:
      if (moving_) return lose(now, failure.error);
      refresh_at_ = now + kRetryPause;  // Until it expires.
  }
}

void Client::close(Time now) {
  if (state_ == State::kClosing) return;
  const bool was_allocated = state_ == State::kAllocated;
  const bool may_come = state_ == State::kAllocating && allocation_request_ != nullptr &&
                        allocation_request_->transaction.has_value();
  std::unique_ptr<Request> allocating = may_come ? std::move(allocation_request_) : nullptr;
  permissions_.clear();
  channels_.clear();
  connects_.clear();
  forget_allocation();
  alternate_.reset();
  if (was_allocated) return start_goodbye(now);
  if (!may_come) return finish_closing();
  state_ = State::kClosing;
  closed_at_ = now + kGoodbye;
  allocation_request_ = std::move(allocating);
}

void Client::start_goodbye(Time now) {
  state_ = State::kClosing;
  closed_at_ = now + kGoodbye;
  expires_at_ = kNever;
  moving_ = false;
  start_refresh(now);
}

void Client::finish_closing() {
  forget_allocation();
  state_ = State::kIdle;
  closed_at_ = kNever;
  if (goodbye_failure_) {
    emit(Failed{*goodbye_failure_, {}});
    goodbye_failure_.reset();
  } else {
    emit(Deallocated{});
  }
}

void Client::handle_allocation_timeout(Time now) {
  if (closed_at_ <= now) return finish_closing();
  if (expires_at_ <= now) {
    return lose(now, {Errc::kTimedOut, "the TURN allocation has expired"});
  }
  if (allocate_at_ <= now) return allocate(now);
  if (refresh_at_ <= now && !allocation_request_) return start_refresh(now);
  if (!allocation_request_) return;
  const bool allocating = allocation_request_->method == stun::Method::kAllocate;
  Failure failure;
  switch (session_.handle_timeout(now, *allocation_request_, failure)) {
    case Session::Tick::kNothing:
      return;
    case Session::Tick::kSendAgain:
      return allocating ? send_allocate(now) : send_refresh(now);
    case Session::Tick::kTimedOut:
      if (state_ == State::kClosing) return finish_closing();
      return allocating ? handle_allocate_failure(now, failure) : lose(now, failure.error);
  }
}

}  // namespace floe::turn
