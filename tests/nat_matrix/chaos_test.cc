// A slice of the chaos in every run of the tests; the program `chaos` runs as many seeds as wanted.
#include "tests/nat_matrix/chaos.h"

#include <gtest/gtest.h>

namespace floe::nat_matrix {
namespace {

#if defined(__SANITIZE_ADDRESS__) || !defined(NDEBUG)
constexpr std::uint64_t kSlice = 20;
#else
constexpr std::uint64_t kSlice = 200;
#endif

constexpr std::uint64_t kRepeated = kSlice / 10;

class Chaos : public testing::TestWithParam<Layers> {};

TEST_P(Chaos, EndsConnectedWithoutLossOfAMessage) {
  for (std::uint64_t seed = 1; seed <= kSlice; ++seed) {
    const ChaosResult result = run_chaos(seed, GetParam());
    EXPECT_EQ(result.complaint, "")
        << result.cell.name() << "; replay with: build/release/tests/nat_matrix/chaos --seed "
        << seed << (GetParam() == Layers::kIce ? " --ice" : "") << " --verbose\n"
        << result.story;
  }
}

TEST_P(Chaos, IsTheSameToTheLastPacketOnTheSameSeed) {
  for (std::uint64_t seed = 1; seed <= kRepeated; ++seed) {
    const ChaosResult once = run_chaos(seed, GetParam());
    const ChaosResult again = run_chaos(seed, GetParam());
    EXPECT_EQ(once.digest, again.digest) << "seed " << seed << ", " << once.cell.name();
    EXPECT_EQ(once.story, again.story) << "seed " << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(Of, Chaos, testing::Values(Layers::kIce, Layers::kPeers),
                         [](const auto& info) {
                           return info.param == Layers::kIce ? "Ice" : "WholePeers";
                         });

}  // namespace
}  // namespace floe::nat_matrix
