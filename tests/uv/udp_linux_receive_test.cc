#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>

#include "floe/net/uv/internal/reactor.h"
#include "floe/net/uv/udp_calls.h"
#include "tests/uv/fixture.h"

namespace floe::net::uv {
namespace {

class WatchedKernel final : public UdpCalls {
 public:
  int send(int fd, mmsghdr* messages, unsigned count) override {
    last_sender = fd;
    return UdpCalls::send(fd, messages, count);
  }
  int receive(int fd, mmsghdr* messages, unsigned count) override {
    if (!errors.empty()) {
      errno = errors.back();
      errors.pop_back();
      return -1;
    }
    const int received = UdpCalls::receive(fd, messages, count);
    if (truncate && received > 0) messages[0].msg_hdr.msg_flags |= MSG_TRUNC;
    return received;
  }
  int last_sender = -1;
  std::vector<int> errors;
  bool truncate = false;
};

class UdpLinuxReceive : public testing::Test {
 protected:
  WatchedKernel kernel_;
  std::unique_ptr<Network> network_ = std::move(*Network::create(nullptr, {.udp_calls = &kernel_}));
  Inbox inbox_;
  Inbox unused_;
  std::unique_ptr<UdpSocket> from_ = open_udp(*network_, unused_);
  std::unique_ptr<UdpSocket> to_ = open_udp(*network_, inbox_);
  SendBatch batch_;
};

TEST_F(UdpLinuxReceive, GivesOtherSocketsTheirTurnWhileOneIsFlooded) {
  Inbox other;
  const auto quiet = open_udp(*network_, other);
  // Alternating destinations keep the kernel from joining packets.
  for (std::size_t i = 0; i < 2000; ++i) {
    ASSERT_TRUE(batch_.add({from_->id(), to_->local(), {}}, numbered(i, 100 + i % 2)));
  }
  ASSERT_TRUE(batch_.add({from_->id(), quiet->local(), {}}, numbered(0, 10)));
  network_->send(batch_);
  ASSERT_TRUE(run_until(*network_, [&] { return !other.packets.empty(); }));
  EXPECT_LE(inbox_.packets.size(), 200u);
  EXPECT_TRUE(run_until(*network_, [&] { return inbox_.packets.size() == 2000; }));
}

TEST_F(UdpLinuxReceive, SurvivesErrorsThatEarlierPacketsCaused) {
  kernel_.errors = {ECONNREFUSED, EHOSTUNREACH, EINTR};
  ASSERT_TRUE(batch_.add({from_->id(), to_->local(), {}}, numbered(1, 10)));
  network_->send(batch_);
  ASSERT_TRUE(run_until(*network_, [&] { return inbox_.packets.size() == 1; }));
  EXPECT_EQ(network_->stats().receive_errors, 2u);
}

TEST_F(UdpLinuxReceive, DropsAndCountsATruncatedPacket) {
  kernel_.truncate = true;
  ASSERT_TRUE(batch_.add({from_->id(), to_->local(), {}}, numbered(1, 10)));
  network_->send(batch_);
  ASSERT_TRUE(run_until(*network_, [&] { return network_->stats().dropped_truncated == 1; }));
  EXPECT_TRUE(inbox_.packets.empty());
}

TEST_F(UdpLinuxReceive, StaysOpenWhenThePollReportsAnIcmpError) {
  ASSERT_TRUE(batch_.add({to_->id(), from_->local(), {}}, numbered(1, 10)));
  network_->send(batch_);
  ASSERT_TRUE(run_until(*network_, [&] { return unused_.packets.size() == 1; }));
  // Makes ICMP errors visible on the socket, as on one that another part of the program prepared.
  const int on = 1;
  ASSERT_EQ(setsockopt(kernel_.last_sender, IPPROTO_IP, IP_RECVERR, &on, sizeof(on)), 0);

  const Endpoint nobody = from_->local();
  from_.reset();
  for (std::size_t i = 0; i < 3; ++i) {
    batch_.clear();
    ASSERT_TRUE(batch_.add({to_->id(), nobody, {}}, numbered(i, 10)));
    network_->send(batch_);
    EXPECT_TRUE(batch_.failures().empty());
    const auto errors = network_->stats().receive_errors;
    ASSERT_TRUE(run_until(*network_, [&] { return network_->stats().receive_errors > errors; }));
  }
  batch_.clear();
  ASSERT_TRUE(batch_.add({to_->id(), to_->local(), {}}, numbered(7, 10)));
  network_->send(batch_);
  ASSERT_TRUE(run_until(*network_, [&] { return !inbox_.packets.empty(); }));
  EXPECT_EQ(inbox_.packets[0], numbered(7, 10));
}

TEST_F(UdpLinuxReceive, SplitsATrainWithAShortLastPacket) {
  std::size_t number = 0;
  for (std::size_t i = 0; i < 20; ++i) {
    ASSERT_TRUE(batch_.add({from_->id(), to_->local(), {}}, numbered(number++, 1000)));
  }
  ASSERT_TRUE(batch_.add({from_->id(), to_->local(), {}}, numbered(number++, 7)));
  network_->send(batch_);
  ASSERT_TRUE(run_until(*network_, [&] { return inbox_.packets.size() == number; }));
  EXPECT_GE(network_->stats().gro_trains, 1u);
  for (std::size_t i = 0; i < number; ++i) {
    EXPECT_EQ(inbox_.packets[i], numbered(i, i + 1 < number ? 1000 : 7));
  }
}

}  // namespace
}  // namespace floe::net::uv
