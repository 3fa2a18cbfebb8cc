#include "floe/net/sim/event_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "floe/core/random.h"

namespace floe::net::sim {
namespace {

using namespace std::chrono_literals;

class Noted final : public Event {
 public:
  Noted(std::vector<int>& order, int number) : order_(order), number_(number) {}

 private:
  void fire() override { order_.push_back(number_); }
  std::vector<int>& order_;
  int number_;
};

std::vector<int> drain(EventQueue& queue, std::vector<int>& order) {
  while (!queue.empty()) queue.fire_next();
  return order;
}

TEST(EventQueue, FiresByTimeAndThenByTheOrderOfScheduling) {
  std::vector<int> order;
  Noted a(order, 1), b(order, 2), c(order, 3), d(order, 4);
  EventQueue queue;
  queue.schedule(a, Time(5s));
  queue.schedule(b, Time(3s));
  queue.schedule(c, Time(5s));
  queue.schedule(d, Time(1s));
  EXPECT_EQ(queue.next(), Time(1s));
  EXPECT_EQ(drain(queue, order), (std::vector{4, 2, 1, 3}));
  EXPECT_EQ(queue.next(), kNever);
}

TEST(EventQueue, CountsAMovedEventAsScheduledNow) {
  std::vector<int> order;
  Noted a(order, 1), b(order, 2), c(order, 3);
  EventQueue queue;
  queue.schedule(a, Time(1s));
  queue.schedule(b, Time(2s));
  queue.schedule(c, Time(9s));
  queue.schedule(a, Time(2s));
  queue.schedule(c, Time(1s));
  EXPECT_EQ(drain(queue, order), (std::vector{3, 2, 1}));
}

TEST(EventQueue, ForgetsACancelledEvent) {
  std::vector<int> order;
  Noted a(order, 1), b(order, 2);
  EventQueue queue;
  queue.schedule(a, Time(1s));
  queue.schedule(b, Time(2s));
  queue.cancel(a);
  queue.cancel(a);
  EXPECT_FALSE(a.scheduled());
  EXPECT_EQ(drain(queue, order), (std::vector{2}));
}

TEST(EventQueue, KeepsItsOrderThroughManyMovesAndCancellations) {
  std::vector<int> order;
  std::vector<std::unique_ptr<Noted>> events;
  for (int i = 0; i < 500; ++i) events.push_back(std::make_unique<Noted>(order, i));
  struct Expected {
    Time when;
    int round;
    bool scheduled = false;
  };
  std::vector<Expected> expected(events.size());
  EventQueue queue;
  SeededRandom random(7);
  for (int round = 0; round < 20'000; ++round) {
    const auto i = static_cast<std::size_t>(random.below(events.size()));
    if (random.below(4) == 0) {
      queue.cancel(*events[i]);
      expected[i].scheduled = false;
    } else {
      expected[i] = {Time(Duration(random.below(100))), round, true};
      queue.schedule(*events[i], expected[i].when);
    }
  }
  drain(queue, order);
  std::vector<int> sorted;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (expected[i].scheduled) sorted.push_back(static_cast<int>(i));
  }
  std::ranges::sort(sorted, [&](int a, int b) {
    const Expected& x = expected[static_cast<std::size_t>(a)];
    const Expected& y = expected[static_cast<std::size_t>(b)];
    return x.when != y.when ? x.when < y.when : x.round < y.round;
  });
  EXPECT_EQ(order, sorted);
}

}  // namespace
}  // namespace floe::net::sim
