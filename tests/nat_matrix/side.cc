#include "tests/nat_matrix/side.h"

#include <array>

namespace floe::nat_matrix {
namespace {

using net::sim::Behavior;

constexpr std::array kBehaviors = {Behavior::kEndpointIndependent, Behavior::kAddressDependent,
                                   Behavior::kAddressAndPortDependent};

std::string_view word(Behavior behavior) {
  switch (behavior) {
    case Behavior::kEndpointIndependent:
      return "Independent";
    case Behavior::kAddressDependent:
      return "Address";
    case Behavior::kAddressAndPortDependent:
      return "Port";
  }
  return "";
}

/// Which packets the behavior treats alike, in the least room.
std::string_view sign(Behavior behavior) {
  switch (behavior) {
    case Behavior::kEndpointIndependent:
      return "any";
    case Behavior::kAddressDependent:
      return "addr";
    case Behavior::kAddressAndPortDependent:
      return "port";
  }
  return "";
}

/// What people call it in the words of RFC 3489, where there is a word.
std::string_view nickname(const NatKind& kind) {
  if (kind == NatKind{Behavior::kEndpointIndependent, Behavior::kEndpointIndependent}) {
    return " People call it full cone.";
  }
  if (kind == NatKind{Behavior::kEndpointIndependent, Behavior::kAddressDependent}) {
    return " People call it address restricted.";
  }
  if (kind == NatKind{Behavior::kEndpointIndependent, Behavior::kAddressAndPortDependent}) {
    return " People call it port restricted; most home routers are like that.";
  }
  if (kind == NatKind{Behavior::kAddressAndPortDependent, Behavior::kAddressAndPortDependent}) {
    return " People call it symmetric.";
  }
  return "";
}

std::string about(const NatKind& kind) {
  static constexpr std::array<std::string_view, 3> kMappings = {
      "one external port for all destinations", "an external port for each destination address",
      "an external port for each destination address and port"};
  static constexpr std::array<std::string_view, 3> kFilterings = {
      "packets from anybody come in", "packets from addresses that were sent to come in",
      "packets from addresses and ports that were sent to come in"};
  return "NAT with " + std::string(kMappings[static_cast<std::size_t>(kind.mapping)]) + "; " +
         std::string(kFilterings[static_cast<std::size_t>(kind.filtering)]) + "." +
         std::string(nickname(kind));
}

std::vector<Side> make_rfc_4787_sides() {
  std::vector<Side> all;
  for (const Behavior mapping : kBehaviors) {
    for (const Behavior filtering : kBehaviors) {
      const NatKind kind{mapping, filtering};
      Side side;
      side.name = "Map" + std::string(word(mapping)) + "Filter" + std::string(word(filtering));
      side.title = "map " + std::string(sign(mapping)) + ", filter " + std::string(sign(filtering));
      side.about = about(kind);
      side.nats = {kind};
      all.push_back(std::move(side));
    }
  }
  return all;
}

std::vector<Side> make_sides() {
  const NatKind open{Behavior::kEndpointIndependent, Behavior::kEndpointIndependent};
  const NatKind port_restricted{Behavior::kEndpointIndependent, Behavior::kAddressAndPortDependent};
  const NatKind address_restricted{Behavior::kEndpointIndependent, Behavior::kAddressDependent};
  const NatKind symmetric{Behavior::kAddressAndPortDependent, Behavior::kAddressAndPortDependent};
  std::vector<Side> all = {
      {.name = "Public",
       .title = "public",
       .about = "A public IPv4 address, no NAT and no firewall."},
      {.name = "OneToOne",
       .title = "1:1 NAT",
       .about = "A machine in a cloud: the NAT gives it a public address of its own, which the "
                "application advertises as the machine's.",
       .one_to_one = true},
  };
  all.insert(all.end(), rfc_4787_sides().begin(), rfc_4787_sides().end());
  const std::vector<Side> rest = {
      {.name = "CarrierGrade",
       .title = "carrier NAT",
       .about = "A port restricted home router behind a carrier's NAT as RFC 6888 wants it.",
       .nats = {port_restricted, open}},
      {.name = "CarrierGradeSymmetric",
       .title = "symmetric carrier",
       .about = "A port restricted home router behind a carrier's symmetric NAT.",
       .nats = {port_restricted, symmetric}},
      {.name = "DualStack",
       .title = "dual stack",
       .about = "IPv4 behind a port restricted NAT; IPv6 behind a firewall that lets in only "
                "answers.",
       .nats = {port_restricted},
       .ipv6 = true},
      {.name = "Xlat464",
       .title = "464XLAT",
       .about = "A phone on a network of IPv6 alone: IPv4 goes through its own translator and the "
                "carrier's NAT64.",
       .nats = {address_restricted},
       .ipv6 = true,
       .nat64 = true,
       .clat = true},
      {.name = "Nat64",
       .title = "NAT64",
       .about = "A network of IPv6 alone with a NAT64; the machine has nothing that gives it IPv4 "
                "addresses, and finds the NAT64 itself.",
       .ipv4 = false,
       .nats = {address_restricted},
       .ipv6 = true,
       .nat64 = true},
      {.name = "OnlyIpv6",
       .title = "only IPv6",
       .about = "A global IPv6 address behind a firewall that lets in only answers; no IPv4.",
       .ipv4 = false,
       .ipv6 = true},
      {.name = "UdpBlocked",
       .title = "no UDP",
       .about = "A firewall that lets TCP out and no UDP.",
       .access = Access::kNoUdp},
      {.name = "OnlyPort443",
       .title = "only TCP 443",
       .about = "A firewall that lets out TCP to port 443 and nothing else.",
       .access = Access::kOnlyPort443},
  };
  all.insert(all.end(), rest.begin(), rest.end());
  return all;
}

}  // namespace

const std::vector<Side>& sides() {
  static const std::vector<Side> all = make_sides();
  return all;
}

const std::vector<Side>& rfc_4787_sides() {
  static const std::vector<Side> all = make_rfc_4787_sides();
  return all;
}

std::string_view to_string(Placement placement) {
  switch (placement) {
    case Placement::kApart:
      return "apart";
    case Placement::kSameLan:
      return "same-lan";
    case Placement::kRoutedLans:
      return "routed-lans";
    case Placement::kIsolatedLans:
      return "isolated-lans";
  }
  return "";
}

std::string_view to_string(Turn turn) {
  switch (turn) {
    case Turn::kNone:
      return "none";
    case Turn::kUdp:
      return "udp";
    case Turn::kTcp:
      return "tcp";
    case Turn::kTls:
      return "tls";
  }
  return "";
}

std::string Cell::name() const {
  std::string name = alice.name + ':';
  if (placement == Placement::kApart) {
    name += bob.name;
  } else {
    name += std::string(to_string(placement)) + (hairpin ? "-hairpin" : "-no-hairpin");
  }
  return name + ':' + std::string(to_string(turn)) + ':' + std::to_string(loss);
}

}  // namespace floe::nat_matrix
