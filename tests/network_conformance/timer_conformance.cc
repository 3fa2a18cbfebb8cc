#include <gtest/gtest.h>

#include <thread>

#include "tests/network_conformance/stage.h"

namespace floe::net::conformance {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

TEST_P(NetworkConformance, FiresTimersInTheOrderOfTheirTimesAndNeverBeforeThem) {
  std::vector<int> fired;
  std::vector<std::unique_ptr<Timer>> timers;
  const Time start = alice().now();
  const Duration delays[] = {milliseconds(9),  milliseconds(2),   microseconds(300),
                             milliseconds(15), microseconds(301), milliseconds(-4)};
  for (int i = 0; i < 6; ++i) {
    timers.push_back(alice().create_timer([&, i] {
      EXPECT_GE(alice().now(), start + delays[i]);
      fired.push_back(i);
    }));
    timers.back()->arm(start + delays[i]);
  }
  ASSERT_TRUE(run_until([&] { return fired.size() == 6; }));
  EXPECT_EQ(fired, (std::vector{5, 2, 4, 1, 0, 3}));
  settle();
  EXPECT_EQ(fired.size(), 6u);
}

TEST_P(NetworkConformance, FiresATimerArmedForThePastAtALaterTurnOnly) {
  int fired = 0;
  const auto timer = alice().create_timer([&] { ++fired; });
  timer->arm(alice().now() - milliseconds(5));
  EXPECT_EQ(fired, 0);
  timer->arm(Time{});
  EXPECT_EQ(fired, 0);
  ASSERT_TRUE(run_until([&] { return fired > 0; }));
  settle();
  EXPECT_EQ(fired, 1);
}

TEST_P(NetworkConformance, ReplacesTheTimeOfAnArmedTimer) {
  int fired = 0;
  const auto timer = alice().create_timer([&] { ++fired; });
  const Time start = alice().now();
  timer->arm(start + milliseconds(5));
  timer->arm(start + milliseconds(30));
  ASSERT_TRUE(run_until([&] { return fired > 0; }));
  EXPECT_GE(alice().now(), start + milliseconds(30));
  timer->arm(alice().now() + std::chrono::hours(1));
  timer->arm(alice().now() + milliseconds(1));
  ASSERT_TRUE(run_until([&] { return fired > 1; }));
  timer->arm(alice().now() + milliseconds(5));
  timer->arm(kNever);
  settle();
  EXPECT_EQ(fired, 2);
}

TEST_P(NetworkConformance, LetsATimerRearmAndDisarmOthersWithinItsCallback) {
  int others = 0;
  const auto other = alice().create_timer([&] { ++others; });
  int fired = 0;
  std::unique_ptr<Timer> timer;
  timer = alice().create_timer([&] {
    other->arm(kNever);
    if (++fired < 5) timer->arm(alice().now() + milliseconds(1));
  });
  const Time start = alice().now();
  timer->arm(start + milliseconds(1));
  other->arm(start + milliseconds(1) + Duration(1));  // Due in the same turn, or close to it.
  ASSERT_TRUE(run_until([&] { return fired == 5; }));
  settle();
  EXPECT_EQ(fired, 5);
  EXPECT_EQ(others, 0);
}

TEST_P(NetworkConformance, LetsATimerDestroyItselfAndOthersWithinItsCallback) {
  int others = 0;
  bool fired = false;
  auto other = alice().create_timer([&] { ++others; });
  // What the callback holds must stay until it returns.
  auto held = std::make_shared<int>(7);
  std::unique_ptr<Timer> timer;
  timer = alice().create_timer([&, held] {
    timer.reset();
    other.reset();
    EXPECT_EQ(*held, 7);
    fired = true;
  });
  const Time start = alice().now();
  timer->arm(start + milliseconds(1));
  other->arm(start + milliseconds(1) + Duration(1));
  ASSERT_TRUE(run_until([&] { return fired; }));
  settle();
  EXPECT_EQ(others, 0);
  EXPECT_EQ(held.use_count(), 1);
}

TEST_P(NetworkConformance, ForgetsATimerThatWasDestroyedWhileArmed) {
  int fired = 0;
  auto timer = alice().create_timer([&] { ++fired; });
  timer->arm(alice().now());
  timer.reset();
  settle();
  EXPECT_EQ(fired, 0);
}

TEST_P(NetworkConformance, LetsPacketsThroughWhileATimerRearmsForThePastAgainAndAgain) {
  Inbox inbox;
  const auto socket = open_udp(alice(), stage_->alice_address(Family::kIpv4), inbox);
  std::unique_ptr<Timer> timer;
  int turns = 0;
  timer = alice().create_timer([&] {
    // In virtual time this instant never ends unless the timer gives up.
    if (inbox.packets.empty() && ++turns < 1'000'000) timer->arm(Time{});
  });
  SendBatch batch;
  ASSERT_TRUE(batch.add({socket->id(), socket->local(), {}}, pattern(10)));
  timer->arm(alice().now());
  EXPECT_TRUE(send(alice(), batch).empty());
  EXPECT_TRUE(run_until([&] { return !inbox.packets.empty(); }));
  EXPECT_LT(turns, 1'000'000);
}

TEST_P(NetworkConformance, KeepsTenThousandTimersApart) {
  constexpr int kCount = 10'000;
  std::vector<std::unique_ptr<Timer>> timers;
  std::vector<int> fired(kCount, 0);
  Time last{};
  int total = 0;
  const Time start = alice().now() + milliseconds(20);
  for (int i = 0; i < kCount; ++i) {
    const Time when = start + microseconds((i * 7919) % kCount);
    timers.push_back(alice().create_timer([&, i, when] {
      EXPECT_GT(when, last);
      last = when;
      ++fired[static_cast<std::size_t>(i)];
      ++total;
    }));
    timers.back()->arm(when);
  }
  for (int i = 0; i < kCount; i += 2) timers[static_cast<std::size_t>(i)].reset();
  ASSERT_TRUE(run_until([&] { return total == kCount / 2; }));
  for (int i = 0; i < kCount; ++i) EXPECT_EQ(fired[static_cast<std::size_t>(i)], i % 2);
}

TEST_P(NetworkConformance, RunsPostedTasksInOrderAtALaterTurn) {
  std::vector<int> ran;
  for (int i = 0; i < 3; ++i) alice().post([&, i] { ran.push_back(i); });
  alice().post([&] { alice().post([&] { ran.push_back(3); }); });
  EXPECT_TRUE(ran.empty());
  ASSERT_TRUE(run_until([&] { return ran.size() == 4; }));
  EXPECT_EQ(ran, (std::vector{0, 1, 2, 3}));
}

TEST_P(NetworkConformance, TakesTasksFromOtherThreadsAndRunsThemOnItsOwn) {
  const std::thread::id own = std::this_thread::get_id();
  constexpr int kTasks = 1000;
  int ran = 0;
  std::thread other([&] {
    for (int i = 0; i < kTasks; ++i) {
      alice().post([&, i] {
        EXPECT_EQ(std::this_thread::get_id(), own);
        EXPECT_EQ(ran, i);
        ++ran;
      });
    }
  });
  // Both while the loop turns and, at the latest, before it does so again.
  settle();
  other.join();
  EXPECT_TRUE(run_until([&] { return ran == kTasks; }));
}

TEST_P(NetworkConformance, LooksUpALiteralAddress) {
  for (const char* text : {"127.0.0.1", "::1"}) {
    std::optional<Result<std::vector<Address>>> answer;
    const auto lookup = alice().lookup(text, [&](auto result) { answer = std::move(result); });
    EXPECT_FALSE(answer) << "never from within";
    ASSERT_TRUE(run_until([&] { return answer.has_value(); }));
    ASSERT_TRUE(*answer) << answer->error().message;
    EXPECT_EQ(**answer, std::vector{*Address::parse(text)});
  }
}

TEST_P(NetworkConformance, LooksUpTheNameOfTheMachineItself) {
  std::optional<Result<std::vector<Address>>> answer;
  const auto lookup = alice().lookup("localhost", [&](auto result) { answer = std::move(result); });
  EXPECT_FALSE(answer) << "never from within";
  ASSERT_TRUE(run_until([&] { return answer.has_value(); }));
  ASSERT_TRUE(*answer) << answer->error().message;
  ASSERT_FALSE((*answer)->empty());
  for (const Address& address : **answer) EXPECT_TRUE(address.is_loopback());
}

TEST_P(NetworkConformance, SaysThatANameIsNotToBeFound) {
  std::optional<Result<std::vector<Address>>> answer;
  const auto lookup =
      alice().lookup(stage_->failing_name(), [&](auto result) { answer = std::move(result); });
  EXPECT_FALSE(answer) << "never from within";
  ASSERT_TRUE(run_until([&] { return answer.has_value(); }));
  ASSERT_FALSE(*answer);
  EXPECT_EQ(answer->error().code, Errc::kNotFound) << answer->error().message;
}

TEST_P(NetworkConformance, AbandonsALookupThatIsDestroyed) {
  bool abandoned_called = false;
  bool answered = false;
  auto lookup = alice().lookup("localhost", [&](auto) { abandoned_called = true; });
  const auto other = alice().lookup("localhost", [&](auto) { answered = true; });
  lookup.reset();
  ASSERT_TRUE(run_until([&] { return answered; }));
  settle();
  EXPECT_FALSE(abandoned_called);
}

TEST_P(NetworkConformance, LetsALookupDestroyItselfWithinItsCallback) {
  std::unique_ptr<Lookup> lookup;
  bool answered = false;
  auto held = std::make_shared<int>(7);
  lookup = alice().lookup("localhost", [&, held](auto) {
    lookup.reset();
    EXPECT_EQ(*held, 7);
    answered = true;
  });
  ASSERT_TRUE(run_until([&] { return answered; }));
  settle();
  EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace floe::net::conformance
