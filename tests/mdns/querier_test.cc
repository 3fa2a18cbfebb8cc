#include "floe/mdns/querier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace floe::mdns {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr Time kStart{std::chrono::hours(1)};
constexpr net::SocketId kLan{1};
const net::Address kAddress = net::Address::v4(192, 168, 1, 7);

class MdnsQuerier : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::vector<Link> links{
        {kLan, net::Family::kIpv4, {{"eth0", net::Address::v4(192, 168, 1, 1), 24, {}}}}};
    querier.set_links(links);
  }
  std::vector<Message> pump() {
    net::SendBatch batch;
    querier.poll_transmit(now, batch);
    std::vector<Message> sent;
    for (const net::SendBatch::Run& run : batch.runs()) {
      EXPECT_EQ(run.route.destination, (net::Endpoint{group(net::Family::kIpv4), kPort}));
      for (std::size_t i = 0; i < run.segments; ++i) {
        sent.push_back(Message::parse(batch.packet(run, i)).value());
      }
    }
    return sent;
  }
  std::vector<Message> pump_at(Duration later) {
    now += later;
    querier.handle_timeout(now);
    EXPECT_GT(querier.next_timeout(), now);
    return pump();
  }
  LookupId resolve(std::string_view name) { return querier.resolve(now, name).value(); }
  void hear(const std::string& name, const net::Address& address, std::uint32_t ttl = 120,
            bool flush = true) {
    Message response;
    response.is_response = true;
    response.answers.push_back({name, type_of(address.family()), flush, ttl, address});
    querier.handle_response(now, response, kLan);
  }
  std::vector<net::Address> resolved(LookupId id) {
    const auto event = querier.poll_event();
    if (!event || !std::holds_alternative<Querier::Resolved>(*event)) {
      ADD_FAILURE() << "not resolved";
      return {};
    }
    EXPECT_EQ(std::get<Querier::Resolved>(*event).id, id);
    return std::get<Querier::Resolved>(*event).addresses;
  }

  Time now = kStart;
  Querier querier{{}};
};

TEST_F(MdnsQuerier, AsksForBothFamiliesAndTakesTheAnswer) {
  const LookupId id = resolve("Some.LOCAL");
  const std::vector<Message> sent = pump();
  ASSERT_THAT(sent, SizeIs(1));
  ASSERT_THAT(sent[0].questions, SizeIs(2));
  EXPECT_EQ(sent[0].questions[0].name, "some.local");
  EXPECT_EQ(sent[0].questions[0].type, Type::kA);
  EXPECT_EQ(sent[0].questions[1].type, Type::kAaaa);
  EXPECT_FALSE(sent[0].questions[0].unicast);
  hear("other.local", kAddress);
  EXPECT_FALSE(querier.poll_event());
  hear("some.local", kAddress);
  EXPECT_THAT(resolved(id), ElementsAre(kAddress));
  EXPECT_FALSE(querier.poll_event());
}

TEST_F(MdnsQuerier, AsksAgainLessAndLessOftenUntilItsTimeIsUp) {
  resolve("some.local");
  EXPECT_THAT(pump(), SizeIs(1));
  EXPECT_THAT(pump_at(999ms), IsEmpty());
  EXPECT_THAT(pump_at(1ms), SizeIs(1));
  EXPECT_THAT(pump_at(1999ms), IsEmpty());
  EXPECT_THAT(pump_at(1ms), SizeIs(1));
  EXPECT_THAT(pump_at(4s), SizeIs(1));
  EXPECT_THAT(pump_at(2999ms), IsEmpty());
  EXPECT_FALSE(querier.poll_event());
  pump_at(1ms);
  const auto event = querier.poll_event();
  ASSERT_TRUE(event && std::holds_alternative<Querier::Failed>(*event));
  EXPECT_EQ(std::get<Querier::Failed>(*event).error.code, Errc::kTimedOut);
  EXPECT_THAT(std::get<Querier::Failed>(*event).error.message, HasSubstr("some.local"));
  EXPECT_EQ(querier.next_timeout(), kNever);
}

TEST_F(MdnsQuerier, SharesTheQuestionsOfTwoLookups) {
  const LookupId first = resolve("some.local");
  const LookupId second = resolve("some.local");
  const LookupId cancelled = resolve("some.local");
  querier.cancel(cancelled);
  EXPECT_THAT(pump(), SizeIs(1));
  hear("some.local", kAddress);
  EXPECT_THAT(resolved(first), ElementsAre(kAddress));
  EXPECT_THAT(resolved(second), ElementsAre(kAddress));
  EXPECT_FALSE(querier.poll_event());
}

TEST_F(MdnsQuerier, RemembersWhatItHeardUntilItExpires) {
  hear("some.local", kAddress, 120);
  now += 119s;
  EXPECT_THAT(resolved(resolve("some.local")), ElementsAre(kAddress));
  EXPECT_THAT(pump(), IsEmpty());
  pump_at(1s);
  resolve("some.local");
  EXPECT_THAT(pump(), SizeIs(1));
}

TEST_F(MdnsQuerier, ForgetsAfterAGoodbyeAndReplacesAfterAFlush) {
  hear("some.local", kAddress);
  hear("some.local", kAddress, 0);
  pump_at(1s);
  EXPECT_EQ(querier.next_timeout(), kNever);

  const net::Address moved = net::Address::v4(192, 168, 1, 99);
  hear("some.local", kAddress);
  hear("some.local", moved);
  pump_at(1s);
  EXPECT_THAT(resolved(resolve("some.local")), ElementsAre(moved));
}

TEST_F(MdnsQuerier, DropsAddressesThatNoHostHas) {
  resolve("some.local");
  for (const char* bad :
       {"224.0.0.1", "0.0.0.0", "255.255.255.255", "::", "ff02::1", "::ffff:10.0.0.1"}) {
    hear("some.local", *net::Address::parse(bad));
  }
  EXPECT_FALSE(querier.poll_event());
  EXPECT_EQ(querier.stats().dropped_address, 6u);
}

TEST_F(MdnsQuerier, RefusesNamesThatAreNotLocal) {
  for (const char* bad : {"example.org", "", "a b.local"}) {
    const Result<LookupId> id = querier.resolve(now, bad);
    ASSERT_FALSE(id) << bad;
    EXPECT_EQ(id.error().code, Errc::kInvalidArgument);
  }
}

TEST_F(MdnsQuerier, BoundsLookupsAndWhatItRemembers) {
  std::vector<LookupId> ids;
  for (std::size_t i = 0; i < Querier::kMaxLookups; ++i) ids.push_back(resolve("some.local"));
  const Result<LookupId> more = querier.resolve(now, "some.local");
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().code, Errc::kLimitExceeded);
  for (const LookupId id : ids) querier.cancel(id);

  for (std::size_t i = 0; i < 2 * Querier::kMaxAddresses; ++i) {
    hear("many.local", net::Address::v4(10, 0, 0, static_cast<std::uint8_t>(i + 1)), 120, false);
  }
  EXPECT_THAT(resolved(resolve("many.local")), SizeIs(Querier::kMaxAddresses));
  for (std::size_t i = 0; i < Querier::kMaxCached; ++i) {
    hear("n" + std::to_string(i) + ".local", kAddress);
  }
  EXPECT_THAT(resolved(resolve("n0.local")), ElementsAre(kAddress));
  resolve("many.local");
  EXPECT_FALSE(querier.poll_event());
}

TEST_F(MdnsQuerier, FailsAfterATenMinuteJumpWithoutAFloodOfQuestions) {
  resolve("some.local");
  pump();
  EXPECT_THAT(pump_at(10min), IsEmpty());
  EXPECT_TRUE(querier.poll_event());
}

}  // namespace
}  // namespace floe::mdns
