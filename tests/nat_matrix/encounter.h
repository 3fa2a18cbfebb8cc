#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "floe/ice/transport.h"
#include "tests/nat_matrix/oracle.h"
#include "tests/nat_matrix/topology.h"

namespace floe::nat_matrix {

/// One end of an encounter: an ICE transport and what its application saw.
struct End {
  std::unique_ptr<ice::Transport> ice;
  std::vector<ice::Candidate> gathered;
  std::vector<std::string> log;
  /// The numbers of the peer's packets, in the order they came.
  std::vector<std::uint32_t> received;
  bool was_connected = false;

  bool is_connected() const {
    return ice->state() == ice::State::kConnected || ice->state() == ice::State::kCompleted;
  }
};

/// What happened in one cell on one seed.
struct Seen {
  Path path = Path::kNone;
  Duration to_connect{};      ///< From the offer's beginning until both sides were connected.
  std::uint64_t packets = 0;  ///< That both machines sent until then.
  /// What else was wrong, in a sentence; empty if nothing was.
  std::string complaint;
};

/// Two ICE transports, which signal their candidates as they find them and exchange numbered
/// packets when they are connected.
class Encounter {
 public:
  /// One way; signalling goes by a server too.
  static constexpr Duration kSignaling = Topology::kRoundTrip / 2;
  /// How many packets each side sends once both are connected, and how far apart.
  static constexpr std::uint32_t kPackets = 20;
  static constexpr Duration kBetweenPackets = std::chrono::milliseconds(20);
  /// Nothing gets better later: all checks have been answered or given up.
  static constexpr Duration kPatience = std::chrono::minutes(1);

  Encounter(const Cell& cell, std::uint64_t seed);
  ~Encounter();

  Seen run();
  /// Both sides' states, candidates and pairs, for people.
  std::string describe() const;

 private:
  void create(End& end, End& peer, const Place& place, ice::Role role);
  void offer();
  void answer();
  void exchange_packets();
  bool connected() const { return alice_.is_connected() && bob_.is_connected(); }
  bool settled() const;
  Path path() const;
  std::string complain(Path path) const;

  Cell cell_;
  Topology topology_;
  net::sim::World& world_;
  End alice_;
  End bob_;
};

}  // namespace floe::nat_matrix
