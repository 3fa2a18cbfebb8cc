#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
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
#include "floe/ice/nomination.h"
#include "floe/ice/packet_queue.h"
#include "floe/ice/policy.h"
#include "floe/ice/timeline.h"
#include "floe/net/datagram.h"
#include "floe/net/nat64_prefix.h"
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

/// An ICE agent for one data stream with one component (everything is multiplexed), as an engine:
/// it is told the time and handed packets; it is asked for packets, timers and events.
/// `ice::Transport` drives one over a network.
///
/// Its code stands in files by phase: agent.cc (pairs), agent_gathering.cc (our candidates),
/// agent_packets.cc (packets and time), agent_checks.cc (what we send), agent_requests.cc (checks
/// that come in), agent_responses.cc (answers to ours), agent_state.cc (path and states),
/// agent_restart.cc (generations), agent_names.cc (names in the place of addresses),
/// agent_surroundings.cc (NAT64, mapped ports).
class Agent {
 public:
  struct Config {
    Role role = Role::kControlling;
    /// Generated when absent.
    std::optional<Credentials> credentials;
    std::optional<std::uint64_t> tie_breaker;
    /// An ICE-lite agent (RFC 8445 section 2.5) answers checks and sends none. For hosts that
    /// everybody can reach.
    bool lite = false;
    Policy policy = Policy::kAll;
    /// True for the addresses of the peer to talk to; all when empty. Others are not checked, and
    /// checks from there are not answered.
    std::function<bool(const net::Endpoint&)> remote_filter{};
    Nomination nomination = Nomination::kRegular;
    Nominator::Timing acceptance;
    Nominator::Renomination renomination;
    /// Nominations by the peer that come within this time after its first are those of an
    /// aggressive agent, of which the best pair wins; later ones mean that it moves.
    Duration settling = std::chrono::seconds(5);
    /// After a restart has a nominated pair, packets on the old generation's pairs are taken and
    /// answered for this long (RFC 8445 section 8.3.1).
    Duration linger = std::chrono::seconds(3);
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
    /// Candidates of the peer's with names under ".local" are used once their address is found:
    /// the driver is asked for it. Otherwise they are ignored (RFC 8839 section 5.1). Names are
    /// never looked up with `Policy::kRelay`, since that would tell of us.
    bool resolve_names = false;
    /// How long that may take.
    Duration resolve_timeout = std::chrono::seconds(10);
  };
  /// Names looked for at once. A browser signals one for each of its addresses, each with a
  /// candidate or two.
  static constexpr std::size_t kMaxNamedCandidates = 32;

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
    std::uint64_t selected_pair_changes = 0;
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
    std::uint64_t dropped_by_policy = 0;    ///< Checks at an address the policy does not use.
    std::uint64_t own_checks = 0;           ///< Our own, come back: somebody reflects them.
    std::uint64_t own_addresses = 0;        ///< Pairs not formed because they lead to ourselves.
    std::uint64_t old_generation = 0;       ///< Checks for the generation before the restart.
    std::uint64_t consent_refused = 0;      ///< Checks answered 403 (`revoke_consent`).
    std::uint64_t consent_revoked = 0;      ///< 403 answers of the peer.
    std::uint64_t failovers = 0;            ///< A dead path gave way to another valid pair.
    std::uint64_t nominations_ignored = 0;  ///< Renominations that are not newer than the last.
    std::uint64_t remote_candidates_refused = 0;
    std::uint64_t events_dropped = 0;  ///< Nobody polled for them.
    std::uint64_t pairs_dropped = 0;   ///< Peer-reflexive ones there was no room for.
    std::uint64_t pairs_pruned = 0;    ///< By the checklist's limit.
    std::uint64_t stun_bytes_received = 0;
    std::uint64_t stun_bytes_sent = 0;
    Gatherer::Stats gathering;
  };

  /// `random` and `pacer` must outlive the agent.
  Agent(Config config, Random& random, net::Pacer& pacer);

  const Credentials& local_credentials() const { return current_.local; }
  const std::optional<Credentials>& remote_credentials() const { return current_.remote; }
  Role role() const { return role_; }
  State state() const { return state_; }
  GatheringState gathering_state() const { return gathering_state_; }
  Stats stats() const;

  /// The roles follow from who offered (RFC 8445 section 6.1.1). May change until checks begin.
  void set_role(Role role);

  // --- Local side (RFC 8445 section 5.1) ---

  /// The peer said it is lite (or full): then we control (RFC 8445 section 6.1.1). Before its
  /// credentials are set.
  void set_remote_lite(bool lite);
  bool remote_lite() const { return remote_lite_; }

  // --- Generations (RFC 8445 section 9) ---

  /// Begins a new ICE generation with new credentials: gathers anew and waits for the peer's new
  /// credentials. Roles are kept. The path stays in use, and its consent is kept, until the new
  /// generation has a nominated pair. The side that is told of the peer's restart calls it too,
  /// before it sets the peer's new credentials. Errors: kClosed; kInvalidArgument for credentials
  /// that are illegal or not new.
  [[nodiscard]] Result<> restart(Time now, std::optional<Credentials> credentials = std::nullopt);
  /// True while the generation before the last restart still carries data or is still listened to.
  bool keeps_previous_generation() const { return previous_.has_value(); }

  /// The servers, and which paths may be used, from the next gathering on: that of `gather`, or
  /// else of `restart`. Until then nothing changes. A server that stays keeps its allocations;
  /// those on another end with the generation that uses them.
  void set_servers(std::vector<Server> servers);
  void set_policy(Policy policy);
  /// Of the next gathering; `policy()` is that of the present generation.
  Policy next_policy() const { return config_.policy; }

  /// Starts gathering on `sockets`: their addresses become host candidates at once, and every
  /// server is asked from each of them.
  void gather(Time now, std::span<const LocalSocket> sockets);
  /// Gathers anew, with the servers and the policy set last, in the same generation: what was found
  /// is forgotten, the credentials stay. Only as long as nobody was told of it: nothing happens
  /// once the peer's credentials are set.
  void gather_again(Time now);
  /// Sockets on addresses that came later: they give candidates too, and the servers are asked from
  /// them. `gathering_state` stays what it is: it tells of the first round only.
  void add_sockets(Time now, std::span<const LocalSocket> sockets);
  /// The socket is gone (its interface vanished, its stream ended): its candidates are withdrawn
  /// and their pairs fail; another valid pair takes the path over if there is one.
  void remove_socket(Time now, net::SocketId socket);
  /// Withdraws one local candidate: the pairs that use it fail. Nothing happens if `endpoint` is
  /// no candidate of ours.
  void invalidate(Time now, CandidateType type, const net::Endpoint& endpoint);
  /// The answers to `LookUp`.
  void set_server_addresses(Time now, ServerId server, std::span<const net::Address> addresses);
  void set_server_failed(Time now, ServerId server, const Error& error);
  /// What the driver is to do; each `Dial` ends in one of the two calls below, the second also when
  /// a connection that was made has ended.
  std::optional<NetworkRequest> poll_network_request();
  void handle_dialed(Time now, DialId id, net::SocketId socket);
  void handle_dial_failed(Time now, DialId id, const Error& error);
  /// A peer has connected to the TCP candidate on `local`, and its first packet was a check for us.
  /// False if the connection is to be closed.
  bool handle_accepted(Time now, const net::Endpoint& local, net::SocketId stream,
                       const net::Endpoint& remote);
  /// A connection that was accepted has ended.
  void handle_stream_closed(Time now, net::SocketId stream, const Error& error);
  /// The name told in the place of a socket's address is another one from now on; empty: there is
  /// none any more.
  void set_name(Time now, net::SocketId socket, const std::string& name);
  /// What became of asking a router to map a socket's port: the endpoint that the peer can reach it
  /// at. May be called again, when the router has another one; nothing when there is none, or no
  /// longer.
  void set_mapping(Time now, net::SocketId socket, const std::optional<net::Endpoint>& external);
  /// The answer to `DiscoverNat64`.
  void set_nat64_prefix(Time now, const std::optional<net::Nat64Prefix>& prefix);
  const std::vector<LocalCandidate>& local_candidates() const { return current_.locals; }

  // --- Remote side ---

  /// Errors: kInvalidArgument (RFC 8839 section 5.4), kInvalidState when other credentials are set
  /// already, or when they are our own: signalling reflects.
  [[nodiscard]] Result<> set_remote_credentials(Time now, const Credentials& credentials);
  /// Errors: kInvalidArgument for an address nobody can be reached at or a candidate of another
  /// generation, kUnsupported for names that are not resolved, kLimitExceeded.
  [[nodiscard]] Result<> add_remote_candidate(Time now, const Candidate& candidate);
  /// The answer to `Resolve`. An answer that nobody waits for any more is ignored.
  void set_resolved(Time now, NameId id, const Result<std::vector<net::Address>>& addresses);
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
  /// The same, and writes what TURN servers are to be told into `batch`: that their allocations
  /// end. It is said once and not waited for; what gets lost ends when its lifetime does.
  void close(Time now, net::SendBatch& batch);

  // --- The path ---

  /// Moves the path to another valid pair (see `Nominator::Renomination`). Errors: kInvalidState
  /// when renomination is off, the agent is controlled, or the pair is not valid (any more).
  [[nodiscard]] Result<> renominate(Time now, PairId pair);
  /// The peer may not send here any more: the state becomes failed, and its checks are answered 403
  /// (RFC 7675 section 5.2) until the next restart.
  void revoke_consent(Time now);

  /// Where data may go now; nothing without a valid pair and the peer's consent.
  std::optional<net::Route> route() const;
  /// Packets of the layer above have left on `route()`; for the pair's counters.
  void count_sent(Time now, std::size_t packets, std::size_t bytes);
  const CandidatePair* selected_pair() const { return carrier().path_pair(); }
  const CheckList::Pairs& pairs() const { return current_.check_list.pairs(); }
  /// The last round trip measured on the path, if any.
  std::optional<Duration> round_trip() const;
  /// When something of the peer's last came over the path, a check or data.
  Time last_heard() const { return carrier().consent.heard(); }
  /// What happened and when.
  const Timeline& timeline() const { return timeline_; }

  // --- For reports ---
  /// Of the present generation.
  Policy policy() const { return current_.policy; }
  const Gatherer& gatherer() const { return gatherer_; }
  const std::vector<UnusedCandidate>& unused_remote_candidates() const {
    return current_.unused_remotes;
  }
  bool remote_end_of_candidates() const { return current_.remote_end_of_candidates; }
  /// A path has carried, or could have carried, data in this generation.
  bool was_connected() const { return was_connected_; }
  /// `revoke_consent` was called, and no restart since.
  bool has_revoked_consent() const { return revoked_; }

 private:
  /// Events kept for `poll_event`. An agent that gathers everything it may makes about 400.
  static constexpr std::size_t kMaxEvents = 1024;

  /// A check whose remaining steps wait for the peer's credentials (RFC 8445 section 7.3).
  struct EarlyCheck {
    net::SocketId socket;
    net::Endpoint source;
    std::uint32_t priority;
    bool use_candidate;
    std::optional<std::uint32_t> nomination;
    std::string remote_ufrag;
    std::string former_ufrag;  ///< How it called us, if that was not by the present fragment.
  };

  // agent_gathering.cc
  void drain_gatherer();
  void take_local(LocalCandidate candidate);
  void withdraw_base(net::SocketId socket, const std::string& why);
  void check_again(net::SocketId base, const net::Endpoint& peer);
  void fail_way(net::SocketId base, const net::Endpoint& peer, const std::string& why);
  /// How a packet from a base of ours gets to `destination`: the socket it really leaves from, the
  /// address it really goes to, and what stands before it. Nothing when there is no way any more.
  std::optional<net::Route> route_to(net::SocketId socket, const net::Endpoint& destination) const;

  // agent_names.cc
  Result<> take_name(const Candidate& candidate);
  void expire_names(Time now);
  void drop_name(const Candidate& candidate, const std::string& why);
  bool is_within_reach(const Candidate& candidate);

  // agent_surroundings.cc
  void retire(net::SocketId socket, const net::Endpoint& mapped);
  std::optional<net::Endpoint> destination_for(const LocalCandidate& local,
                                               const Candidate& remote) const;
  net::Endpoint as_signalled(const net::Endpoint& source) const;

  // agent.cc
  Result<> take_remote(const Candidate& candidate);
  tl::unexpected<Error> refuse(const Candidate& candidate, Errc code, std::string_view why);
  void withdraw(Generation& generation, std::uint32_t local, std::string_view why);
  void add_pair(std::uint32_t local, std::uint32_t remote);
  void pair_with_remotes(std::uint32_t local);
  void pair_with_locals(std::uint32_t remote);
  CandidatePair make_pair(std::uint32_t local, std::uint32_t remote) const;
  bool can_pair(const LocalCandidate& local, const Candidate& remote);
  void switch_role(Role role);

  // agent_packets.cc
  /// The one way out for every packet of the agent itself.
  void send(net::SocketId socket, const net::Endpoint& destination, Bytes packet);
  Verdict handle_data(Time now, const net::Datagram& datagram);
  void handle_indication(Time now, const net::Datagram& datagram);
  void emit(Event event);
  void note(Timeline::Topic topic, std::string text, PairId pair = PairId{0});

  // agent_state.cc
  void start_checking(Time now);
  void after_change(Time now);
  void update_path(Time now, Generation& generation);
  void choose_locally(Time now);
  bool fail_over(Time now, Generation& generation);
  void expire_consent(Time now, Generation& generation);
  void announce_path();
  void update_state(Time now);
  void set_state(State state);
  /// The generation whose path carries data.
  const Generation& carrier() const;
  Generation& carrier() { return const_cast<Generation&>(std::as_const(*this).carrier()); }
  Consent::Mode consent_mode() const;

  // agent_checks.cc
  void book_slot(Time now);
  void perform_check(Time now);
  void send_check(Time now, CandidatePair& pair);
  void send_consent_request(Time now, Generation& generation, CandidatePair& pair);
  void watch_path(Time now, Generation& generation);
  void keep_spares(Time now);
  Time next_spare() const;
  void transmit(Time now, const Generation& generation, const Check& check, CandidatePair& pair);
  void expire_check(Time now, const Check& check);
  void consider_nomination(Time now);
  void consider_moving(Time now, const CandidatePair& nominated);
  void nominate(CandidatePair& pair);
  bool candidates_may_come() const;
  bool peer_may_come_directly() const;
  void demote(CandidatePair& pair, std::string_view why);
  void fail_pair(Time now, Generation& generation, CandidatePair& pair, std::string why);
  std::uint32_t prflx_priority(const Generation& generation, const CandidatePair& pair) const;

  // agent_requests.cc
  void handle_request(Time now, const stun::Message& message, const net::Datagram& datagram);
  void handle_old_request(Time now, const stun::Message& message, const net::Datagram& datagram);
  bool authenticate(const stun::Message& message, const net::Datagram& datagram,
                    const Generation& generation, std::string_view pwd);
  bool resolve_role_conflict(const stun::Message& message, const net::Datagram& datagram,
                             std::string_view pwd);
  void keep_early_check(const EarlyCheck& check);
  CandidatePair* pair_for(const EarlyCheck& check);
  void learn_from_check(Time now, const EarlyCheck& check);
  void take_nomination(Time now, Generation& generation, CandidatePair& pair,
                       std::optional<std::uint32_t> value);
  void replay_early_checks(Time now);
  void reply_success(const stun::Message& request, const net::Datagram& datagram,
                     std::string_view pwd);
  void reply_error(const stun::Message& request, const net::Datagram& datagram,
                   std::string_view pwd, std::uint16_t code, std::string_view reason,
                   std::span<const stun::AttributeType> unknown = {});

  // agent_responses.cc
  void handle_response(Time now, const stun::Message& message, const net::Datagram& datagram);
  void handle_success(Time now, Generation& generation, const Check& check, CandidatePair& pair,
                      const net::Endpoint& mapped);
  void handle_error(Time now, Generation& generation, const Check& check, CandidatePair& pair,
                    std::uint16_t code, std::string_view reason);
  void lose_consent(Time now, Generation& generation);
  /// Makes `pair` the one nominated last, or one of several if nomination is still under way.
  void set_nominated(Time now, Generation& generation, CandidatePair& pair,
                     std::optional<std::uint32_t> value);
  std::uint32_t local_candidate_for(Generation& generation, const CandidatePair& pair,
                                    const net::Endpoint& mapped, std::uint32_t priority);

  // agent_restart.cc
  Generation* generation_of(PairId pair);
  /// Ours with this fragment: the present ones, the previous generation's, or the former ones.
  const Credentials* credentials_of(std::string_view local_ufrag) const;
  void forget_events_of_the_old_generation();
  void retire_previous(Time now);
  void drop_previous();
  void release_replaced_servers(Time now);

  Config config_;
  Random& random_;
  net::Pacer& pacer_;
  Role role_;
  std::uint64_t tie_breaker_;
  Gatherer gatherer_;
  Generation current_;
  /// The generation before the last restart, while it is of use.
  std::optional<Generation> previous_;
  std::optional<Time> previous_ends_;
  std::optional<Credentials> former_;  ///< Those of before the last restart, see `handle_request`.
  ConnectivityChecks checks_;
  Nominator nominator_;
  std::vector<EarlyCheck> early_checks_;

  State state_ = State::kNew;
  GatheringState gathering_state_ = GatheringState::kNew;
  std::optional<Time> slot_;  ///< Booked for our next check.
  std::optional<Time> patience_ends_;
  /// The path's local address has gone: until then another one may come (a Wi-Fi that is changed).
  Time reprieve_ends_{};
  std::optional<Time> nomination_due_;
  std::optional<PairId> nominating_;
  std::uint32_t nominating_value_ = 0;
  bool remote_lite_ = false;
  bool revoked_ = false;
  bool was_connected_ = false;  ///< In this generation.
  /// The path the application was told of last.
  std::optional<PairId> told_path_;
  bool told_nominated_ = false;
  std::deque<Resolve> resolves_;  ///< At most kMaxNamedCandidates and those of a restart before.
  std::uint32_t last_name_ = 0;
  Time now_{};         ///< The time the agent was told last.
  Time last_check_{};  ///< When our last check left.

  PacketQueue output_;
  std::deque<Event> events_;
  Timeline timeline_;
  Stats stats_;
};

}  // namespace floe::ice
