#pragma once

#include <functional>
#include <string>
#include <vector>

#include "floe/core/random.h"
#include "tests/nat_matrix/topology.h"

namespace floe::nat_matrix {

/// What goes wrong in real networks, and always ends.
enum class TroubleKind {
  kCableCut,            ///< No packet passes, and nobody is told.
  kCableBad,            ///< Loss, delay, jitter, reordering and duplicates.
  kNatForgets,          ///< All mappings are gone: the next packets have new ports.
  kNatReboots,          ///< It is away for a while and comes back with another address.
  kFirewallForgets,     ///< All flows are closed.
  kInterfaceVanishes,   ///< It goes down and comes back with the same address.
  kInterfaceRenumbers,  ///< It goes down and comes back with another address.
  kMachineSleeps,
  kServersRestart,  ///< They are away for a while and come back knowing nothing.
  kServersLie,
  kSignalingSlow,
};

struct Trouble {
  TroubleKind kind{};
  bool alice = true;    ///< Whose, where it is somebody's.
  std::size_t box = 0;  ///< Which NAT or firewall, from the inside out.
  Duration begins{};    ///< After the start.
  Duration lasts{};
  net::sim::LinkOptions cable{};  ///< Of a bad cable.
  Conduct conduct{};              ///< Of lying servers.
  Duration delay{};               ///< Of slow signalling.

  std::string to_string() const;
};

/// Everything that goes wrong during one run, in the order it begins. All of it has ended when
/// `kDuration` has passed.
struct Troubles {
  static constexpr Duration kDuration = std::chrono::seconds(60);
  static constexpr std::size_t kMost = 8;

  static Troubles draw(Random& random, const Cell& cell);

  std::vector<Trouble> list;
};

/// Lets troubles come over a topology, each at its time, and takes them back.
class Mischief {
 public:
  /// All must outlive the world's running. `note` is told of each beginning and end.
  Mischief(Topology& topology, std::function<void(const std::string&)> note);

  void plan(const Troubles& troubles);
  /// How long a signalling message takes that is sent now.
  Duration signaling_delay() const;

 private:
  void begin(const Trouble& trouble);
  void end(const Trouble& trouble);
  Place& place(const Trouble& trouble) { return trouble.alice ? topology_.alice : topology_.bob; }
  net::sim::Nat& nat(const Trouble& trouble);
  void set_cable(bool alice);
  void set_servers();

  Topology& topology_;
  std::function<void(const std::string&)> note_;
  net::sim::LinkOptions good_alice_;
  net::sim::LinkOptions good_bob_;
  std::vector<Trouble> under_way_;
};

}  // namespace floe::nat_matrix
