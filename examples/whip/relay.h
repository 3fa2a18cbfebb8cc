#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "floe/whip/server.h"
#include "options.h"

namespace whip_program {

/// `floe-whip serve`: streams by name, each with one publisher and any number of players. What the
/// publisher sends goes to the players: packets of audio and video, not decoded, and what it says
/// on its data channels.
class Relay final : public floe::whip::ServerHandler {
 public:
  Relay(floe::net::Network& network, const Serve& options);

  floe::Result<> listen();

  tl::expected<std::unique_ptr<floe::PeerConnection>, floe::whip::Refusal> on_offer(
      const Offer& offer) override;
  void on_state(floe::whip::SessionId session, floe::PeerConnectionState state) override;
  void on_ended(floe::whip::SessionId session, const std::string& reason) override;

 private:
  using SessionId = floe::whip::SessionId;
  struct Member {
    floe::whip::Protocol protocol;
    std::string stream;
    std::vector<std::shared_ptr<floe::DataChannel>> channels;
  };

  /// Null while nobody publishes it.
  const Member* publisher_of(const std::string& stream, SessionId* id = nullptr) const;
  void add_tracks(floe::PeerConnection& player, const std::string& stream);
  void take_track(SessionId publisher, const floe::TrackEvent& event);
  void pass_packet(SessionId publisher, floe::MediaKind kind, const floe::ReceivedPacket& packet);
  void request_key_frame(const std::string& stream);
  void take_channel(SessionId session, std::shared_ptr<floe::DataChannel> channel);
  void pass_on(SessionId session, const floe::DataChannel::Message& message);
  void tell(SessionId session, std::string_view what) const;

  floe::net::Network& network_;
  const Serve options_;
  std::map<SessionId, Member> members_;
  std::unique_ptr<floe::whip::Server> server_;
};

}  // namespace whip_program
