#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "floe/core/random.h"
#include "floe/core/time.h"
#include "floe/net/datagram.h"
#include "floe/net/send_batch.h"
#include "floe/stun_client/message.h"
#include "floe/stun_client/nat_report.h"
#include "floe/stun_client/transaction.h"

namespace floe::stun {

/// Finds out how the NATs and firewalls on the way to a STUN server behave (RFC 5780). An engine:
/// its driver owns the sockets, which must be fresh, since a port that was used before has state in
/// the NAT that the tests would measure instead (section 4.1).
///
/// Mapping and filtering want a server with two addresses, which says so by OTHER-ADDRESS. With any
/// other server a second one can at least tell whether the mapping is endpoint independent.
class NatDiscovery {
 public:
  /// What each socket is for. They are apart because each test must not see what another one has
  /// opened.
  enum class Role : std::uint8_t { kMapping, kFiltering, kLifetime, kControl };
  static constexpr std::size_t kSockets = 4;
  /// RFC 5780 section 5: at most ten new transactions per second.
  static constexpr Duration kPace = std::chrono::milliseconds(100);
  /// Times the lifetime is tried at most. The search for one in ten minutes to within five seconds
  /// takes eight; a NAT that contradicts itself may cost a few more.
  static constexpr unsigned kMaxLifetimeTrials = 16;
  /// RFC 5780 section 7.6: the MTU, rounded up; together with the headers more than an Ethernet
  /// frame, so that it must be fragmented.
  static constexpr std::size_t kPadding = 1'500;

  struct Configuration {
    net::Endpoint server{};
    /// Asked when `server` has no second address: another server's.
    std::optional<net::Endpoint> second_server{};
    std::vector<NatTest> tests{NatTest::kMapping, NatTest::kFiltering, NatTest::kHairpinning};
    /// Of each request. "No answer" is a result here, so it should not take for ever: 7 requests in
    /// 7 s; at 20 % loss each way one in a thousand goes unanswered.
    TransactionTimes times{std::chrono::milliseconds(100), 7, 8};
    Duration lifetime_max = std::chrono::minutes(10);  ///< The longest silence that is tried.
    Duration lifetime_precision = std::chrono::seconds(5);
    /// The machine's own, for telling "no NAT" when the sockets are bound to the wildcard.
    std::vector<net::Address> own_addresses{};
  };

  struct LocalSocket {
    net::SocketId id = net::kNoSocket;
    net::Endpoint local;
  };

  /// A test has ended; `report()` says how.
  struct Concluded {
    NatTest test;
  };

  struct Stats {
    std::uint64_t requests_sent = 0;
    std::uint64_t responses = 0;
    std::uint64_t dropped_malformed = 0;
    std::uint64_t dropped_other_source = 0;  ///< Not from where the response was asked from.
    std::uint64_t dropped_unexpected = 0;    ///< STUN that belongs to no request of ours.
  };

  /// `sockets` in the order of `Role`. `random` must outlive it.
  NatDiscovery(Configuration configuration, const std::array<LocalSocket, kSockets>& sockets,
               Random& random);

  void start(Time now);
  /// Every test has ended.
  bool done() const { return started_ && exchanges_.empty() && probe_at_ == kNever; }
  const NatReport& report() const { return report_; }

  /// True if it was STUN for one of the sockets.
  bool handle_packet(Time now, const net::Datagram& datagram);
  void handle_send_failure(Time now, const net::Route& route, const Error& error);
  void poll_transmit(Time now, net::SendBatch& batch);
  Time next_timeout() const;
  void handle_timeout(Time now);
  std::optional<Concluded> poll_event();
  const Stats& stats() const { return stats_; }

 private:
  enum class Step : std::uint8_t {
    kReach,           ///< Test I of sections 4.3 and 4.4.
    kMappingAddress,  ///< 4.3 test II
    kMappingPort,     ///< 4.3 test III
    kMappingSecond,   ///< Another server, for want of a second address.
    kFilteringReach,  ///< 4.4 test I, from the socket that the filter is tested on.
    kFilteringBoth,   ///< 4.4 test II
    kFilteringPort,   ///< 4.4 test III
    kControlReach,    ///< The address of the second socket.
    kHairpinThere,    ///< 3.4, from the control socket to the mapping socket's outside
    kHairpinBack,     ///< and the other way, which opens the filters for it.
    kFragments,       ///< 3.5
    kLifetimeOpen,    ///< 4.6, from port X
    kLifetimeProbe,   ///< 4.6, from port Y, to be answered to X
  };
  struct Request {
    Step step;
    Role from;
    net::Endpoint to;
    net::Endpoint answer_from;
    ChangeRequest change{};
    std::optional<std::uint16_t> response_port{};
    bool padding = false;
  };
  struct Exchange {
    Request request;
    Time starts;
    std::optional<Transaction> transaction{};  ///< From `starts` on.
    std::optional<Error> failure{};            ///< The system would not send it.
  };
  struct Answer {
    bool success = false;
    std::optional<net::Endpoint> mapped;
    std::optional<net::Endpoint> plain_mapped;
    std::optional<net::Endpoint> other;
    ErrorCode error;
    Role at = Role::kMapping;  ///< The socket it arrived at.
  };

  bool wants(NatTest test) const;
  const LocalSocket& socket(Role role) const { return sockets_[static_cast<std::size_t>(role)]; }
  void ask(Time now, Request request);
  void ask_server(Time now, Step step, Role from, ChangeRequest change = {});
  void begin(Time now, Exchange& exchange);
  void take_hairpinned(Time now, const Message& request, Role at, const net::Endpoint& source);
  /// Ends the exchange at `index`; nullptr: no answer came.
  void conclude(Time now, std::size_t index, const Answer* answer);

  void conclude_reach(Time now, const Answer* answer, const std::string& trouble);
  void consider_second_address(Time now, const Answer& answer);
  void conclude_mapping(Time now, Step step, const Answer* answer, const std::string& trouble);
  void conclude_filtering(Time now, Step step, const Answer* answer, const std::string& trouble);
  void conclude_control(Time now, const Answer* answer, const std::string& trouble);
  void conclude_fragments(const Answer* answer, const std::string& trouble);
  void conclude_lifetime(Time now, Step step, const Answer* answer, const std::string& trouble);
  void try_next_lifetime(Time now);
  void end(NatTest test);
  void give_up(NatTest test, std::string why);
  bool is_own(const net::Endpoint& mapped) const;

  Configuration configuration_;
  std::array<LocalSocket, kSockets> sockets_;
  Random& random_;
  NatReport report_;
  bool started_ = false;
  Time next_start_{};
  std::vector<Exchange> exchanges_;  ///< At most one for each step.
  std::deque<Concluded> events_;

  std::optional<net::Endpoint> mapped_address_;  ///< What test II of the mapping said.
  std::optional<bool> answered_both_;            ///< Filtering, test II.
  std::optional<bool> answered_port_;            ///< Filtering, test III.
  std::optional<net::Endpoint> control_mapped_;

  Time opened_at_{};                 ///< The last packet of port X.
  std::uint16_t lifetime_port_ = 0;  ///< Port X on the outside.
  Duration silence_{};               ///< How long X is silent in this trial.
  Duration lifetime_low_{};
  Duration lifetime_high_{};
  unsigned lifetime_trials_ = 0;
  Time probe_at_ = kNever;
  Stats stats_;
};

}  // namespace floe::stun
