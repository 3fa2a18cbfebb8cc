// Many agents on one UDP port, in the simulator.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "floe/ice/udp_mux.h"
#include "tests/ice/duo.h"

namespace floe::ice {
namespace {

class IceUdpMux : public testing::Test {
 protected:
  struct Call {
    Side here;
    Side there;
    bool up() const { return here.up() && there.up(); }
  };
  IceUdpMux() : mux_(open(server_, 4000)) {}
  ~IceUdpMux() override { calls_.clear(); }

  static std::shared_ptr<UdpMux> open(net::sim::Host& host, std::uint16_t port) {
    auto mux = std::make_shared<UdpMux>(host);
    EXPECT_TRUE(mux->open({.bind = {host.address(), port}}));
    return mux;
  }
  Call& call(net::sim::Host& client, std::shared_ptr<UdpMux> client_mux = nullptr) {
    calls_.push_back(std::make_unique<Call>());
    Call& call = *calls_.back();
    call.here.host = &server_;
    call.here.config.local.udp_mux = mux_;
    call.there.host = &client;
    call.there.config.local.udp_mux = std::move(client_mux);
    duo_.create(call.here, call.there, Role::kControlled);
    duo_.create(call.there, call.here, Role::kControlling);
    EXPECT_TRUE(
        call.here.transport->set_remote_credentials(call.there.transport->local_credentials()));
    EXPECT_TRUE(
        call.there.transport->set_remote_credentials(call.here.transport->local_credentials()));
    call.here.transport->gather();
    call.there.transport->gather();
    return call;
  }
  bool run_until_all_up(Duration bound) {
    return duo_.world.run_until(
        [this] {
          return std::all_of(calls_.begin(), calls_.end(),
                             [](const auto& call) { return call->up(); });
        },
        bound);
  }
  /// Each side sends its own word to its own peer; true if everybody got theirs and nobody else's.
  bool everybody_hears_their_own() {
    for (std::size_t i = 0; i < calls_.size(); ++i) {
      const std::string word = std::to_string(i);
      static_cast<void>(calls_[i]->here.transport->send(as_bytes(word)));
      static_cast<void>(calls_[i]->there.transport->send(as_bytes(word)));
    }
    duo_.world.run_for(seconds(1));
    for (std::size_t i = 0; i < calls_.size(); ++i) {
      const std::vector<std::string> expected{std::to_string(i)};
      if (calls_[i]->here.data != expected || calls_[i]->there.data != expected) return false;
    }
    return true;
  }
  Duo duo_;
  net::sim::Host& server_ = duo_.world.add_host("server");
  std::shared_ptr<UdpMux> mux_;
  std::vector<std::unique_ptr<Call>> calls_;
};

TEST_F(IceUdpMux, ServesFiveHundredAgentsOnOnePort) {
  net::sim::Host& clients = duo_.world.add_host("clients");
  for (int i = 0; i < 500; ++i) call(clients);
  // One check every Ta, of two hosts' agents each.
  ASSERT_TRUE(run_until_all_up(minutes(3)));
  EXPECT_TRUE(everybody_hears_their_own());
  EXPECT_EQ(mux_->members(), 500u);
  for (const auto& call : calls_) {
    ASSERT_EQ(call->here.candidates.size(), 1u);
    EXPECT_EQ(call->here.candidates[0].endpoint, (net::Endpoint{server_.address(), 4000}));
  }
}

TEST_F(IceUdpMux, ClosingOneAgentLeavesTheOthersAlone) {
  net::sim::Host& clients = duo_.world.add_host("clients");
  for (int i = 0; i < 3; ++i) call(clients);
  ASSERT_TRUE(run_until_all_up(seconds(20)));
  calls_[1]->here.transport.reset();
  EXPECT_EQ(mux_->members(), 2u);
  calls_.erase(calls_.begin() + 1);
  EXPECT_TRUE(everybody_hears_their_own());
  duo_.world.run_for(minutes(2));
  for (const auto& call : calls_) EXPECT_TRUE(call->up());
}

TEST_F(IceUdpMux, FollowsTheNewFragmentOfARestart) {
  net::sim::Host& clients = duo_.world.add_host("clients");
  for (int i = 0; i < 2; ++i) call(clients);
  ASSERT_TRUE(run_until_all_up(seconds(20)));
  Call& first = *calls_[0];
  ASSERT_TRUE(first.here.transport->restart());
  ASSERT_TRUE(first.there.transport->restart());
  ASSERT_TRUE(
      first.here.transport->set_remote_credentials(first.there.transport->local_credentials()));
  ASSERT_TRUE(
      first.there.transport->set_remote_credentials(first.here.transport->local_credentials()));
  duo_.world.run_for(seconds(10));
  EXPECT_FALSE(first.here.transport->agent().keeps_previous_generation());
  EXPECT_TRUE(everybody_hears_their_own());
}

TEST_F(IceUdpMux, TellsTwoAgentsApartThatTalkToTheSamePort) {
  net::sim::Host& client = duo_.world.add_host("client");
  const auto client_mux = open(client, 5000);
  for (int i = 0; i < 2; ++i) call(client, client_mux);
  // Both pairs of agents have the same two ports; their checks must not mix.
  ASSERT_TRUE(run_until_all_up(seconds(20)));
  duo_.world.run_for(minutes(1));
  for (const auto& call : calls_) EXPECT_TRUE(call->up());
}

TEST_F(IceUdpMux, DropsWhatIsForNobody) {
  struct Sink final : net::UdpHandler {
    void on_datagrams(std::span<net::Datagram>) override { ++heard; }
    int heard = 0;
  } sink;
  net::sim::Host& stranger = duo_.world.add_host("stranger");
  const auto socket = *stranger.open_udp({.bind = {stranger.address(), 0}}, sink);
  net::SendBatch batch;
  const net::Route route{socket->id(), {server_.address(), 4000}, {}};
  ASSERT_TRUE(batch.add(route, as_bytes("hello")));
  SeededRandom random(1);
  for (const auto cls : {stun::Class::kRequest, stun::Class::kSuccess}) {
    std::vector<std::uint8_t> space(100);
    stun::MessageBuilder message(space, cls, stun::Method::kBinding,
                                 stun::random_transaction_id(random));
    message.add_text(stun::AttributeType::kUsername, "nobody:at-all");
    ASSERT_TRUE(batch.add(route, message.bytes()));
  }
  stranger.send(batch);
  duo_.world.run_for(seconds(1));
  EXPECT_EQ(sink.heard, 0);
  EXPECT_EQ(mux_->stats().dropped_unknown_source, 1u);
  EXPECT_EQ(mux_->stats().dropped_unknown_ufrag, 1u);
  EXPECT_EQ(mux_->stats().dropped_unknown_transaction, 1u);
}

TEST_F(IceUdpMux, RelaysFromAPortOfItsOwn) {
  duo_.add_turn_server();
  net::sim::Host& clients = duo_.world.add_host("clients");
  for (int i = 0; i < 2; ++i) {
    calls_.push_back(std::make_unique<Call>());
    Call& call = *calls_.back();
    call.here.host = &server_;
    call.here.config.local.udp_mux = mux_;
    call.here.config.servers = {Duo::server("turn:turn.example")};
    call.there.host = &clients;
    duo_.create(call.here, call.there, Role::kControlled);
    call.here.transport->gather();
  }
  duo_.world.run_for(seconds(3));
  for (const auto& call : calls_) EXPECT_EQ(call->here.count(CandidateType::kRelayed), 1u);
  EXPECT_EQ(duo_.turn->stats().relay.allocations, 2u);
}

}  // namespace
}  // namespace floe::ice
