#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "floe/servers/signaling/signaling_client.h"
#include "gathering.h"
#include "options.h"
#include "results.h"

struct uv_loop_s;

namespace trickle_ice {

/// Waits in a room of the signalling server and gathers for whoever asks, one request at a time:
/// the page of examples/web/trickle-ice sends {"gather": {"run", "servers", "policy"}} and is told
/// each result as it comes.
class Service final : private floe::server::SignalingHandler, private Results {
 public:
  /// `ended` is called when signalling ends, with the reason; the service may go then.
  Service(floe::net::Network& network, uv_loop_s& loop, const Options& options,
          std::function<void(const std::string&)> ended);

  [[nodiscard]] floe::Result<> start();

 private:
  void on_joined(const floe::server::Joined& joined) override;
  void on_peer_joined(const floe::server::Peer&) override {}
  void on_peer_left(const std::string& id) override;
  void on_signal(const std::string& from, const floe::server::Signal& signal) override;
  void on_error(const floe::server::Refusal& refusal) override;
  void on_closed(const floe::Error& error) override;

  void on_found(const Found& found) override;
  void on_failed(const Failed& failed) override;
  void on_outcome(const Outcome& outcome) override;

  void tell(nlohmann::json line);

  floe::net::Network& network_;
  uv_loop_s& loop_;
  Options options_;
  std::function<void(const std::string&)> ended_;
  std::unique_ptr<floe::server::SignalingClient> client_;
  std::unique_ptr<Gathering> gathering_;
  std::string asker_;  ///< Who is told.
  std::int64_t run_ = 0;
};

}  // namespace trickle_ice
