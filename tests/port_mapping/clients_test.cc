#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "floe/port_mapping/nat_pmp_client.h"
#include "floe/port_mapping/pcp_client.h"
#include "floe/port_mapping/upnp_client.h"

namespace floe::port_mapping {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr Time kStart{std::chrono::hours(1)};
const net::Address kRouter = net::Address::v4(10, 0, 0, 1);
const Request kRequest{{net::Address::v4(10, 0, 0, 2), 5000}, Protocol::kUdp};
const net::Route kRoute{net::SocketId{1}, {kRouter, kServerPort}, {}};
const net::Endpoint kExternal{net::Address::v4(203, 0, 113, 5), 6000};
using Packet = std::vector<std::uint8_t>;

template <typename Client>
class Driven : public ::testing::Test {
 protected:
  std::vector<Packet> pump() {
    net::SendBatch batch;
    client.poll_transmit(now, kRoute, batch);
    std::vector<Packet> sent;
    for (const net::SendBatch::Run& run : batch.runs()) {
      for (std::size_t i = 0; i < run.segments; ++i)
        sent.push_back(to_vector(batch.packet(run, i)));
    }
    return sent;
  }
  std::vector<Packet> pump_at(Duration later) {
    now += later;
    client.handle_timeout(now);
    EXPECT_GT(client.next_timeout(), now);
    return pump();
  }
  std::vector<Packet> next() { return pump_at(client.next_timeout() - now); }

  SeededRandom random{1};
  Time now = kStart;
  Client client{kRequest, random};
};

class Pcp : public Driven<PcpClient> {
 protected:
  using State = PcpClient::State;
  /// The router's answer to `request`.
  Packet answer(const Packet& request, std::uint8_t result = 0, std::uint32_t lifetime = 1200,
                const net::Endpoint& external = kExternal) {
    Packet response = request;
    response[1] |= 0x80;
    response[3] = result;
    ByteWriter head(MutableBytes(response).subspan(4, 20));
    head.u32(lifetime);
    head.u32(epoch());
    head.zeros(12);
    if (result == 0) {
      ByteWriter tail(MutableBytes(response).subspan(42));
      tail.u16(external.port);
      tail.zeros(10);
      tail.u16(0xffff);
      tail.bytes(external.address.bytes());
    }
    return response;
  }
  std::uint32_t epoch() const {
    return static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::seconds>(now - booted).count());
  }
  void become_mapped() {
    client.start(now);
    ASSERT_TRUE(client.handle_packet(now, answer(pump().at(0))));
    ASSERT_EQ(client.state(), State::kMapped);
  }
  Time booted{};
};

TEST_F(Pcp, MapsAndRenewsAtHalfOfTheLifetime) {
  become_mapped();
  EXPECT_EQ(client.lease()->external, kExternal);
  EXPECT_EQ(client.next_timeout() - now, 10min);
  const std::vector<Packet> renewal = next();
  ASSERT_THAT(renewal, SizeIs(1));
  EXPECT_EQ(to_vector(Bytes(renewal[0]).last(4)), to_vector(kExternal.address.bytes()));
  const net::Endpoint moved{net::Address::v4(203, 0, 113, 9), 7000};
  client.handle_packet(now, answer(renewal[0], 0, 1200, moved));
  EXPECT_EQ(client.lease()->external, moved);
  EXPECT_EQ(client.next_timeout() - now, 10min);
}

TEST_F(Pcp, FailsAfterFiveRequestsWithoutAnAnswer) {
  client.start(now);
  EXPECT_THAT(pump(), SizeIs(1));
  for (int i = 0; i < 4; ++i) EXPECT_THAT(next(), SizeIs(1));
  next();
  EXPECT_EQ(client.state(), State::kFailed);
  EXPECT_EQ(client.error(), "does not answer");
  EXPECT_EQ(now - kStart, 7750ms);
  EXPECT_EQ(client.next_timeout(), kNever);
}

TEST_F(Pcp, SaysWhyTheRouterRefuses) {
  client.start(now);
  client.handle_packet(now, answer(pump().at(0), 2));
  EXPECT_EQ(client.state(), State::kFailed);
  EXPECT_EQ(client.error(), "does not permit mappings");
}

TEST_F(Pcp, TakesOnlyTheAnswerWithItsNonce) {
  client.start(now);
  Packet forged = answer(pump().at(0));
  forged[24] ^= 1;
  EXPECT_TRUE(client.handle_packet(now, forged));
  EXPECT_EQ(client.state(), State::kAsking);
  Packet other_port = answer(pump_at(250ms).at(0));
  other_port[41] ^= 1;
  client.handle_packet(now, other_port);
  EXPECT_EQ(client.state(), State::kAsking);
  EXPECT_FALSE(client.handle_packet(now, Packet{2, 0x81}));
}

TEST_F(Pcp, AsksAgainAtOnceWhenTheRouterHasRestarted) {
  become_mapped();
  now += 1min;
  booted = now;
  Packet announcement(24);
  announcement[0] = 2;
  announcement[1] = 0x80;
  client.handle_packet(now, announcement);
  EXPECT_LE(client.next_timeout() - now, 1s);
  const std::vector<Packet> again = next();
  ASSERT_THAT(again, SizeIs(1));
  client.handle_packet(now, answer(again[0]));
  EXPECT_EQ(client.next_timeout() - now, 10min);
}

TEST_F(Pcp, KeepsTryingToRenewUntilTheLeaseEnds) {
  become_mapped();
  std::size_t requests = 0;
  while (client.state() == State::kMapped) {
    requests += next().size();
    ASSERT_LT(requests, 100u);
  }
  EXPECT_EQ(client.error(), "has not renewed the mapping in time");
  EXPECT_FALSE(client.lease());
  EXPECT_GE(now - kStart, 20min);
  EXPECT_LE(now - kStart, 21min);
}

TEST_F(Pcp, TakesTheMappingBack) {
  become_mapped();
  client.release(now);
  const std::vector<Packet> sent = pump();
  ASSERT_THAT(sent, SizeIs(1));
  EXPECT_EQ(to_vector(Bytes(sent[0]).subspan(4, 4)), Packet(4));  // Lifetime 0.
  client.handle_packet(now, answer(sent[0], 0, 0));
  EXPECT_EQ(client.state(), State::kReleased);
  EXPECT_EQ(client.next_timeout(), kNever);
}

TEST_F(Pcp, NoticesAfterATenMinuteJumpThatItMustRenew) {
  become_mapped();
  EXPECT_THAT(pump_at(11min), SizeIs(1));
  EXPECT_THAT(pump_at(30min), SizeIs(1));  // Overslept, but the router may still have it.
}

TEST_F(Pcp, BoundsLifetimesThatMakeNoSense) {
  client.start(now);
  client.handle_packet(now, answer(pump().at(0), 0, 1));
  EXPECT_EQ(client.next_timeout() - now, LeaseClock::kMinLifetime / 2);
  const Packet renewal = next().at(0);  // Moves `now`.
  client.handle_packet(now, answer(renewal, 0, 0xffffffff));
  EXPECT_EQ(client.next_timeout() - now, LeaseClock::kMaxLifetime / 2);
}

class NatPmp : public Driven<NatPmpClient> {
 protected:
  using State = NatPmpClient::State;
  Packet address_answer(const net::Address& address = kExternal.address, std::uint16_t result = 0) {
    Packet space(12);
    ByteWriter out(space);
    out.u8(0);
    out.u8(0x80);
    out.u16(result);
    out.u32(epoch);
    out.bytes(address.bytes());
    return space;
  }
  Packet map_answer(std::uint16_t port = kExternal.port, std::uint16_t result = 0) {
    Packet space(16);
    ByteWriter out(space);
    out.u8(0);
    out.u8(0x81);
    out.u16(result);
    out.u32(epoch);
    out.u16(kRequest.internal.port);
    out.u16(port);
    out.u32(1200);
    return space;
  }
  void become_mapped() {
    client.start(now);
    EXPECT_EQ(pump(), std::vector<Packet>{nat_pmp::address_request()});
    client.handle_packet(now, address_answer());
    ASSERT_EQ(client.state(), State::kReady);
    client.map(now);
    EXPECT_EQ(pump(), std::vector<Packet>{nat_pmp::map_request(kRequest, 5000, 1200)});
    client.handle_packet(now, map_answer());
    ASSERT_EQ(client.state(), State::kMapped);
  }
  std::uint32_t epoch = 1000;
};

TEST_F(NatPmp, AsksForTheAddressThenForTheMapping) {
  become_mapped();
  EXPECT_EQ(client.lease()->external, kExternal);
  EXPECT_EQ(client.next_timeout() - now, 10min);
}

TEST_F(NatPmp, LearnsANewAddressWithTheRenewal) {
  become_mapped();
  epoch += 600;
  EXPECT_EQ(next(), std::vector<Packet>{nat_pmp::address_request()});
  const net::Address moved = net::Address::v4(203, 0, 113, 9);
  client.handle_packet(now, address_answer(moved));
  EXPECT_EQ(pump(), std::vector<Packet>{nat_pmp::map_request(kRequest, kExternal.port, 1200)});
  client.handle_packet(now, map_answer());
  EXPECT_EQ(client.lease()->external, (net::Endpoint{moved, kExternal.port}));
}

TEST_F(NatPmp, RenewsWhenTheRouterAnnouncesARestartOrANewAddress) {
  become_mapped();
  now += 1min;
  epoch = 0;
  client.handle_packet(now, address_answer());
  EXPECT_LE(client.next_timeout() - now, 1s);
  next();
  client.handle_packet(now, address_answer());
  pump();
  client.handle_packet(now, map_answer());
  EXPECT_EQ(client.next_timeout() - now, 10min);
  client.handle_packet(now, address_answer());
  EXPECT_EQ(client.next_timeout() - now, 10min) << "nothing new";
  client.handle_packet(now, address_answer(net::Address::v4(203, 0, 113, 9)));
  EXPECT_EQ(client.next_timeout(), now);
}

TEST_F(NatPmp, SaysWhyThereIsNoMapping) {
  client.start(now);
  pump();
  client.handle_packet(now, address_answer(net::Address::v4(0, 0, 0, 0)));
  EXPECT_EQ(client.error(), "has no address outside");

  NatPmpClient refused(kRequest, random);
  refused.start(now);
  refused.handle_packet(now, address_answer());
  refused.map(now);
  refused.handle_packet(now, map_answer(0, 2));
  EXPECT_EQ(refused.error(), "does not permit mappings");
}

TEST_F(NatPmp, TakesTheMappingBackOnceItMayBeThere) {
  become_mapped();
  client.release(now);
  EXPECT_EQ(pump(), std::vector<Packet>{nat_pmp::map_request(kRequest, 0, 0)});
  client.handle_packet(now, map_answer(0));
  EXPECT_EQ(client.state(), State::kReleased);

  NatPmpClient probing(kRequest, random);
  probing.start(now);
  probing.release(now);
  EXPECT_EQ(probing.state(), State::kReleased);
}

TEST_F(NatPmp, GoesOnCalmlyAfterATenMinuteJump) {
  client.start(now);
  pump();
  for (int i = 0; i < 4; ++i) EXPECT_THAT(pump_at(10min), SizeIs(1));
  pump_at(10min);
  EXPECT_EQ(client.state(), State::kFailed);
}

class Upnp : public ::testing::Test {
 protected:
  using State = UpnpClient::State;
  static HttpResponse ok(std::string body) { return {200, std::move(body)}; }
  static HttpResponse fault(unsigned code) {
    return {500, "<e><errorCode>" + std::to_string(code) + "</errorCode></e>"};
  }
  static HttpResponse description() {
    return ok(
        "<r><service><serviceType>urn:schemas-upnp-org:service:WANIPConnection:1</serviceType>"
        "<controlURL>/ctl</controlURL></service></r>");
  }
  static HttpResponse address() {
    return ok("<e><NewExternalIPAddress>203.0.113.5</NewExternalIPAddress></e>");
  }
  std::string request() {
    const auto request = client.poll_request();
    return request ? request->text : std::string();
  }
  void answer(HttpResponse response) { client.handle_response(now, std::move(response)); }
  void become_ready() {
    client.start(now);
    client.handle_search_response(
        now, as_bytes("HTTP/1.1 200 OK\r\nLocation: http://10.0.0.1:80/d.xml\r\n\r\n"));
    EXPECT_THAT(request(), HasSubstr("GET /d.xml"));
    EXPECT_EQ(request(), "");  // One at a time.
    answer(description());
    EXPECT_THAT(request(), HasSubstr("GetExternalIPAddress"));
    answer(address());
    ASSERT_EQ(client.state(), State::kReady);
  }
  void become_mapped() {
    become_ready();
    client.map(now);
    EXPECT_THAT(request(), HasSubstr("<NewLeaseDuration>1200<"));
    answer(ok(""));
    ASSERT_EQ(client.state(), State::kMapped);
  }

  SeededRandom random{1};
  Time now = kStart;
  UpnpClient client{kRequest, kRouter, random};
};

TEST_F(Upnp, SearchesEverybodyAndTheRouterForBothVersions) {
  client.start(now);
  net::SendBatch batch;
  client.poll_transmit(now, net::SocketId{2}, batch);
  EXPECT_EQ(batch.packets(), 4u);
  EXPECT_EQ(batch.runs().front().route.destination, upnp::search_group());
  EXPECT_EQ(batch.runs().back().route.destination, (net::Endpoint{kRouter, 1900}));
}

TEST_F(Upnp, MapsRenewsAndTakesBack) {
  become_mapped();
  EXPECT_EQ(client.lease()->external, (net::Endpoint{kExternal.address, 5000}));
  now = client.next_timeout();
  client.handle_timeout(now);
  EXPECT_THAT(request(), HasSubstr("GetExternalIPAddress"));
  answer(address());
  EXPECT_THAT(request(), HasSubstr("AddPortMapping"));
  answer(ok(""));
  EXPECT_EQ(client.next_timeout() - now, 10min);
  client.release(now);
  EXPECT_THAT(request(), HasSubstr("DeletePortMapping"));
  answer(ok(""));
  EXPECT_EQ(client.state(), State::kReleased);
}

TEST_F(Upnp, TriesOtherPortsAndPermanentLeases) {
  become_ready();
  client.map(now);
  request();
  answer(fault(725));
  EXPECT_THAT(request(), HasSubstr("<NewLeaseDuration>0<"));
  for (unsigned i = 1; i < UpnpClient::kMaxPorts; ++i) {
    answer(fault(718));
    EXPECT_THAT(request(), HasSubstr("AddPortMapping"));
  }
  answer(fault(718));
  EXPECT_EQ(client.state(), State::kFailed);
  EXPECT_THAT(client.error(), HasSubstr("718"));
}

TEST_F(Upnp, FollowsNoRedirection) {
  client.start(now);
  client.handle_search_response(
      now, as_bytes("HTTP/1.1 200 OK\r\nLocation: http://10.0.0.1/d.xml\r\n\r\n"));
  request();
  answer({302, ""});
  EXPECT_EQ(client.error(), "answered HTTP 302");
}

TEST_F(Upnp, TakesBackWhatMayJustBeComing) {
  become_ready();
  client.map(now);
  request();
  client.release(now);
  EXPECT_EQ(request(), "");
  answer(ok(""));
  EXPECT_THAT(request(), HasSubstr("DeletePortMapping"));
  client.handle_response(now, fail(Errc::kTimedOut, "late"));
  EXPECT_EQ(client.state(), State::kReleased);
}

TEST_F(Upnp, LosesTheMappingWhenItCannotBeRenewed) {
  become_mapped();
  for (int i = 0; i < 50 && client.state() == State::kMapped; ++i) {
    now = client.next_timeout();
    client.handle_timeout(now);
    EXPECT_GT(client.next_timeout(), now);
    if (!request().empty()) client.handle_response(now, fail(Errc::kTimedOut, "silent"));
  }
  EXPECT_EQ(client.state(), State::kFailed);
  EXPECT_EQ(now - kStart, 20min);
}

}  // namespace
}  // namespace floe::port_mapping
