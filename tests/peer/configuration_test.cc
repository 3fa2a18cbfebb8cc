// set_configuration: what may change, when it counts, and what stays as it was.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "floe/mdns/service.h"
#include "floe/servers/turn/turn_server.h"
#include "tests/peer/call.h"

namespace floe {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

class PeerConfiguration : public testing::Test {
 protected:
  ~PeerConfiguration() override {
    call_.alice = {};
    call_.bob = {};
  }

  struct Turn {
    net::sim::Host* host;
    std::unique_ptr<server::TurnServer> server;

    std::vector<IceServer> ice_servers() const {
      return {{{"turn:" + host->address().to_string()}, "u", "p"}};
    }
    std::uint64_t allocations() const { return server->stats().relay.allocations; }
  };
  Turn add_turn(const char* name) {
    Turn turn{&call_.world.add_host(name), nullptr};
    const net::Address address = turn.host->address();
    server::TurnServer::Configuration configuration;
    configuration.listeners = {{server::TurnTransport::kUdp, {address, 3478}}};
    configuration.relay.realm = "example";
    configuration.relay.users = {{"u", "p"}};
    configuration.relay.relay_addresses = {{address, std::nullopt}};
    turn.server = server::TurnServer::create(*turn.host, configuration).value();
    return turn;
  }
  PeerConnection& alice() { return *call_.alice.pc; }
  PeerConnection& bob() { return *call_.bob.pc; }
  void connect() {
    call_.start();
    ASSERT_TRUE(call_.run_until_open());
    call_.world.run_for(seconds(1));
  }
  Result<> use(const std::vector<IceServer>& servers, ice::Policy policy = ice::Policy::kRelay) {
    Configuration configuration = alice().configuration();
    configuration.ice_servers = servers;
    configuration.ice_transport_policy = policy;
    return alice().set_configuration(configuration);
  }
  const std::string& ufrag() { return alice().transport().ice().local_credentials().ufrag; }
  net::Address path() {
    const auto& agent = alice().transport().ice();
    return agent.local_candidates()[agent.selected_pair()->local].candidate.endpoint.address;
  }
  /// Alice's offer and Bob's answer, through signalling that takes 20 ms.
  void negotiate() {
    ASSERT_TRUE(alice().set_local_description().has_value());
    call_.world.after(milliseconds(20), [this] {
      ASSERT_TRUE(bob().set_remote_description(*alice().local_description()).has_value());
      ASSERT_TRUE(bob().set_local_description().has_value());
      call_.world.after(milliseconds(20), [this] {
        ASSERT_TRUE(alice().set_remote_description(*bob().local_description()).has_value());
      });
    });
  }
  /// Both send a numbered message every 10 ms; they all arrive, in their order.
  void talk_without_loss(Duration duration) {
    Caller* sides[] = {&call_.alice, &call_.bob};
    for (Caller* side : sides) side->received.clear();
    std::vector<std::string> sent;
    for (const Time end = call_.world.now() + duration; call_.world.now() < end;) {
      sent.push_back(std::to_string(sent.size()));
      for (Caller* side : sides) ASSERT_TRUE(side->channel->send(sent.back()).has_value());
      call_.world.run_for(milliseconds(10));
    }
    call_.run_until([&] { return call_.alice.received == sent && call_.bob.received == sent; },
                    seconds(10));
    for (const Caller* side : sides) EXPECT_EQ(side->received, sent) << call_.describe();
  }

  Call call_{[] {
    Call::Options options;
    options.alice_nat = net::sim::NatOptions();
    return options;
  }()};
};

TEST_F(PeerConfiguration, MovesToTheRelayOfAnotherServerWithoutLosingAMessage) {
  const Turn first = add_turn("first");
  const Turn second = add_turn("second");
  connect();
  int needed = 0;
  alice().on_negotiation_needed([&needed] { ++needed; });
  call_.alice.log.clear();
  for (const Turn* turn : {&first, &second}) {
    const std::string before = ufrag();
    const net::Address old_path = path();
    ASSERT_TRUE(use(turn->ice_servers()).has_value());
    EXPECT_EQ(alice().configuration().ice_servers[0].urls, turn->ice_servers()[0].urls);
    talk_without_loss(seconds(1));
    EXPECT_EQ(ufrag(), before);
    EXPECT_EQ(path(), old_path);
    EXPECT_EQ(turn->allocations(), 0u);
    negotiate();  // RFC 8829 section 4.1.18: this offer restarts ICE, though nobody asked it to
    talk_without_loss(seconds(5));
    EXPECT_NE(ufrag(), before);
    EXPECT_EQ(path(), turn->host->address());
    EXPECT_EQ(turn->allocations(), 1u);
  }
  EXPECT_EQ(first.allocations(), 0u);
  EXPECT_EQ(needed, 0);  // W3C: whoever wants it soon calls restart_ice
  EXPECT_THAT(call_.alice.log, Not(Contains("ice:disconnected")));
  const std::string settled = ufrag();
  negotiate();
  talk_without_loss(seconds(1));
  EXPECT_EQ(ufrag(), settled);
}

TEST_F(PeerConfiguration, FollowsTheRestartOfThePeerToItsNewServers) {
  const Turn turn = add_turn("turn");
  connect();
  ASSERT_TRUE(use(turn.ice_servers()).has_value());
  bob().restart_ice();
  ASSERT_TRUE(bob().set_local_description().has_value());
  ASSERT_TRUE(alice().set_remote_description(*bob().local_description()).has_value());
  ASSERT_TRUE(alice().set_local_description().has_value());
  ASSERT_TRUE(bob().set_remote_description(*alice().local_description()).has_value());
  talk_without_loss(seconds(5));
  EXPECT_EQ(path(), turn.host->address());
  const std::string settled = ufrag();
  negotiate();
  talk_without_loss(seconds(1));
  EXPECT_EQ(ufrag(), settled);
}

TEST_F(PeerConfiguration, RemembersThroughARollbackThatItsServersChanged) {
  const Turn turn = add_turn("turn");
  connect();
  const std::string before = ufrag();
  ASSERT_TRUE(use(turn.ice_servers()).has_value());
  ASSERT_TRUE(alice().set_local_description().has_value());
  ASSERT_TRUE(alice().set_local_description({SdpType::kRollback, ""}).has_value());
  talk_without_loss(seconds(2));
  negotiate();
  talk_without_loss(seconds(5));
  EXPECT_NE(ufrag(), before);
  EXPECT_EQ(path(), turn.host->address());
  // Changed once more while an offer is pending: the offer after that one brings it.
  ASSERT_TRUE(alice().set_local_description().has_value());
  ASSERT_TRUE(use({}, ice::Policy::kAll).has_value());
  ASSERT_TRUE(bob().set_remote_description(*alice().local_description()).has_value());
  ASSERT_TRUE(bob().set_local_description().has_value());
  ASSERT_TRUE(alice().set_remote_description(*bob().local_description()).has_value());
  EXPECT_EQ(path(), turn.host->address());
  negotiate();
  talk_without_loss(seconds(5));
  EXPECT_NE(path(), turn.host->address());
  EXPECT_EQ(turn.allocations(), 0u);
}

TEST_F(PeerConfiguration, CountsForTheFirstGatheringWhenThatIsStillToCome) {
  const Turn turn = add_turn("turn");
  call_.create();
  Call::watch(call_.alice, alice().create_data_channel("chat").value());
  const std::string before = ufrag();
  ASSERT_TRUE(use(turn.ice_servers()).has_value());
  call_.offer();
  ASSERT_TRUE(call_.run_until_open());
  call_.world.run_for(seconds(1));
  EXPECT_EQ(path(), turn.host->address());
  negotiate();
  call_.world.run_for(seconds(1));
  EXPECT_EQ(ufrag(), before);
}

TEST_F(PeerConfiguration, FillsItsPoolBeforeAnybodyCallsAndTellsOfItThen) {
  const Turn first = add_turn("first");
  const Turn second = add_turn("second");
  Configuration configuration;
  configuration.ice_servers = first.ice_servers();
  configuration.ice_candidate_pool_size = 1;
  auto pc = PeerConnection::create(*call_.alice_host, configuration).value();
  std::vector<std::string> told;
  pc->on_ice_gathering_state_change(
      [&](IceGatheringState state) { told.emplace_back(ice::to_string(state)); });
  pc->on_ice_candidate([&](const IceCandidate& found) {
    EXPECT_EQ(found.username_fragment, pc->transport().ice().local_credentials().ufrag);
    told.push_back(found.candidate.substr(0, found.candidate.find(" typ")).empty() ? "end" : "one");
  });
  const auto channel = pc->create_data_channel("chat").value();
  const SessionDescription offer = pc->create_offer().value();
  call_.world.run_for(seconds(1));
  EXPECT_EQ(first.allocations(), 1u);
  EXPECT_EQ(pc->ice_gathering_state(), IceGatheringState::kNew);

  // Other servers empty the pool and fill it anew, for the offer that exists already.
  configuration.ice_servers = second.ice_servers();
  ASSERT_TRUE(pc->set_configuration(configuration).has_value());
  call_.world.run_for(seconds(1));
  EXPECT_EQ(first.allocations(), 0u);
  EXPECT_EQ(second.allocations(), 1u);
  EXPECT_TRUE(told.empty());

  ASSERT_TRUE(pc->set_local_description(offer).has_value());
  const std::string whole = pc->local_description()->sdp;
  EXPECT_THAT(whole, HasSubstr(second.host->address().to_string()));
  EXPECT_THAT(whole, Not(HasSubstr(first.host->address().to_string())));
  EXPECT_THAT(whole, HasSubstr("a=end-of-candidates"));
  call_.world.run_for(milliseconds(1));
  EXPECT_THAT(told, testing::ElementsAre("gathering", "one", "one", "one", "end", "complete"));

  configuration.ice_candidate_pool_size = 2;
  EXPECT_EQ(pc->set_configuration(configuration).error().code, Errc::kInvalidModification);
  EXPECT_EQ(pc->configuration().ice_candidate_pool_size, 1);
}

TEST_F(PeerConfiguration, MayFillItsPoolLaterAndUsesItAsAnsweringSide) {
  const Turn turn = add_turn("turn");
  call_.create();
  Configuration configuration = bob().configuration();
  configuration.ice_servers = turn.ice_servers();
  configuration.ice_candidate_pool_size = 1;
  ASSERT_TRUE(bob().set_configuration(configuration).has_value());
  call_.world.run_for(seconds(1));
  EXPECT_EQ(turn.allocations(), 1u);
  Call::watch(call_.alice, alice().create_data_channel("chat").value());
  call_.offer();
  ASSERT_TRUE(call_.run_until_open()) << call_.describe();
  talk_without_loss(seconds(1));
  EXPECT_EQ(turn.server->stats().relay.allocated, 1u);
}

TEST_F(PeerConfiguration, RefusesOtherChangesAndStaysAsItWas) {
  connect();
  const std::string before = ufrag();
  const auto refused = [this](const std::function<void(Configuration&)>& edit) {
    Configuration configuration = alice().configuration();
    configuration.ice_servers.clear();
    configuration.ice_transport_policy = ice::Policy::kRelay;
    edit(configuration);
    const auto set = alice().set_configuration(configuration);
    return set ? Error{Errc::kInternal, "it was taken"} : set.error();
  };
  const std::pair<const char*, std::function<void(Configuration&)>> fixed[] = {
      {"bundle_policy", [](auto& c) { c.bundle_policy = sdp::BundlePolicy::kMaxBundle; }},
      {"certificate",
       [this](auto& c) {
         c.certificate = dtls::Identity::generate(call_.alice_host->wall_clock()).value();
       }},
      {"local", [](auto& c) { c.local.ipv6 = false; }},
      {"local", [](auto& c) { c.local.filter = [](const auto&) { return true; }; }},
      {"remote_address_filter",
       [](auto& c) { c.remote_address_filter = [](const auto&) { return true; }; }},
      {"address_rewrites", [](auto& c) { c.address_rewrites.emplace_back(); }},
      {"nomination", [](auto& c) { c.nomination = ice::Nomination::kAggressive; }},
      {"consent", [](auto& c) { c.consent.interval *= 2; }},
      {"ice_patience", [](auto& c) { c.ice_patience *= 2; }},
      {"max_message_size", [](auto& c) { c.max_message_size = 1; }},
      {"send_queue", [](auto& c) { c.send_queue = 1; }},
      {"send_buffer", [](auto& c) { c.send_buffer = 1; }},
      {"receive_buffer", [](auto& c) { c.receive_buffer = 1; }},
      {"mtu", [](auto& c) { c.mtu = 1300; }},
  };
  for (const auto& [name, edit] : fixed) {
    const Error error = refused(edit);
    EXPECT_EQ(error.code, Errc::kInvalidModification) << name;
    EXPECT_THAT(error.message, HasSubstr(name));
  }
  EXPECT_EQ(refused([](auto& c) { c.ice_servers = {{{"stun:"}}}; }).code, Errc::kMalformed);
  EXPECT_EQ(refused([](auto& c) { c.ice_servers = {{{"turn:a.example"}}}; }).code,
            Errc::kInvalidArgument);
  EXPECT_EQ(alice().configuration().ice_servers.size(), 1u);
  EXPECT_EQ(alice().configuration().ice_transport_policy, ice::Policy::kAll);
  negotiate();
  talk_without_loss(seconds(1));
  EXPECT_EQ(ufrag(), before);
  EXPECT_EQ(alice().transport().ice().next_policy(), ice::Policy::kAll);

  alice().close();
  EXPECT_EQ(use({}).error().code, Errc::kInvalidState);
}

TEST_F(PeerConfiguration, TakesWhatItHasAlreadyAsNoChange) {
  Configuration own;
  own.certificate = dtls::Identity::generate(call_.alice_host->wall_clock()).value();
  own.local.mdns = mdns::Service::create(*call_.alice_host);
  const auto pc = PeerConnection::create(*call_.alice_host, own).value();
  EXPECT_TRUE(pc->set_configuration(pc->configuration()).has_value());
  own.certificate = nullptr;  // W3C: only one that is there is looked at
  EXPECT_TRUE(pc->set_configuration(own).has_value());
  EXPECT_NE(pc->configuration().certificate, nullptr);
}

TEST_F(PeerConfiguration, OffersNothingWhenThereIsNothingAndGathersOnceThereIs) {
  call_.create();
  for (PeerConnection* pc : {&alice(), &bob()}) {
    EXPECT_EQ(pc->create_offer()->sdp.find("m="), std::string::npos);
  }
  negotiate();
  call_.world.run_for(seconds(1));
  for (const Caller* side : {&call_.alice, &call_.bob}) {
    EXPECT_EQ(side->pc->signaling_state(), SignalingState::kStable);
    EXPECT_EQ(side->pc->ice_gathering_state(), IceGatheringState::kNew);
    EXPECT_EQ(side->pc->connection_state(), PeerConnectionState::kNew);
    EXPECT_TRUE(side->candidates.empty());
    EXPECT_EQ(side->pc->can_trickle_ice_candidates(), true);
    EXPECT_FALSE(side->pc->sctp().has_value());
    EXPECT_TRUE(side->pc->remote_certificates().empty());
  }
  // And everything as if that had not been, the other way around.
  std::vector<SctpTransportState> states;
  bob().on_sctp_state_change([&states](SctpTransportState state) { states.push_back(state); });
  Call::watch(call_.bob, bob().create_data_channel("chat").value());
  ASSERT_TRUE(bob().set_local_description().has_value());
  ASSERT_TRUE(alice().set_remote_description(*bob().local_description()).has_value());
  ASSERT_TRUE(alice().set_local_description().has_value());
  ASSERT_TRUE(bob().set_remote_description(*alice().local_description()).has_value());
  EXPECT_EQ(bob().sctp()->state, SctpTransportState::kConnecting);
  EXPECT_FALSE(bob().sctp()->max_channels.has_value());
  ASSERT_TRUE(call_.run_until_open()) << call_.describe();
  EXPECT_EQ(bob().sctp()->state, SctpTransportState::kConnected);
  EXPECT_EQ(bob().sctp()->max_message_size, 256u * 1024);
  EXPECT_EQ(bob().sctp()->max_channels, 1024u);
  ASSERT_EQ(bob().remote_certificates().size(), 1u);
  EXPECT_EQ(bob().remote_certificates()[0], alice().transport().identity().certificate());
  alice().close();
  call_.world.run_for(seconds(1));
  EXPECT_EQ(bob().sctp()->state, SctpTransportState::kClosed);
  EXPECT_THAT(states,
              testing::ElementsAre(SctpTransportState::kConnected, SctpTransportState::kClosed));
}

}  // namespace
}  // namespace floe
