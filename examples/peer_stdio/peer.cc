#include "peer.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "floe/core/text.h"
#include "json.h"

namespace peer_stdio {
namespace {

/// As much of a line as an error quotes.
constexpr std::size_t kMaxQuoted = 200;

}  // namespace

const Peer::Command Peer::kCommands[] = {
    {"create", &Peer::create},
    {"get_configuration", &Peer::get_configuration},
    {"set_configuration", &Peer::set_configuration},
    {"create_offer", &Peer::create_offer},
    {"create_answer", &Peer::create_answer},
    {"set_local_description", &Peer::set_local_description},
    {"set_remote_description", &Peer::set_remote_description},
    {"add_ice_candidate", &Peer::add_ice_candidate},
    {"restart_ice", &Peer::restart_ice},
    {"descriptions", &Peer::descriptions},
    {"report", &Peer::report},
    {"get_stats", &Peer::get_stats},
    {"add_transceiver", &Peer::add_transceiver},
    {"transceivers", &Peer::transceivers},
    {"set_direction", &Peer::set_direction},
    {"stop_transceiver", &Peer::stop_transceiver},
    {"create_data_channel", &Peer::create_data_channel},
    {"channel_state", &Peer::channel_state},
    {"send", &Peer::send},
    {"send_many", &Peer::send_many},
    {"collect", &Peer::collect},
    {"set_buffered_amount_low_threshold", &Peer::set_low_threshold},
    {"close_channel", &Peer::close_channel},
    {"close", &Peer::close},
    {"quit", &Peer::quit},
};

Peer::Peer(floe::net::Network& network, floe::Configuration configuration, Output& output,
           std::function<void()> on_quit)
    : network_(network),
      configuration_(std::move(configuration)),
      output_(output),
      on_quit_(std::move(on_quit)),
      channels_(network, output) {}

void Peer::take_line(std::string_view line) {
  if (line.find_first_not_of(" \t\r") == line.npos) return;
  const auto refuse = [&](std::string_view why) {
    output_.event("error", {{"code", to_string(floe::Errc::kMalformed)},
                            {"text", why},
                            {"line", line.substr(0, kMaxQuoted)}});
  };
  const Json object = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (object.is_discarded()) return refuse("this line is not JSON");
  if (!object.is_object()) return refuse("this line is not a JSON object");
  Members members(object);
  const auto name = members.optional_text("command");
  if (!name) return refuse("this line has no \"command\", a string");
  const auto* command =
      std::find_if(std::begin(kCommands), std::end(kCommands),
                   [&](const Command& candidate) { return candidate.name == *name; });
  if (command == std::end(kCommands)) return refuse("there is no such command");

  const Json* request = members.find("request");
  const Answer answer = run(*command, members);
  Json told{{"command", command->name}};
  if (request != nullptr) told["request"] = *request;
  told.update(answer ? *answer : to_json(answer.error()));
  output_.event(answer ? "done" : "error", told);
}

Peer::Answer Peer::run(const Command& command, Members& members) {
  if (!connection_ && command.run != &Peer::create && command.run != &Peer::close &&
      command.run != &Peer::quit) {
    if (auto opened = open(configuration_); !opened) return floe::forward(opened);
  }
  return (this->*command.run)(members);
}

floe::Result<> Peer::open(const floe::Configuration& configuration) {
  auto connection = floe::PeerConnection::create(network_, configuration);
  if (!connection) return floe::forward(connection);
  connection_ = std::move(*connection);
  set_handlers();
  return {};
}

void Peer::set_handlers() {
  // Every state is told by its name in the W3C's API.
  const auto tell_state = [this](const char* event) {
    return [this, event](auto state) { output_.event(event, {{"state", to_string(state)}}); };
  };
  floe::PeerConnection& connection = *connection_;
  connection.on_signaling_state_change(tell_state("signaling_state"));
  connection.on_ice_gathering_state_change(tell_state("ice_gathering_state"));
  connection.on_ice_connection_state_change(tell_state("ice_connection_state"));
  connection.on_connection_state_change(tell_state("connection_state"));
  connection.on_dtls_state_change([this](auto state, const std::optional<floe::Error>& error) {
    Json members{{"state", to_string(state)}};
    if (error) members.update(to_json(*error));
    output_.event("dtls_state", members);
  });
  connection.on_negotiation_needed([this] { output_.event("negotiation_needed"); });
  connection.on_ice_candidate(
      [this](const auto& candidate) { output_.event("candidate", to_json(candidate)); });
  connection.on_ice_candidate_error([this](const floe::ice::Gatherer::ServerFailed& failed) {
    output_.event("candidate_error",
                  {{"url", failed.url}, {"errorCode", failed.code}, {"errorText", failed.text}});
  });
  connection.on_selected_candidate_pair_change([this](const auto& changed) {
    output_.event("selected_candidate_pair", {{"local", changed.local.to_string()},
                                              {"remote", changed.remote.to_string()},
                                              {"nominated", changed.nominated}});
  });
  connection.on_ice_failure([this](const floe::ice::Report& report) {
    output_.event("ice_failure", {{"text", report.explanation()}});
  });
  connection.on_track([this](const floe::TrackEvent& event) {
    Json members = transceivers_.describe(event.transceiver);
    members["track"] = event.track->id();
    members["streams"] = event.streams;
    output_.event("track", members);
  });
  connection.on_data_channel([this](std::shared_ptr<floe::DataChannel> channel) {
    const std::uint64_t number = channels_.add(std::move(channel));
    Json members{{"channel", number}};
    members.update(channels_.describe(number));
    output_.event("data_channel", members);
  });
}

}  // namespace peer_stdio
