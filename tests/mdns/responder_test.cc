#include "floe/mdns/responder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace floe::mdns {
namespace {

using namespace std::chrono_literals;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr Time kStart{std::chrono::hours(1)};
constexpr net::SocketId kLan{1};
constexpr net::SocketId kOther{2};
const net::Address kOurs = net::Address::v4(192, 168, 1, 7);
const net::Address kTheirs = net::Address::v4(192, 168, 1, 8);
const net::Endpoint kAsker{net::Address::v4(192, 168, 1, 9), kPort};

struct Sent {
  Message message;
  net::Route route;
};

class MdnsResponder : public ::testing::Test {
 protected:
  void SetUp() override { make({}); }
  void make(Responder::Configuration configuration) {
    responder.emplace(configuration, random);
    responder->set_links(now, links);
  }
  std::vector<Sent> pump() {
    net::SendBatch batch;
    responder->poll_transmit(now, batch);
    std::vector<Sent> sent;
    for (const net::SendBatch::Run& run : batch.runs()) {
      for (std::size_t i = 0; i < run.segments; ++i) {
        sent.push_back({Message::parse(batch.packet(run, i)).value(), run.route});
      }
    }
    return sent;
  }
  std::vector<Sent> pump_at(Duration later) {
    now += later;
    responder->handle_timeout(now);
    EXPECT_GT(responder->next_timeout(), now);
    return pump();
  }
  std::vector<Sent> next() { return pump_at(responder->next_timeout() - now); }
  std::string registered() { return responder->register_name(now, kOurs).value(); }
  /// A name that was probed and announced, `kEstablished` long ago.
  std::string established() {
    const std::string name = registered();
    while (responder->next_timeout() != kNever) next();
    now += 5min;
    return name;
  }
  static Message question(const std::string& name, Type type = Type::kA, bool unicast = false) {
    Message query;
    query.questions.push_back({name, type, unicast});
    return query;
  }
  static Message claim(const std::string& name, const net::Address& address) {
    Message response;
    response.is_response = true;
    response.answers.push_back({name, type_of(address.family()), true, 120, address});
    return response;
  }
  std::vector<Sent> ask(const Message& query, const net::Endpoint& source = kAsker) {
    responder->handle_query(now, query, source, kLan);
    return pump_at(0s);
  }

  SeededRandom random{1};
  Time now = kStart;
  std::vector<Link> links{
      {kLan, net::Family::kIpv4, {{"eth0", kOurs, 24, {}}}},
      {kOther, net::Family::kIpv4, {{"eth1", net::Address::v4(10, 0, 0, 1), 8, {}}}}};
  std::optional<Responder> responder;
};

TEST_F(MdnsResponder, MakesUpAUuidOfVersion4) {
  const std::string name = registered();
  ASSERT_EQ(name.size(), 36u + 6u);
  EXPECT_TRUE(name.ends_with(".local"));
  for (const std::size_t dash : {8, 13, 18, 23}) EXPECT_EQ(name[dash], '-');
  EXPECT_EQ(name[14], '4');
  EXPECT_THAT(std::string("89ab"), ::testing::HasSubstr(std::string(1, name[19])));
  EXPECT_NE(registered(), name);
}

TEST_F(MdnsResponder, ProbesThreeTimesThenAnnouncesTwice) {
  const std::string name = registered();
  EXPECT_LE(responder->next_timeout() - now, 250ms);
  for (int i = 0; i < 3; ++i) {
    const std::vector<Sent> sent = next();
    ASSERT_THAT(sent, SizeIs(1));  // Only on the link that has the address.
    EXPECT_EQ(sent[0].route, (net::Route{kLan, {group(net::Family::kIpv4), kPort}, {}}));
    EXPECT_FALSE(sent[0].message.is_response);
    EXPECT_EQ(sent[0].message.questions.at(0).type, Type::kAny);
    EXPECT_EQ(sent[0].message.authorities.at(0).address, kOurs);
    EXPECT_EQ(responder->next_timeout() - now, 250ms);
  }
  for (int i = 0; i < 2; ++i) {
    const std::vector<Sent> sent = next();
    ASSERT_THAT(sent, SizeIs(1));
    EXPECT_TRUE(sent[0].message.is_response);
    const Record& record = sent[0].message.answers.at(0);
    EXPECT_EQ(record.name, name);
    EXPECT_EQ(record.address, kOurs);
    EXPECT_EQ(record.ttl, 120u);
    EXPECT_TRUE(record.cache_flush);
  }
  EXPECT_EQ(responder->next_timeout(), kNever);
  EXPECT_EQ(responder->stats().announcements, 2u);
}

TEST_F(MdnsResponder, AnnouncesAtOnceIfItNeedNotProbe) {
  make({.probe = false});
  registered();
  EXPECT_TRUE(pump_at(0s).at(0).message.is_response);
}

TEST_F(MdnsResponder, AnswersEverybodyAtMostOnceASecond) {
  const std::string name = established();
  ASSERT_THAT(ask(question(name)), SizeIs(1));
  EXPECT_THAT(ask(question(name)), IsEmpty());
  EXPECT_EQ(responder->next_timeout() - now, 1s);
  EXPECT_THAT(next(), SizeIs(1));
  EXPECT_THAT(ask(question("x" + name)), IsEmpty());
}

TEST_F(MdnsResponder, DeniesTheOtherFamilyWithNsec) {
  const std::string name = established();
  const std::vector<Sent> sent = ask(question(name, Type::kAaaa));
  ASSERT_THAT(sent, SizeIs(1));
  const auto& additionals = sent[0].message.additionals;
  EXPECT_TRUE(
      std::ranges::any_of(additionals, [](const Record& r) { return r.type == Type::kNsec; }));
  EXPECT_THAT(ask(question(name, Type{12})), IsEmpty());
}

TEST_F(MdnsResponder, AnswersOneAskerAloneIfEverybodyHasHeardIt) {
  const std::string name = established();
  // Long not heard: everybody gets it.
  EXPECT_EQ(ask(question(name, Type::kA, true)).at(0).route.destination.address,
            group(net::Family::kIpv4));
  now += 2s;
  const std::vector<Sent> alone = ask(question(name, Type::kA, true));
  ASSERT_THAT(alone, SizeIs(1));
  EXPECT_EQ(alone[0].route, (net::Route{kLan, kAsker, {}}));
  EXPECT_TRUE(alone[0].message.answers.at(0).cache_flush);
}

TEST_F(MdnsResponder, AnswersAPlainDnsClientInItsOwnTerms) {
  const std::string name = established();
  Message query = question(name);
  query.id = 99;
  const net::Endpoint source{kAsker.address, 40'000};
  const std::vector<Sent> sent = ask(query, source);
  ASSERT_THAT(sent, SizeIs(1));
  EXPECT_EQ(sent[0].route.destination, source);
  EXPECT_EQ(sent[0].message.id, 99);
  EXPECT_EQ(sent[0].message.questions.at(0).name, name);
  EXPECT_FALSE(sent[0].message.answers.at(0).cache_flush);
  EXPECT_LE(sent[0].message.answers.at(0).ttl, 10u);
}

TEST_F(MdnsResponder, KeepsQuietWhenTheAskerKnows) {
  const std::string name = established();
  Message query = question(name);
  query.answers.push_back({name, Type::kA, false, 60, kOurs});
  EXPECT_THAT(ask(query), IsEmpty());
  EXPECT_EQ(responder->stats().suppressed, 1u);
  query.answers[0].ttl = 59;
  EXPECT_THAT(ask(query), SizeIs(1));
}

TEST_F(MdnsResponder, TakesANewNameWhenAnotherHostHasIt) {
  const std::string name = established();
  responder->handle_response(now, claim(name, kOurs));  // Our own words, heard again.
  EXPECT_FALSE(responder->poll_event());
  responder->handle_response(now, claim(name, kTheirs));
  const auto event = responder->poll_event();
  ASSERT_TRUE(event && std::holds_alternative<Responder::Renamed>(*event));
  const auto& renamed = std::get<Responder::Renamed>(*event);
  EXPECT_EQ(renamed.old_name, name);
  EXPECT_NE(renamed.name, name);
  EXPECT_EQ(next().at(0).message.questions.at(0).name, renamed.name);
  EXPECT_THAT(ask(question(name)), IsEmpty());
}

TEST_F(MdnsResponder, GivesWayToWhoProbesForTheSameName) {
  const std::string name = registered();
  Message probe = question(name, Type::kAny);
  probe.authorities.push_back({name, Type::kA, false, 120, kOurs});
  responder->handle_query(now, probe, kAsker, kLan);  // Our own probe, heard again.
  EXPECT_FALSE(responder->poll_event());
  probe.authorities[0].address = kTheirs;
  responder->handle_query(now, probe, kAsker, kLan);
  EXPECT_TRUE(responder->poll_event());
}

TEST_F(MdnsResponder, DefendsItsNameFromAProbe) {
  const std::string name = established();
  Message probe = question(name, Type::kAny);
  probe.authorities.push_back({name, Type::kA, false, 120, kTheirs});
  EXPECT_THAT(ask(probe), SizeIs(1));
  EXPECT_THAT(ask(probe), IsEmpty());
  EXPECT_EQ(responder->next_timeout() - now, 250ms);
  EXPECT_FALSE(responder->poll_event());
}

TEST_F(MdnsResponder, GivesUpANameThatSomebodyKeepsDisputing) {
  std::string name = established();
  for (unsigned i = 0; i < Responder::kMaxRenames; ++i) {
    responder->handle_response(now, claim(name, kTheirs));
    name = std::get<Responder::Renamed>(responder->poll_event().value()).name;
  }
  responder->handle_response(now, claim(name, kTheirs));
  EXPECT_EQ(std::get<Responder::Lost>(responder->poll_event().value()).name, name);
  EXPECT_EQ(responder->next_timeout(), kNever);
}

TEST_F(MdnsResponder, SaysGoodbyeToWhatItHasAnnounced) {
  const std::string unheard = registered();
  responder->withdraw(now, unheard);
  EXPECT_THAT(pump(), IsEmpty());
  const std::string name = established();
  responder->withdraw(now, name);
  const std::vector<Sent> sent = pump();
  ASSERT_THAT(sent, SizeIs(1));
  EXPECT_EQ(sent[0].message.answers.at(0).ttl, 0u);
  EXPECT_EQ(sent[0].message.answers.at(0).address, kOurs);
  EXPECT_THAT(ask(question(name)), IsEmpty());
}

TEST_F(MdnsResponder, AnnouncesItsNamesOnALinkThatAppears) {
  established();
  links.push_back({net::SocketId{3}, net::Family::kIpv6, {{"eth0", kOurs, 24, {}}}});
  responder->set_links(now, links);
  const std::vector<Sent> sent = next();
  ASSERT_THAT(sent, SizeIs(2));
  EXPECT_EQ(sent[1].route.destination.address, group(net::Family::kIpv6));
}

TEST_F(MdnsResponder, GoesOnCalmlyAfterATenMinuteJump) {
  registered();
  for (int i = 0; i < 5; ++i) EXPECT_THAT(pump_at(10min), SizeIs(1));
  EXPECT_THAT(pump_at(10min), IsEmpty());
}

TEST_F(MdnsResponder, BoundsItsNamesAndItsAnswers) {
  const std::string name = established();
  ask(question(name));
  for (std::size_t i = 0; i < 2 * Responder::kMaxUnicasts; ++i) {
    responder->handle_query(now, question(name, Type::kA, true), kAsker, kLan);
  }
  EXPECT_THAT(pump(), SizeIs(Responder::kMaxUnicasts));
  EXPECT_EQ(responder->stats().dropped_busy, Responder::kMaxUnicasts);
  for (std::size_t i = 1; i < Responder::kMaxNames; ++i) registered();
  const Result<std::string> more = responder->register_name(now, kOurs);
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().code, Errc::kLimitExceeded);
  EXPECT_FALSE(responder->register_name(now, group(net::Family::kIpv4)));
}

}  // namespace
}  // namespace floe::mdns
