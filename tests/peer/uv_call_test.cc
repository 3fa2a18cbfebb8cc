// Whole peers over real sockets on the loopback interface, both on one loop.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>

#include "floe/net/uv/network.h"
#include "floe/peer/peer_connection.h"

namespace floe {
namespace {

std::size_t threads_of_this_process() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return static_cast<std::size_t>(std::distance(begin(tasks), end(tasks)));
}

class UvCall : public testing::TestWithParam<bool> {
 protected:
  UvCall() {
    net::uv::Options options;
    options.batched = GetParam();
    network_ = *net::uv::Network::create(nullptr, options);
    deadline_ = network_->create_timer([this] { network_->stop(); });
    deadline_->arm(network_->now() + std::chrono::seconds(60));
    Configuration configuration;
    configuration.local.loopback = true;
    configuration.local.filter = [](const net::Interface& interface) {
      return interface.address.is_loopback();
    };
    alice_ = *PeerConnection::create(*network_, configuration);
    bob_ = *PeerConnection::create(*network_, configuration);
    trickle(*alice_, *bob_);
    trickle(*bob_, *alice_);
  }
  static void trickle(PeerConnection& from, PeerConnection& to) {
    from.on_ice_candidate([&to](const IceCandidate& candidate) {
      EXPECT_TRUE(to.add_ice_candidate(candidate).has_value());
    });
  }
  void negotiate() {
    ASSERT_TRUE(alice_->set_local_description().has_value());
    ASSERT_TRUE(bob_->set_remote_description(*alice_->local_description()).has_value());
    ASSERT_TRUE(bob_->set_local_description().has_value());
    ASSERT_TRUE(alice_->set_remote_description(*bob_->local_description()).has_value());
  }

  std::unique_ptr<net::uv::Network> network_;
  std::unique_ptr<net::Timer> deadline_;
  std::unique_ptr<PeerConnection> alice_;
  std::unique_ptr<PeerConnection> bob_;
};

TEST_P(UvCall, CarriesALargeMessageAndStartsNoThread) {
  const std::size_t threads_before = threads_of_this_process();
  const auto channel = *alice_->create_data_channel("c");
  std::vector<std::uint8_t> message(200'000);
  for (std::size_t i = 0; i < message.size(); ++i) message[i] = static_cast<std::uint8_t>(i * 7);
  channel->on_open([&] { EXPECT_TRUE(channel->send(Bytes(message)).has_value()); });
  bool arrived = false;
  std::size_t threads = 0;
  bob_->on_data_channel([&](std::shared_ptr<DataChannel> theirs) {
    theirs->on_message([&](const DataChannel::Message& got) {
      arrived = std::equal(got.payload.begin(), got.payload.end(), message.begin(), message.end());
      threads = threads_of_this_process();
      network_->stop();
    });
  });
  negotiate();
  network_->run();
  EXPECT_TRUE(arrived);
  // usrsctp's iterator is the one thread that comes with the library, once a process.
  EXPECT_LE(threads, threads_before + 1);
}

TEST_P(UvCall, NoticesTheGoodbyeOfItsPeer) {
  const auto channel = *alice_->create_data_channel("c");
  bool closed = false;
  bob_->on_data_channel([&](std::shared_ptr<DataChannel> theirs) {
    theirs->on_close([&] {
      closed = true;
      network_->stop();
    });
  });
  channel->on_open([&] { alice_.reset(); });
  negotiate();
  network_->run();
  EXPECT_TRUE(closed);
}

INSTANTIATE_TEST_SUITE_P(Sockets, UvCall, testing::Bool(), [](const auto& batched) {
  return batched.param ? "Batched" : "Portable";
});

}  // namespace
}  // namespace floe
