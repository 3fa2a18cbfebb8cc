#pragma once

#include <string>
#include <vector>

#include "floe/net/sim/nat.h"

// The two sides of a connection, and how each reaches the internet. Descriptions only: oracle.h
// says what must come of them, topology.h builds them.
namespace floe::nat_matrix {

/// One NAT in the words of RFC 4787 sections 4.1 and 5.
struct NatKind {
  net::sim::Behavior mapping = net::sim::Behavior::kEndpointIndependent;
  net::sim::Behavior filtering = net::sim::Behavior::kEndpointIndependent;
  friend bool operator==(const NatKind&, const NatKind&) = default;
};

/// What the firewall of a network lets out.
enum class Access {
  kAll,
  kNoUdp,        ///< TCP only.
  kOnlyPort443,  ///< TCP to port 443 only.
};

struct Side {
  std::string name;   ///< One word, for tests and files.
  std::string title;  ///< For people.
  std::string about;  ///< One sentence for people who do not know the title.
  bool ipv4 = true;   ///< It has an IPv4 address.
  /// Between it and the IPv4 internet, from the inside out.
  std::vector<NatKind> nats{};
  /// A NAT that gives the machine a whole public address, which the application advertises.
  bool one_to_one = false;
  Access access = Access::kAll;
  /// A global IPv6 address behind a firewall that lets in only answers.
  bool ipv6 = false;
  /// `nats` is the network's NAT64: beside it there is IPv6 alone.
  bool nat64 = false;
  /// The machine has the customer's side of 464XLAT, which gives it IPv4 addresses again.
  bool clat = false;
};

/// Every side of the matrix, in the order of its rows and columns.
const std::vector<Side>& sides();
/// The nine kinds of NAT of RFC 4787 among them.
const std::vector<Side>& rfc_4787_sides();

/// Where the two sides are to each other.
enum class Placement {
  kApart,         ///< Only the internet is between their networks.
  kSameLan,       ///< One LAN behind one NAT.
  kRoutedLans,    ///< Two LANs with a router between them, behind one NAT.
  kIsolatedLans,  ///< Two LANs that reach each other only by way of the NAT both are behind.
};

/// How the TURN server that both sides may use is reached.
enum class Turn {
  kNone,
  kUdp,
  kTcp,
  kTls,  ///< On port 443.
};

/// One field of the matrix. When the sides share a NAT, it is `alice`'s, and `bob` is the same.
struct Cell {
  Side alice;  ///< Offers, and controls.
  Side bob;
  Placement placement = Placement::kApart;
  bool hairpin = true;  ///< Whether the shared NAT does RFC 4787 section 6.
  Turn turn = Turn::kNone;
  int loss = 0;  ///< Percent of the packets on Alice's cable, each way.

  /// "MapPortFilterPort:Public:none:5": what FLOE_CELL in the environment takes.
  std::string name() const;
};

std::string_view to_string(Placement placement);
std::string_view to_string(Turn turn);

}  // namespace floe::nat_matrix
