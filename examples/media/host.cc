#include "examples/media/host.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <variant>

#include "examples/chat/console.h"

namespace media {

using floe::PeerConnection;
using floe::PeerConnectionState;
using floe::Result;
using floe::server::Candidate;
using floe::server::Description;
using floe::server::OtherSignal;
using floe::server::SignalingClient;

namespace {

/// Where floe-signal serves the pages: beside its WebSocket.
std::string page_url(std::string signal, const std::string& page, const std::string& room) {
  if (signal.starts_with("ws")) signal.replace(0, 2, "http");
  const std::size_t scheme = signal.find("://");
  const std::size_t path = signal.find('/', scheme == std::string::npos ? 0 : scheme + 3);
  return signal.substr(0, path) + "/" + page + "/?room=" + room;
}

/// A "b=" line in each section of video, behind its "c=" line.
std::string with_bandwidth(const std::string& sdp, std::uint64_t bits_per_second) {
  const std::string limit = "b=TIAS:" + std::to_string(bits_per_second) + "\r\n";
  std::string limited;
  bool video = false;
  for (std::size_t at = 0; at < sdp.size();) {
    const std::size_t end = std::min(sdp.find('\n', at), sdp.size() - 1) + 1;
    const std::string line = sdp.substr(at, end - at);
    at = end;
    if (line.starts_with("m=")) video = line.starts_with("m=video");
    limited += line;
    if (video && line.starts_with("c=")) limited += limit;
  }
  return limited;
}

std::optional<Wish> wish_named(std::string_view name) {
  if (name == "watch") return Wish::kWatch;
  if (name == "publish") return Wish::kPublish;
  if (name == "echo") return Wish::kEcho;
  return std::nullopt;
}

}  // namespace

std::vector<floe::RtpCodec> codecs_named(floe::MediaKind kind,
                                         const std::vector<std::string>& mime_types) {
  const auto known = floe::capabilities(kind).codecs;
  std::vector<floe::RtpCodec> chosen;
  for (const std::string& name : mime_types) {
    std::copy_if(known.begin(), known.end(), std::back_inserter(chosen),
                 [&](const floe::RtpCodec& codec) { return codec.mime_type == name; });
  }
  std::copy_if(known.begin(), known.end(), std::back_inserter(chosen), floe::is_resilience);
  return chosen;
}

Host::Host(std::string program, std::string page, HostOptions options)
    : program_(std::move(program)), page_(std::move(page)), options_(std::move(options)) {
  spdlog::set_default_logger(spdlog::stderr_color_mt(program_));
  spdlog::set_level(options_.verbose ? spdlog::level::debug : spdlog::level::info);
  spdlog::set_pattern("%T.%e %^%v%$");
}

Host::~Host() = default;

Result<> Host::open() {
  auto network = floe::net::uv::Network::create(&*loop_);
  if (!network) return floe::forward(network);
  network_ = std::move(*network);
  network_->set_log_sink([](floe::LogLevel, std::string_view component, std::string_view text) {
    spdlog::debug("{}: {}", component, text);
  });
  return {};
}

int Host::run(Programme& programme) {
  programme_ = &programme;
  auto client = SignalingClient::connect(*network_, *loop_, options_.signal, *this);
  if (!client) {
    spdlog::error("{}: {}", program_, client.error().message);
    return kUsage;
  }
  client_ = std::move(*client);
  if (const auto joined = client_->join(options_.room, program_); !joined) {
    spdlog::error("{}: {}", program_, joined.error().message);
    return kUsage;
  }
  loop_.on_interrupt([this] { stop(kDone, "interrupted"); });
  loop_.run();
  loop_.on_interrupt({});
  visitors_.clear();
  client_.reset();
  programme_ = nullptr;
  return exit_code_;
}

void Host::stop(int exit_code, const std::string& why) {
  exit_code_ = exit_code;
  if (exit_code == kDone) {
    spdlog::info("{}", why);
  } else {
    spdlog::error("{}: {}", program_, why);
  }
  loop_.stop();
}

floe::Configuration Host::configuration() const {
  floe::Configuration configuration;
  configuration.local.loopback = options_.loopback;
  for (const std::string& url : options_.ice_servers) configuration.ice_servers.push_back({{url}});
  for (const auto& server : told_ice_servers_) {
    for (const std::string& url : server.urls) {
      const floe::IceServer one{{url}, server.username, server.credential};
      // Of what the server tells, that which floe can use.
      if (floe::ice::parse_servers({&one, 1})) configuration.ice_servers.push_back(one);
    }
  }
  return configuration;
}

// ---------------------------------------------------------------------------------- signalling

void Host::on_joined(const floe::server::Joined& joined) {
  told_ice_servers_ = joined.ice_servers;
  for (const auto& peer : joined.peers) names_[peer.id] = peer.name;
  spdlog::info("in room {}; open {}", joined.room, page_url(options_.signal, page_, joined.room));
}

void Host::on_peer_joined(const floe::server::Peer& peer) {
  names_[peer.id] = peer.name;
}

void Host::on_peer_left(const std::string& id) {
  end_visit(id, "has left");
  names_.erase(id);
}

void Host::on_signal(const std::string& from, const floe::server::Signal& signal) {
  if (const auto* other = std::get_if<OtherSignal>(&signal)) return handle_wish(from, other->json);
  const auto found = visitors_.find(from);
  if (found == visitors_.end()) return;
  PeerConnection& connection = *found->second.connection;
  if (const auto* description = std::get_if<Description>(&signal)) {
    const auto type = floe::parse_sdp_type(description->type);
    if (!type) return end_visit(from, type.error().message);
    const auto set = connection.set_remote_description({*type, description->sdp});
    if (!set) end_visit(from, "sent a description that is no good: " + set.error().message);
  } else if (const auto* candidate = std::get_if<Candidate>(&signal)) {
    const auto added =
        connection.add_ice_candidate({candidate->candidate, candidate->sdp_mid,
                                      candidate->sdp_m_line_index, candidate->username_fragment});
    if (!added) spdlog::debug("a candidate was not used: {}", added.error().message);
  }
}

void Host::on_error(const floe::server::Refusal& refusal) {
  // Somebody left while something was on its way there; on_peer_left says so too.
  if (refusal.code == floe::server::Refused::kNoSuchPeer) return;
  stop(kSignaling, "the signalling server refuses: " + refusal.message);
}

void Host::on_closed(const floe::Error& error) {
  stop(kSignaling, "signalling with " + options_.signal + " failed: " + error.message +
                       " (is floe-signal running there?)");
}

void Host::send(const std::string& id, const floe::server::Signal& signal) {
  // It fails when the connection to the server has ended; on_closed says so.
  static_cast<void>(client_->send(id, signal));
}

void Host::refuse(const std::string& id, const std::string& why) {
  spdlog::info("{} is refused: {}", chat::printable(names_[id]), why);
  send(id, OtherSignal{nlohmann::json{{"refused", why}}.dump()});
}

// -------------------------------------------------------------------------------------- visits

void Host::handle_wish(const std::string& from, std::string_view json) {
  const auto message = nlohmann::json::parse(json, nullptr, false);
  if (!message.is_object() || !message.contains("wish") || !message["wish"].is_string()) return;
  const auto wish = wish_named(message["wish"].get<std::string>());
  if (!wish) return refuse(from, program_ + " does not know this wish");
  visitors_.erase(from);  // It begins anew.
  if (const auto welcomed = welcome(from, *wish); !welcomed) {
    visitors_.erase(from);
    refuse(from, welcomed.error().message);
  }
}

Result<> Host::welcome(const std::string& id, Wish wish) {
  if (visitors_.size() >= kMaxVisitors) {
    return floe::fail(floe::Errc::kLimitExceeded, program_ + " has all the visitors it takes");
  }
  floe::Configuration chosen = configuration();
  programme_->configure(chosen);
  auto connection = PeerConnection::create(*network_, chosen);
  if (!connection) return floe::forward(connection);
  Visitor& visitor = visitors_[id];
  visitor.name = chat::printable(names_[id]);
  visitor.connection = std::move(*connection);
  set_handlers(id, *visitor.connection);
  auto visit = programme_->welcome(visitor.name, wish, *visitor.connection);
  if (!visit) return floe::forward(visit);
  visitor.visit = std::move(*visit);
  if (auto offered = offer(*visitor.connection); !offered) return offered;
  const auto description = visitor.connection->local_description();
  send(id, Description{std::string(to_string(description->type)), description->sdp});
  return {};
}

Result<> Host::offer(PeerConnection& connection) {
  auto description = connection.create_offer();
  if (!description) return floe::forward(description);
  if (programme_->max_incoming_bitrate() > 0) {
    description->sdp = with_bandwidth(description->sdp, programme_->max_incoming_bitrate());
  }
  return connection.set_local_description(*description);
}

void Host::set_handlers(const std::string& id, PeerConnection& connection) {
  connection.on_ice_candidate([this, id](const floe::IceCandidate& candidate) {
    send(id, Candidate{candidate.candidate, candidate.sdp_mid, candidate.sdp_mline_index,
                       candidate.username_fragment});
  });
  connection.on_connection_state_change(
      [this, id](PeerConnectionState state) { handle_state(id, state); });
  connection.on_ice_failure(
      [](const floe::ice::Report& report) { spdlog::warn("no path: {}", report.explanation()); });
}

void Host::handle_state(const std::string& id, PeerConnectionState state) {
  const auto found = visitors_.find(id);
  if (found == visitors_.end()) return;
  const std::string name = found->second.name;
  if (state == PeerConnectionState::kFailed) return end_visit(id, "cannot be reached");
  if (state == PeerConnectionState::kClosed) return end_visit(id, "has gone");
  spdlog::info("{}: {}", name, to_string(state));
  if (state == PeerConnectionState::kConnected) found->second.visit->on_connected();
}

void Host::end_visit(const std::string& id, const std::string& why) {
  const auto found = visitors_.find(id);
  if (found == visitors_.end()) return;
  spdlog::info("{} {}", found->second.name, why);
  visitors_.erase(found);
}

}  // namespace media
