#pragma once

#include <uv.h>

#include <memory>
#include <optional>
#include <string>

#include "exit_code.h"
#include "floe/net/network.h"
#include "floe/servers/signaling/signaling_client.h"

namespace chat {

/// Told what happens in a `Meeting`; never from within a call to it.
class MeetingHandler {
 public:
  virtual ~MeetingHandler() = default;
  virtual void on_joined(const floe::server::Joined& joined) = 0;
  /// Somebody is there to talk to. `we_offer`: it is our turn to send a description.
  virtual void on_peer(const floe::server::Peer& peer, bool we_offer) = 0;
  virtual void on_description(const floe::server::Description& description) = 0;
  virtual void on_candidate(const floe::server::Candidate& candidate) = 0;
  virtual void on_peer_left() = 0;
  /// Signalling is over, as after `leave`.
  virtual void on_meeting_over(const Failure& why) = 0;
};

/// Finds the other one in a room of the signalling server, settles who offers, and passes on what
/// the two tell each other.
///
/// Who comes second offers; who came first waits. The server puts all comings in one order and
/// tells everybody who was there before, so two that come at once still agree on it.
class Meeting final : private floe::server::SignalingHandler {
 public:
  Meeting(floe::net::Network& network, uv_loop_t& loop, MeetingHandler& handler);

  /// An error is about `url`.
  [[nodiscard]] floe::Result<> join(const std::string& url, const std::string& room,
                                    const std::string& name);
  void send(const floe::server::Signal& signal);
  /// `on_meeting_over` follows.
  void leave();

  const std::optional<floe::server::Peer>& peer() const { return peer_; }

 private:
  void on_joined(const floe::server::Joined& joined) override;
  void on_peer_joined(const floe::server::Peer& peer) override;
  void on_peer_left(const std::string& id) override;
  void on_signal(const std::string& from, const floe::server::Signal& signal) override;
  void on_error(const floe::server::Refusal& refusal) override;
  void on_closed(const floe::Error& error) override;

  void meet(const floe::server::Peer& peer, bool we_offer);
  void end(ExitCode code, std::string message);

  floe::net::Network& network_;
  uv_loop_t& loop_;
  MeetingHandler& handler_;
  std::unique_ptr<floe::server::SignalingClient> client_;
  std::string url_;
  std::string room_;
  std::optional<floe::server::Peer> peer_;
  bool over_ = false;
};

}  // namespace chat
