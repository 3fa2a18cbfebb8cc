#include "tests/nat_matrix/oracle.h"

#include <algorithm>
#include <optional>

namespace floe::nat_matrix {
namespace {

using net::sim::Behavior;

/// All the boxes between a side and the place where its packets meet the peer's, taken as one.
struct Way {
  /// The address others see is not the machine's own.
  bool translated = false;
  Behavior mapping = Behavior::kEndpointIndependent;
  Behavior filtering = Behavior::kEndpointIndependent;
};

/// The address a STUN server saw is good for every destination.
bool is_stable(const Way& way) {
  return way.mapping == Behavior::kEndpointIndependent;
}

/// A packet from an unknown port of an address that was sent to comes in.
bool admits_other_ports(const Way& way) {
  return way.filtering != Behavior::kAddressAndPortDependent;
}

/// The way of IPv4 to the internet; nothing if UDP has none.
std::optional<Way> ipv4_way(const Side& side) {
  // A NAT64 leads to IPv4 who has no IPv4 address (RFC 6146): the side can send to IPv4 candidates
  // by their addresses under its prefix (RFC 7050), and is seen from an IPv4 address there.
  if ((!side.ipv4 && !side.nat64) || side.access != Access::kAll) return std::nullopt;
  Way way;
  // A 1:1 NAT translates, but what it shows is what the application advertises, for all
  // destinations and to everybody: to the peer that is a host.
  for (const NatKind& nat : side.nats) {
    way.translated = true;
    // NATs in a row depend on whatever one of them depends on: each sees a different endpoint
    // where an inner one or itself maps anew, and a packet comes in when all let it in. The
    // behaviors are nested (RFC 4787 sections 4.1 and 5), so the strictest one stands for all.
    way.mapping = std::max(way.mapping, nat.mapping);
    way.filtering = std::max(way.filtering, nat.filtering);
  }
  return way;
}

/// The way of IPv6: nothing is translated, and only answers come in, which is what address and port
/// dependent filtering is.
std::optional<Way> ipv6_way(const Side& side) {
  if (!side.ipv6 || side.access != Access::kAll) return std::nullopt;
  return Way{.filtering = Behavior::kAddressAndPortDependent};
}

/// Whether checks find a direct path between two ways, and which.
///
/// Each side is told of the other the addresses that its machine has and the one that a STUN server
/// saw. A check succeeds when request and response come through and the response comes from where
/// the request went (RFC 8445 section 7.2.5.2.1). A side answers a check that it gets with one of
/// its own to where that came from (section 7.3.1.4). Filters belong to mappings (RFC 4787 section
/// 5: "the NAT assigns a filtering rule for the mapping").
Path direct(const Way& a, const Way& b) {
  // Both know each other's true address, and both send: each packet permits the other side's,
  // whatever the filters look at. The first ones may be lost on a closed filter; checks repeat.
  if (is_stable(a) && is_stable(b)) {
    return a.translated || b.translated ? Path::kReflexive : Path::kHost;
  }
  // One is unstable: its packets to the peer leave from a port nobody has told the peer of. They
  // come from an address that the stable side has sent to, from another port. The stable side must
  // let that in: there is no other way for it to learn the port, since whatever it sends to the
  // address that it was told of is answered from the other port, which it does not see or which
  // makes the response asymmetric.
  if (is_stable(a)) return admits_other_ports(a) ? Path::kPeerReflexive : Path::kNone;
  if (is_stable(b)) return admits_other_ports(b) ? Path::kPeerReflexive : Path::kNone;
  // Both are unstable. What `a` sends goes to the address a STUN server saw of `b`. Behind that is
  // a mapping with which `b` has only ever sent to the STUN server: it must be open to everybody.
  // `b` then checks where that came from, and these checks come from another port of an address
  // that `a` has sent to: `a` must let them in. And if the mapping of both depends on the port,
  // each answer to a new port comes itself from a new port, for ever; one mapping per address is
  // enough to end that.
  const bool settles =
      a.mapping == Behavior::kAddressDependent || b.mapping == Behavior::kAddressDependent;
  const auto opens = [](const Way& open, const Way& other) {
    return open.filtering == Behavior::kEndpointIndependent && admits_other_ports(other);
  };
  return settles && (opens(a, b) || opens(b, a)) ? Path::kPeerReflexive : Path::kNone;
}

std::vector<Path> direct_apart(const Side& a, const Side& b) {
  std::vector<Path> paths;
  const auto add = [&paths](const std::optional<Way>& ours, const std::optional<Way>& theirs) {
    if (ours && theirs) paths.push_back(direct(*ours, *theirs));
  };
  // RFC 8445 section 6.1.2.2: candidates pair within their family.
  add(ipv6_way(a), ipv6_way(b));
  add(ipv4_way(a), ipv4_way(b));
  return paths;
}

std::vector<Path> direct_behind_one_nat(const Cell& cell) {
  std::vector<Path> paths;
  // On one LAN, or with a router between two, each reaches the other's own address. No NAT sees it.
  if (cell.placement != Placement::kIsolatedLans) paths.push_back(Path::kHost);
  // What they know of each other besides is outside of the NAT: packets have to be turned around
  // there (RFC 4787 section 6). When they are, with their external source (REQ-9a), and filtered
  // like others, the NAT is to each side what a NAT of its own would be.
  if (cell.hairpin) {
    const auto around = direct_apart(cell.alice, cell.bob);
    paths.insert(paths.end(), around.begin(), around.end());
  }
  return paths;
}

bool can_send_udp(const Side& side) {
  return side.access == Access::kAll;
}

/// Whether the side gets an allocation.
bool can_allocate(const Side& side, Turn turn) {
  switch (turn) {
    case Turn::kNone:
      return false;
    case Turn::kUdp:
      return can_send_udp(side);
    case Turn::kTcp:
      return side.access != Access::kOnlyPort443;
    case Turn::kTls:
      return true;
  }
  return false;
}

/// A relay has a public address for each family, whichever the client speaks to its server (RFC
/// 8656 section 7.1: ADDITIONAL-ADDRESS-FAMILY), and lets in whoever its client permits by address
/// (section 9). So it is reached by everybody who can send UDP, since their NATs show an address
/// that signalling told of; and by everybody who has a relay too.
bool relayed(const Side& a, const Side& b, Turn turn) {
  const bool a_allocates = can_allocate(a, turn);
  const bool b_allocates = can_allocate(b, turn);
  return (a_allocates && (b_allocates || can_send_udp(b))) || (b_allocates && can_send_udp(a));
}

}  // namespace

std::string_view to_string(Path path) {
  switch (path) {
    case Path::kHost:
      return "host";
    case Path::kReflexive:
      return "srflx";
    case Path::kPeerReflexive:
      return "prflx";
    case Path::kRelayed:
      return "relay";
    case Path::kNone:
      return "none";
  }
  return "";
}

std::vector<Path> possible(const Cell& cell) {
  std::vector<Path> paths = cell.placement == Placement::kApart ? direct_apart(cell.alice, cell.bob)
                                                                : direct_behind_one_nat(cell);
  if (relayed(cell.alice, cell.bob, cell.turn)) paths.push_back(Path::kRelayed);
  if (paths.empty()) paths.push_back(Path::kNone);
  // The order of RFC 8445 section 5.1.2.2, which prefers a host's own addresses to all others and
  // every direct path to a relay. Where both reflexive kinds work, the families differ.
  std::ranges::sort(paths);
  if (paths.front() != Path::kNone) std::erase(paths, Path::kNone);
  return paths;
}

bool admits(const Cell& cell, Path path) {
  const std::vector<Path> paths = possible(cell);
  if (path == paths.front()) return true;
  return cell.loss > 0 && path < Path::kRelayed && std::ranges::find(paths, path) != paths.end();
}

}  // namespace floe::nat_matrix
