#include "floe/net/sim/link.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/sim/talker.h"

namespace floe::net::sim {
namespace {

using namespace std::chrono_literals;

constexpr Time kNow{1h};

// Sends `count` packets, 1 ms apart, and returns how each fared.
std::vector<Link::Passage> pass_many(Link& link, int count, std::size_t size = 100) {
  std::vector<Link::Passage> passages;
  for (int i = 0; i < count; ++i) passages.push_back(link.pass(kNow + i * 1ms, size));
  return passages;
}

TEST(Link, DelaysByItsLatency) {
  Link link({.latency = 30ms}, 1);
  EXPECT_EQ(link.pass(kNow, 100).arrival, kNow + 30ms);
  EXPECT_EQ(link.pass(kNow + 1s, 1500).arrival, kNow + 1s + 30ms);
}

TEST(Link, KeepsTheOrderOfPacketsDespiteJitter) {
  Link link({.latency = 10ms, .jitter = 20ms}, 1);
  Time last{};
  Duration largest{};
  for (int i = 0; i < 5000; ++i) {
    const Time sent = kNow + i * 1ms;
    const Time arrival = link.pass(sent, 100).arrival;
    EXPECT_GE(arrival, last);
    EXPECT_GE(arrival - sent, 10ms);
    EXPECT_LE(arrival - sent, 30ms);
    largest = std::max(largest, arrival - sent);
    last = arrival;
  }
  EXPECT_GT(largest, 29ms);
}

TEST(Link, SpreadsJitterOverItsWholeRange) {
  Link link({.latency = 0ms, .jitter = 10ms}, 1);
  Duration sum{};
  for (int i = 0; i < 2000; ++i) sum += link.pass(kNow + i * 1s, 100).arrival - (kNow + i * 1s);
  EXPECT_NEAR(static_cast<double>((sum / 2000).count()), 5e6, 2e5);
}

TEST(Link, LosesAboutAsManyPacketsAsItIsTold) {
  Link link({.loss = 0.05}, 1);
  pass_many(link, 20'000);
  EXPECT_NEAR(static_cast<double>(link.tally()[Verdict::kLost]), 1000, 100);
  EXPECT_EQ(link.tally()[Verdict::kLost] + link.tally()[Verdict::kSent], 20'000u);
}

TEST(Link, LosesEverythingOrNothingAtTheEnds) {
  Link all({.loss = 1}, 1);
  Link none({.loss = 0}, 1);
  pass_many(all, 1000);
  pass_many(none, 1000);
  EXPECT_EQ(all.tally()[Verdict::kLost], 1000u);
  EXPECT_EQ(none.tally()[Verdict::kLost], 0u);
}

TEST(Link, LosesPacketsInBurstsOfTheExpectedLength) {
  Link link({.burst_loss = BurstLoss{.good_to_bad = 0.01, .bad_to_good = 0.25}}, 1);
  int bursts = 0;
  bool was_lost = false;
  for (const Link::Passage& passage : pass_many(link, 100'000)) {
    const bool is_lost = passage.verdict == Verdict::kLost;
    if (is_lost && !was_lost) ++bursts;
    was_lost = is_lost;
  }
  // Bad for 0.01 / (0.01 + 0.25) of the time, 1 / 0.25 packets at a stretch.
  const auto lost = static_cast<double>(link.tally()[Verdict::kLost]);
  EXPECT_NEAR(lost, 3846, 400);
  EXPECT_NEAR(lost / bursts, 4, 0.4);
}

TEST(Link, DuplicatesAboutAsManyPacketsAsItIsTold) {
  Link link({.duplicate = 0.1}, 1);
  int duplicated = 0;
  for (const Link::Passage& passage : pass_many(link, 10'000)) duplicated += passage.duplicated;
  EXPECT_NEAR(duplicated, 1000, 100);
}

TEST(Link, LetsLaterPacketsOvertakeThoseItReorders) {
  Link link({.latency = 5ms, .reorder = 0.02, .reorder_delay = 10ms}, 1);
  int late = 0;
  const auto passages = pass_many(link, 10'000);
  for (std::size_t i = 0; i + 1 < passages.size(); ++i) {
    const Duration delay = passages[i].arrival - (kNow + static_cast<int>(i) * 1ms);
    EXPECT_TRUE(delay == 5ms || delay == 15ms);
    if (delay == 15ms && passages[i + 1].arrival < passages[i].arrival) ++late;
  }
  EXPECT_NEAR(late, 196, 45);
}

TEST(Link, SendsAtItsRate) {
  Link link({.latency = 10ms, .rate = 1'000'000}, 1);  // 1000 bytes take 8 ms.
  EXPECT_EQ(link.pass(kNow, 1000).arrival, kNow + 18ms);
  EXPECT_EQ(link.pass(kNow, 1000).arrival, kNow + 26ms);
  EXPECT_EQ(link.pass(kNow + 100ms, 1000).arrival, kNow + 118ms);
}

TEST(Link, DropsWhatItsQueueCannotHold) {
  Link link({.rate = 1'000'000, .queue_bytes = 5000}, 1);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(link.pass(kNow, 1000).verdict, Verdict::kSent);
  EXPECT_EQ(link.pass(kNow, 1000).verdict, Verdict::kQueueFull);
  EXPECT_EQ(link.pass(kNow + 8ms, 1000).verdict, Verdict::kSent);
  EXPECT_EQ(link.pass(kNow + 8ms, 1000).verdict, Verdict::kQueueFull);
  EXPECT_EQ(link.tally()[Verdict::kQueueFull], 2u);
}

TEST(Link, DropsPacketsLargerThanItsMtu) {
  Link link({.mtu = 1280}, 1);
  EXPECT_EQ(link.pass(kNow, 1280).verdict, Verdict::kSent);
  EXPECT_EQ(link.pass(kNow, 1281).verdict, Verdict::kTooLarge);
}

TEST(Link, FollowsChangedOptionsFromTheNextPacketOn) {
  Link link({.latency = 10ms}, 1);
  EXPECT_EQ(link.pass(kNow, 100).arrival, kNow + 10ms);
  link.set_options({.latency = 50ms});
  EXPECT_EQ(link.pass(kNow + 1ms, 100).arrival, kNow + 51ms);
  link.set_options({.loss = 1});
  EXPECT_EQ(link.pass(kNow + 2ms, 100).verdict, Verdict::kLost);
}

TEST(Link, DrawsTheSameFromTheSameSeed) {
  const LinkOptions options{.jitter = 9ms, .loss = 0.3, .duplicate = 0.3, .reorder = 0.3};
  Link a(options, 5), b(options, 5), c(options, 6);
  bool all_like_c = true;
  for (int i = 0; i < 1000; ++i) {
    const Time now = kNow + i * 1ms;
    const Link::Passage from_a = a.pass(now, 100), from_b = b.pass(now, 100);
    EXPECT_EQ(from_a.verdict, from_b.verdict);
    EXPECT_EQ(from_a.arrival, from_b.arrival);
    EXPECT_EQ(from_a.duplicated, from_b.duplicated);
    all_like_c = all_like_c && from_a.arrival == c.pass(now, 100).arrival;
  }
  EXPECT_FALSE(all_like_c);
}

TEST(Link, SwallowsOneFamilyWhileTheOtherPasses) {
  World world(1);
  Host& alice = world.add_host("alice", {.stack = Stack::kDual});
  Host& bob = world.add_host("bob", {.stack = Stack::kDual});
  const Address any_v6 = Address::unspecified(Family::kIpv6);
  Talker alice_v4(alice), alice_v6(alice, 0, any_v6), bob_v4(bob, 6000), bob_v6(bob, 6000, any_v6);
  const auto speak = [&](std::string_view text) {
    alice_v4.say(bob_v4.endpoint(), text);
    alice_v6.say(bob_v6.endpoint(Family::kIpv6), text);
    EXPECT_EQ(alice_v6.failure(), std::nullopt) << "a blackhole says nothing";
    world.run_for(100ms);
  };
  LinkOptions broken;
  broken.blackhole = Family::kIpv6;
  alice.interface().set_link(broken);
  speak("one");
  alice.interface().set_link({});
  speak("two");
  EXPECT_TRUE(bob_v4.heard_text("one"));
  EXPECT_FALSE(bob_v6.heard_text("one"));
  EXPECT_TRUE(bob_v6.heard_text("two"));
}

TEST(Link, LosesAWholePacketWithAnyOfItsFragments) {
  World world(1);
  LinkOptions options{.loss = 0.2};
  Link link(options, 7);
  PacketPool pool;
  const PacketPtr packet = pool.make();
  packet->destination = {Address::v4(192, 0, 2, 1), 9};
  packet->payload.resize(4 * 1480 - 8);
  EXPECT_EQ(link.pass(kNow, *packet).verdict, Verdict::kTooLarge);
  packet->dont_fragment = false;
  int lost = 0;
  for (int i = 0; i < 1000; ++i) lost += is_drop(link.pass(kNow + i * 1s, *packet).verdict);
  EXPECT_NEAR(lost, 1000 * (1 - 0.8 * 0.8 * 0.8 * 0.8), 50);
}

}  // namespace
}  // namespace floe::net::sim
