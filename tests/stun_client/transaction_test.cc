#include "floe/stun_client/transaction.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace floe::stun {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

constexpr Time kStart{std::chrono::hours(1)};
constexpr TransactionId kId{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};

std::vector<std::uint8_t> message(Class cls, const TransactionId& id,
                                  Method method = Method::kBinding) {
  std::array<std::uint8_t, 64> space;
  return to_vector(MessageBuilder(space, cls, method, id).bytes());
}

Transaction start(Transport transport, const TransactionTimes& times = {}) {
  return Transaction::start(kStart, message(Class::kRequest, kId), transport, times).value();
}

/// The milliseconds after kStart at which `transaction` sends, and last those when it gives up.
std::vector<std::int64_t> schedule(Transaction transaction) {
  std::vector<std::int64_t> times;
  net::SendBatch batch;
  Time now = kStart;
  while (!transaction.timed_out()) {
    transaction.poll_transmit(now, {}, batch);
    if (!batch.empty()) times.push_back(to_ms(now - kStart));
    batch.clear();
    now = transaction.next_timeout();
    transaction.handle_timeout(now);
    EXPECT_GT(transaction.next_timeout(), now);
  }
  times.push_back(to_ms(now - kStart));
  EXPECT_EQ(transaction.next_timeout(), kNever);
  return times;
}

TEST(StunTransaction, RetransmitsAtTheTimesTheStandardPrints) {
  // RFC 8489 section 6.2.1.
  EXPECT_THAT(schedule(start(Transport::kDatagrams)),
              ElementsAre(0, 500, 1500, 3500, 7500, 15500, 31500, 39500));
}

TEST(StunTransaction, ItsTimesFollowRtoRcAndRm) {
  EXPECT_THAT(schedule(start(Transport::kDatagrams, {.rto = 100ms, .rc = 3, .rm = 4})),
              ElementsAre(0, 100, 300, 700));
  EXPECT_THAT(schedule(start(Transport::kDatagrams, {.rto = 100ms, .rc = 1, .rm = 16})),
              ElementsAre(0, 1600));
  EXPECT_THAT(schedule(start(Transport::kDatagrams, {.rto = 100ms, .rc = 0, .rm = 16})),
              ElementsAre(0, 1600));
}

TEST(StunTransaction, OverAStreamItSendsOnceAndWaitsTheSameTotal) {
  EXPECT_THAT(schedule(start(Transport::kStream)), ElementsAre(0, 39500));
}

TEST(StunTransaction, AfterAJumpOfTenMinutesItSendsOnceAndWaitsForTheAnswer) {
  Transaction transaction = start(Transport::kDatagrams);
  net::SendBatch batch;
  transaction.poll_transmit(kStart, {}, batch);
  batch.clear();
  const Time woken = kStart + 10min;
  transaction.handle_timeout(woken);
  EXPECT_FALSE(transaction.timed_out());
  EXPECT_EQ(transaction.next_timeout(), woken + 1s);
  transaction.poll_transmit(woken, {}, batch);
  EXPECT_EQ(batch.packets(), 1u);
  transaction.poll_transmit(woken, {}, batch);
  EXPECT_EQ(batch.packets(), 1u);
}

TEST(StunTransaction, AJumpOverItsEndEndsIt) {
  Transaction transaction = start(Transport::kStream);
  transaction.handle_timeout(kStart + 10min);
  EXPECT_TRUE(transaction.timed_out());
  net::SendBatch batch;
  transaction.poll_transmit(kStart + 10min, {}, batch);
  EXPECT_TRUE(batch.empty()) << "a request nobody waits for any more";
}

TEST(StunTransaction, AnEarlyTimerChangesNothing) {
  Transaction transaction = start(Transport::kDatagrams);
  const Time due = transaction.next_timeout();
  transaction.handle_timeout(due - 1ns);
  EXPECT_EQ(transaction.next_timeout(), due);
}

TEST(StunTransaction, AFullBatchKeepsTheRequestDue) {
  Transaction transaction = start(Transport::kDatagrams);
  net::SendBatch batch;
  const std::vector<std::uint8_t> filler(60'000);
  while (batch.add({}, filler)) {
  }
  std::size_t packets = 0;
  do {  // Smaller ones, until not even the request fits.
    packets = batch.packets();
  } while (batch.add({}, Bytes(filler).first(kHeaderSize)));
  transaction.poll_transmit(kStart, {}, batch);
  EXPECT_EQ(batch.packets(), packets);
  EXPECT_EQ(transaction.sends(), 0u);
  batch.clear();
  transaction.poll_transmit(kStart, {}, batch);
  EXPECT_EQ(batch.packets(), 1u);
  EXPECT_EQ(transaction.sends(), 1u);
}

TEST(StunTransaction, MatchesOnlyResponsesToItsOwnRequest) {
  const Transaction transaction = start(Transport::kDatagrams);
  const auto matches = [&](const std::vector<std::uint8_t>& bytes) {
    return transaction.matches(Message::parse(bytes).value());
  };
  TransactionId other = kId;
  other[11] ^= 1;
  EXPECT_TRUE(matches(message(Class::kSuccess, kId)));
  EXPECT_TRUE(matches(message(Class::kError, kId)));
  EXPECT_FALSE(matches(message(Class::kSuccess, other)));
  EXPECT_FALSE(matches(message(Class::kRequest, kId)));
  EXPECT_FALSE(matches(message(Class::kIndication, kId)));
  EXPECT_FALSE(matches(message(Class::kSuccess, kId, Method::kAllocate)));
}

TEST(StunTransaction, MeasuresTheRoundTripOnlyOfARequestSentOnce) {
  Transaction transaction = start(Transport::kDatagrams);
  EXPECT_EQ(transaction.round_trip(kStart + 1ms), std::nullopt) << "not sent yet";
  net::SendBatch batch;
  transaction.poll_transmit(kStart + 5ms, {}, batch);
  EXPECT_EQ(transaction.round_trip(kStart + 45ms), 40ms);
  transaction.handle_timeout(transaction.next_timeout());
  EXPECT_EQ(transaction.round_trip(kStart + 510ms), 505ms) << "due, but not yet sent again";
  transaction.poll_transmit(kStart + 510ms, {}, batch);
  EXPECT_EQ(transaction.round_trip(kStart + 520ms), std::nullopt) << "Karn's algorithm";
}

TEST(StunTransaction, RefusesWhatIsNotARequestOrTooLong) {
  EXPECT_EQ(Transaction::start(kStart, {}, Transport::kStream).error().code, Errc::kMalformed);
  EXPECT_EQ(
      Transaction::start(kStart, message(Class::kSuccess, kId), Transport::kStream).error().code,
      Errc::kInvalidArgument);
  std::vector<std::uint8_t> space(8'000);
  MessageBuilder builder(space, Class::kRequest, Method::kBinding, kId);
  builder.add(AttributeType::kPadding, std::vector<std::uint8_t>(Transaction::kMaxRequest - 24));
  EXPECT_TRUE(Transaction::start(kStart, builder.bytes(), Transport::kStream));
  builder.add_flag(AttributeType::kDontFragment);
  EXPECT_EQ(Transaction::start(kStart, builder.bytes(), Transport::kStream).error().code,
            Errc::kLimitExceeded);
}

}  // namespace
}  // namespace floe::stun
