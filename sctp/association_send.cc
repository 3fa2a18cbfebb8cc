#include <algorithm>

#include "floe/core/check.h"
#include "floe/sctp/association.h"
#include "floe/sctp/association_core.h"

namespace floe::sctp {
namespace {

// How much unsent data usrsctp holds: enough that acknowledgements find something to send, little
// so that waiting messages stay where they are served by weight and can expire.
constexpr std::size_t kMaxUntransmitted = 128 * 1024;
// A piece that is handed over at once.
constexpr std::size_t kMaxPiece = 64 * 1024;
// Messages up to this share of a packet are worth waiting for each other.
constexpr std::size_t kSmallShare = 3;
// RFC 8832 section 3: id 65,535 is reserved.
constexpr StreamId kReservedStream = 65'535;

Error stream_missing(StreamId stream, std::uint16_t streams) {
  return {Errc::kInvalidArgument, "SCTP stream " + std::to_string(stream) +
                                      " does not exist: the association has " +
                                      std::to_string(streams) + " outgoing streams"};
}

}  // namespace

Result<> Association::send(Time now, StreamId stream, std::uint32_t ppid, Bytes message,
                           SendOptions options) {
  Core& core = *core_;
  if (is_over() || core.shutdown_wanted || core.state == State::kShuttingDown) {
    return fail(Errc::kClosed, "the SCTP association is closed or closing");
  }
  if (stream == kReservedStream || stream >= core.outgoing_streams) {
    return tl::unexpected(stream_missing(stream, core.outgoing_streams));
  }
  if (message.empty()) {
    return fail(Errc::kInvalidArgument, "SCTP cannot carry an empty message");
  }
  if (options.max_retransmits && options.max_lifetime) {
    return fail(Errc::kInvalidArgument,
                "max_retransmits and max_lifetime exclude each other: set one of them");
  }
  if (core.queue.bytes() > 0 && core.queue.bytes() + message.size() > core.config.send_queue &&
      !options.exempt_from_queue_limit) {
    core.sendable_owed = true;
    return fail(Errc::kWouldBlock, "the SCTP send queue of " +
                                       std::to_string(core.config.send_queue) +
                                       " bytes is full: wait for Sendable");
  }
  internal::SendQueue::Message queued;
  queued.stream = stream;
  queued.ppid = ppid;
  queued.options = options;
  if (options.max_lifetime) queued.deadline = now + *options.max_lifetime;
  queued.payload = to_vector(message);
  core.queue.push(std::move(queued));
  ++core.stats.messages_sent;
  return {};
}

std::size_t Association::buffered_amount(StreamId stream) const {
  return core_->queue.bytes(stream) + core_->untransmitted.bytes(stream);
}

std::size_t Association::buffered_amount() const {
  return core_->queue.bytes() + core_->untransmitted.bytes();
}

void Association::set_priority(StreamId stream, std::uint16_t priority) {
  core_->queue.set_weight(stream, priority);
}

Result<> Association::reset_streams(Time now, std::span<const StreamId> streams) {
  enter(now);
  if (core_->state != State::kConnecting && core_->state != State::kConnected) {
    return fail(Errc::kInvalidState, "streams are reset only while the association is up");
  }
  for (const StreamId stream : streams) {
    if (stream >= core_->outgoing_streams) {
      return tl::unexpected(stream_missing(stream, core_->outgoing_streams));
    }
  }
  for (const StreamId stream : streams) core_->queue.push_reset(stream);
  return {};
}

Result<> Association::add_outgoing_streams(Time now, std::uint16_t count) {
  enter(now);
  if (core_->state != State::kConnecting && core_->state != State::kConnected) {
    return fail(Errc::kInvalidState, "streams are added only while the association is up");
  }
  if (count > kReservedStream) count = kReservedStream;
  core_->wanted_outgoing_streams = std::max(core_->wanted_outgoing_streams, count);
  return {};
}

bool Association::request_changes() {
  Core& core = *core_;
  if (core.state != State::kConnected) return false;
  bool asked = false;
  if (!core.resets_to_request.empty()) {
    const auto streams = std::exchange(core.resets_to_request, {});
    if (core.socket->reset_streams(streams)) {
      core.resets_requested.insert(streams.begin(), streams.end());
      asked = true;
    } else {
      for (const StreamId stream : streams) core.queue.release(stream);
      core.events.push_back(ResetRefused{streams});
    }
  }
  if (!core.adding_streams && core.wanted_outgoing_streams > core.outgoing_streams) {
    const auto more =
        static_cast<std::uint16_t>(core.wanted_outgoing_streams - core.outgoing_streams);
    const auto added = core.socket->add_outgoing_streams(more);
    if (!added) {
      core.wanted_outgoing_streams = 0;
      core.events.push_back(StreamsAdded{core.outgoing_streams, true});
    } else if (*added) {
      core.adding_streams = true;
      asked = true;
    }
  }
  return asked;
}

bool Association::hand_over(Time now) {
  Core& core = *core_;
  bool handed = false;
  while (core.untransmitted.bytes() < kMaxUntransmitted) {
    internal::SendQueue::Message* const message = core.queue.front(now, core.fell);
    if (message == nullptr) break;
    if (message->stream >= core.outgoing_streams) {
      // Taken before the peer said how few streams it allows.
      core.fell.insert(message->stream);
      ++core.stats.messages_abandoned;
      core.queue.drop();
      continue;
    }
    const bool cork =
        core.queue.messages() > 1 && message->payload.size() <= core.config.mtu / kSmallShare;
    if (cork != core.corked) core.socket->set_cork(core.corked = cork);
    const Bytes rest = Bytes(message->payload).subspan(message->handed);
    const Bytes piece = rest.first(std::min(rest.size(), kMaxPiece));
    SendOptions options = message->options;
    if (options.max_lifetime) {
      options.max_lifetime =
          std::max<Duration>(message->deadline - now, std::chrono::milliseconds(1));
    }
    const auto taken = core.socket->send(message->stream, message->ppid, piece,
                                         piece.size() == rest.size(), options);
    if (!taken) {
      if (taken.error().code == Errc::kClosed) break;  // the end is on its way as an event
      core.fell.insert(message->stream);
      ++core.stats.messages_abandoned;
      core.queue.drop();
      continue;
    }
    if (*taken == 0) break;
    core.untransmitted.handed(message->stream, *taken, message->handed == 0);
    core.queue.advance(*taken);
    handed = true;
  }
  if (core.corked) core.socket->set_cork(core.corked = false);
  return handed;
}

bool Association::flush(Time now) {
  Core& core = *core_;
  if (is_over()) return false;
  bool did_something = hand_over(now);
  const auto resets = core.queue.take_resets();
  core.resets_to_request.insert(core.resets_to_request.end(), resets.begin(), resets.end());
  did_something = request_changes() || did_something;
  if (core.sendable_owed && core.queue.bytes() <= core.config.send_queue / 2) {
    core.sendable_owed = false;
    core.events.push_back(Sendable{});
  }
  if (core.gave_up_message && core.state == State::kConnected &&
      core.socket->unacknowledged() == 0) {
    core.gave_up_message = false;
    core.untransmitted.clear(core.fell);
  }
  if (core.shutdown_wanted && core.state == State::kConnected && core.queue.messages() == 0) {
    core.socket->shutdown();
    core.state = State::kShuttingDown;
    did_something = true;
  }
  return did_something;
}

}  // namespace floe::sctp
