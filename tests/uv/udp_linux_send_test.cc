#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "floe/net/uv/internal/udp_socket.h"
#include "floe/net/uv/udp_calls.h"
#include "tests/uv/fixture.h"

namespace floe::net::uv {
namespace {

/// A kernel that refuses what a test wants refused.
class StubbornKernel final : public UdpCalls {
 public:
  int send(int fd, mmsghdr* messages, unsigned count) override {
    last_fd = fd;
    ++send_calls;
    unsigned sent = 0;
    while (sent < count) {
      const int error = refuse ? refuse(messages[sent].msg_hdr) : 0;
      if (error != 0) {
        if (sent > 0) return static_cast<int>(sent);
        errno = error;
        return -1;
      }
      if (messages[sent].msg_hdr.msg_controllen > 0) ++cut;
      if (UdpCalls::send(fd, messages + sent, 1) != 1) return sent > 0 ? int(sent) : -1;
      ++sent;
      if (sent == at_most) break;
    }
    return static_cast<int>(sent);
  }

  /// The errno for a message, 0 to let it pass.
  std::function<int(const msghdr&)> refuse;
  unsigned at_most = 1000;
  int last_fd = -1;
  int send_calls = 0;
  int cut = 0;  ///< Messages that left with UDP_SEGMENT.
};

bool is_cut(const msghdr& message) {
  return message.msg_controllen > 0;
}

class UdpLinuxSend : public testing::Test {
 protected:
  /// Adds `count` packets of `size` bytes, numbered on from the last.
  void add(std::size_t count, std::size_t size, std::optional<Route> route = std::nullopt) {
    for (std::size_t i = 0; i < count; ++i) {
      ASSERT_TRUE(batch_.add(route.value_or(route_), numbered(next_++, size)));
    }
  }
  void send() { network_->send(batch_); }
  /// All packets from number `first` on have arrived, in order.
  void expect_all(std::size_t first = 0) {
    ASSERT_TRUE(run_until(*network_, [&] { return inbox_.packets.size() >= next_ - first; }));
    ASSERT_EQ(inbox_.packets.size(), next_ - first);
    for (std::size_t i = 0; i < inbox_.packets.size(); ++i) {
      const auto& packet = inbox_.packets[i];
      ASSERT_EQ(packet, numbered(first + i, packet.size()));
    }
  }
  const Stats& stats() { return network_->stats(); }

  StubbornKernel kernel_;
  std::unique_ptr<Network> network_ = std::move(*Network::create(nullptr, {.udp_calls = &kernel_}));
  Inbox inbox_;
  Inbox unused_;
  std::unique_ptr<UdpSocket> from_ = open_udp(*network_, unused_);
  std::unique_ptr<UdpSocket> to_ = open_udp(*network_, inbox_);
  Route route_{from_->id(), to_->local(), {}};
  SendBatch batch_;
  std::size_t next_ = 0;
};

TEST_F(UdpLinuxSend, HandsARunToTheKernelInOnePiece) {
  add(50, 1200);
  send();
  EXPECT_EQ(kernel_.send_calls, 1);
  EXPECT_EQ(kernel_.cut, 1);
  EXPECT_EQ(stats().gso_runs, 1u);
  EXPECT_EQ(stats().datagrams_out, 50u);
  EXPECT_EQ(stats().bytes_out, 50u * 1200);
  expect_all();
  EXPECT_GE(stats().gro_trains, 1u);
  EXPECT_LT(inbox_.deliveries, 50u);
  EXPECT_EQ(stats().datagrams_in, 50u);
}

TEST_F(UdpLinuxSend, HandsManyRunsToTheKernelInOneCall) {
  for (int i = 0; i < 10; ++i) {
    add(54, 1200);
    add(1, 700);
  }
  send();
  EXPECT_EQ(kernel_.send_calls, 1);
  EXPECT_EQ(kernel_.cut, 10);
  expect_all();
}

TEST_F(UdpLinuxSend, SendsASinglePacketUncut) {
  add(1, 1200);
  send();
  EXPECT_EQ(kernel_.cut, 0);
  EXPECT_EQ(stats().gso_runs, 0u);
  expect_all();
}

TEST_F(UdpLinuxSend, FallsBackToSinglePacketsWhereTheKernelCannotCutThem) {
  for (const int error : {EIO, EINVAL}) {
    from_ = open_udp(*network_, unused_);
    route_.socket = from_->id();
    inbox_.packets.clear();
    const std::size_t first = next_;
    const auto fallbacks = stats().gso_fallbacks;
    kernel_.refuse = [&](const msghdr& message) { return is_cut(message) ? error : 0; };
    batch_.clear();
    add(40, 1000);
    add(40, 1100);
    send();
    EXPECT_TRUE(batch_.failures().empty());
    EXPECT_EQ(stats().gso_fallbacks, fallbacks + 1);
    expect_all(first);

    // From then on it does not try, and still sends many packets per call.
    kernel_.refuse = nullptr;
    kernel_.cut = 0;
    kernel_.send_calls = 0;
    batch_.clear();
    add(60, 1000);
    send();
    EXPECT_EQ(kernel_.cut, 0);
    EXPECT_EQ(kernel_.send_calls, 1);
    expect_all(first);
  }
}

TEST_F(UdpLinuxSend, KeepsCuttingWhenOnlyThePacketsWereTooLarge) {
  constexpr std::size_t kMtu = 1400;
  kernel_.refuse = [&](const msghdr& message) {
    if (is_cut(message)) return message.msg_iov->iov_len % 1500 == 0 ? EINVAL : 0;
    return message.msg_iov->iov_len > kMtu ? EMSGSIZE : 0;
  };
  add(10, 1500);
  send();
  ASSERT_EQ(batch_.failures().size(), 1u);
  EXPECT_EQ(batch_.failures()[0].error.code, Errc::kMessageTooLong);
  EXPECT_EQ(batch_.failures()[0].route, route_);
  EXPECT_EQ(stats().gso_fallbacks, 0u);
  batch_.clear();
  const std::size_t first = next_;
  add(7, 1200);
  send();
  EXPECT_EQ(kernel_.cut, 1);
  expect_all(first);
}

TEST_F(UdpLinuxSend, ContinuesWhereTheKernelStopped) {
  kernel_.at_most = 1;
  for (std::size_t size = 100; size < 120; ++size) add(1, size);
  send();
  EXPECT_EQ(kernel_.send_calls, 20);
  expect_all();
}

TEST_F(UdpLinuxSend, KeepsWhatTheKernelHasNoRoomForAndSendsItInOrder) {
  int accepted = 0;
  kernel_.refuse = [&](const msghdr&) { return ++accepted > 3 ? EAGAIN : 0; };
  for (int i = 0; i < 10; ++i) {
    add(5, 1200);
    add(1, 600);
  }
  send();
  EXPECT_TRUE(batch_.failures().empty());
  EXPECT_EQ(stats().runs_kept, 7u);
  EXPECT_GE(network_->send_backlog(), 7u * 6600);
  batch_.clear();
  add(2, 900);
  send();
  EXPECT_EQ(stats().runs_kept, 8u) << "nothing overtakes what waits";
  EXPECT_EQ(inbox_.packets.size(), 0u);
  accepted = -1000;
  expect_all();
  EXPECT_EQ(network_->send_backlog(), 0u);
}

TEST_F(UdpLinuxSend, KeepsTheRestOfARunThatWasRefusedMidway) {
  int accepted = 0;
  kernel_.refuse = [&](const msghdr& message) {
    if (is_cut(message)) return EIO;
    return ++accepted > 7 ? EAGAIN : 0;
  };
  add(20, 1200);
  send();
  EXPECT_EQ(stats().datagrams_out, 7u);
  accepted = -1000;
  expect_all();
}

TEST_F(UdpLinuxSend, TriesAgainByItselfWhenTheKernelIsOutOfBuffers) {
  for (const int error : {ENOBUFS, ENOMEM}) {
    kernel_.refuse = [&](const msghdr&) { return error; };
    batch_.clear();
    add(30, 1200);
    send();
    EXPECT_TRUE(batch_.failures().empty());
    EXPECT_GT(network_->send_backlog(), 0u);
    const int calls = kernel_.send_calls;
    run_for(*network_, std::chrono::milliseconds(20));
    EXPECT_GT(kernel_.send_calls, calls);
    EXPECT_LE(kernel_.send_calls, calls + 25) << "a socket that polls as writable must not spin";
    kernel_.refuse = nullptr;
    expect_all();
  }
}

TEST_F(UdpLinuxSend, BoundsWhatItKeeps) {
  kernel_.refuse = [](const msghdr&) { return EAGAIN; };
  for (int round = 0; round < 4; ++round) {
    batch_.clear();
    while (batch_.add(route_, numbered(next_, 1200))) ++next_;
    send();
  }
  EXPECT_LE(network_->send_backlog(), kMaxBacklog);
  EXPECT_GT(network_->send_backlog(), kMaxBacklog - 70'000);
  EXPECT_GT(stats().dropped_backlog_full, 0u);
  kernel_.refuse = nullptr;
  ASSERT_TRUE(run_until(*network_, [&] { return network_->send_backlog() == 0; }));
  EXPECT_EQ(stats().datagrams_out + stats().dropped_backlog_full, next_);
}

TEST_F(UdpLinuxSend, BoundsHowManyEmptyPacketsItKeeps) {
  kernel_.refuse = [](const msghdr&) { return EAGAIN; };
  for (std::size_t i = 0; i < 2 * kMaxBacklog / kKeptOverhead; ++i) {
    ASSERT_TRUE(batch_.add_empty(route_));
  }
  send();
  EXPECT_LE(network_->send_backlog(), kMaxBacklog);
  EXPECT_GT(stats().dropped_backlog_full, 0u);
}

TEST_F(UdpLinuxSend, ForgetsWhatItKeptWhenTheSocketIsDestroyed) {
  kernel_.refuse = [](const msghdr&) { return EAGAIN; };
  add(50, 1200);
  send();
  EXPECT_GT(network_->send_backlog(), 0u);
  from_.reset();
  EXPECT_EQ(network_->send_backlog(), 0u);
}

TEST_F(UdpLinuxSend, ListsEachRouteTheKernelRefusesAndSendsTheOthers) {
  const struct {
    int error;
    Errc code;
  } refusals[] = {
      {EPERM, Errc::kPermissionDenied},  {EACCES, Errc::kPermissionDenied},
      {ENETUNREACH, Errc::kUnreachable}, {EHOSTUNREACH, Errc::kUnreachable},
      {EMSGSIZE, Errc::kMessageTooLong}, {EAFNOSUPPORT, Errc::kInvalidArgument},
      {EINVAL, Errc::kInvalidArgument},  {EADDRNOTAVAIL, Errc::kAddressNotAvailable},
      {ENETDOWN, Errc::kUnreachable},    {ECONNREFUSED, Errc::kRefused},
      {EHOSTDOWN, Errc::kUnreachable},
  };
  const Route bad{from_->id(), {loopback(), 9}, {}};
  for (const auto& refusal : refusals) {
    kernel_.refuse = [&](const msghdr& message) {
      sockaddr_in address;
      std::memcpy(&address, message.msg_name, sizeof(address));
      return ntohs(address.sin_port) == bad.destination.port ? refusal.error : 0;
    };
    inbox_.packets.clear();
    batch_.clear();
    const std::size_t first = next_;
    add(3, 800);
    for (int i = 0; i < 4; ++i) ASSERT_TRUE(batch_.add(bad, numbered(0, 800)));
    add(3, 800);
    send();
    ASSERT_EQ(batch_.failures().size(), 1u) << refusal.error;
    EXPECT_EQ(batch_.failures()[0].route, bad);
    EXPECT_EQ(batch_.failures()[0].error.code, refusal.code);
    EXPECT_THAT(batch_.failures()[0].error.message, testing::HasSubstr("127.0.0.1:9"));
    expect_all(first);
  }
  EXPECT_EQ(stats().gso_fallbacks, 0u);
}

TEST_F(UdpLinuxSend, IsNotMisledByTheErrorOfAnEarlierPacket) {
  int refused = 0;
  kernel_.refuse = [&](const msghdr&) { return refused++ == 0 ? ECONNREFUSED : 0; };
  add(1, 100);
  send();
  EXPECT_TRUE(batch_.failures().empty());
  expect_all();
}

TEST_F(UdpLinuxSend, DropsAndCountsWhatIsRefusedAfterItWasKept) {
  kernel_.refuse = [](const msghdr&) { return EAGAIN; };
  add(4, 100);
  send();
  kernel_.refuse = [](const msghdr&) { return EPERM; };
  ASSERT_TRUE(run_until(*network_, [&] { return network_->send_backlog() == 0; }));
  EXPECT_EQ(stats().dropped_unsendable, 4u);
}

TEST_F(UdpLinuxSend, RefusesADestinationWithoutAPort) {
  ASSERT_TRUE(batch_.add({from_->id(), {loopback(), 0}, {}}, numbered(0, 10)));
  ASSERT_TRUE(batch_.add({from_->id(), {loopback(), 0}, {}}, numbered(0, 10)));
  send();
  ASSERT_EQ(batch_.failures().size(), 1u);
  EXPECT_EQ(batch_.failures()[0].error.code, Errc::kInvalidArgument);
}

int option(int fd, int level, int name) {
  int value = -1;
  socklen_t size = sizeof(value);
  EXPECT_EQ(getsockopt(fd, level, name, &value, &size), 0);
  return value;
}

TEST_F(UdpLinuxSend, NeverLetsAPacketBeFragmentedAndAsksForLargeBuffers) {
  add(1, 10);
  send();
  EXPECT_EQ(option(kernel_.last_fd, IPPROTO_IP, IP_MTU_DISCOVER), IP_PMTUDISC_PROBE);
  // The system may grant less than was asked for, but more than its default.
  const int plain = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  EXPECT_GT(option(kernel_.last_fd, SOL_SOCKET, SO_RCVBUF), option(plain, SOL_SOCKET, SO_RCVBUF));
  EXPECT_GT(option(kernel_.last_fd, SOL_SOCKET, SO_SNDBUF), option(plain, SOL_SOCKET, SO_SNDBUF));
  ::close(plain);

  if (!has_ipv6(*network_)) GTEST_SKIP() << "no IPv6 here";
  const auto v6 = open_udp(*network_, unused_, loopback(Family::kIpv6));
  batch_.clear();
  ASSERT_TRUE(batch_.add({v6->id(), v6->local(), {}}, numbered(0, 10)));
  send();
  EXPECT_EQ(option(kernel_.last_fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER), IPV6_PMTUDISC_PROBE);
  EXPECT_EQ(option(kernel_.last_fd, IPPROTO_IPV6, IPV6_V6ONLY), 1);
}

}  // namespace
}  // namespace floe::net::uv
