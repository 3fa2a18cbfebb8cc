#include <limits>
#include <utility>

#include "configuration.h"
#include "json.h"
#include "peer.h"

namespace peer_stdio {
namespace {

using floe::Result;
using floe::SessionDescription;

constexpr std::uint64_t kMax16 = std::numeric_limits<std::uint16_t>::max();

Result<SessionDescription> read_description(Members& members) {
  const std::string type = members.text("type");
  // A rollback has no text.
  std::string sdp =
      type == "rollback" ? members.optional_text("sdp").value_or("") : members.text("sdp");
  if (auto right = members.check(); !right) return floe::forward(right);
  const auto parsed = floe::parse_sdp_type(type);
  if (!parsed) return floe::forward(parsed);
  return SessionDescription{*parsed, std::move(sdp)};
}

Json to_json_or_null(const std::optional<SessionDescription>& description) {
  return description ? to_json(*description) : Json(nullptr);
}

Json to_json_or_null(const std::optional<floe::SctpTransport>& sctp) {
  if (!sctp) return nullptr;
  const auto or_null = [](const auto& number) { return number ? Json(*number) : Json(nullptr); };
  return Json{{"state", to_string(sctp->state)},
              {"maxMessageSize", or_null(sctp->max_message_size)},
              {"maxChannels", or_null(sctp->max_channels)}};
}

/// The answer to a command that yields nothing.
Result<Json> answer(const Result<>& result) {
  if (!result) return floe::forward(result);
  return Json::object();
}

}  // namespace

Peer::Answer Peer::create(Members& members) {
  floe::Configuration configuration = configuration_;
  const auto size = members.optional_number("maxMessageSize", std::numeric_limits<int>::max());
  if (size) configuration.max_message_size = *size;
  if (auto read = read_configuration(members, configuration); !read) return floe::forward(read);
  if (connection_) {
    return floe::fail(floe::Errc::kInvalidState, "there is a connection already: close it first");
  }
  return answer(open(configuration));
}

Peer::Answer Peer::get_configuration(Members& members) {
  if (auto right = members.check(); !right) return floe::forward(right);
  return to_json(connection_->configuration());
}

Peer::Answer Peer::set_configuration(Members& members) {
  floe::Configuration configuration = connection_->configuration();
  reset_configuration(configuration);
  if (auto read = read_configuration(members, configuration); !read) return floe::forward(read);
  return answer(connection_->set_configuration(configuration));
}

Peer::Answer Peer::create_offer(Members& members) {
  const floe::OfferOptions options{.ice_restart = members.flag("iceRestart", false)};
  if (auto right = members.check(); !right) return floe::forward(right);
  const auto description = connection_->create_offer(options);
  if (!description) return floe::forward(description);
  return to_json(*description);
}

Peer::Answer Peer::create_answer(Members& members) {
  if (auto right = members.check(); !right) return floe::forward(right);
  const auto description = connection_->create_answer();
  if (!description) return floe::forward(description);
  return to_json(*description);
}

Peer::Answer Peer::set_local_description(Members& members) {
  if (members.has("type") || members.has("sdp")) {
    const auto description = read_description(members);
    if (!description) return floe::forward(description);
    if (auto set = connection_->set_local_description(*description); !set) {
      return floe::forward(set);
    }
  } else {
    if (auto right = members.check(); !right) return floe::forward(right);
    if (auto set = connection_->set_local_description(); !set) return floe::forward(set);
  }
  return to_json_or_null(connection_->local_description());
}

Peer::Answer Peer::set_remote_description(Members& members) {
  const auto description = read_description(members);
  if (!description) return floe::forward(description);
  return answer(connection_->set_remote_description(*description));
}

Peer::Answer Peer::add_ice_candidate(Members& members) {
  floe::IceCandidate candidate;
  candidate.candidate = members.optional_text("candidate").value_or("");
  candidate.sdp_mid = members.optional_text("sdpMid");
  if (const auto index = members.optional_number("sdpMLineIndex", kMax16)) {
    candidate.sdp_mline_index = static_cast<std::uint16_t>(*index);
  }
  candidate.username_fragment = members.optional_text("usernameFragment");
  if (auto right = members.check(); !right) return floe::forward(right);
  return answer(connection_->add_ice_candidate(candidate));
}

Peer::Answer Peer::restart_ice(Members& members) {
  if (auto right = members.check(); !right) return floe::forward(right);
  connection_->restart_ice();
  return Json::object();
}

Peer::Answer Peer::descriptions(Members& members) {
  if (auto right = members.check(); !right) return floe::forward(right);
  return Json{{"local", to_json_or_null(connection_->local_description())},
              {"remote", to_json_or_null(connection_->remote_description())},
              {"currentLocal", to_json_or_null(connection_->current_local_description())},
              {"currentRemote", to_json_or_null(connection_->current_remote_description())},
              {"pendingLocal", to_json_or_null(connection_->pending_local_description())},
              {"pendingRemote", to_json_or_null(connection_->pending_remote_description())}};
}

Peer::Answer Peer::report(Members& members) {
  if (auto right = members.check(); !right) return floe::forward(right);
  return Json{{"signalingState", to_string(connection_->signaling_state())},
              {"iceGatheringState", to_string(connection_->ice_gathering_state())},
              {"iceConnectionState", to_string(connection_->ice_connection_state())},
              {"connectionState", to_string(connection_->connection_state())},
              {"dtlsState", to_string(connection_->dtls_state())},
              {"sctp", to_json_or_null(connection_->sctp())},
              {"ice", connection_->ice_report().to_string()}};
}

Peer::Answer Peer::get_stats(Members& members) {
  if (auto right = members.check(); !right) return floe::forward(right);
  return Json{{"stats", Json::parse(connection_->stats().to_json())}};
}

Peer::Answer Peer::create_data_channel(Members& members) {
  std::string label = members.text("label");
  const floe::DataChannelInit init = Channels::read_init(members);
  if (auto right = members.check(); !right) return floe::forward(right);
  auto channel = connection_->create_data_channel(std::move(label), init);
  if (!channel) return floe::forward(channel);
  return Json{{"channel", channels_.add(std::move(*channel))}};
}

Peer::Answer Peer::close(Members& members) {
  if (auto right = members.check(); !right) return floe::forward(right);
  // W3C's close() tells no state; the next command begins a new connection.
  connection_.reset();
  channels_.forget();
  transceivers_.forget();
  return Json::object();
}

Peer::Answer Peer::quit(Members& members) {
  if (auto right = members.check(); !right) return floe::forward(right);
  on_quit_();
  return Json::object();
}

}  // namespace peer_stdio
