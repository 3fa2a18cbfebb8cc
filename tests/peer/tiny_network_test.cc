// The network interface is enough: everything runs on a transport that floe has never seen.
#include <gtest/gtest.h>

#include "floe/ice/transport.h"
#include "floe/peer/peer_connection.h"
#include "tests/peer/tiny_network.h"

namespace floe {
namespace {

using std::chrono::seconds;

class ForeignNetwork : public testing::Test {
 protected:
  TinyWire wire_;
  TinyHost alice_{wire_, net::Address::v4(192, 0, 2, 1)};
  TinyHost bob_{wire_, net::Address::v4(192, 0, 2, 2)};
};

TEST_F(ForeignNetwork, CarriesIceAlone) {
  std::string heard;
  std::unique_ptr<ice::Transport> offerer;
  std::unique_ptr<ice::Transport> answerer;
  const auto create = [](TinyHost& host, ice::Role role, std::unique_ptr<ice::Transport>& peer,
                         std::string* hear) {
    ice::Transport::Config config;
    config.agent.role = role;
    ice::Transport::Handlers handlers;
    handlers.candidate = [&peer](const ice::Candidate& candidate) {
      EXPECT_TRUE(peer->add_remote_candidate(candidate.to_string()).has_value());
    };
    handlers.gathering_state = [&peer](ice::GatheringState state) {
      if (state == ice::GatheringState::kComplete) peer->set_remote_end_of_candidates();
    };
    if (hear != nullptr) {
      handlers.data = [hear](MutableBytes bytes) { *hear += as_text(bytes); };
    }
    return *ice::Transport::create(host, config, handlers);
  };
  offerer = create(alice_, ice::Role::kControlling, answerer, nullptr);
  answerer = create(bob_, ice::Role::kControlled, offerer, &heard);
  ASSERT_TRUE(offerer->set_remote_credentials(answerer->local_credentials()).has_value());
  ASSERT_TRUE(answerer->set_remote_credentials(offerer->local_credentials()).has_value());
  EXPECT_EQ(offerer->send(as_bytes("x")).error().code, Errc::kInvalidState);
  offerer->gather();
  answerer->gather();
  wire_.run_for(seconds(2));
  EXPECT_EQ(offerer->state(), ice::State::kCompleted);
  EXPECT_EQ(answerer->state(), ice::State::kCompleted);
  ASSERT_TRUE(offerer->send(as_bytes("over a ")).has_value());
  ASSERT_TRUE(offerer->send(as_bytes("foreign wire")).has_value());
  wire_.run_for(seconds(1));
  EXPECT_EQ(heard, "over a foreign wire");
  // Either side may go in any order.
  offerer->close();
  answerer.reset();
  wire_.run_for(seconds(60));
}

TEST_F(ForeignNetwork, CarriesAWholePeerConnection) {
  // OpenSSL and usrsctp read the system's clock, which stands still next to this wire's: fine as
  // long as nothing is lost and has to be repeated.
  auto caller = *PeerConnection::create(alice_);
  auto callee = *PeerConnection::create(bob_);
  std::string heard;
  const auto channel = *caller->create_data_channel("c");
  channel->on_open([&] { EXPECT_TRUE(channel->send("hello").has_value()); });
  callee->on_data_channel([&](std::shared_ptr<DataChannel> theirs) {
    theirs->on_message([&heard, theirs](const DataChannel::Message& message) {
      heard += as_text(message.payload);
    });
  });
  ASSERT_TRUE(caller->set_local_description().has_value());
  ASSERT_TRUE(callee->set_remote_description(*caller->local_description()).has_value());
  ASSERT_TRUE(callee->set_local_description().has_value());
  ASSERT_TRUE(caller->set_remote_description(*callee->local_description()).has_value());
  wire_.run_for(seconds(5));
  EXPECT_EQ(heard, "hello");
}

}  // namespace
}  // namespace floe
