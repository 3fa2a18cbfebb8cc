#include <algorithm>
#include <utility>

#include "floe/sctp/association.h"
#include "floe/sctp/association_core.h"

namespace floe::sctp {
namespace {

// What is read ahead of the application. Beyond it the messages stay in usrsctp, where they count
// against the window that the peer sees.
constexpr std::size_t kMaxUnpolledBytes = 256 * 1024;
constexpr std::size_t kMaxUnpolledEvents = 256;

template <typename... Handlers>
struct Overloaded : Handlers... {
  using Handlers::operator()...;
};
template <typename... Handlers>
Overloaded(Handlers...) -> Overloaded<Handlers...>;

}  // namespace

void Association::end(State state, std::optional<Error> error) {
  Core& core = *core_;
  core.state = state;
  core.queue.clear();
  core.untransmitted.clear(core.fell);
  core.early.clear();
  core.assembling.reset();
  core.resets_to_request.clear();
  core.resets_requested.clear();
  if (error) {
    core.events.push_back(Failed{*std::move(error)});
  } else {
    core.events.push_back(Closed{});
  }
}

void Association::read(Time) {
  using namespace internal;
  Core& core = *core_;
  const auto handle_fragment = [&](const Fragment& fragment) {
    if (!core.assembling) {
      core.assembling = Message{fragment.stream, fragment.ppid, fragment.unordered, {}};
    }
    std::vector<std::uint8_t>& payload = core.assembling->payload;
    if (payload.size() + fragment.bytes.size() > core.config.max_message_size) {
      core.socket->abort();
      end(State::kFailed, Error{Errc::kMessageTooLong,
                                "the SCTP peer sent a message larger than max_message_size (" +
                                    std::to_string(core.config.max_message_size) + " bytes)"});
      return;
    }
    payload.insert(payload.end(), fragment.bytes.begin(), fragment.bytes.end());
    if (!fragment.complete) return;
    ++core.stats.messages_received;
    core.unpolled_bytes += payload.size();
    core.events.push_back(*std::exchange(core.assembling, std::nullopt));
  };
  const auto handle_reset = [&](const Reset& reset) {
    if (reset.incoming) {
      core.events.push_back(StreamsReset{StreamsReset::Direction::kIncoming, reset.streams});
      return;
    }
    std::vector<StreamId> streams = reset.streams;
    if (streams.empty()) {  // every stream there is
      streams.assign(core.resets_requested.begin(), core.resets_requested.end());
    }
    for (const StreamId stream : streams) {
      const auto found = core.resets_requested.find(stream);
      if (found != core.resets_requested.end()) core.resets_requested.erase(found);
      core.queue.release(stream);
    }
    if (reset.refused) {
      core.events.push_back(ResetRefused{std::move(streams)});
    } else {
      core.events.push_back(StreamsReset{StreamsReset::Direction::kOutgoing, std::move(streams)});
    }
  };
  const auto handle_streams = [&](const StreamsChanged& change) {
    core.incoming_streams = change.incoming_streams;
    if (change.outgoing_streams == core.outgoing_streams && !change.refused) return;
    core.outgoing_streams = change.outgoing_streams;
    core.adding_streams = false;
    if (change.refused) core.wanted_outgoing_streams = 0;
    core.events.push_back(StreamsAdded{change.outgoing_streams, change.refused});
  };
  const auto handle_up = [&](const Up& up) {
    if (core.state != State::kConnecting) return;
    core.state = State::kConnected;
    core.incoming_streams = up.incoming_streams;
    core.outgoing_streams = up.outgoing_streams;
    core.events.push_back(Connected{up.incoming_streams, up.outgoing_streams});
  };
  const auto handler = Overloaded{
      handle_fragment,
      handle_reset,
      handle_streams,
      handle_up,
      [&](const Lost& lost) {
        end(State::kFailed, Error{Errc::kClosed, lost.reason});
      },
      [&](const Restarted&) {
        // The streams' states are gone on the other side; the channels above cannot go on.
        core.socket->abort();
        end(State::kFailed, Error{Errc::kClosed, "the SCTP peer restarted the association"});
      },
      [&](const ShutdownReceived&) {
        // RFC 9260 section 9.2: no more data is taken; what usrsctp has is still sent.
        core.queue.clear();
        core.state = State::kShuttingDown;
      },
      [&](const ShutdownComplete&) { end(State::kClosed, std::nullopt); },
      [&](const DeliveryAborted&) {
        ++core.stats.incomplete_abandoned;
        core.assembling.reset();
      },
      [&](const SendFailed&) {
        ++core.stats.messages_abandoned;
        core.gave_up_message = true;
      },
      [](const Ignored&) {},
  };
  while (!is_over() && core.unpolled_bytes < kMaxUnpolledBytes &&
         core.events.size() < kMaxUnpolledEvents) {
    const auto received = core.socket->receive();
    if (!received) break;
    std::visit(handler, *received);
  }
}

std::optional<Association::Event> Association::poll_event(Time now) {
  Core& core = *core_;
  enter(now);
  if (!core.fell.empty()) {
    return BufferedAmountFell{core.fell.extract(core.fell.begin()).value()};
  }
  if (core.events.empty() && core.socket) read(now);
  if (core.events.empty()) return std::nullopt;
  Event event = std::move(core.events.front());
  core.events.pop_front();
  if (const auto* message = std::get_if<Message>(&event)) {
    core.unpolled_bytes -= message->payload.size();
  }
  return event;
}

}  // namespace floe::sctp
