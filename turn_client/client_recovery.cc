#include <algorithm>
#include <utility>

#include "floe/turn_client/client.h"

// When the allocation, the stream or the local port is gone.
namespace floe::turn {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

/// An allocation that lasted this long was a good one: the next loss is a new misfortune.
constexpr Duration kStable = minutes(1);
/// Before the second of several new allocations in a row; doubles.
constexpr Duration kFirstPause = seconds(1);

}  // namespace

void Client::lose(Time now, const Error& error) {
  if (now - allocated_since_ >= kStable) recoveries_ = 0;
  ++stats_.losses;
  emit(Lost{error});
  forget_allocation();
  recovering_ = true;
  // A server that has restarted knows our nonce no longer. Asking it afresh costs one round trip
  // and tells that apart from a password it does not take.
  session_.forget_challenge();
  allocate_again(now, {error, 0}, {});
}

void Client::allocate_again(Time now, const Failure& failure, Duration pause) {
  if (recoveries_ == kMaxRecoveries) return give_up(failure);
  if (recoveries_ > 0) pause = std::max(pause, kFirstPause * (1 << (recoveries_ - 1)));
  ++recoveries_;
  if (pause == Duration::zero()) return allocate(now);
  allocation_request_.reset();
  state_ = State::kAllocating;
  allocate_at_ = now + pause;
}

void Client::forget_allocation() {
  relayed_.clear();
  ticket_.clear();
  moving_ = false;
  allocation_request_.reset();
  allocate_at_ = refresh_at_ = expires_at_ = kNever;
  for (Permission& permission : permissions_) {
    permission.granted = false;
    permission.expires_at = permission.request_at = kNever;
    permission.request.reset();
  }
  for (Channel& channel : channels_) {
    channel.bound = false;
    channel.expires_at = channel.request_at = kNever;
    channel.request.reset();
  }
  for (const Connect& connect : connects_) {
    if (connect.request) {
      emit(ConnectionFailed{connect.peer, {{Errc::kClosed, "the TURN allocation is gone"}, 0}});
    }
  }
  connects_.clear();
}

void Client::use_socket(Time now, net::SocketId socket) {
  session_.use_socket(socket);
  switch (state_) {
    case State::kSocketNeeded:
    case State::kAllocating:
      return allocate(now);
    case State::kAllocated:
      if (ticket_.empty()) {
        return lose(now, {Errc::kClosed, "the TURN client has moved to another socket"});
      }
      // RFC 8016: the server knows the allocation by its ticket and takes the new address.
      moving_ = true;
      return start_refresh(now);
    case State::kIdle:
    case State::kRedirected:
    case State::kClosing:
      return;
  }
}

void Client::handle_closed(Time now, const Error& error) {
  const Failure failure{error, 0};
  switch (state_) {
    case State::kAllocating:
      if (!recovering_) return give_up(failure);
      if (recoveries_ == kMaxRecoveries) return give_up(failure);
      ++recoveries_;
      allocate_at_ = kNever;
      return need_socket(failure);
    case State::kAllocated:
      lose(now, error);
      // The new request would have left on the stream that is gone.
      if (state_ != State::kAllocating) return;
      allocate_at_ = kNever;
      return need_socket(failure);
    case State::kClosing:
      return finish_closing();
    case State::kIdle:
    case State::kSocketNeeded:
    case State::kRedirected:
      return;
  }
}

void Client::handle_unreachable(Time now, const Error& error) {
  if (state_ == State::kAllocated) return refresh(now);
  if (state_ == State::kAllocating && !recovering_) {
    give_up({{Errc::kUnreachable, "the TURN server cannot be reached: " + error.message}, 0});
  }
}

}  // namespace floe::turn
