#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "floe/core/result.h"
#include "floe/ice/agent.h"
#include "floe/ice/agent_network.h"
#include "floe/ice/report.h"
#include "floe/ice/server.h"
#include "floe/net/network.h"

namespace floe::ice {

/// ICE alone, driven: an `ice::Agent` on a `net::Network`, for people who bring their own protocol.
///
///     auto ice = ice::Transport::create(network, config, handlers);
///     signal(ice->local_credentials());                  // handlers.candidate signals the rest
///     ice->set_remote_credentials(theirs);
///     ice->add_remote_candidate(candidate_line);
///     ice->send(bytes);                                  // once the state is connected
///
/// All calls are made on the network's thread. No call calls a handler before it returns; a handler
/// may make any call and may destroy the transport.
class Transport {
 public:
  struct Config {
    Agent::Config agent;
    std::vector<ServerConfig> servers;
    LocalPolicy local;
    /// Whose signature under the certificates of turns: servers is believed; nullptr: whom the
    /// system trusts.
    std::shared_ptr<const tls::Trust> trust{};
  };

  /// Called on the network's thread; any may be empty. They are given at creation so that nothing
  /// can be missed.
  struct Handlers {
    std::function<void(const Candidate&)> candidate;
    std::function<void(GatheringState)> gathering_state;
    std::function<void(const Gatherer::ServerFailed&)> server_failed;
    std::function<void(State)> state;
    /// Why, and what was tried. Called right after `state` was given `kFailed`; the report is of
    /// that moment.
    std::function<void(const Report&)> failed;
    std::function<void(const Agent::SelectedPairChanged&)> selected_pair;
    /// One packet from the peer; the bytes are gone when it returns.
    std::function<void(MutableBytes)> data;
  };

  /// Errors: a server URL that does not parse, credentials that are not legal. `network` must
  /// outlive the transport.
  [[nodiscard]] static Result<std::unique_ptr<Transport>> create(net::Network& network,
                                                                 Config config, Handlers handlers);
  ~Transport();
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  const Credentials& local_credentials() const;
  Role role() const;
  State state() const;

  /// Opens the sockets and begins; candidates come by handler. Further calls do nothing.
  void gather();
  /// Begins a new ICE generation (`Agent::restart`): signal `local_credentials()` anew, candidates
  /// come again by handler. Data flows on the old path until the new generation has one. The side
  /// that is told of the peer's restart calls it too, before it sets the peer's new credentials.
  [[nodiscard]] Result<> restart(std::optional<Credentials> credentials = std::nullopt);
  /// The servers, and which paths may be used, from the next gathering on: that of `gather` if it
  /// was not called yet, else that of the next `restart`. A server that stays keeps its
  /// allocations; those on another end once the new generation has a path. Errors of `set_servers`:
  /// those of `create`.
  [[nodiscard]] Result<> set_servers(std::span<const ServerConfig> servers);
  void set_policy(Policy policy);
  [[nodiscard]] Result<> set_remote_credentials(const Credentials& credentials);
  /// The attribute's text (RFC 8839 section 5.1). kUnsupported for candidates that are legal but of
  /// no use here (names, unless `LocalPolicy::mdns` resolves them): ignoring is right.
  [[nodiscard]] Result<> add_remote_candidate(std::string_view candidate);
  [[nodiscard]] Result<> add_remote_candidate(const Candidate& candidate);
  void set_remote_end_of_candidates();

  /// Sends one packet to the peer with the next turn's batch. Errors: kInvalidState while there is
  /// no valid pair, kMessageTooLong above 65,507 bytes, kWouldBlock when kMaxQueuedBytes wait.
  [[nodiscard]] Result<> send(Bytes packet);
  static constexpr std::size_t kMaxQueuedBytes = 1 << 20;

  /// Ends everything; no handler is called afterwards. Idempotent, allowed in every handler.
  void close();

  /// For statistics.
  const Agent& agent() const;
  /// What was tried so far and what came of it; possible at any time, also after `close`.
  Report report() const;

 private:
  class Connection;
  explicit Transport(std::unique_ptr<Connection> connection);
  std::unique_ptr<Connection> connection_;
};

}  // namespace floe::ice
