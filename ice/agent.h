#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "floe/core/random.h"
#include "floe/core/result.h"
#include "floe/core/time.h"
#include "floe/ice/candidate.h"
#include "floe/ice/candidate_pair.h"
#include "floe/ice/check_list.h"
#include "floe/ice/connectivity_checks.h"
#include "floe/ice/consent.h"
#include "floe/ice/credentials.h"
#include "floe/ice/gatherer.h"
#include "floe/ice/generation.h"
#include "floe/ice/packet_queue.h"
#include "floe/net/datagram.h"
#include "floe/net/pacer.h"
#include "floe/net/send_batch.h"
#include "floe/stun_client/message.h"

namespace floe::ice {

/// W3C RTCIceTransportState.
enum class State : std::uint8_t {
  kNew,
  kChecking,
  kConnected,
  kCompleted,
  kDisconnected,
  kFailed,
  kClosed
};
std::string_view to_string(State state);

/// W3C RTCIceGathererState.
enum class GatheringState : std::uint8_t { kNew, kGathering, kComplete };
std::string_view to_string(GatheringState state);

enum class Nomination : std::uint8_t {
  kRegular,     ///< RFC 8445: one pair is chosen, then nominated once.
  kAggressive,  ///< RFC 5245: every check nominates; the best that succeeds wins.
};

/// A full ICE agent for one data stream with one component (everything is multiplexed), as an
/// engine: it is told the time and handed packets; it is asked for packets, timers and events.
/// `ice::Transport` drives one over a network.
///
/// Its code stands in four files, by phase: agent.cc (candidates, states, time), agent_checks.cc
/// (what we send), agent_requests.cc (checks that come in), agent_responses.cc (answers to ours).
class Agent {
 public:
  struct Config {
    Role role = Role::kControlling;
    /// Generated when absent.
    std::optional<Credentials> credentials;
    std::optional<std::uint64_t> tie_breaker;
    Nomination nomination = Nomination::kRegular;
    /// How long the controlling agent waits, once it has a valid pair, for a better one to succeed
    /// before it nominates. Data flows on the best valid pair meanwhile.
    Duration nomination_wait = std::chrono::milliseconds(250);
    ConnectivityChecks::Timing checks;
    /// RFC 8863 section 4: no failure before this long after checking began, though no pairs are
    /// left: the peer's checks may still bring peer-reflexive candidates. The recommended value is
    /// the check transaction's own timeout.
    Duration patience = ConnectivityChecks::Timing().timeout();
    Consent::Timing consent;
    Gatherer::Config gathering;
    /// RFC 8445 section 6.1.2.5.
    std::size_t max_pairs = 100;
    /// Remote candidates beyond it are refused: no real peer has as many addresses.
    std::size_t max_remote_candidates = 128;
  };

  /// A candidate of ours to signal to the peer.
  struct CandidateGathered {
    Candidate candidate;
  };
  /// A candidate signalled before is no longer of use.
  struct CandidateRemoved {
    Candidate candidate;
  };
  struct GatheringStateChanged {
    GatheringState state;
  };
  struct StateChanged {
    State state;
  };
  /// The pair that data leaves on changed (RFC 8445 section 12.1: the selected pair, before there
  /// is one the best valid pair).
  struct SelectedPairChanged {
    PairId pair;
    Candidate local;
    Candidate remote;
    bool nominated;
    Duration round_trip;
  };
  struct RoleChanged {
    Role role;
  };
  using Event = std::variant<CandidateGathered, CandidateRemoved, Gatherer::ServerFailed,
                             GatheringStateChanged, StateChanged, SelectedPairChanged, RoleChanged>;

  /// What became of a received datagram.
  enum class Verdict {
    kConsumed,     ///< STUN: handled or dropped.
    kApplication,  ///< From a validated address of the peer: for the layer above.
    kDropped,      ///< Not STUN, and from an address that nothing vouches for.
  };

  /// Counted drops and answers, by reason.
  struct Stats {
    std::uint64_t requests_received = 0;
    std::uint64_t responses_received = 0;
    std::uint64_t indications_received = 0;
    std::uint64_t dropped_malformed = 0;
    std::uint64_t dropped_bad_fingerprint = 0;
    std::uint64_t dropped_wrong_username = 0;
    std::uint64_t dropped_bad_integrity = 0;
    std::uint64_t dropped_unknown_transaction = 0;
    std::uint64_t dropped_unauthenticated_response = 0;
    std::uint64_t dropped_unvalidated_data = 0;
    std::uint64_t dropped_output_full = 0;
    std::uint64_t early_checks = 0;
    std::uint64_t early_checks_dropped = 0;
    std::uint64_t role_conflicts = 0;
    std::uint64_t unknown_attributes = 0;
    std::uint64_t asymmetric_responses = 0;
    std::uint64_t pairs_dropped = 0;
  };

  /// `random` and `pacer` must outlive the agent.
  Agent(Config config, Random& random, net::Pacer& pacer);

  const Credentials& local_credentials() const { return current_.local; }
  const std::optional<Credentials>& remote_credentials() const { return current_.remote; }
  Role role() const { return role_; }
  State state() const { return state_; }
  GatheringState gathering_state() const { return gathering_state_; }
  const Stats& stats() const { return stats_; }

  /// The roles follow from who offered (RFC 8445 section 6.1.1). May change until checks begin.
  void set_role(Role role);

  // --- Local side (RFC 8445 section 5.1) ---

  /// Starts gathering on `sockets`: their addresses become host candidates at once, and every
  /// server is asked from each of them.
  void gather(Time now, std::span<const LocalSocket> sockets);
  /// The socket is gone (its interface vanished, its stream ended): its candidates are withdrawn
  /// and their pairs fail; another valid pair takes the path over if there is one.
  void remove_socket(Time now, net::SocketId socket);
  /// Withdraws one local candidate: the pairs that use it fail. Nothing happens if `endpoint` is
  /// no candidate of ours.
  void invalidate(Time now, CandidateType type, const net::Endpoint& endpoint);
  /// The outcome of looking server number `index` of the configuration up.
  void set_server_addresses(Time now, std::size_t index, std::span<const net::Address> addresses);
  void set_server_failed(Time now, std::size_t index, const Error& error);
  const std::vector<LocalCandidate>& local_candidates() const { return current_.locals; }

  // --- Remote side ---

  /// Errors: kInvalidArgument (RFC 8839 section 5.4), kInvalidState when other credentials are set
  /// already.
  [[nodiscard]] Result<> set_remote_credentials(Time now, const Credentials& credentials);
  /// Errors: kInvalidArgument for an address nobody can be reached at or a candidate of another
  /// generation, kUnsupported for TCP and for names, kLimitExceeded.
  [[nodiscard]] Result<> add_remote_candidate(Time now, const Candidate& candidate);
  /// No more remote candidates will come (RFC 8838 section 14).
  void set_remote_end_of_candidates(Time now);
  const std::vector<RemoteCandidate>& remote_candidates() const { return current_.remotes; }

  // --- Engine ---

  /// Rewrites `datagram` if a relay or a stream wrapped it: then its payload, source and socket are
  /// the peer's packet as the agent's candidates name it.
  Verdict handle_packet(Time now, net::Datagram& datagram);
  void handle_send_failure(Time now, const net::Route& route, const Error& error);
  void poll_transmit(Time now, net::SendBatch& batch);
  Time next_timeout() const;
  void handle_timeout(Time now);
  std::optional<Event> poll_event();
  /// Ends everything; idempotent. No packets leave afterwards.
  void close();

  // --- The path ---

  /// Where data may go now; nothing without a valid pair and the peer's consent.
  std::optional<net::Route> route() const;
  const CandidatePair* selected_pair() const { return current_.path_pair(); }
  const CheckList::Pairs& pairs() const { return current_.check_list.pairs(); }
  /// The last round trip measured on the path, if any.
  std::optional<Duration> round_trip() const;

 private:
  /// A check whose remaining steps wait for the peer's credentials (RFC 8445 section 7.3).
  struct EarlyCheck {
    net::SocketId socket;
    net::Endpoint source;
    std::uint32_t priority;
    bool use_candidate;
    std::string remote_ufrag;
  };

  // agent.cc
  /// The one way out for every packet of the agent itself.
  void send(net::SocketId socket, const net::Endpoint& destination, Bytes packet);
  /// How a packet from a base of ours gets to `destination`: the socket it really leaves from, the
  /// address it really goes to, and what stands before it. Nothing when there is no way any more.
  std::optional<net::Route> route_to(net::SocketId socket, const net::Endpoint& destination) const;
  void withdraw(std::uint32_t local, std::string_view why);
  void pair_with_remotes(std::uint32_t local);
  void pair_with_locals(std::uint32_t remote);
  CandidatePair make_pair(std::uint32_t local, std::uint32_t remote) const;
  bool can_pair(const LocalCandidate& local, const Candidate& remote) const;
  bool is_validated(const net::Datagram& datagram) const;
  void drain_gatherer();
  void start_checking(Time now);
  void after_change(Time now);
  void update_path(Time now);
  void expire_consent(Time now);
  void update_state(Time now);
  void set_state(State state);
  void switch_role(Role role);

  // agent_checks.cc
  void book_slot(Time now);
  void perform_check(Time now);
  void send_check(Time now, CandidatePair& pair);
  void send_consent_request(Time now, CandidatePair& pair);
  void transmit(const Check& check, CandidatePair& pair);
  void expire_check(const Check& check);
  void consider_nomination(Time now);
  void fail_pair(CandidatePair& pair, std::string why);
  std::uint32_t prflx_priority(const CandidatePair& pair) const;

  // agent_requests.cc
  void handle_request(Time now, const stun::Message& message, const net::Datagram& datagram);
  bool resolve_role_conflict(const stun::Message& message, const net::Datagram& datagram);
  void learn_from_check(Time now, const EarlyCheck& check);
  void replay_early_checks(Time now);
  void reply_success(const stun::Message& request, const net::Datagram& datagram);
  void reply_error(const stun::Message& request, const net::Datagram& datagram, std::uint16_t code,
                   std::string_view reason, std::span<const stun::AttributeType> unknown = {});

  // agent_responses.cc
  void handle_response(Time now, const stun::Message& message, const net::Datagram& datagram);
  void handle_success(Time now, const Check& check, CandidatePair& pair,
                      const net::Endpoint& mapped);
  void handle_error(const Check& check, CandidatePair& pair, std::uint16_t code,
                    std::string_view reason);
  std::uint32_t local_candidate_for(const CandidatePair& pair, const net::Endpoint& mapped,
                                    std::uint32_t priority);

  Config config_;
  Random& random_;
  net::Pacer& pacer_;
  Role role_;
  std::uint64_t tie_breaker_;
  Gatherer gatherer_;
  Generation current_;
  ConnectivityChecks checks_;
  std::vector<EarlyCheck> early_checks_;

  State state_ = State::kNew;
  GatheringState gathering_state_ = GatheringState::kNew;
  std::optional<Time> slot_;  ///< Booked for our next check.
  std::optional<Time> patience_ends_;
  std::optional<Time> nomination_due_;
  std::optional<PairId> nominating_;
  bool was_connected_ = false;
  Time updated_{};     ///< When the state was last looked at.
  Time last_check_{};  ///< When our last check left.

  PacketQueue output_;
  std::deque<Event> events_;
  Stats stats_;
};

}  // namespace floe::ice
