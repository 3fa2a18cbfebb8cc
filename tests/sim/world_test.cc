#include "floe/net/sim/world.h"

#include <gtest/gtest.h>

#include <thread>

#include "tests/sim/talker.h"

namespace floe::net::sim {
namespace {

using namespace std::chrono_literals;

TEST(World, StartsItsClockAtAFixedTimeThatIsNotZero) {
  EXPECT_EQ(World(1).now(), Time(1h));
  EXPECT_EQ(World(2).now(), Time(1h));
}

TEST(World, RunsForExactlyAsLongAsItIsTold) {
  World world(1);
  int ran = 0;
  world.after(10s, [&] { ++ran; });
  world.after(10s + 1ns, [&] { ++ran; });
  world.run_for(10s);
  EXPECT_EQ(ran, 1);
  EXPECT_EQ(world.now(), World::kStart + 10s);
  world.run_for(0s);
  EXPECT_EQ(ran, 1);
  world.run_for(1ns);
  EXPECT_EQ(ran, 2);
}

TEST(World, RunsTasksOfOneTimeInTheirOrder) {
  World world(1);
  std::string order;
  world.at(World::kStart + 1s, [&] { order += 'b'; });
  world.at(World::kStart, [&] { order += 'a'; });
  world.at(World::kStart + 1s, [&] {
    order += 'c';
    world.after(0s, [&] { order += 'e'; });
  });
  world.at(World::kStart + 1s, [&] { order += 'd'; });
  world.run_for(1s);
  EXPECT_EQ(order, "abcde");
}

TEST(World, StopsAtTheEventThatMadeThePredicateTrue) {
  World world(1);
  bool done = false;
  world.after(7s, [&] { done = true; });
  EXPECT_FALSE(world.run_until([&] { return done; }, 5s));
  EXPECT_EQ(world.now(), World::kStart + 5s);
  EXPECT_TRUE(world.run_until([&] { return done; }, 1h));
  EXPECT_EQ(world.now(), World::kStart + 7s);
  EXPECT_TRUE(world.run_until([&] { return done; }, 1h));
  EXPECT_EQ(world.now(), World::kStart + 7s);
}

TEST(World, RunsUntilNothingIsLeftToHappen) {
  World world(1);
  Host& host = world.add_host("host");
  world.after(3min, [] {});
  EXPECT_FALSE(world.run_until_idle(1min));
  EXPECT_EQ(world.now(), World::kStart + 1min);
  EXPECT_TRUE(world.run_until_idle(1h));
  EXPECT_EQ(world.now(), World::kStart + 3min);
  std::unique_ptr<Timer> timer;
  timer = host.create_timer([&] { timer->arm(host.now() + 1s); });
  timer->arm(host.now());
  EXPECT_FALSE(world.run_until_idle(1min));
}

TEST(World, DropsTasksAndPacketsThatItDoesNotLiveToRun) {
  const auto kept = std::make_shared<int>();
  {
    World world(1);
    Host& alice_host = world.add_host("alice");
    Talker alice(alice_host);
    alice.say({Address::v4(192, 0, 2, 1), 9}, "under way");
    world.after(1s, [kept] { FAIL(); });
    alice_host.post([kept] { FAIL(); });
  }
  EXPECT_EQ(kept.use_count(), 1);
}

TEST(World, TakesPostedTasksFromAnyThread) {
  World world(1);
  Host& host = world.add_host("host");
  int ran = 0;
  const auto here = std::this_thread::get_id();
  std::thread other([&] {
    for (int i = 0; i < 1000; ++i) {
      host.post([&] {
        EXPECT_EQ(std::this_thread::get_id(), here);
        ++ran;
      });
    }
  });
  for (int i = 0; i < 1000; ++i) world.run_for(1us);
  other.join();
  EXPECT_TRUE(world.run_until([&] { return ran == 1000; }, 0s));
}

TEST(World, TakesTasksPostedByTasksAtALaterTurn) {
  World world(1);
  Host& host = world.add_host("host");
  std::string order;
  host.post([&] {
    host.post([&] { order += 'b'; });
    order += 'a';
  });
  EXPECT_EQ(order, "");
  world.run_for(0s);
  EXPECT_EQ(order, "ab");
}

TEST(World, DrawsForOneHostWhatItWouldWithoutTheOthers) {
  World small(9), large(9), other(10);
  Host& alice = small.add_host("alice");
  large.add_host("zoe");
  large.add_nat();
  Host& same_alice = large.add_host("alice");
  Host& other_alice = other.add_host("alice");
  const std::uint64_t drawn = alice.random().u64();
  EXPECT_EQ(same_alice.random().u64(), drawn);
  EXPECT_NE(other_alice.random().u64(), drawn);
  EXPECT_NE(small.add_host("bob").random().u64(), drawn);
}

TEST(World, AssignsAddressesThatNobodyHas) {
  World world(1);
  world.add_host("taken", {.addresses = {Address::v4(198, 51, 100, 2)}});
  EXPECT_EQ(world.add_host("a").address(), Address::v4(198, 51, 100, 1));
  EXPECT_EQ(world.add_host("b").address(), Address::v4(198, 51, 100, 3));
  for (int i = 0; i < 600; ++i) world.add_host("host" + std::to_string(i));
  const Address late = world.add_host("late").address();
  EXPECT_TRUE(AddressBlock::parse("198.19.0.0/16")->contains(late)) << late.to_string();
}

TEST(World, GivesEveryNatItsOwnPrivateBlock) {
  World world(1);
  Nat& one = world.add_nat();
  Nat& two = world.add_nat();
  EXPECT_EQ(world.add_host("a", {.behind = &one}).address(), Address::v4(10, 0, 0, 2));
  EXPECT_EQ(world.add_host("b", {.behind = &two}).address(), Address::v4(10, 0, 1, 2));
}

TEST(World, JumpsOverTenQuietMinutesInNoTime) {
  World world(1);
  Host& alice_host = world.add_host("alice");
  Host& bob_host = world.add_host("bob");
  Talker alice(alice_host), bob(bob_host);
  alice.say(bob.endpoint(), "before");
  world.run_for(10min);
  const std::uint64_t events = world.events_run();
  EXPECT_LT(events, 10u);
  alice.say(bob.endpoint(), "after");
  world.run_for(1s);
  ASSERT_EQ(bob.heard.size(), 2u);
  EXPECT_EQ(bob.heard[1].at, World::kStart + 10min + 2ms);
}

TEST(World, KeepsOneHostsPacketsInOrderOnAPlainPath) {
  World world(1);
  Host& alice_host = world.add_host("alice", {.link = {.jitter = 50ms}});
  Host& bob_host = world.add_host("bob");
  Talker alice(alice_host), bob(bob_host);
  for (int i = 0; i < 100; ++i) {
    alice.say(bob.endpoint(), std::to_string(i));
    world.run_for(1ms);
  }
  world.run_for(1s);
  ASSERT_EQ(bob.heard.size(), 100u);
  for (std::size_t i = 0; i < 100; ++i) EXPECT_EQ(bob.heard[i].text, std::to_string(i));
}

TEST(World, DeliversBothCopiesOfADuplicatedPacket) {
  World world(1);
  Host& alice_host = world.add_host("alice", {.link = {.duplicate = 1}});
  Host& bob_host = world.add_host("bob");
  Talker alice(alice_host), bob(bob_host);
  alice.say(bob.endpoint(), "twice");
  world.run_for(1s);
  ASSERT_EQ(bob.heard.size(), 2u);
  EXPECT_EQ(bob.heard[1].text, "twice");
}

TEST(WorldDeathTest, StopsTheProgramAtATwiceUsedAddress) {
  World world(1);
  world.add_host("a", {.addresses = {Address::v4(203, 0, 113, 1)}});
  EXPECT_DEATH(world.add_host("b", {.addresses = {Address::v4(203, 0, 113, 1)}}), "");
}

TEST(WorldDeathTest, StopsTheProgramAtALoopThatWouldNeverEnd) {
  EXPECT_DEATH(
      {
        World world(1);
        std::function<void()> again = [&] { world.after(0s, again); };
        again();
        world.run_for(1s);
      },
      "");
}

}  // namespace
}  // namespace floe::net::sim
