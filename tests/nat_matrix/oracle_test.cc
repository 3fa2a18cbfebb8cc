// The oracle's famous cells, as literature has them.
#include "tests/nat_matrix/oracle.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace floe::nat_matrix {
namespace {

const Side& side(std::string_view name) {
  const auto found = std::ranges::find(sides(), name, &Side::name);
  EXPECT_NE(found, sides().end()) << name;
  return *found;
}

Path apart(std::string_view a, std::string_view b, Turn turn = Turn::kNone) {
  const Path path = expected({.alice = side(a), .bob = side(b), .turn = turn});
  EXPECT_EQ(path, expected({.alice = side(b), .bob = side(a), .turn = turn})) << a << ' ' << b;
  return path;
}

constexpr auto kFullCone = "MapIndependentFilterIndependent";
constexpr auto kAddressRestricted = "MapIndependentFilterAddress";
constexpr auto kPortRestricted = "MapIndependentFilterPort";
constexpr auto kSymmetric = "MapPortFilterPort";

TEST(NatOracle, FindsConesReflexiveAndPublicMachinesDirect) {
  EXPECT_EQ(apart("Public", "Public"), Path::kHost);
  EXPECT_EQ(apart("Public", kSymmetric), Path::kPeerReflexive);
  EXPECT_EQ(apart(kPortRestricted, kPortRestricted), Path::kReflexive);
  EXPECT_EQ(apart(kPortRestricted, kFullCone), Path::kReflexive);
}

TEST(NatOracle, LetsASymmetricNatReachOnlyWhoTakesItsNewPort) {
  EXPECT_EQ(apart(kSymmetric, kPortRestricted), Path::kNone);
  EXPECT_EQ(apart(kSymmetric, kPortRestricted, Turn::kUdp), Path::kRelayed);
  EXPECT_EQ(apart(kSymmetric, kAddressRestricted), Path::kPeerReflexive);
  EXPECT_EQ(apart(kSymmetric, kSymmetric), Path::kNone);
  // Ports for ever new on both ends, though both are open to everybody.
  EXPECT_EQ(apart("MapPortFilterIndependent", "MapPortFilterIndependent"), Path::kNone);
  EXPECT_EQ(apart("MapAddressFilterIndependent", "MapPortFilterIndependent"), Path::kPeerReflexive);
}

TEST(NatOracle, TakesNatsInARowAsTheStrictestOfThem) {
  EXPECT_EQ(apart("CarrierGrade", kPortRestricted), Path::kReflexive);
  EXPECT_EQ(apart("CarrierGradeSymmetric", kPortRestricted), Path::kNone);
}

TEST(NatOracle, NeedsATcpRelayWhereUdpIsBlocked) {
  EXPECT_EQ(apart("UdpBlocked", "Public"), Path::kNone);
  EXPECT_EQ(apart("UdpBlocked", "Public", Turn::kUdp), Path::kNone);
  EXPECT_EQ(apart("UdpBlocked", "Public", Turn::kTcp), Path::kRelayed);
  EXPECT_EQ(apart("OnlyPort443", "UdpBlocked", Turn::kTcp), Path::kNone);
  EXPECT_EQ(apart("OnlyPort443", "UdpBlocked", Turn::kTls), Path::kRelayed);
}

TEST(NatOracle, JoinsFamiliesByARelay) {
  EXPECT_EQ(apart("OnlyIpv6", "OnlyIpv6"), Path::kHost);
  EXPECT_EQ(apart("OnlyIpv6", "DualStack"), Path::kHost);
  EXPECT_EQ(apart("OnlyIpv6", "Public"), Path::kNone);
  EXPECT_EQ(apart("OnlyIpv6", "Public", Turn::kUdp), Path::kRelayed);
}

TEST(NatOracle, TurnsPacketsAroundInASharedNatThatHairpins) {
  const auto behind = [](std::string_view nat, Placement placement, bool hairpin) {
    return expected({side(nat), side(nat), placement, hairpin});
  };
  EXPECT_EQ(behind(kSymmetric, Placement::kSameLan, false), Path::kHost);
  EXPECT_EQ(behind(kSymmetric, Placement::kRoutedLans, false), Path::kHost);
  EXPECT_EQ(behind(kPortRestricted, Placement::kIsolatedLans, true), Path::kReflexive);
  EXPECT_EQ(behind(kPortRestricted, Placement::kIsolatedLans, false), Path::kNone);
  EXPECT_EQ(behind(kSymmetric, Placement::kIsolatedLans, true), Path::kNone);
}

}  // namespace
}  // namespace floe::nat_matrix
