// Files across bad links, intact.
#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "floe/core/text.h"
#include "floe/crypto/crypto.h"
#include "tests/peer/call.h"

namespace floe {
namespace {

/// Sends `size` random bytes with back-pressure, expects their SHA-256 to arrive, and says how long
/// that took.
void transfer(const Call::Options& options, std::size_t size, Duration* took = nullptr) {
  Call call(options);
  call.start();
  ASSERT_TRUE(call.run_until_open()) << replay(options.seed) << call.describe();
  const Time begun = call.world.now();
  std::vector<std::uint8_t> file(size);
  call.world.random().fill(file);

  crypto::Sha256Stream received;
  std::size_t received_bytes = 0;
  call.bob.channel->on_message([&](const DataChannel::Message& message) {
    EXPECT_FALSE(message.is_text);
    received.update(message.payload);
    received_bytes += message.payload.size();
  });
  constexpr std::size_t kChunk = 16 * 1024;
  std::size_t sent = 0;
  const auto pump = [&] {
    while (sent < file.size()) {
      const Bytes chunk = Bytes(file).subspan(sent, std::min(kChunk, file.size() - sent));
      if (call.alice.channel->buffered_amount() > 256 * 1024) return;
      if (!call.alice.channel->send(chunk)) return;
      sent += chunk.size();
    }
  };
  call.alice.channel->set_buffered_amount_low_threshold(64 * 1024);
  call.alice.channel->on_buffered_amount_low(pump);
  pump();
  ASSERT_TRUE(call.run_until([&] { return received_bytes >= size; }, minutes(30)))
      << replay(options.seed) << ": " << received_bytes << " of " << size << '\n'
      << call.describe();
  if (took != nullptr) *took = call.world.now() - begun;
  EXPECT_EQ(received_bytes, size) << replay(options.seed);
  EXPECT_EQ(to_hex(received.finish()), to_hex(crypto::sha256(file))) << replay(options.seed);
}

TEST(Transfer, ArrivesIntactAtFivePercentLossWithReorderingAndDuplication) {
  for (std::size_t i = 0; i < test_seeds(10); ++i) {
    Call::Options options;
    options.seed = test_seed(i);
    options.link.loss = 0.05;
    options.link.reorder = 0.1;
    options.link.duplicate = 0.05;
    transfer(options, 1 << 20);
  }
}

TEST(Transfer, ArrivesIntactThroughASlowLinkWithASmallQueue) {
  for (std::size_t i = 0; i < test_seeds(3); ++i) {
    Call::Options options;
    options.seed = test_seed(i);
    options.link.rate = 10'000'000;
    options.link.queue_bytes = 32 * 1024;
    transfer(options, 4 << 20);
  }
}

TEST(Transfer, ArrivesIntactBehindTwoNatsWithBurstsOfLoss) {
  for (std::size_t i = 0; i < test_seeds(5); ++i) {
    Call::Options options;
    options.seed = test_seed(i);
    options.alice_nat = net::sim::NatOptions::port_restricted();
    options.bob_nat = net::sim::NatOptions::address_restricted();
    options.link.burst_loss = net::sim::BurstLoss{};
    transfer(options, 1 << 19);
  }
}

constexpr std::array kRoundTrips = {milliseconds(20), milliseconds(50), milliseconds(100),
                                    milliseconds(300)};

double in_seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

/// Alice's cable has half of the round trip but for what Bob's adds.
Call::Options path_of(Duration round_trip) {
  Call::Options options;
  options.seed = test_seed(0);
  options.link.latency = round_trip / 2 - milliseconds(1);
  return options;
}

TEST(Transfer, FillsALinkAtEveryRoundTrip) {
  constexpr double kRate = 20e6;
  constexpr std::size_t kSize = 4 << 20;
  for (const Duration round_trip : kRoundTrips) {
    Call::Options options = path_of(round_trip);
    options.link.rate = static_cast<std::uint64_t>(kRate);
    options.link.queue_bytes = 5 << 20;  // Nothing is lost: the window is smaller.
    Duration took{};
    ASSERT_NO_FATAL_FAILURE(transfer(options, kSize, &took));
    // Slow start doubles some ten packets to the link's 750 kB at most in seven round trips.
    const double ideal = kSize * 8 / kRate;
    EXPECT_LT(in_seconds(took), ideal / 0.8 + 10 * in_seconds(round_trip))
        << to_ms(round_trip) << " ms";
  }
}

TEST(Transfer, FollowsTheLawOfRenoAtOnePercentLoss) {
  for (const Duration round_trip : kRoundTrips) {
    Call::Options options = path_of(round_trip);
    options.link.loss = 0.01;
    // Mathis et al. 1997: MSS / RTT * sqrt(3/2) / sqrt(loss). Two hundred round trips at that rate.
    const double per_round_trip = 1100 * std::sqrt(1.5) / std::sqrt(0.01);
    constexpr double kRounds = 200;
    Duration took{};
    const auto size = static_cast<std::size_t>(per_round_trip * kRounds);
    ASSERT_NO_FATAL_FAILURE(transfer(options, size, &took));
    EXPECT_LT(in_seconds(took), 2 * kRounds * in_seconds(round_trip)) << to_ms(round_trip) << " ms";
  }
}

}  // namespace
}  // namespace floe
