// Gathering through a whole connection: names, dead servers, no network at all.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "floe/mdns/service.h"
#include "tests/peer/call.h"

namespace floe {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class PeerGathering : public testing::Test {
 protected:
  /// A connection on `host` that asks `server`, gathering.
  std::unique_ptr<PeerConnection> gather(net::sim::Host& host, const std::string& server) {
    Configuration configuration;
    configuration.ice_servers = {{{"stun:" + server}}};
    auto pc = *PeerConnection::create(host, configuration);
    pc->on_ice_candidate([this](const IceCandidate& candidate) {
      if (!candidate.candidate.empty()) candidates_.push_back(candidate.candidate);
    });
    pc->on_ice_candidate_error(
        [this](const ice::Gatherer::ServerFailed& error) { errors_.push_back(error.text); });
    pc->on_ice_gathering_state_change(
        [this](IceGatheringState state) { complete_ = state == IceGatheringState::kComplete; });
    EXPECT_TRUE(pc->create_data_channel("c").has_value());
    EXPECT_TRUE(pc->set_local_description().has_value());
    return pc;
  }
  Call call_{[] {
    Call::Options options;
    options.alice_nat = net::sim::NatOptions();
    return options;
  }()};
  std::vector<std::string> candidates_;
  std::vector<std::string> errors_;
  bool complete_ = false;
};

TEST_F(PeerGathering, FindsItsServerByName) {
  call_.world.dns().add("stun.example", {call_.stun_host->address()});
  const auto pc = gather(*call_.alice_host, "stun.example");
  ASSERT_TRUE(call_.run_until([this] { return complete_; }, seconds(10)));
  ASSERT_EQ(candidates_.size(), 2u);
  EXPECT_THAT(candidates_[1], HasSubstr("typ srflx"));
}

TEST_F(PeerGathering, SaysThatANameDoesNotExistAndGoesOnWithHosts) {
  const auto pc = gather(*call_.alice_host, "nowhere.example");
  ASSERT_TRUE(call_.run_until([this] { return complete_; }, seconds(10)));
  EXPECT_EQ(candidates_.size(), 1u);
  ASSERT_EQ(errors_.size(), 1u);
  EXPECT_THAT(errors_[0], HasSubstr("nowhere.example"));
}

TEST_F(PeerGathering, WaitsABoundedTimeForASlowOrSilentResolver) {
  call_.world.dns().add("stun.example", {call_.stun_host->address()}, minutes(10));
  const auto pc = gather(*call_.alice_host, "stun.example");
  EXPECT_TRUE(call_.run_until([this] { return complete_; }, seconds(10)));
  EXPECT_EQ(errors_.size(), 1u);
  // The answer comes long after anybody waits for it.
  call_.world.run_for(minutes(11));
  EXPECT_EQ(candidates_.size(), 1u);
}

TEST_F(PeerGathering, SurvivesAResolverThatAnswersAfterTheConnectionIsGone) {
  call_.world.dns().add("stun.example", {call_.stun_host->address()}, seconds(2));
  auto pc = gather(*call_.alice_host, "stun.example");
  call_.world.run_for(seconds(1));
  pc.reset();
  candidates_.clear();
  call_.world.run_for(seconds(10));
  EXPECT_THAT(candidates_, IsEmpty());
}

TEST_F(PeerGathering, EmitsTheHostAtOnceAndEndsAfterOneBoundedWaitForADeadServer) {
  const auto pc = gather(*call_.alice_host, "203.0.113.99:3478");
  call_.world.run_for(milliseconds(1));
  EXPECT_EQ(candidates_.size(), 1u);
  EXPECT_FALSE(complete_);
  ASSERT_TRUE(call_.run_until([this] { return complete_; }, seconds(8)));
  EXPECT_EQ(errors_.size(), 1u);
}

TEST_F(PeerGathering, CompletesWithoutCandidatesWhenThereIsNoInterface) {
  call_.alice_host->set_up(false);
  const auto pc = gather(*call_.alice_host, call_.stun_host->address().to_string());
  ASSERT_TRUE(call_.run_until([this] { return complete_; }, seconds(1)));
  EXPECT_THAT(candidates_, IsEmpty());
}

TEST_F(PeerGathering, CompletesWithoutCandidatesWhenEveryAddressIsFilteredOut) {
  Configuration configuration;
  configuration.local.filter = [](const net::Interface&) { return false; };
  auto pc = *PeerConnection::create(*call_.alice_host, configuration);
  bool complete = false;
  pc->on_ice_gathering_state_change(
      [&complete](IceGatheringState state) { complete = state == IceGatheringState::kComplete; });
  ASSERT_TRUE(pc->create_data_channel("c").has_value());
  ASSERT_TRUE(pc->set_local_description().has_value());
  EXPECT_TRUE(call_.run_until([&complete] { return complete; }, seconds(1)));
}

TEST_F(PeerGathering, ConcealsInItsDescriptionWhatItConcealsInItsCandidates) {
  const std::string address = call_.alice_host->address().to_string();
  Configuration named;
  named.local.mdns = mdns::Service::create(*call_.alice_host);
  named.local.hide_addresses = true;
  Configuration hostless;
  hostless.ice_transport_policy = ice::Policy::kNoHost;
  for (const Configuration& configuration : {named, hostless}) {
    auto pc = *PeerConnection::create(*call_.alice_host, configuration);
    ASSERT_TRUE(pc->create_data_channel("c").has_value());
    ASSERT_TRUE(pc->set_local_description().has_value());
    call_.world.run_for(seconds(1));
    const std::string sdp = pc->local_description()->sdp;
    EXPECT_THAT(sdp, testing::Not(HasSubstr(address)));
    EXPECT_THAT(sdp, HasSubstr("a=end-of-candidates"));
    const bool has_name = sdp.find(".local ") != std::string::npos;
    EXPECT_EQ(has_name, configuration.local.hide_addresses);
  }
}

}  // namespace
}  // namespace floe
