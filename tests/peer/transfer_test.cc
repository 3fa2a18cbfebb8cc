// Files across bad links, intact.
#include <gtest/gtest.h>

#include "floe/core/text.h"
#include "floe/crypto/crypto.h"
#include "tests/peer/call.h"

namespace floe {
namespace {

/// Sends `size` random bytes with back-pressure and returns whether their SHA-256 arrived.
void transfer(const Call::Options& options, std::size_t size) {
  Call call(options);
  call.start();
  ASSERT_TRUE(call.run_until_open()) << replay(options.seed) << call.describe();
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

}  // namespace
}  // namespace floe
