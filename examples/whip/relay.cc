#include "relay.h"

#include <cstdio>
#include <utility>

#include "floe/tls/options.h"

namespace whip_program {

using floe::DataChannel;
using floe::MediaKind;
using floe::PeerConnection;
using floe::Result;
using floe::RtpTransceiverDirection;
using floe::whip::Protocol;
using floe::whip::Refusal;

namespace {

/// The publisher's codec alone, and its rtx: what comes in it goes out in it.
std::vector<floe::RtpCodec> codecs_of(const floe::RtpReceiver& publisher, MediaKind kind) {
  const auto agreed = publisher.parameters().codecs;
  std::vector<floe::RtpCodec> codecs;
  if (agreed.empty()) return codecs;
  for (const floe::RtpCodec& codec : floe::RtpSender::capabilities(kind).codecs) {
    const bool is_it = codec.mime_type == agreed.front().mime_type &&
                       codec.sdp_fmtp_line == agreed.front().sdp_fmtp_line;
    if (is_it || codec.mime_type == "video/rtx") codecs.push_back(codec);
  }
  return codecs;
}

// How soon a player should ask again for a stream that nobody publishes.
constexpr std::chrono::seconds kRetryAfter{2};

}  // namespace

Relay::Relay(floe::net::Network& network, const Serve& options)
    : network_(network), options_(options) {}

Result<> Relay::listen() {
  floe::whip::Server::Options options;
  options.http.bind = options_.bind;
  options.sessions.ice_servers = options_.ice_servers;
  if (!options_.certificate.empty()) {
    auto identity = floe::tls::read_identity(
        options_.certificate, options_.key.empty() ? options_.certificate : options_.key);
    if (!identity) return forward(identity);
    options.http.identity = std::move(*identity);
  }
  if (!options_.token.empty()) {
    options.sessions.authorize = [this](Protocol, std::string_view, std::string_view token) {
      return token == options_.token;
    };
  }
  auto server = floe::whip::Server::listen(network_, std::move(options), *this);
  if (!server) return forward(server);
  server_ = std::move(*server);
  // For programs that start this one.
  std::printf("whip %s\nwhep %s\n", server_->url(Protocol::kWhip).c_str(),
              server_->url(Protocol::kWhep).c_str());
  std::fflush(stdout);
  return {};
}

tl::expected<std::unique_ptr<PeerConnection>, Refusal> Relay::on_offer(const Offer& offer) {
  const bool is_published = publisher_of(offer.stream) != nullptr;
  if (offer.protocol == Protocol::kWhip && is_published) {
    return tl::unexpected<Refusal>({409, "somebody publishes this stream already"});
  }
  if (offer.protocol == Protocol::kWhep && !is_published) {
    return tl::unexpected<Refusal>({409, "nobody publishes this stream", kRetryAfter});
  }
  floe::Configuration configuration;
  configuration.ice_servers = options_.ice_servers;
  configuration.local.loopback = options_.loopback;
  auto connection = PeerConnection::create(network_, std::move(configuration));
  if (!connection) return tl::unexpected<Refusal>({500, connection.error().message});
  if (offer.protocol == Protocol::kWhep) add_tracks(**connection, offer.stream);
  if (offer.protocol == Protocol::kWhip) {
    (*connection)->on_track([this, id = offer.session](const floe::TrackEvent& event) {
      take_track(id, event);
    });
  }
  (*connection)->on_data_channel([this, id = offer.session](std::shared_ptr<DataChannel> channel) {
    take_channel(id, std::move(channel));
  });
  members_.insert({offer.session, {offer.protocol, offer.stream, {}}});
  return std::move(*connection);
}

/// A player is offered what the publisher said that it sends.
void Relay::add_tracks(PeerConnection& player, const std::string& stream) {
  SessionId id{};
  if (publisher_of(stream, &id) == nullptr) return;
  PeerConnection* const publisher = server_->connection(id);
  if (publisher == nullptr) return;
  for (const auto& transceiver : publisher->transceivers()) {
    if (transceiver->current_direction() != RtpTransceiverDirection::kRecvonly) continue;
    const MediaKind kind = transceiver->kind();
    // A new connection takes any track.
    auto sender = player.add_track(
        std::make_shared<floe::MediaStreamTrack>(kind, std::string(to_string(kind))), {"stream"});
    if (!sender) continue;
    (*sender)->on_key_frame_request(
        [this, stream](const std::string&) { request_key_frame(stream); });
    // If the publisher's codec is none that we could offer, any will have to do.
    static_cast<void>(player.transceivers().back()->set_codec_preferences(
        codecs_of(*transceiver->receiver(), kind)));
  }
}

void Relay::take_track(SessionId publisher, const floe::TrackEvent& event) {
  event.receiver->on_packet(
      [this, publisher, kind = event.track->kind()](const floe::ReceivedPacket& packet) {
        pass_packet(publisher, kind, packet);
      });
}

void Relay::pass_packet(SessionId publisher, MediaKind kind, const floe::ReceivedPacket& packet) {
  const auto from = members_.find(publisher);
  if (from == members_.end()) return;
  for (const auto& [id, member] : members_) {
    if (member.protocol != Protocol::kWhep || member.stream != from->second.stream) continue;
    PeerConnection* const player = server_->connection(id);
    if (player == nullptr) continue;
    for (const auto& sender : player->senders()) {
      // What a player's path has no room for is lost on it, as on any network.
      if (sender->track() != nullptr && sender->track()->kind() == kind) {
        static_cast<void>(sender->send_packet(packet));
      }
    }
  }
}

/// A player needs one to begin, or to go on.
void Relay::request_key_frame(const std::string& stream) {
  SessionId id{};
  if (publisher_of(stream, &id) == nullptr) return;
  PeerConnection* const publisher = server_->connection(id);
  if (publisher == nullptr) return;
  for (const auto& receiver : publisher->receivers()) receiver->request_key_frame();
}

void Relay::take_channel(SessionId session, std::shared_ptr<DataChannel> channel) {
  const auto member = members_.find(session);
  if (member == members_.end()) return;
  if (member->second.protocol == Protocol::kWhip) {
    channel->on_message(
        [this, session](const DataChannel::Message& message) { pass_on(session, message); });
  }
  member->second.channels.push_back(std::move(channel));
  tell(session, "channel \"" + member->second.channels.back()->label() + "\"");
}

void Relay::pass_on(SessionId session, const DataChannel::Message& message) {
  const auto publisher = members_.find(session);
  if (publisher == members_.end()) return;
  for (auto& [id, member] : members_) {
    if (member.protocol != Protocol::kWhep || member.stream != publisher->second.stream) continue;
    for (const auto& channel : member.channels) {
      // A player that does not keep up misses what there is no room for.
      const Result<> sent = message.is_text ? channel->send(floe::as_text(message.payload))
                                            : channel->send(message.payload);
      if (!sent) tell(id, sent.error().message);
    }
  }
}

const Relay::Member* Relay::publisher_of(const std::string& stream, SessionId* id) const {
  for (const auto& [key, member] : members_) {
    if (member.protocol != Protocol::kWhip || member.stream != stream) continue;
    if (id != nullptr) *id = key;
    return &member;
  }
  return nullptr;
}

void Relay::on_state(SessionId session, floe::PeerConnectionState state) {
  tell(session, to_string(state));
  const auto member = members_.find(session);
  const bool watches = member != members_.end() && member->second.protocol == Protocol::kWhep;
  if (watches && state == floe::PeerConnectionState::kConnected) {
    request_key_frame(member->second.stream);
  }
}

void Relay::on_ended(SessionId session, const std::string& reason) {
  tell(session, "ended: " + reason);
  members_.erase(session);
}

void Relay::tell(SessionId session, std::string_view what) const {
  const auto member = members_.find(session);
  if (member == members_.end()) return;
  std::printf("session %llu %s %s: %.*s\n", static_cast<unsigned long long>(session),
              member->second.protocol == Protocol::kWhip ? "publishes" : "watches",
              member->second.stream.c_str(), static_cast<int>(what.size()), what.data());
  std::fflush(stdout);
}

}  // namespace whip_program
