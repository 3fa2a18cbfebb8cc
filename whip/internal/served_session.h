#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "floe/net/network.h"
#include "floe/peer/peer_connection.h"
#include "floe/sdp/fragment.h"
#include "floe/whip/sessions.h"

namespace floe::whip {

/// The server's peer connection for one session, and what it has to tell `Sessions`.
class ServedSession {
 public:
  struct Options {
    Protocol protocol = Protocol::kWhip;
    Duration gathering_timeout{};
    bool counter_offers = true;
  };
  /// `changed` is called in later turns, after `sessions` was told something; it may destroy this.
  ServedSession(net::Network& network, Sessions& sessions, SessionId id, const Options& options,
                std::unique_ptr<PeerConnection> connection,
                std::function<void(std::optional<PeerConnectionState>)> changed);

  /// Tells `sessions` later, or returns why the offer cannot be answered at all.
  [[nodiscard]] std::optional<Refusal> take_offer(const std::string& sdp);
  // Each tells `sessions` at once or later.
  void take_answer(const std::string& sdp);
  void take_candidates(const sdp::Fragment& fragment);
  void restart(const sdp::Fragment& fragment);

  PeerConnection& connection() { return *connection_; }

 private:
  enum class Awaiting : std::uint8_t { kNothing, kAnswer, kCounterOffer, kRestart };

  /// The answer is made, but not set; or why there is none.
  std::optional<Refusal> prepare_answer(const std::string& sdp);
  std::optional<Refusal> check_answer() const;
  std::optional<Refusal> make_counter_offer();
  /// RFC 9725 section 4.3.2: clients are told all candidates at once.
  void await_candidates(Awaiting awaiting);
  void report_candidates();
  void on_candidates();

  net::Network& network_;
  Sessions& sessions_;
  const SessionId id_;
  const Options options_;
  std::function<void(std::optional<PeerConnectionState>)> changed_;
  Awaiting awaiting_ = Awaiting::kNothing;
  std::string failure_;
  std::unique_ptr<net::Timer> timer_;
  std::unique_ptr<PeerConnection> connection_;
};

}  // namespace floe::whip
