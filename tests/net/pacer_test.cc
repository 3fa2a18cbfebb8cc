#include "floe/net/pacer.h"

#include <gtest/gtest.h>

namespace floe::net {
namespace {

using std::chrono::milliseconds;
constexpr Time at(int ms) {
  return Time(milliseconds(ms));
}

TEST(Pacer, GivesTwoHundredAgentsSlotsThatAreTaApart) {
  Pacer pacer;
  for (int i = 0; i < 200; ++i) EXPECT_EQ(pacer.book(at(1000)), at(1000 + 50 * i));
}

TEST(Pacer, GivesASlotAtOnceAfterAPause) {
  Pacer pacer;
  EXPECT_EQ(pacer.book(at(0)), at(0));
  EXPECT_EQ(pacer.book(at(600'000)), at(600'000));
}

TEST(Pacer, TakesBackTheLastSlotOnly) {
  Pacer pacer;
  const Time first = pacer.book(at(0));
  const Time second = pacer.book(at(0));
  pacer.give_back(first);
  EXPECT_EQ(pacer.book(at(0)), at(100));
  pacer.give_back(at(100));
  EXPECT_EQ(pacer.book(at(0)), at(100));
  EXPECT_EQ(second, at(50));
}

TEST(Pacer, DoesNotGoBelowFiveMilliseconds) {
  Pacer pacer;
  pacer.set_ta(milliseconds(1));
  EXPECT_EQ(pacer.ta(), milliseconds(5));
}

}  // namespace
}  // namespace floe::net
