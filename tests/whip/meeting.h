#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "floe/net/sim/world.h"
#include "floe/whip/client.h"
#include "floe/whip/server.h"

// A WHIP and WHEP server and a client of it on a simulated internet.
namespace floe::whip {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

/// The server's application: takes everybody who is not refused, and echoes what comes on data
/// channels.
class Station final : public ServerHandler {
 public:
  explicit Station(net::Network& network) : network_(network) {}
  void listen(Server::Options options);

  tl::expected<std::unique_ptr<PeerConnection>, Refusal> on_offer(const Offer& offer) override;
  void on_state(SessionId session, PeerConnectionState state) override;
  void on_ended(SessionId session, const std::string& reason) override;

  std::optional<Refusal> refusal;
  /// Tracks that a player is sent.
  std::vector<MediaKind> tracks;
  std::vector<std::string> streams;
  std::vector<std::string> offers;
  std::vector<std::string> log;  ///< "1 connected", "1 ended: why"
  SessionId last{};
  std::string destroy_at;  ///< The call in which the server goes: "offer", "state" or "ended".
  std::unique_ptr<Server> server;

 private:
  net::Network& network_;
};

/// The client's application.
class Visitor final : public ClientHandler {
 public:
  explicit Visitor(net::Network& network) : network_(network) {}
  /// Starts with a data channel, and with a transceiver of each of `kinds`.
  void start(Client::Options options);

  Result<std::unique_ptr<PeerConnection>> create_connection() override;
  void on_established() override;
  void on_state(PeerConnectionState state) override;
  void on_restarted() override { log.emplace_back("restarted"); }
  void on_restart_failed(const Failure& failure) override;
  void on_closed(const Failure& failure) override;

  bool open() const { return echoed > 0; }
  /// Says `text` and counts the echo.
  void say(const std::string& text);

  std::vector<MediaKind> kinds;
  bool with_channel = true;
  RtpTransceiverDirection direction = RtpTransceiverDirection::kSendrecv;
  std::vector<std::string> log;
  std::optional<Failure> closed;
  bool destroy_when_established = false;
  std::size_t echoed = 0;
  std::shared_ptr<DataChannel> channel;
  std::unique_ptr<Client> client;

 private:
  net::Network& network_;
};

}  // namespace floe::whip
