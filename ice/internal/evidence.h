#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "floe/ice/report.h"

namespace floe::ice {

/// What the rules of the diagnosis ask of a report.
class Evidence {
 public:
  struct Attempt {
    const ServerRecord* server;
    const ServerAttempt* attempt;
  };

  explicit Evidence(const Report& report) : report(report) {}

  const Report& report;

  // --- Servers ---
  std::vector<Attempt> attempts() const;
  /// Something came from the server, be it a refusal.
  static bool heard(const Attempt& attempt);
  static bool silent(const Attempt& attempt);
  static bool over_udp(const ServerRecord& server) { return !is_stream(server.transport); }
  /// Some server of this kind gave what it is for. Every TURN server is a STUN server, too.
  bool works(Server::Kind kind) const;

  // --- Our addresses ---
  bool has_local(CandidateType type) const;
  bool has_remote(CandidateType type) const;
  bool has_relay() const;  ///< On either side.
  bool local_family(net::Family family) const;
  bool remote_family(net::Family family) const;

  struct Mappings {
    net::Endpoint local;
    net::Endpoint first;
    net::Endpoint second;
  };
  /// Two servers saw the same socket: at different addresses, or at the same one.
  std::optional<Mappings> varying_mapping() const { return mappings(true); }
  std::optional<Mappings> steady_mapping() const { return mappings(false); }

  // --- Pairs ---
  bool is_relayed(const CandidatePair& pair) const;
  static bool heard_of_peer(const CandidatePair& pair) {
    return pair.requests_received + pair.responses_received + pair.errors_received > 0;
  }
  std::size_t count_pairs(const std::function<bool(const CandidatePair&)>& which) const;
  bool all_pairs_failed() const;
  /// A check or an answer of the peer has come.
  bool heard_of_peer() const;
  /// Not through a relay, and not over TCP.
  bool heard_of_peer_over_udp() const;

 private:
  std::optional<Mappings> mappings(bool different) const;
};

/// "a, b and 3 more", each text once.
std::string list(std::vector<std::string> texts);
/// "1 server", "3 servers"
std::string count(std::uint64_t number, std::string_view what);
/// "12.345 s"
std::string seconds(Duration duration);
/// Without control characters: what others wrote must not steer a terminal.
std::string printable(std::string_view text);
/// "UDP", "TURN over TLS": how it is asked.
std::string name_of(ServerTransport transport);

}  // namespace floe::ice
