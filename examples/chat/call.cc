#include "call.h"

#include <fmt/format.h>

#include <utility>

namespace chat {

using floe::DtlsTransportState;
using floe::IceConnectionState;
using floe::IceGatheringState;
using floe::PeerConnection;

namespace {

PathEnd path_end(const floe::ice::Candidate& candidate) {
  return {std::string(to_string(candidate.type)), candidate.endpoint.to_string()};
}

std::string show(const PathEnd& end) {
  return end.type + " " + end.address;
}

double milliseconds(floe::Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

}  // namespace

floe::Result<std::unique_ptr<Call>> Call::create(floe::net::Network& network,
                                                 const floe::Configuration& configuration,
                                                 Console& console, Phases& phases,
                                                 CallHandler& handler) {
  auto connection = PeerConnection::create(network, configuration);
  if (!connection) return floe::forward(connection);
  return std::unique_ptr<Call>(new Call(network, std::move(*connection), console, phases, handler));
}

Call::Call(floe::net::Network& network, std::unique_ptr<PeerConnection> connection,
           Console& console, Phases& phases, CallHandler& handler)
    : network_(network),
      connection_(std::move(connection)),
      console_(console),
      phases_(phases),
      handler_(handler),
      began_(network.now()) {
  set_handlers();
}

void Call::set_handlers() {
  connection_->on_ice_candidate([this](const auto& candidate) { handle(candidate); });
  connection_->on_ice_candidate_error([this](const floe::ice::Gatherer::ServerFailed& failed) {
    console_.note(fmt::format("{} gave no address ({}): {}", failed.url, failed.code, failed.text));
  });
  connection_->on_ice_gathering_state_change([this](IceGatheringState state) {
    if (state == IceGatheringState::kComplete)
      take_time(phases_.gathering, "gathering complete", began_);
  });
  connection_->on_ice_connection_state_change([this](auto state) { handle(state); });
  connection_->on_dtls_state_change(
      [this](DtlsTransportState state, const auto& error) { handle(state, error); });
  connection_->on_connection_state_change([this](floe::PeerConnectionState state) {
    console_.note(fmt::format("connection {}", to_string(state)));
  });
  connection_->on_selected_candidate_pair_change([this](const auto& changed) { handle(changed); });
  connection_->on_data_channel([this](auto channel) { handler_.on_channel(std::move(channel)); });
}

floe::Result<> Call::offer() {
  if (auto ok = connection_->set_local_description(); !ok) return ok;
  send_local_description();
  return {};
}

floe::Result<> Call::take(const floe::server::Description& description) {
  const auto type = floe::parse_sdp_type(description.type);
  if (!type) return floe::forward(type);
  if (auto ok = connection_->set_remote_description({*type, description.sdp}); !ok) return ok;
  if (*type != floe::SdpType::kOffer) return {};
  if (auto ok = connection_->set_local_description(); !ok) return ok;
  send_local_description();
  return {};
}

void Call::send_local_description() {
  const auto description = connection_->local_description();
  handler_.on_signal(
      floe::server::Description{std::string(to_string(description->type)), description->sdp});
}

floe::Result<> Call::take(const floe::server::Candidate& candidate) {
  return connection_->add_ice_candidate({candidate.candidate, candidate.sdp_mid,
                                         candidate.sdp_m_line_index, candidate.username_fragment});
}

void Call::handle(const floe::IceCandidate& candidate) {
  handler_.on_signal(floe::server::Candidate{candidate.candidate, candidate.sdp_mid,
                                             candidate.sdp_mline_index,
                                             candidate.username_fragment});
}

void Call::handle(IceConnectionState state) {
  const bool works =
      state == IceConnectionState::kConnected || state == IceConnectionState::kCompleted;
  if (works && !phases_.ice) {
    ice_connected_ = network_.now();
    take_time(phases_.ice, "ice connected", began_);
  } else {
    console_.note(fmt::format("ice {}", to_string(state)));
  }
  if (state == IceConnectionState::kDisconnected) {
    handler_.on_silence();
  } else if (state == IceConnectionState::kFailed) {
    handler_.on_call_over(explain_failure());
  }
}

void Call::handle(DtlsTransportState state, const std::optional<floe::Error>& error) {
  if (state == DtlsTransportState::kConnected) {
    dtls_connected_ = network_.now();
    take_time(phases_.dtls, "dtls connected", ice_connected_);
    return;
  }
  console_.note(fmt::format("dtls {}", to_string(state)));
  if (state == DtlsTransportState::kFailed) {
    handler_.on_call_over("DTLS failed: " + (error ? error->message : std::string("no reason")));
  } else if (state == DtlsTransportState::kClosed) {
    handler_.on_call_over("the other end closed the connection");
  }
}

void Call::handle(const floe::ice::Agent::SelectedPairChanged& changed) {
  selected_pair_ = {path_end(changed.local), path_end(changed.remote), changed.round_trip};
  console_.note(fmt::format("path {} <-> {}{}, round trip {:.1f} ms", show(selected_pair_->local),
                            show(selected_pair_->remote),
                            changed.nominated ? "" : " (for the moment)",
                            milliseconds(changed.round_trip)));
}

floe::Result<std::shared_ptr<floe::DataChannel>> Call::create_data_channel(
    const std::string& label, const floe::DataChannelInit& init) {
  return connection_->create_data_channel(label, init);
}

void Call::note_open_channel() {
  take_time(phases_.channel, "channel open", dtls_connected_);
}

std::optional<SelectedPair> Call::selected_pair() const {
  auto pair = selected_pair_;
  const auto now = connection_->transport().ice().round_trip();
  if (pair && now) pair->round_trip = *now;
  return pair;
}

std::string Call::explain_failure() const {
  const floe::ice::Agent& ice = connection_->transport().ice();
  if (phases_.ice && ice.state() == IceConnectionState::kFailed) {
    return "the path is lost: " + connection_->ice_report().explanation();
  }
  if (phases_.ice)
    return fmt::format("ICE works, but DTLS is {}", to_string(connection_->dtls_state()));
  const floe::ice::Report report = connection_->ice_report();
  std::string why = report.explanation();
  const bool loopback_helps = report.sockets.empty() || report.remote_candidates.empty();
  if (loopback_helps) {
    why += "\n(both on one machine without a network? then give both --loopback)";
  }
  for (const auto& pair : report.pairs) {
    why += fmt::format("\n  {} -> {}: {}", pair.base.to_string(), pair.destination.to_string(),
                       to_string(pair.state));
    if (!pair.failure.empty()) why += " (" + printable(pair.failure) + ")";
  }
  return why;
}

void Call::take_time(std::optional<floe::Duration>& phase, const char* what, floe::Time since) {
  if (phase) return;
  phase = network_.now() - since;
  console_.note(fmt::format("{} after {:.1f} ms", what, milliseconds(*phase)));
}

}  // namespace chat
