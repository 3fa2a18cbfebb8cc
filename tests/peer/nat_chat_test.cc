// The same chat through every pair of NATs, with and without loss, against a rule that says where a
// direct path must be found.
#include <gtest/gtest.h>

#include <ostream>

#include "tests/peer/call.h"

namespace floe {
namespace {

using net::sim::Behavior;
using net::sim::NatOptions;

/// How one side reaches the internet.
struct Side {
  bool nat = false;
  Behavior mapping = Behavior::kEndpointIndependent;
  Behavior filtering = Behavior::kEndpointIndependent;

  std::optional<NatOptions> options() const {
    if (!nat) return std::nullopt;
    NatOptions options;
    options.mapping = mapping;
    options.filtering = filtering;
    return options;
  }
  std::string name() const {
    if (!nat) return "Public";
    const auto word = [](Behavior behavior) {
      switch (behavior) {
        case Behavior::kEndpointIndependent:
          return "Independent";
        case Behavior::kAddressDependent:
          return "Address";
        case Behavior::kAddressAndPortDependent:
          return "Port";
      }
      return "";
    };
    return std::string("Map") + word(mapping) + "Filter" + word(filtering);
  }
};

std::vector<Side> sides() {
  std::vector<Side> all = {{}};
  for (const Behavior mapping : {Behavior::kEndpointIndependent, Behavior::kAddressDependent,
                                 Behavior::kAddressAndPortDependent}) {
    for (const Behavior filtering : {Behavior::kEndpointIndependent, Behavior::kAddressDependent,
                                     Behavior::kAddressAndPortDependent}) {
      all.push_back({true, mapping, filtering});
    }
  }
  return all;
}

/// Whether ICE can find a direct path, from the NATs' behaviour alone.
///
/// Each side knows of the other the address that a STUN server saw. With an endpoint-independent
/// mapping that address is good for everyone; otherwise packets to the peer leave from an address
/// the peer has not been told of, which it can only learn by letting a packet from there in.
bool traversable(const Side& a, const Side& b) {
  if (!a.nat || !b.nat) return true;
  const bool a_stable = a.mapping == Behavior::kEndpointIndependent;
  const bool b_stable = b.mapping == Behavior::kEndpointIndependent;
  if (a_stable && b_stable) return true;
  // The unstable side's packet comes from an unknown port of a known address.
  const auto lets_unknown_port_in = [](const Side& side) {
    return side.filtering != Behavior::kAddressAndPortDependent;
  };
  if (a_stable) return lets_unknown_port_in(a);
  if (b_stable) return lets_unknown_port_in(b);
  // Neither is stable: one must take packets from anybody at the address its STUN server saw, the
  // other must take the answer from another port; and one mapping must not depend on the port, or
  // each new packet would come from a new port for ever.
  const auto opens = [&](const Side& open, const Side& other) {
    return open.filtering == Behavior::kEndpointIndependent && lets_unknown_port_in(other);
  };
  const bool settles =
      a.mapping == Behavior::kAddressDependent || b.mapping == Behavior::kAddressDependent;
  return settles && (opens(a, b) || opens(b, a));
}

struct Cell {
  Side alice;
  Side bob;
};

/// What GoogleTest shows of a cell; its name is in the test's already.
void PrintTo(const Cell& cell, std::ostream* out) {
  *out << cell.alice.name() << " and " << cell.bob.name();
}

std::vector<Cell> cells(bool passable) {
  std::vector<Cell> all;
  for (const Side& alice : sides()) {
    for (const Side& bob : sides()) {
      if (traversable(alice, bob) == passable) all.push_back({alice, bob});
    }
  }
  return all;
}

std::string cell_name(const testing::TestParamInfo<Cell>& info) {
  return info.param.alice.name() + "_" + info.param.bob.name();
}

Call::Options options_for(const Cell& cell, std::uint64_t seed, double loss) {
  Call::Options options;
  options.seed = seed;
  options.alice_nat = cell.alice.options();
  options.bob_nat = cell.bob.options();
  options.link.loss = loss;
  options.trickle = seed % 4 != 0;
  return options;
}

/// Connects, says three things each way, and hears them in order.
void chat(const Cell& cell, std::uint64_t seed, double loss) {
  Call call(options_for(cell, seed, loss));
  call.start();
  ASSERT_TRUE(call.run_until_open()) << replay(seed) << '\n' << call.describe();
  const std::vector<std::string> lines = {"hello", "how are you?", "bye"};
  for (const std::string& line : lines) {
    ASSERT_TRUE(call.alice.channel->send(line).has_value());
    ASSERT_TRUE(call.bob.channel->send(line).has_value());
  }
  ASSERT_TRUE(call.run_until(
      [&] { return call.alice.received.size() == 3 && call.bob.received.size() == 3; },
      seconds(60)))
      << replay(seed) << '\n'
      << call.describe();
  EXPECT_EQ(call.alice.received, lines) << replay(seed);
  EXPECT_EQ(call.bob.received, lines) << replay(seed);
}

class NatChat : public testing::TestWithParam<Cell> {};

TEST_P(NatChat, WorksWithoutLoss) {
  for (std::size_t i = 0; i < test_seeds(20); ++i) chat(GetParam(), test_seed(i), 0);
}
TEST_P(NatChat, WorksAtFivePercentLoss) {
  for (std::size_t i = 0; i < test_seeds(20); ++i) chat(GetParam(), test_seed(i), 0.05);
}
TEST_P(NatChat, WorksAtTwentyPercentLoss) {
  for (std::size_t i = 0; i < test_seeds(20); ++i) chat(GetParam(), test_seed(i), 0.2);
}

INSTANTIATE_TEST_SUITE_P(Traversable, NatChat, testing::ValuesIn(cells(true)), cell_name);

class NatDeadEnd : public testing::TestWithParam<Cell> {};

TEST_P(NatDeadEnd, EndsInFailedAndNeverClaimsToBeConnected) {
  const std::uint64_t seed = test_seed(0);
  Call call(options_for(GetParam(), seed, 0));
  call.start();
  ASSERT_TRUE(call.run_until(
      [&] {
        return call.alice.pc->connection_state() == PeerConnectionState::kFailed &&
               call.bob.pc->connection_state() == PeerConnectionState::kFailed;
      },
      minutes(2)))
      << replay(seed) << '\n'
      << call.describe();
  EXPECT_FALSE(call.alice.open);
  for (const Caller* side : {&call.alice, &call.bob}) {
    for (const std::string& line : side->log) EXPECT_NE(line, "ice:connected") << call.describe();
  }
}

INSTANTIATE_TEST_SUITE_P(WithoutRelay, NatDeadEnd, testing::ValuesIn(cells(false)), cell_name);

}  // namespace
}  // namespace floe
