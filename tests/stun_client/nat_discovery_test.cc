#include "floe/stun_client/nat_discovery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>

namespace floe::stun {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr Time kStart{std::chrono::hours(1)};

net::Endpoint endpoint(std::string_view text) {
  return net::Endpoint::parse(text).value();
}
const net::Endpoint kServer = endpoint("192.0.2.1:3478");
const net::Endpoint kOther = endpoint("192.0.2.2:3479");
const net::Endpoint kMapped = endpoint("203.0.113.5:4000");

using Packet = std::vector<std::uint8_t>;
using Add = std::function<void(MessageBuilder&)>;

class StunNatDiscovery : public ::testing::Test {
 protected:
  struct Sent {
    Packet bytes;
    net::Route route;
    Message message() const { return *Message::parse(bytes); }
  };

  void start(NatDiscovery::Configuration configuration) {
    configuration.server = kServer;
    std::array<NatDiscovery::LocalSocket, NatDiscovery::kSockets> sockets;
    for (std::uint32_t i = 0; i < sockets.size(); ++i) {
      sockets[i] = {net::SocketId{i + 1},
                    {net::Address::v4(10, 0, 0, 1), static_cast<std::uint16_t>(5000 + i)}};
    }
    discovery.emplace(std::move(configuration), sockets, random);
    discovery->start(now);
  }
  std::vector<Sent> pump() {
    net::SendBatch batch;
    discovery->poll_transmit(now, batch);
    std::vector<Sent> sent;
    for (const net::SendBatch::Run& run : batch.runs()) {
      for (std::size_t i = 0; i < run.segments; ++i) {
        sent.push_back({to_vector(batch.packet(run, i)), run.route});
      }
    }
    return sent;
  }
  std::vector<Sent> pump_at(Duration later) {
    now += later;
    discovery->handle_timeout(now);
    EXPECT_GT(discovery->next_timeout(), now);
    return pump();
  }
  bool answer(const Sent& request, const net::Endpoint& source, const Add& add,
              Class cls = Class::kSuccess) {
    return answer_at(request.route.socket, request, source, add, cls);
  }
  bool answer_at(net::SocketId socket, const Sent& request, const net::Endpoint& source,
                 const Add& add, Class cls = Class::kSuccess) {
    Packet space(2048);
    MessageBuilder builder(space, cls, request.message());
    add(builder);
    Packet bytes = to_vector(builder.bytes());
    return discovery->handle_packet(now, {bytes, source, socket});
  }
  static void mapped(MessageBuilder& builder) {
    builder.add_xor_address(AttributeType::kXorMappedAddress, kMapped);
  }
  static void mapped_and_other(MessageBuilder& builder) {
    mapped(builder);
    builder.add_address(AttributeType::kOtherAddress, kOther);
  }
  /// The first request, answered.
  void reach(NatDiscovery::Configuration configuration, const Add& add = mapped_and_other) {
    start(std::move(configuration));
    const std::vector<Sent> sent = pump();
    ASSERT_EQ(sent.size(), 1u);
    ASSERT_TRUE(answer(sent[0], kServer, add));
  }
  void run_to_the_end() {
    for (int i = 0; i < 1000 && !discovery->done(); ++i) {
      pump_at(discovery->next_timeout() - now);
    }
    EXPECT_TRUE(discovery->done());
    EXPECT_EQ(discovery->next_timeout(), kNever);
  }

  SeededRandom random{1};
  Time now = kStart;
  std::optional<NatDiscovery> discovery;
};

TEST_F(StunNatDiscovery, StartsAtMostTenTransactionsASecond) {
  reach({.tests = {NatTest::kMapping, NatTest::kFiltering, NatTest::kHairpinning,
                   NatTest::kFragments, NatTest::kLifetime}});
  EXPECT_THAT(pump(), IsEmpty());
  std::vector<Sent> sent;
  for (int i = 0; i < 5; ++i) {
    const std::vector<Sent> now_sent = pump_at(NatDiscovery::kPace);
    std::set<TransactionId> fresh;
    for (const Sent& one : now_sent) {
      if (std::ranges::none_of(sent, [&](const Sent& old) {
            return old.message().transaction_id() == one.message().transaction_id();
          })) {
        fresh.insert(one.message().transaction_id());
      }
      sent.push_back(one);
    }
    EXPECT_EQ(fresh.size(), 1u) << i;
  }
}

TEST_F(StunNatDiscovery, TakesAChangedAnswerOnlyFromWhereItWasAsked) {
  reach({.tests = {NatTest::kFiltering}});
  const std::vector<Sent> first = pump_at(NatDiscovery::kPace);
  ASSERT_EQ(first.size(), 1u);
  ASSERT_TRUE(answer(first[0], kServer, mapped_and_other));
  const std::vector<Sent> both = pump_at(NatDiscovery::kPace);
  ASSERT_EQ(both.size(), 1u);
  const auto change = both[0].message().change_request();
  ASSERT_TRUE(change && change->address && change->port);
  // A forged or misguided answer from the address asked proves nothing about the filter.
  EXPECT_TRUE(answer(both[0], kServer, mapped));
  EXPECT_EQ(discovery->stats().dropped_other_source, 1u);
  EXPECT_FALSE(discovery->done());
  EXPECT_TRUE(answer(both[0], kOther, mapped));
  EXPECT_TRUE(discovery->done());
  EXPECT_EQ(discovery->report().filtering, NatBehavior::kEndpointIndependent);
}

TEST_F(StunNatDiscovery, DoesNotTakeAnErrorForSilence) {
  reach({.tests = {NatTest::kFiltering}});
  answer(pump_at(NatDiscovery::kPace).at(0), kServer, mapped_and_other);
  const std::vector<Sent> both = pump_at(NatDiscovery::kPace);
  answer(
      both.at(0), kServer, [](MessageBuilder& b) { b.add_error(kUnknownAttribute, "what"); },
      Class::kError);
  EXPECT_TRUE(discovery->done());
  EXPECT_EQ(discovery->report().filtering, NatBehavior::kUnknown);
  EXPECT_THAT(discovery->report().notes, Contains(HasSubstr("420")));
}

TEST_F(StunNatDiscovery, DoesNotTrustAnOtherAddressThatIsNoOther) {
  for (const std::string_view other : {"192.0.2.1:3479", "192.0.2.2:3478", "192.0.2.2:0",
                                       "224.0.0.1:3479", "[2001:db8::1]:3479", "0.0.0.0:3479"}) {
    reach({}, [&](MessageBuilder& b) {
      mapped(b);
      b.add_address(AttributeType::kOtherAddress, endpoint(other));
    });
    EXPECT_FALSE(discovery->report().other_address) << other;
    EXPECT_THAT(discovery->report().notes, Contains(HasSubstr("of no use")));
    run_to_the_end();
  }
}

TEST_F(StunNatDiscovery, NoticesThatAddressesInsidePacketsAreRewritten) {
  reach({}, [](MessageBuilder& b) {
    mapped(b);
    b.add_address(AttributeType::kMappedAddress, endpoint("10.0.0.1:5000"));
  });
  EXPECT_TRUE(discovery->report().rewrites_addresses);
}

TEST_F(StunNatDiscovery, TestsFragmentsWithAPaddedDatagram) {
  reach({.tests = {NatTest::kFragments}});
  const Sent padded = pump_at(NatDiscovery::kPace).at(0);
  EXPECT_GT(padded.bytes.size() + 28, 1500u);
  EXPECT_EQ(padded.message().find(AttributeType::kPadding)->size(), NatDiscovery::kPadding);
  EXPECT_FALSE(padded.message().response_port());
  answer(padded, kServer, mapped);
  EXPECT_EQ(discovery->report().fragments, true);

  reach({.tests = {NatTest::kFragments}});
  pump_at(NatDiscovery::kPace);
  run_to_the_end();
  EXPECT_EQ(discovery->report().fragments, false);

  reach({.tests = {NatTest::kFragments}});
  pump_at(NatDiscovery::kPace);
  discovery->handle_send_failure(now, {net::SocketId{1}, kServer, {}},
                                 {Errc::kMessageTooLong, "too long"});
  EXPECT_EQ(discovery->report().fragments, false);
  EXPECT_TRUE(discovery->done());
}

TEST_F(StunNatDiscovery, FailsAtOnceWhenTheSystemHasNoRoute) {
  start({});
  pump();
  discovery->handle_send_failure(now, {net::SocketId{1}, kServer, {}},
                                 {Errc::kUnreachable, "no route"});
  EXPECT_TRUE(discovery->done());
  EXPECT_THAT(discovery->report().notes, Contains(HasSubstr("no route")));
}

TEST_F(StunNatDiscovery, KnowsABindingThatCameToTheWrongPortForAnExpiredOne) {
  reach({.tests = {NatTest::kLifetime}, .lifetime_max = 100s, .lifetime_precision = 60s});
  const Sent open = pump_at(NatDiscovery::kPace).at(0);
  answer(open, kServer, mapped);
  discovery->handle_timeout(now);
  const Sent probe = pump_at(NatDiscovery::kPace).at(0);
  EXPECT_EQ(probe.message().response_port(), kMapped.port);
  EXPECT_NE(probe.route.socket, open.route.socket);
  answer_at(open.route.socket, probe, kServer, mapped);  // At once: it works.

  answer(pump_at(NatDiscovery::kPace).at(0), kServer, mapped);
  EXPECT_THAT(pump_at(49s), IsEmpty());
  const Sent late = pump_at(1s).at(0);
  answer(late, kServer, mapped);  // On port Y.
  EXPECT_TRUE(discovery->done());
  EXPECT_EQ(discovery->report().lifetime_below, 50s);
}

TEST_F(StunNatDiscovery, CountsASleepOfTheMachineAsSilence) {
  reach({.tests = {NatTest::kLifetime}, .lifetime_max = 100s, .lifetime_precision = 60s});
  const Sent open = pump_at(NatDiscovery::kPace).at(0);
  answer(open, kServer, mapped);
  discovery->handle_timeout(now);
  answer_at(open.route.socket, pump_at(NatDiscovery::kPace).at(0), kServer, mapped);
  const Sent again = pump_at(NatDiscovery::kPace).at(0);
  answer(again, kServer, mapped);
  const Sent late = pump_at(10min).at(0);
  answer_at(again.route.socket, late, kServer, mapped);
  EXPECT_EQ(discovery->report().lifetime_at_least, 10min);
  EXPECT_TRUE(discovery->done());
}

TEST_F(StunNatDiscovery, EndsEveryTestAfterATenMinuteJump) {
  reach({.tests = {NatTest::kMapping, NatTest::kFiltering, NatTest::kHairpinning,
                   NatTest::kFragments, NatTest::kLifetime}});
  for (int i = 0; i < 200 && !discovery->done(); ++i) {
    EXPECT_LE(pump_at(10min).size(), 5u);
  }
  EXPECT_TRUE(discovery->done());
  EXPECT_EQ(discovery->report().mapping, NatBehavior::kUnknown);
  std::size_t ended = 0;
  while (discovery->poll_event()) ++ended;
  EXPECT_EQ(ended, 5u);
}

TEST_F(StunNatDiscovery, DropsAndCountsWhatItDidNotAskFor) {
  reach({});
  Packet garbage{0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  EXPECT_TRUE(discovery->handle_packet(now, {garbage, kServer, net::SocketId{1}}));
  EXPECT_EQ(discovery->stats().dropped_unexpected, 1u);
  EXPECT_FALSE(discovery->handle_packet(now, {garbage, kServer, net::SocketId{9}}));
  garbage[0] = 0x80;
  EXPECT_FALSE(discovery->handle_packet(now, {garbage, kServer, net::SocketId{1}}));
}

}  // namespace
}  // namespace floe::stun
