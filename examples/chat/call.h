#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "console.h"
#include "floe/net/network.h"
#include "floe/peer/peer_connection.h"
#include "floe/servers/signaling/message.h"
#include "summary.h"

namespace chat {

/// Told what happens in a `Call`; may do anything but destroy it.
class CallHandler {
 public:
  virtual ~CallHandler() = default;
  /// To be brought to the peer, in this order.
  virtual void on_signal(const floe::server::Signal& signal) = 0;
  /// The peer opened a channel.
  virtual void on_channel(std::shared_ptr<floe::DataChannel> channel) = 0;
  /// Nothing has come from the peer for some seconds; it may yet.
  virtual void on_silence() = 0;
  /// It is over: no path was found, or there is none any more, or the peer ended it.
  virtual void on_call_over(const std::string& why) = 0;
};

/// One PeerConnection: tells the person what goes on in it, and takes the time of it.
class Call {
 public:
  /// An error is about `configuration`.
  [[nodiscard]] static floe::Result<std::unique_ptr<Call>> create(
      floe::net::Network& network, const floe::Configuration& configuration, Console& console,
      Phases& phases, CallHandler& handler);
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  [[nodiscard]] floe::Result<> offer();
  /// An offer is answered at once.
  [[nodiscard]] floe::Result<> take(const floe::server::Description& description);
  [[nodiscard]] floe::Result<> take(const floe::server::Candidate& candidate);

  [[nodiscard]] floe::Result<std::shared_ptr<floe::DataChannel>> create_data_channel(
      const std::string& label, const floe::DataChannelInit& init = {});
  /// The first channel is open.
  void note_open_channel();

  /// For the person who asks why there is no connection: what became of each candidate pair.
  std::string explain_failure() const;
  bool is_silent() const {
    return connection_->ice_connection_state() == floe::IceConnectionState::kDisconnected;
  }
  /// With the round trip as it is now.
  std::optional<SelectedPair> selected_pair() const;
  void close() { connection_->close(); }

 private:
  Call(floe::net::Network& network, std::unique_ptr<floe::PeerConnection> connection,
       Console& console, Phases& phases, CallHandler& handler);

  void set_handlers();
  void send_local_description();
  void handle(const floe::IceCandidate& candidate);
  void handle(floe::IceConnectionState state);
  void handle(floe::DtlsTransportState state, const std::optional<floe::Error>& error);
  void handle(const floe::ice::Agent::SelectedPairChanged& changed);
  /// Sets `phase` once, to the time since `since`, and says it.
  void take_time(std::optional<floe::Duration>& phase, const char* what, floe::Time since);

  floe::net::Network& network_;
  std::unique_ptr<floe::PeerConnection> connection_;
  Console& console_;
  Phases& phases_;
  CallHandler& handler_;
  floe::Time began_;
  floe::Time ice_connected_{};
  floe::Time dtls_connected_{};
  std::optional<SelectedPair> selected_pair_;
};

}  // namespace chat
