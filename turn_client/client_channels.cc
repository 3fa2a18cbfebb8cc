#include <algorithm>
#include <utility>

#include "floe/turn_client/client.h"

// Channels (RFC 8656 section 12).
namespace floe::turn {
namespace {

using std::chrono::seconds;

constexpr seconds kChannelLifetime{600};  // RFC 8656 section 12
/// A minute before the end, as permissions.
constexpr seconds kChannelRefresh = kChannelLifetime - seconds(60);
/// RFC 8656 section 12: 5 minutes after a binding has expired, number and peer may part.
constexpr seconds kChannelRest = kChannelLifetime + seconds(300);
/// After a request that failed and may yet succeed.
constexpr seconds kRetryPause{10};
/// After 508: the server is short of something, which takes longer to pass.
constexpr seconds kCapacityPause{60};

}  // namespace

Result<> Client::bind(Time now, const net::Endpoint& peer) {
  if (configuration_.relay != RelayTransport::kUdp) {
    return fail(Errc::kUnsupported, "a TCP relay has no channels: use connect");
  }
  if (peer.port == 0) {
    return fail(Errc::kInvalidArgument, peer.to_string() + " has no port to bind a channel to");
  }
  if (const Result<> permitted = permit(now, peer.address); !permitted) return permitted;
  Channel* channel = const_cast<Channel*>(find_channel(peer));
  if (channel == nullptr) {
    std::erase_if(channels_, [&](const Channel& other) {
      return !other.wanted && other.resting_until <= now;
    });
    if (channels_.size() == kMaxChannels) {
      return fail(Errc::kLimitExceeded,
                  "one TURN allocation has at most " + std::to_string(kMaxChannels) + " channels");
    }
    Channel fresh;
    fresh.peer = peer;
    fresh.number = free_channel_number();
    channel = &channels_.emplace_back(std::move(fresh));
  } else if (channel->wanted) {
    return {};
  }
  channel->wanted = true;
  if (state_ != State::kAllocated) return {};
  if (channel->renumber && channel->resting_until > now) {
    channel->request_at = channel->resting_until;
  } else {
    send_channel(now, *channel);
  }
  return {};
}

const Client::Channel* Client::find_channel(const net::Endpoint& peer) const {
  const auto found = std::find_if(channels_.begin(), channels_.end(),
                                  [&](const Channel& channel) { return channel.peer == peer; });
  return found == channels_.end() ? nullptr : &*found;
}

const Client::Channel* Client::find_channel(std::uint16_t number) const {
  const auto found = std::find_if(channels_.begin(), channels_.end(),
                                  [&](const Channel& channel) { return channel.number == number; });
  return found == channels_.end() ? nullptr : &*found;
}

std::uint16_t Client::free_channel_number() {
  // There are more numbers than kMaxChannels: one is free.
  std::uint16_t number;
  do {
    number = next_channel_number_;
    next_channel_number_ =
        number == kLastChannel ? kFirstChannel : static_cast<std::uint16_t>(number + 1);
  } while (find_channel(number) != nullptr);
  return number;
}

void Client::send_channel(Time now, Channel& channel) {
  channel.request_at = kNever;
  if (!channel.request) {
    if (channel.renumber) {
      channel.number = free_channel_number();
      channel.renumber = false;
    }
    channel.request = std::make_unique<Request>(Request{stun::Method::kChannelBind});
  }
  // The server may bind it without our ever hearing of that.
  channel.resting_until = now + kChannelRest;
  const Result<> sent = session_.send(now, *channel.request, [&](stun::MessageBuilder& b) {
    b.add_channel_number(channel.number);
    b.add_xor_address(stun::AttributeType::kXorPeerAddress, channel.peer);
  });
  if (sent) return;
  channel.request.reset();
  channel.request_at = now + kCapacityPause;
}

void Client::handle_channel(Time now, std::size_t index, Session::Outcome outcome,
                            const Failure& failure) {
  using Outcome = Session::Outcome;
  Channel& channel = channels_[index];
  if (outcome == Outcome::kDropped || outcome == Outcome::kWait) return;
  if (outcome == Outcome::kSendAgain) return send_channel(now, channel);
  channel.request.reset();
  channel.resting_until = now + kChannelRest;
  if (outcome == Outcome::kSuccess) {
    channel.expires_at = now + kChannelLifetime;
    channel.request_at = now + kChannelRefresh;
    // RFC 8656 section 12.3: the permission was installed or refreshed with it.
    if (Permission* permission = find_permission(channel.peer.address)) grant(now, *permission);
    if (!std::exchange(channel.bound, true)) emit(ChannelBound{channel.peer});
    return;
  }
  switch (failure.code) {
    case stun::kAllocationMismatch:
      return lose(now, failure.error);
    case stun::kInsufficientCapacity:
      channel.request_at = now + kCapacityPause;
      return;
    case 0:
    case stun::kUnauthenticated:
    case stun::kStaleNonce:
    case stun::kWrongCredentials:
      // Not about this channel: a Refresh finds out what has become of the allocation.
      channel.request_at = now + kRetryPause;
      return refresh(now);
    case stun::kBadRequest:
      // Server and client disagree about the number or the peer (RFC 8656 section 12.3). A new
      // allocation would cost the relayed address; Send indications work as they did before, and
      // when all that the server may know has expired, another number is tried.
      channel.renumber = true;
      channel.request_at = channel.resting_until;
      break;
    default:
      channel.wanted = false;
  }
  channel.bound = false;
  channel.expires_at = kNever;
  emit(ChannelFailed{channel.peer, failure});
}

void Client::handle_channel_timeouts(Time now) {
  bool unanswered = false;
  for (Channel& channel : channels_) {
    if (channel.expires_at <= now) {
      channel.bound = false;
      channel.expires_at = kNever;
    }
    if (!channel.request) {
      if (channel.request_at <= now) send_channel(now, channel);
      continue;
    }
    Failure failure;
    const Session::Tick tick = session_.handle_timeout(now, *channel.request, failure);
    if (tick == Session::Tick::kSendAgain) send_channel(now, channel);
    if (tick != Session::Tick::kTimedOut) continue;
    channel.request.reset();
    channel.resting_until = now + kChannelRest;
    channel.request_at = now + kRetryPause;  // With the same number: it may be bound by now.
    unanswered = true;
  }
  if (unanswered) refresh(now);
}

void Client::restore_channels(Time now) {
  for (Channel& channel : channels_) {
    // What a server did not know about an older allocation's channels is of no matter now.
    channel.renumber = false;
    if (channel.wanted) send_channel(now, channel);
  }
}

}  // namespace floe::turn
