// A slice of the chaos in every run of the tests; the program `chaos` runs as many seeds as wanted.
#include "tests/nat_matrix/chaos.h"

#include <gtest/gtest.h>

namespace floe::nat_matrix {
namespace {

#if defined(__SANITIZE_ADDRESS__) || !defined(NDEBUG)
constexpr std::uint64_t kSeeds = 30;
#else
constexpr std::uint64_t kSeeds = 200;
#endif

TEST(Chaos, EndsConnectedOnEverySeedOfTheSlice) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const ChaosResult result = Chaos::run(seed);
    EXPECT_EQ(result.complaint, "")
        << result.cell.name() << "; replay with: build/release/tests/nat_matrix/chaos --seed "
        << seed << " --verbose\n"
        << result.story;
  }
}

TEST(Chaos, IsTheSameToTheLastPacketOnTheSameSeed) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const ChaosResult once = Chaos::run(seed);
    const ChaosResult again = Chaos::run(seed);
    EXPECT_EQ(once.digest, again.digest) << seed;
    EXPECT_EQ(once.story, again.story) << seed;
  }
  EXPECT_NE(Chaos::run(1).digest, Chaos::run(2).digest);
}

}  // namespace
}  // namespace floe::nat_matrix
