#include "floe/net/sim/dns.h"

#include <gtest/gtest.h>

#include "tests/sim/talker.h"

namespace floe::net::sim {
namespace {

using namespace std::chrono_literals;

struct Resolver {
  World world{1};
  Host& host = world.add_host("host");
  std::optional<Result<std::vector<Address>>> answer;
  Time answered{};

  std::unique_ptr<Lookup> lookup(std::string_view name) {
    return host.lookup(name, [this](Result<std::vector<Address>> result) {
      answer = std::move(result);
      answered = host.now();
    });
  }
};

TEST(Dns, AnswersInTheGivenOrderAfterItsLatency) {
  Resolver there;
  const std::vector<Address> addresses = {address_of("2001:db8::5"), address_of("192.0.2.5")};
  there.world.dns().add("stun.example.org", addresses, 70ms);
  const auto lookup = there.lookup("STUN.example.ORG");
  EXPECT_FALSE(there.answer);
  there.world.run_for(1s);
  ASSERT_TRUE(there.answer && *there.answer);
  EXPECT_EQ(**there.answer, addresses);
  EXPECT_EQ(there.answered, World::kStart + 70ms);
}

TEST(Dns, SaysWhenThereIsNoSuchName) {
  Resolver there;
  there.world.dns().fail("gone.example.org", DnsFailure::kNoSuchName, 5ms);
  for (const char* name : {"unknown.example.org", "gone.example.org"}) {
    there.answer.reset();
    const auto lookup = there.lookup(name);
    there.world.run_for(1s);
    ASSERT_TRUE(there.answer);
    EXPECT_EQ(there.answer->error().code, Errc::kNotFound);
    EXPECT_NE(there.answer->error().message.find(name), std::string::npos);
  }
}

TEST(Dns, SaysWhenTheServerFails) {
  Resolver there;
  there.world.dns().fail("stun.example.org", DnsFailure::kServerFailure);
  const auto lookup = there.lookup("stun.example.org");
  there.world.run_for(1s);
  ASSERT_TRUE(there.answer);
  EXPECT_EQ(there.answer->error().code, Errc::kInternal);
}

TEST(Dns, MayNeverAnswer) {
  Resolver there;
  there.world.dns().fail("stun.example.org", DnsFailure::kNoAnswer);
  const auto lookup = there.lookup("stun.example.org");
  there.world.run_for(1h);
  EXPECT_FALSE(there.answer);
}

TEST(Dns, AnswersLiteralsAndLocalhostAtTheNextTurnEvenOffline) {
  Resolver there;
  there.host.set_up(false);
  const auto literal = there.lookup("192.0.2.5");
  EXPECT_FALSE(there.answer);
  there.world.run_for(1ns);
  ASSERT_TRUE(there.answer && *there.answer);
  EXPECT_EQ(**there.answer, std::vector{address_of("192.0.2.5")});
  const auto localhost = there.lookup("localhost");
  there.world.run_for(1ns);
  EXPECT_EQ((*there.answer)->size(), 2u);
}

TEST(Dns, CannotBeAskedOffline) {
  Resolver there;
  there.world.dns().add("stun.example.org", {address_of("192.0.2.5")});
  there.host.set_up(false);
  const auto lookup = there.lookup("stun.example.org");
  there.world.run_for(1ms);
  ASSERT_TRUE(there.answer);
  EXPECT_EQ(there.answer->error().code, Errc::kUnreachable);
}

TEST(Dns, ForgetsAnAbandonedLookup) {
  Resolver there;
  auto lookup = there.lookup("unknown.example.org");
  lookup.reset();
  there.world.run_for(1h);
  EXPECT_FALSE(there.answer);
}

TEST(Dns, LetsALookupBeDestroyedByItsOwnCallback) {
  Resolver there;
  std::unique_ptr<Lookup> lookup;
  const auto kept = std::make_shared<int>(7);
  lookup = there.host.lookup("x.example.org", [&lookup, kept](const auto&) {
    lookup.reset();
    EXPECT_EQ(*kept, 7);
  });
  there.world.run_for(1s);
  EXPECT_EQ(lookup, nullptr);
}

}  // namespace
}  // namespace floe::net::sim
