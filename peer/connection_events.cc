// Packets in, events out.
#include <utility>

#include "floe/peer/connection.h"

namespace floe {

void Connection::receive(std::span<net::Datagram> datagrams) {
  const Time now = pump_.now();
  for (net::Datagram& datagram : datagrams) transport_.handle_packet(now, datagram);
  pump_.turn();
}

/// Each delivery ends in a handler after which `this` may be gone, so every path returns right
/// after it.
bool Connection::deliver_event(Time now) {
  if (closed_) return false;
  if (update_connection_state()) {
    const auto handlers = handlers_;
    if (handlers->connection_state) handlers->connection_state(shown_connection_);
    return true;
  }
  if (!events_.empty()) {
    const OwnEvent event = events_.front();
    events_.pop_front();
    deliver(event);
    return true;
  }
  // RFC 8829 section 3.5.4: pooled candidates are told of with the first local description.
  auto event = transport_.poll_event(now, gathered_);
  if (!event) return false;
  deliver(std::move(*event));
  return true;
}

/// The connection state follows from the states the application has been told, so that it never
/// runs ahead of them.
bool Connection::update_connection_state() {
  const PeerConnectionState state = aggregate(shown_ice_, shown_dtls_);
  return std::exchange(shown_connection_, state) != state;
}

void Connection::deliver(const OwnEvent& event) {
  const auto handlers = handlers_;
  if (const auto* changed = std::get_if<SignalingStateChanged>(&event)) {
    if (handlers->signaling_state) handlers->signaling_state(changed->state);
  } else if (const auto* unblocked = std::get_if<ChannelUnblocked>(&event)) {
    const auto found = channels_.find(unblocked->channel);
    if (found == channels_.end()) return;
    const auto channel = found->second;
    // Above its threshold the channel's own event is still to come.
    if (channel->buffered_amount() <= channel->buffered_amount_low_threshold()) {
      channel->handle_buffered_amount_low();
    }
  } else if (const auto* again = std::get_if<CandidateToldAgain>(&event)) {
    if (handlers->ice_candidate) handlers->ice_candidate(again->candidate);
  } else if (const auto* track = std::get_if<TrackEvent>(&event)) {
    if (handlers->track) handlers->track(*track);
  } else {
    // W3C "update the negotiation-needed flag". Outside "stable" it is asked again at its return.
    negotiation_check_queued_ = false;
    if (negotiation_.state() != SignalingState::kStable) return;
    const bool is_needed = negotiation_needed();
    if (std::exchange(negotiation_needed_, is_needed) || !is_needed) return;
    if (handlers->negotiation_needed) handlers->negotiation_needed();
  }
}

void Connection::deliver(PeerTransport::Event&& event) {
  std::visit([this](auto&& layer) { deliver(std::move(layer)); }, std::move(event));
}

void Connection::deliver(const ice::Agent::Event& event) {
  const auto handlers = handlers_;
  if (const auto* found = std::get_if<ice::Agent::CandidateGathered>(&event)) {
    if (!handlers->ice_candidate) return;
    handlers->ice_candidate({found->candidate.to_string(), negotiation_.transport_mid(),
                             static_cast<std::uint16_t>(negotiation_.transport_index()),
                             transport_.ice().local_credentials().ufrag});
  } else if (const auto* gathering = std::get_if<ice::Agent::GatheringStateChanged>(&event)) {
    const bool complete = gathering->state == ice::GatheringState::kComplete;
    const std::shared_ptr<bool> alive = alive_;
    if (complete && handlers->ice_candidate) {
      handlers->ice_candidate({"", negotiation_.transport_mid(),
                               static_cast<std::uint16_t>(negotiation_.transport_index()),
                               transport_.ice().local_credentials().ufrag});
      if (!*alive) return;
    }
    shown_gathering_ = gathering->state;
    if (handlers->ice_gathering_state) handlers->ice_gathering_state(gathering->state);
  } else if (const auto* failed = std::get_if<ice::Gatherer::ServerFailed>(&event)) {
    if (handlers->ice_candidate_error) handlers->ice_candidate_error(*failed);
  } else if (const auto* state = std::get_if<ice::Agent::StateChanged>(&event)) {
    deliver_ice_state(state->state);
  } else if (const auto* pair = std::get_if<ice::Agent::SelectedPairChanged>(&event)) {
    if (handlers->selected_pair) handlers->selected_pair(*pair);
  }
}

void Connection::deliver_ice_state(IceConnectionState state) {
  shown_ice_ = state;
  const auto handlers = handlers_;
  const std::shared_ptr<bool> alive = alive_;
  std::optional<ice::Report> why;
  if (state == IceConnectionState::kFailed && handlers->ice_failure) why = ice_report();
  if (handlers->ice_connection_state) handlers->ice_connection_state(state);
  if (why && *alive && !closed_) handlers->ice_failure(*why);
}

void Connection::deliver(const PeerTransport::DtlsStateChanged& event) {
  shown_dtls_ = event.state;
  const auto handlers = handlers_;
  if (handlers->dtls_state) handlers->dtls_state(event.state, event.error);
}

void Connection::deliver(const sctp::DataChannels::Event& event) {
  using Channels = sctp::DataChannels;
  const auto handlers = handlers_;
  if (const auto* incoming = std::get_if<Channels::Incoming>(&event)) {
    auto channel = std::make_shared<DataChannel>(*this, incoming->channel, incoming->options);
    channels_.emplace(incoming->channel, channel);
    if (handlers->data_channel) handlers->data_channel(std::move(channel));
    return;
  }
  const bool connected = std::holds_alternative<Channels::Connected>(event);
  if (connected || std::holds_alternative<Channels::Disconnected>(event)) {
    shown_sctp_ = connected ? SctpTransportState::kConnected : SctpTransportState::kClosed;
    if (handlers->sctp_state) handlers->sctp_state(shown_sctp_);
    return;
  }
  const auto channel_of = [this](sctp::ChannelId id) -> std::shared_ptr<DataChannel> {
    const auto it = channels_.find(id);
    return it == channels_.end() ? nullptr : it->second;
  };
  if (const auto* open = std::get_if<Channels::Open>(&event)) {
    if (const auto channel = channel_of(open->channel)) channel->handle_open();
  } else if (const auto* message = std::get_if<Channels::Message>(&event)) {
    if (const auto channel = channel_of(message->channel)) {
      channel->handle_message({message->kind == sctp::MessageKind::kText, message->payload});
    }
  } else if (const auto* low = std::get_if<Channels::BufferedAmountLow>(&event)) {
    if (const auto channel = channel_of(low->channel)) channel->handle_buffered_amount_low();
  } else if (std::holds_alternative<Channels::Sendable>(event)) {
    // Another channel may have filled the queue, so the blocked one's own amount need not fall.
    for (const sctp::ChannelId id : std::exchange(blocked_, {})) {
      events_.push_back(ChannelUnblocked{id});
    }
  } else if (const auto* closing = std::get_if<Channels::Closing>(&event)) {
    if (const auto channel = channel_of(closing->channel)) channel->handle_closing();
  } else if (const auto* closed = std::get_if<Channels::Closed>(&event)) {
    const auto channel = channel_of(closed->channel);
    channels_.erase(closed->channel);
    blocked_.erase(closed->channel);
    if (channel) channel->handle_closed(closed->error);
  }
}

}  // namespace floe
