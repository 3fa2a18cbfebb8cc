#pragma once

#include <deque>
#include <optional>
#include <string>
#include <variant>

#include "floe/core/result.h"
#include "floe/net/datagram.h"
#include "floe/port_mapping/nat_pmp_client.h"
#include "floe/port_mapping/pcp_client.h"
#include "floe/port_mapping/upnp_client.h"

namespace floe::port_mapping {

/// Gets one port mapped by one router, in whatever way it knows. An engine.
///
/// All three are asked at once, but only one makes a mapping, as routers that know several keep
/// them in one table, where taking the second back would take the first. PCP maps with its first
/// request; the others begin with a question that changes nothing, and map when a better one has
/// failed or has been silent for a moment.
class Mapper {
 public:
  /// How long a NAT-PMP that answers waits for PCP, whose first request may have been lost.
  static constexpr Duration kPcpGrace = std::chrono::milliseconds(300);
  /// From the start, how long UPnP waits for the others.
  static constexpr Duration kUpnpPatience = std::chrono::seconds(1);

  struct Methods {
    bool pcp = true;
    bool nat_pmp = true;
    bool upnp = true;
  };

  struct Configuration {
    Request request;
    net::Address router;
    /// Bound to the internal address; one for PCP and NAT-PMP, one for searches.
    net::SocketId socket = net::kNoSocket;
    net::SocketId search_socket = net::kNoSocket;
    Methods methods{};
  };

  /// The mapping is there, or its external endpoint is another one from now on.
  struct Mapped {
    Method method;
    Lease lease;
  };
  /// There is none, or it is lost; the mapper has ended.
  struct Failed {
    Error error;
  };
  using Event = std::variant<Mapped, Failed>;

  struct Stats {
    std::uint64_t dropped_other_source = 0;
    std::uint64_t dropped_malformed = 0;
  };

  /// `random` must outlive it.
  Mapper(const Configuration& configuration, Random& random);

  void start(Time now);
  /// Takes the mapping back; no more events.
  void release(Time now);
  /// Nothing more is to be sent.
  bool released() const;

  void handle_packet(Time now, const net::Datagram& datagram);
  /// What a router said to 224.0.0.1.
  void handle_announcement(Time now, const net::Datagram& datagram);
  void poll_transmit(Time now, net::SendBatch& batch);
  std::optional<HttpRequest> poll_request() { return upnp_.poll_request(); }
  void handle_response(Time now, Result<HttpResponse> response);
  Time next_timeout() const;
  void handle_timeout(Time now);
  std::optional<Event> poll_event();
  const Stats& stats() const { return stats_; }

 private:
  struct Outlook {  ///< What the chosen method says.
    bool failed;
    const std::optional<Lease>& lease;
    const std::string& error;
  };

  void consider(Time now);
  void choose(Time now);
  void follow_chosen(Time now);
  void fail_all();
  Outlook outlook(Method method) const;
  Time decision_at() const;

  Configuration configuration_;
  PcpClient pcp_;
  NatPmpClient nat_pmp_;
  UpnpClient upnp_;
  bool started_ = false;
  bool ended_ = false;
  bool releasing_ = false;
  Time started_at_{};
  std::optional<Time> nat_pmp_ready_at_;
  std::optional<Method> chosen_;
  std::optional<Lease> told_;
  std::deque<Event> events_;
  Stats stats_;
};

}  // namespace floe::port_mapping
