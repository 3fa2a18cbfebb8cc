#include "floe/stun_client/round_trip_estimate.h"

#include <gtest/gtest.h>

namespace floe::stun {
namespace {

using namespace std::chrono_literals;

constexpr Time kStart{std::chrono::hours(1)};

TEST(StunRoundTripEstimate, BeginsWithTheInitialRto) {
  EXPECT_EQ(RoundTripEstimate().rto(kStart), 500ms);
  EXPECT_EQ(RoundTripEstimate(100ms).rto(kStart), 100ms);
}

TEST(StunRoundTripEstimate, NeverFallsBelowTheInitialRto) {
  RoundTripEstimate estimate;
  for (int i = 0; i < 50; ++i) estimate.add(kStart, 20ms);
  EXPECT_EQ(estimate.rto(kStart), 500ms);
}

TEST(StunRoundTripEstimate, FollowsRfc6298) {
  RoundTripEstimate estimate(1ms);
  estimate.add(kStart, 800ms);
  EXPECT_EQ(estimate.rto(kStart), 800ms + 4 * 400ms);
  // RTTVAR = 3/4 * 400 + 1/4 * |800 - 400| = 400, SRTT = 7/8 * 800 + 1/8 * 400 = 750.
  estimate.add(kStart, 400ms);
  EXPECT_EQ(estimate.rto(kStart), 750ms + 4 * 400ms);
}

TEST(StunRoundTripEstimate, IsAtMostAMinute) {
  RoundTripEstimate estimate;
  estimate.add(kStart, 1h);
  EXPECT_EQ(estimate.rto(kStart), 60s);
}

TEST(StunRoundTripEstimate, IsForgottenAfterTenMinutes) {
  // RFC 8489 section 6.2.1.
  RoundTripEstimate estimate;
  estimate.add(kStart, 2s);
  EXPECT_EQ(estimate.rto(kStart + 10min), 6s);
  EXPECT_EQ(estimate.rto(kStart + 10min + 1ns), 500ms);
  estimate.add(kStart + 11min, 1s);
  EXPECT_EQ(estimate.rto(kStart + 11min), 3s) << "the old samples have no part in it";
}

}  // namespace
}  // namespace floe::stun
