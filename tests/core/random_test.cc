#include "floe/core/random.h"

#include <gtest/gtest.h>

#include <set>

namespace floe {
namespace {

TEST(SeededRandom, SameSeedGivesSameNumbers) {
  SeededRandom a(7);
  SeededRandom b(7);
  SeededRandom c(8);
  const std::uint64_t first = a.u64();
  EXPECT_EQ(first, b.u64());
  EXPECT_NE(first, c.u64());
}

TEST(Random, BelowStaysBelowAndReachesEveryValue) {
  SeededRandom random(1);
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(random.below(7));
  EXPECT_EQ(seen.size(), 7u);
  EXPECT_EQ(*seen.rbegin(), 6u);
}

TEST(Random, UnitIsInZeroToOne) {
  SeededRandom random(2);
  double sum = 0;
  for (int i = 0; i < 10'000; ++i) {
    const double value = random.unit();
    ASSERT_GE(value, 0.0);
    ASSERT_LT(value, 1.0);
    sum += value;
  }
  EXPECT_NEAR(sum / 10'000, 0.5, 0.02);
}

TEST(Random, TextDrawsFromItsAlphabetOnly) {
  SeededRandom random(3);
  const std::string text = random.text(100, "ab");
  EXPECT_EQ(text.size(), 100u);
  EXPECT_EQ(text.find_first_not_of("ab"), std::string::npos);
}

}  // namespace
}  // namespace floe
