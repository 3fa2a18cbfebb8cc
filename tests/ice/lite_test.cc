// ICE-lite: agents that answer and do not ask.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/ice/wire.h"

namespace floe::ice {
namespace {

using testing::Contains;
using testing::Not;

constexpr const char* kAlice = "192.0.2.1:1000";
constexpr const char* kServer = "192.0.2.2:2000";
constexpr const char* kServer2 = "[2001:db8::2]:2002";

Agent::Config lite(Role role) {
  Agent::Config config = ice::config(role);
  config.lite = true;
  return config;
}

/// The roles as the descriptions would give them: whoever offers controls, if lite does not change
/// that.
class IceLite : public testing::TestWithParam<Role> {
 protected:
  IceLite() { full_.agent.set_remote_lite(true); }
  std::size_t requests_of_the_server() const {
    return wire_.count([](const Packet& p) {
      return p.is_request() && (p.source == endpoint(kServer) || p.source == endpoint(kServer2));
    });
  }
  bool connect() {
    wire_.signal_both(full_, server_);
    return wire_.run_until([this] { return agree(full_, server_); }, seconds(5));
  }
  Wire wire_;
  Peer& full_ = wire_.add(config(GetParam()), {kAlice});
  Peer& server_ = wire_.add(lite(opposite(GetParam())), {kServer, kServer2});
};

INSTANTIATE_TEST_SUITE_P(EitherOffers, IceLite,
                         testing::Values(Role::kControlling, Role::kControlled));

TEST_P(IceLite, ConnectsWithAFullAgentInBothOfferDirectionsAndSendsNoCheck) {
  ASSERT_TRUE(connect());
  EXPECT_EQ(full_.agent.role(), Role::kControlling);
  EXPECT_EQ(server_.agent.role(), Role::kControlled);
  EXPECT_EQ(server_.agent.state(), State::kCompleted);
  EXPECT_TRUE(wire_.send_data(full_, "hello"));
  EXPECT_TRUE(wire_.send_data(server_, "welcome"));
  wire_.run_for(minutes(1));
  EXPECT_THAT(server_.data, testing::ElementsAre("hello"));
  EXPECT_THAT(full_.data, testing::ElementsAre("welcome"));
  EXPECT_EQ(requests_of_the_server(), 0u);
  EXPECT_EQ(server_.agent.stats().role_conflicts, 0u);
}

TEST_P(IceLite, NeitherDisconnectsNorFlapsWhenIdle) {
  ASSERT_TRUE(connect());
  server_.states.clear();
  full_.states.clear();
  wire_.run_for(minutes(20));
  EXPECT_TRUE(server_.states.empty());
  EXPECT_TRUE(full_.states.empty());
}

TEST_P(IceLite, StaysUpOnKeepaliveIndicationsAlone) {
  ASSERT_TRUE(connect());
  server_.states.clear();
  // The peer is one that sends no consent checks, only what RFC 8445 section 11 asks for.
  wire_.filter = [](Packet& packet) { return !packet.is_request(); };
  std::vector<std::uint8_t> space(100);
  SeededRandom random(1);
  for (int i = 0; i < 20; ++i) {
    stun::MessageBuilder indication(space, stun::Class::kIndication, stun::Method::kBinding,
                                    stun::random_transaction_id(random));
    wire_.inject(kAlice, kServer, indication.bytes());
    wire_.run_for(seconds(15));
  }
  EXPECT_TRUE(server_.states.empty());
}

TEST_P(IceLite, NoticesAPeerThatIsGone) {
  ASSERT_TRUE(connect());
  server_.states.clear();
  wire_.filter = [](Packet&) { return false; };
  wire_.run_for(seconds(40));
  EXPECT_THAT(server_.states, testing::ElementsAre(State::kDisconnected));
  wire_.run_for(seconds(30));
  EXPECT_THAT(server_.states, testing::ElementsAre(State::kDisconnected, State::kFailed));
  EXPECT_FALSE(server_.agent.route());
}

TEST_P(IceLite, FollowsThePeerToANewAddress) {
  ASSERT_TRUE(connect());
  wire_.run_for(seconds(10));
  server_.states.clear();
  const net::Endpoint outside = endpoint("203.0.113.7:7");
  wire_.filter = [outside](Packet& packet) {
    if (packet.source == endpoint(kAlice)) packet.source = outside;
    if (packet.destination == outside) {
      packet.destination = endpoint(kAlice);
      return true;
    }
    return packet.destination != endpoint(kAlice);
  };
  ASSERT_TRUE(wire_.run_until(
      [&] { return server_.agent.route() && server_.agent.route()->destination == outside; },
      seconds(7)));
  wire_.run_for(minutes(2));
  EXPECT_EQ(server_.agent.route()->destination, outside);
  EXPECT_THAT(server_.states, Not(Contains(State::kDisconnected)));
}

TEST(IceLiteWithLite, ConnectsOnAPairThatBothChooseForThemselves) {
  Wire wire;
  Peer& alice = wire.add(lite(Role::kControlling), {"192.0.2.1:1", "[2001:db8::1]:1"});
  Peer& bob = wire.add(lite(Role::kControlled), {kServer2, kServer});
  alice.agent.set_remote_lite(true);
  bob.agent.set_remote_lite(true);
  wire.signal_both(alice, bob);
  EXPECT_TRUE(agree(alice, bob));
  EXPECT_TRUE(connected(alice));
  EXPECT_TRUE(connected(bob));
  EXPECT_TRUE(wire.send_data(alice, "a"));
  EXPECT_TRUE(wire.send_data(bob, "b"));
  wire.run_for(minutes(10));
  EXPECT_THAT(bob.data, testing::ElementsAre("a"));
  EXPECT_THAT(alice.data, testing::ElementsAre("b"));
  EXPECT_EQ(wire.count([](const Packet& p) { return p.stun().has_value(); }), 0u);
  EXPECT_THAT(alice.states,
              testing::ElementsAre(State::kChecking, State::kConnected, State::kCompleted));
  EXPECT_EQ(alice.agent.role(), Role::kControlling);
}

}  // namespace
}  // namespace floe::ice
