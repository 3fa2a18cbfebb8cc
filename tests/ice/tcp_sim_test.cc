// ICE-TCP (RFC 6544): framing, connections in the simulator, strangers at the listener.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "floe/ice/tcp_framer.h"
#include "floe/ice/tcp_mux.h"
#include "floe/net/sim/firewall.h"
#include "floe/net/sim/nat.h"
#include "tests/ice/duo.h"

namespace floe::ice {
namespace {

using net::sim::FirewallRules;
using testing::ElementsAre;

std::vector<std::uint8_t> framed(std::initializer_list<std::string> packets) {
  std::vector<std::uint8_t> stream;
  for (const std::string& packet : packets) {
    stream.push_back(static_cast<std::uint8_t>(packet.size() >> 8));
    stream.push_back(static_cast<std::uint8_t>(packet.size()));
    stream.insert(stream.end(), packet.begin(), packet.end());
  }
  return stream;
}

TEST(IceTcpFramer, FindsThePacketsWhereverTheStreamIsTorn) {
  const std::string big(70, 'x');
  const auto stream = framed({"one", "", "two", big, "e"});
  for (std::size_t first = 0; first <= stream.size(); ++first) {
    for (std::size_t second = first; second <= stream.size(); second += 7) {
      TcpFramer framer;
      std::vector<std::string> packets;
      std::vector<std::uint8_t> bytes = stream;
      const MutableBytes all = bytes;
      for (MutableBytes piece :
           {all.first(first), all.subspan(first, second - first), all.subspan(second)}) {
        while (const auto packet = framer.next(piece)) packets.emplace_back(as_text(*packet));
        EXPECT_TRUE(piece.empty());
      }
      ASSERT_THAT(packets, ElementsAre("one", "two", big, "e")) << first << ' ' << second;
    }
  }
}

TEST(IceTcpFramer, BreaksAtAPacketLongerThanItMayBe) {
  TcpFramer framer;
  framer.set_max_packet(100);
  auto stream = framed({"one"});
  const std::string request = "GET / HTTP/1.1\r\n\r\n";
  stream.insert(stream.end(), request.begin(), request.end());
  MutableBytes bytes = stream;
  EXPECT_TRUE(framer.next(bytes));
  EXPECT_FALSE(framer.next(bytes));
  EXPECT_TRUE(framer.broken());
  EXPECT_TRUE(bytes.empty());
}

class IceTcp : public testing::Test {
 protected:
  void add_sides(net::sim::Stack stack = net::sim::Stack::kIpv4) {
    net::sim::Firewall& wall = duo_.world.add_firewall({.rules = FirewallRules::no_udp()});
    duo_.alice.host = &duo_.world.add_host("alice", {.behind = &wall, .stack = stack});
    duo_.bob.host = &duo_.world.add_host("bob", {.stack = stack});
    duo_.alice.config.local.tcp = TcpPolicy::kActive;
    duo_.bob.config.local.tcp = TcpPolicy::kAll;
  }
  Duo duo_;
};

TEST_F(IceTcp, ConnectsFromTheActiveSideWhereUdpIsBlocked) {
  for (const auto stack : {net::sim::Stack::kIpv4, net::sim::Stack::kIpv6}) {
    for (const bool bob_controls : {false, true}) {
      Duo duo(3);
      net::sim::Firewall& wall = duo.world.add_firewall({.rules = FirewallRules::no_udp()});
      duo.alice.host = &duo.world.add_host("alice", {.behind = &wall, .stack = stack});
      duo.bob.host = &duo.world.add_host("bob", {.stack = stack});
      Side& active = bob_controls ? duo.bob : duo.alice;
      Side& passive = bob_controls ? duo.alice : duo.bob;
      if (bob_controls) std::swap(duo.alice.host, duo.bob.host);
      active.config.local.tcp = TcpPolicy::kActive;
      passive.config.local.tcp = TcpPolicy::kAll;
      ASSERT_TRUE(duo.connect()) << bob_controls;
      EXPECT_TRUE(duo.talk());
      EXPECT_EQ(active.path->local.protocol, Protocol::kTcp);
      EXPECT_EQ(active.path->remote.tcp_type, TcpType::kPassive);
    }
  }
}

TEST_F(IceTcp, GivesWayToUdpWhereUdpWorks) {
  duo_.alice.host = &duo_.world.add_host("alice");
  duo_.bob.host = &duo_.world.add_host("bob");
  duo_.alice.config.local.tcp = duo_.bob.config.local.tcp = TcpPolicy::kAll;
  ASSERT_TRUE(duo_.connect());
  EXPECT_TRUE(duo_.talk());
  EXPECT_EQ(duo_.alice.path->local.protocol, Protocol::kUdp);
  std::uint32_t least_udp = ~0u;
  std::uint32_t most_tcp = 0;
  for (const Candidate& found : duo_.alice.candidates) {
    if (found.protocol == Protocol::kUdp) least_udp = std::min(least_udp, found.priority);
    if (found.protocol == Protocol::kTcp) most_tcp = std::max(most_tcp, found.priority);
  }
  ASSERT_EQ(duo_.alice.candidates.size(), 4u);  // UDP, and active, passive, simultaneous open
  EXPECT_GT(least_udp, most_tcp);
}

TEST_F(IceTcp, OpensFromBothSidesAtOnce) {
  net::sim::Firewall& wall = duo_.world.add_firewall({.rules = FirewallRules::no_udp()});
  net::sim::Firewall& other = duo_.world.add_firewall({.rules = FirewallRules::no_udp()});
  duo_.alice.host = &duo_.world.add_host("alice", {.behind = &wall});
  duo_.bob.host = &duo_.world.add_host("bob", {.behind = &other});
  duo_.alice.config.local.tcp = duo_.bob.config.local.tcp = TcpPolicy::kAll;
  ASSERT_TRUE(duo_.connect());
  EXPECT_TRUE(duo_.talk());
  EXPECT_EQ(duo_.alice.path->local.tcp_type, TcpType::kSimultaneousOpen);
}

TEST_F(IceTcp, ConnectsAnewWhenTheConnectionBreaks) {
  net::sim::Firewall& wall = duo_.world.add_firewall({.rules = FirewallRules::no_udp()});
  net::sim::Nat& nat = duo_.world.add_nat({.behind = &wall});
  duo_.alice.host = &duo_.world.add_host("alice", {.behind = &nat});
  duo_.bob.host = &duo_.world.add_host("bob");
  duo_.alice.config.local.tcp = TcpPolicy::kActive;
  duo_.bob.config.local.tcp = TcpPolicy::kAll;
  ASSERT_TRUE(duo_.connect());
  ASSERT_TRUE(duo_.talk());
  const net::Endpoint before = duo_.bob.path->remote.endpoint;
  nat.rebind();  // the next packet comes from a port that Bob has no connection with: he resets it
  EXPECT_TRUE(duo_.talk(seconds(30)));
  EXPECT_NE(duo_.bob.path->remote.endpoint, before);
  EXPECT_EQ(duo_.bob.path->local.protocol, Protocol::kTcp);
  EXPECT_THAT(duo_.alice.states, testing::Not(testing::Contains(State::kFailed)));
  EXPECT_THAT(duo_.bob.states, testing::Not(testing::Contains(State::kFailed)));
}

TEST_F(IceTcp, DoesNotListenUnlessToldTo) {
  add_sides();
  duo_.bob.config.local.tcp = TcpPolicy::kActive;
  duo_.start();
  ASSERT_TRUE(duo_.world.run_until([&] { return duo_.bob.gathered; }, seconds(1)));
  for (const Candidate& found : duo_.bob.candidates) {
    if (found.protocol != Protocol::kTcp) continue;
    EXPECT_EQ(found.tcp_type, TcpType::kActive);
    EXPECT_EQ(found.endpoint.port, 9);
  }
}

/// Somebody who connects and says what a test wants.
class Stranger final : public net::StreamHandler {
 public:
  Stranger(net::Network& network, const net::Endpoint& to) {
    stream = *network.connect(to, std::nullopt, *this);
  }
  void on_data(MutableBytes) override { ++heard; }
  void on_closed(const Error&) override { closed = true; }

  std::unique_ptr<net::Stream> stream;
  int heard = 0;
  bool closed = false;
};

class IceTcpMux : public testing::Test {
 protected:
  IceTcpMux() : mux_(std::make_shared<TcpMux>(host_)) {
    endpoint_ = *mux_->listen({host_.address(), 443});
  }
  std::unique_ptr<Stranger> say(Bytes bytes) {
    auto stranger = std::make_unique<Stranger>(other_, endpoint_);
    duo_.world.run_for(milliseconds(100));
    static_cast<void>(stranger->stream->write(bytes));
    duo_.world.run_for(milliseconds(100));
    return stranger;
  }
  Duo duo_;
  net::sim::Host& host_ = duo_.world.add_host("server");
  net::sim::Host& other_ = duo_.world.add_host("other");
  std::shared_ptr<TcpMux> mux_;
  net::Endpoint endpoint_;
};

TEST_F(IceTcpMux, ClosesAtOnceWhatIsNoCheckForAnybody) {
  EXPECT_TRUE(say(as_bytes("GET / HTTP/1.1\r\nHost: x\r\n\r\n"))->closed);
  EXPECT_TRUE(say(framed({"hello"}))->closed);
  EXPECT_EQ(mux_->stats().dropped_not_a_check, 2u);

  std::vector<std::uint8_t> space(200);
  SeededRandom random(5);
  stun::MessageBuilder check(space, stun::Class::kRequest, stun::Method::kBinding,
                             stun::random_transaction_id(random));
  check.add_text(stun::AttributeType::kUsername, "nobody:peer");
  EXPECT_TRUE(say(framed({std::string(as_text(check.bytes()))}))->closed);
  EXPECT_EQ(mux_->stats().dropped_unknown_ufrag, 1u);
}

TEST_F(IceTcpMux, ClosesWhoeverTakesTooLongForTheFirstPacketOneByteAtATime) {
  const auto slow = say({});
  const std::vector<std::uint8_t> bytes(20, 0);
  for (const std::uint8_t byte : bytes) {
    static_cast<void>(slow->stream->write(Bytes(&byte, 1)));
    duo_.world.run_for(seconds(1));
  }
  EXPECT_TRUE(slow->closed);
  EXPECT_EQ(mux_->stats().dropped_slow, 1u);
  // Nothing is left to do: no timer goes on.
  const std::uint64_t events = duo_.world.events_run();
  duo_.world.run_for(hours(1));
  EXPECT_LT(duo_.world.events_run(), events + 20);
}

TEST_F(IceTcpMux, KeepsABoundedNumberOfGuests) {
  std::vector<std::unique_ptr<Stranger>> strangers;
  for (std::size_t i = 0; i < TcpMux::kMaxGuests + 10; ++i) {
    strangers.push_back(std::make_unique<Stranger>(other_, endpoint_));
  }
  duo_.world.run_for(seconds(1));
  EXPECT_EQ(mux_->stats().dropped_too_many, 10u);
}

TEST_F(IceTcpMux, ServesManyConnectionsOnOneListener) {
  struct Call {
    Side here;
    Side there;
  };
  std::vector<std::unique_ptr<Call>> calls;
  for (int i = 0; i < 20; ++i) {
    auto call = std::make_unique<Call>();
    call->here.host = &host_;
    call->there.host = &other_;
    call->here.config.local.tcp = TcpPolicy::kAll;
    call->here.config.local.tcp_mux = mux_;
    call->there.config.local.tcp = TcpPolicy::kActive;
    duo_.signals = [](const Candidate& found) { return found.protocol == Protocol::kTcp; };
    duo_.create(call->here, call->there, Role::kControlling);
    duo_.create(call->there, call->here, Role::kControlled);
    // Nothing but TCP, so that every one of them must go through the listener.
    call->here.transport->gather();
    ASSERT_TRUE(
        call->here.transport->set_remote_credentials(call->there.transport->local_credentials()));
    ASSERT_TRUE(
        call->there.transport->set_remote_credentials(call->here.transport->local_credentials()));
    call->there.transport->gather();
    calls.push_back(std::move(call));
  }
  EXPECT_TRUE(duo_.world.run_until(
      [&] {
        return std::all_of(calls.begin(), calls.end(),
                           [](const auto& call) { return call->here.up() && call->there.up(); });
      },
      seconds(30)));
  EXPECT_EQ(mux_->stats().accepted, 20u);
  calls.clear();
}

}  // namespace
}  // namespace floe::ice
