#include "floe/port_mapping/mapper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace floe::port_mapping {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

constexpr Time kStart{std::chrono::hours(1)};
const net::Address kRouter = net::Address::v4(10, 0, 0, 1);
const net::Endpoint kServer{kRouter, kServerPort};
const Request kRequest{{net::Address::v4(10, 0, 0, 2), 5000}, Protocol::kUdp};
constexpr net::SocketId kSocket{1};
constexpr net::SocketId kSearch{2};
using Packet = std::vector<std::uint8_t>;

const Packet kPmpAddress{0, 0x80, 0, 0, 0, 0, 4, 0, 203, 0, 113, 5};
const Packet kPmpMapped{0, 0x81, 0, 0, 0, 0, 4, 0, 0x13, 0x88, 0x17, 0x70, 0, 0, 4, 0xb0};
const Packet kPmpOnly{0, 0x81, 0, 1, 0, 0, 4, 0};
const Packet kPmpRefused{0, 0x80, 0, 2, 0, 0, 4, 0};

class PortMapper : public ::testing::Test {
 protected:
  void make(Mapper::Methods methods = {}) {
    mapper.emplace(Mapper::Configuration{kRequest, kRouter, kSocket, kSearch, methods}, random);
    mapper->start(now);
    pump();
  }
  /// Sends what is due and answers PCP's MAP as `pcp_result` says.
  void pump() {
    net::SendBatch batch;
    mapper->poll_transmit(now, batch);
    for (const net::SendBatch::Run& run : batch.runs()) {
      for (std::size_t i = 0; i < run.segments; ++i) {
        sent.push_back(to_vector(batch.packet(run, i)));
        if (run.route.socket == kSocket && sent.back()[0] == 2) pcp_request = sent.back();
      }
    }
  }
  void pass(Duration later) {
    now += later;
    mapper->handle_timeout(now);
    EXPECT_GT(mapper->next_timeout(), now);
    pump();
  }
  void receive(Packet packet, net::SocketId socket = kSocket,
               std::optional<net::Endpoint> source = {}) {
    mapper->handle_packet(now, {packet, source.value_or(kServer), socket});
    pump();
  }
  Packet pcp_answer(std::uint8_t result) const {
    Packet answer = pcp_request;
    answer[1] |= 0x80;
    answer[3] = result;
    answer[43] = 0x99;
    for (int i = 0; i < 4; ++i) answer[56 + i] = static_cast<std::uint8_t>(10 + i);
    return answer;
  }
  void answer_upnp_until_ready() {
    const std::string_view found = "HTTP/1.1 200 OK\r\nLocation: http://10.0.0.1/d.xml\r\n\r\n";
    receive(to_vector(as_bytes(found)), kSearch, net::Endpoint{kRouter, 1900});
    ASSERT_TRUE(mapper->poll_request());
    mapper->handle_response(
        now,
        HttpResponse{200,
                     "<r><service><serviceType>urn:schemas-upnp-org:service:"
                     "WANIPConnection:1</serviceType><controlURL>/c</controlURL></service></r>"});
    ASSERT_TRUE(mapper->poll_request());
    mapper->handle_response(
        now, HttpResponse{200, "<r><NewExternalIPAddress>203.0.113.5</NewExternalIPAddress></r>"});
  }
  std::optional<Method> mapped() {
    const auto event = mapper->poll_event();
    if (!event || !std::holds_alternative<Mapper::Mapped>(*event)) return std::nullopt;
    return std::get<Mapper::Mapped>(*event).method;
  }
  std::string failed() {
    const auto event = mapper->poll_event();
    if (!event || !std::holds_alternative<Mapper::Failed>(*event)) return "";
    return std::get<Mapper::Failed>(*event).error.message;
  }
  bool asked_nat_pmp_to_map() const {
    return std::ranges::any_of(sent, [](const Packet& p) { return p.size() == 12 && p[0] == 0; });
  }

  SeededRandom random{1};
  Time now = kStart;
  std::vector<Packet> sent;
  Packet pcp_request;
  std::optional<Mapper> mapper;
};

TEST_F(PortMapper, TakesPcpIfTheRouterKnowsAll) {
  make();
  EXPECT_EQ(sent.size(), 6u);  // PCP, NAT-PMP, four searches.
  receive(kPmpAddress);
  answer_upnp_until_ready();
  EXPECT_FALSE(asked_nat_pmp_to_map());
  receive(pcp_answer(0));
  EXPECT_EQ(mapped(), Method::kPcp);
  pass(5min);
  EXPECT_FALSE(asked_nat_pmp_to_map());
  EXPECT_FALSE(mapper->poll_request());
}

TEST_F(PortMapper, TakesNatPmpAtOnceIfTheRouterKnowsNoPcp) {
  make();
  receive(kPmpOnly);
  receive(kPmpAddress);
  EXPECT_TRUE(asked_nat_pmp_to_map());
  receive(kPmpMapped);
  EXPECT_EQ(mapped(), Method::kNatPmp);
}

TEST_F(PortMapper, GivesASilentPcpAMoment) {
  make();
  receive(kPmpAddress);
  pass(Mapper::kPcpGrace - 1ms);
  EXPECT_FALSE(asked_nat_pmp_to_map());
  pass(1ms);
  EXPECT_TRUE(asked_nat_pmp_to_map());
}

TEST_F(PortMapper, TakesUpnpWhenTheOthersAreSilent) {
  make();
  answer_upnp_until_ready();
  EXPECT_FALSE(mapper->poll_request());
  while (now < kStart + Mapper::kUpnpPatience) pass(mapper->next_timeout() - now);
  const auto add = mapper->poll_request();
  ASSERT_TRUE(add);
  EXPECT_THAT(add->text, HasSubstr("AddPortMapping"));
  mapper->handle_response(now, HttpResponse{200, ""});
  EXPECT_EQ(mapped(), Method::kUpnp);
}

TEST_F(PortMapper, GoesOnToTheNextWhenOneRefuses) {
  make();
  receive(pcp_answer(2));
  receive(kPmpAddress);
  EXPECT_TRUE(asked_nat_pmp_to_map());
  Packet refused = kPmpMapped;
  refused[3] = 2;
  receive(refused);
  answer_upnp_until_ready();
  EXPECT_TRUE(mapper->poll_request());
  mapper->handle_response(now, HttpResponse{500, "<e><errorCode>606</errorCode></e>"});
  const std::string why = failed();
  EXPECT_THAT(why, HasSubstr("PCP does not permit mappings"));
  EXPECT_THAT(why, HasSubstr("NAT-PMP does not permit mappings"));
  EXPECT_THAT(why, HasSubstr("UPnP answered 606"));
}

TEST_F(PortMapper, SaysThatTheRouterAnswersNothing) {
  make();
  std::string why;
  for (int i = 0; i < 100 && why.empty(); ++i) {
    pass(mapper->next_timeout() - now);
    why = failed();
  }
  EXPECT_EQ(why, "the router 10.0.0.1 answers none of PCP, NAT-PMP, UPnP");
  EXPECT_EQ(mapper->next_timeout(), kNever);
}

TEST_F(PortMapper, BelievesNobodyButTheRouter) {
  make({.pcp = true, .nat_pmp = false, .upnp = false});
  receive(pcp_answer(0), kSocket, net::Endpoint{net::Address::v4(10, 0, 0, 66), kServerPort});
  receive(pcp_answer(0), kSocket, net::Endpoint{kRouter, 9});
  EXPECT_EQ(mapper->stats().dropped_other_source, 2u);
  receive(Packet{9, 9});
  EXPECT_EQ(mapper->stats().dropped_malformed, 1u);
  EXPECT_FALSE(mapper->poll_event());
  receive(pcp_answer(0));
  EXPECT_EQ(mapped(), Method::kPcp);
}

TEST_F(PortMapper, TellsOfANewExternalEndpointAndOfALoss) {
  make({.pcp = true, .nat_pmp = false, .upnp = false});
  receive(pcp_answer(0));
  EXPECT_TRUE(mapped());
  pass(mapper->next_timeout() - now);
  receive(pcp_answer(0));
  EXPECT_FALSE(mapper->poll_event());  // The same as before.
  pass(mapper->next_timeout() - now);
  Packet moved = pcp_answer(0);
  moved[59] ^= 1;
  receive(moved);
  EXPECT_TRUE(mapped());
  std::string why;
  for (int i = 0; i < 200 && why.empty(); ++i) {
    pass(mapper->next_timeout() - now);
    why = failed();
  }
  EXPECT_THAT(why, HasSubstr("the mapping is lost"));
}

TEST_F(PortMapper, EndsAfterATenMinuteJump) {
  make();
  for (int i = 0; i < 10; ++i) pass(10min);
  EXPECT_NE(failed(), "");
}

TEST_F(PortMapper, IsReleasedWhateverItWasAbout) {
  make();
  mapper->release(now);
  EXPECT_TRUE(mapper->released());
  make();
  receive(pcp_answer(0));
  mapper->release(now);
  EXPECT_FALSE(mapper->poll_event());
  EXPECT_FALSE(mapper->released());
  for (int i = 0; i < 10 && !mapper->released(); ++i) pass(mapper->next_timeout() - now);
  EXPECT_TRUE(mapper->released());
}

TEST_F(PortMapper, AsksOnlyPcpForAnIpv6Pinhole) {
  const Request request{{*net::Address::parse("2001:db8::2"), 5000}, Protocol::kUdp};
  mapper.emplace(
      Mapper::Configuration{request, *net::Address::parse("fe80::1"), kSocket, net::kNoSocket, {}},
      random);
  mapper->start(now);
  pump();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0][0], 2);
}

}  // namespace
}  // namespace floe::port_mapping
