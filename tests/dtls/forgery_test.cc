#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "floe/dtls/last_alert.h"
#include "tests/dtls/pair.h"

namespace floe::dtls::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::uint8_t> random_bytes(Random& random, std::size_t size) {
  std::vector<std::uint8_t> bytes(size);
  random.fill(bytes);
  return bytes;
}

std::vector<std::uint8_t> forged_record(std::uint8_t type, std::uint16_t epoch,
                                        const std::vector<std::uint8_t>& body,
                                        std::uint32_t sequence) {
  std::vector<std::uint8_t> bytes(Record::kHeaderSize + body.size());
  ByteWriter writer(bytes);
  writer.u8(type);
  writer.u16(0xfefd);
  writer.u16(epoch);
  writer.u16(0);
  writer.u32(sequence);
  writer.u16(static_cast<std::uint16_t>(body.size()));
  writer.bytes(body);
  return bytes;
}

void inject(Pair& pair, std::vector<std::uint8_t> datagram) {
  for (Side* side : {&pair.client, &pair.server}) {
    auto copy = datagram;
    side->connection->handle_packet(pair.now(), copy);
  }
}

TEST(DtlsForgery, TellsDtlsByTheFirstByteAndTheSize) {
  std::vector<std::uint8_t> datagram(13);
  for (int first = 0; first < 256; ++first) {
    datagram[0] = static_cast<std::uint8_t>(first);
    EXPECT_EQ(Connection::looks_like_dtls(datagram), first >= 20 && first <= 63) << first;
  }
  datagram[0] = 22;
  EXPECT_FALSE(Connection::looks_like_dtls(Bytes(datagram).first(12)));
  EXPECT_FALSE(Connection::looks_like_dtls({}));
}

TEST(DtlsForgery, OtherProtocolsAreNotItsOwn) {
  auto connection = make(client_config());
  connection->start(kStart);
  std::vector<std::uint8_t> stun(20, 0);
  EXPECT_FALSE(connection->handle_packet(kStart, stun));
  std::vector<std::uint8_t> rtp(20, 0x80);
  EXPECT_FALSE(connection->handle_packet(kStart, rtp));
  EXPECT_FALSE(connection->handle_packet(kStart, {}));
  EXPECT_EQ(connection->stats().drops(DropReason::kNotDtls), 3u);
}

TEST(DtlsForgery, GarbageBetweenTheFlightsChangesNothing) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SeededRandom random(seed);
    Pair pair;
    pair.start();
    const auto garbage = [&] {
      for (int i = 0; i < 10; ++i) {
        auto datagram = random_bytes(random, 1 + random.below(1'500));
        datagram[0] = static_cast<std::uint8_t>(20 + random.below(44));
        inject(pair, datagram);
        // And with a header that is in order.
        inject(pair, forged_record(static_cast<std::uint8_t>(20 + random.below(7)),
                                   static_cast<std::uint16_t>(random.below(3)),
                                   random_bytes(random, 1 + random.below(300)), random.u32()));
      }
      return pair.client.connected() && pair.server.connected();
    };
    pair.run(garbage);
    EXPECT_TRUE(pair.client.connected() && pair.server.connected()) << "seed " << seed;
    pair.send(true, "hello");
    pair.run({}, 1s);
    EXPECT_THAT(pair.server.received, ElementsAre("hello"));
  }
}

TEST(DtlsForgery, TruncatedDatagramsCostOnlyARetransmission) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SeededRandom random(seed);
    Path path;
    path.filter = [&](bool, std::vector<std::uint8_t>& datagram) {
      if (random.below(3) == 0) datagram.resize(random.below(datagram.size()));
      return true;
    };
    Pair pair(client_config(), server_config(), path);
    pair.connect();
    ASSERT_FALSE(HasFatalFailure()) << "seed " << seed;
  }
}

TEST(DtlsForgery, FlippedBitsInRecordHeadersCostOnlyARetransmission) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SeededRandom random(seed);
    Path path;
    path.filter = [&](bool, std::vector<std::uint8_t>& datagram) {
      if (random.below(3) != 0) return true;
      Bytes rest = datagram;
      std::vector<std::size_t> starts;
      while (!rest.empty()) {
        starts.push_back(datagram.size() - rest.size());
        if (!next_record(rest)) break;
      }
      const std::size_t at = starts[random.below(starts.size())] + random.below(13);
      datagram[at] ^= static_cast<std::uint8_t>(1 << random.below(8));
      return true;
    };
    Pair pair(client_config(), server_config(), path);
    pair.connect();
    ASSERT_FALSE(HasFatalFailure()) << "seed " << seed;
  }
}

TEST(DtlsForgery, FlippedBitsAnywhereEndInAConnectionOrAFailureOfBoth) {
  int connected = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SeededRandom random(seed);
    Path path;
    path.filter = [&](bool, std::vector<std::uint8_t>& datagram) {
      if (random.below(3) == 0) {
        datagram[random.below(datagram.size())] ^= static_cast<std::uint8_t>(1 << random.below(8));
      }
      return true;
    };
    Pair pair(client_config(), server_config(), path);
    pair.start();
    pair.run();
    for (const Side* side : {&pair.client, &pair.server}) {
      EXPECT_EQ(side->connected(), side->failure() == nullptr) << "seed " << seed;
    }
    connected += pair.client.connected() && pair.server.connected() ? 1 : 0;
  }
  EXPECT_GT(connected, 50);
}

TEST(DtlsForgery, FlippedBitsInDataAreDroppedAndCounted) {
  Pair pair;
  pair.connect();
  SeededRandom random(1);
  for (int i = 0; i < 100; ++i) {
    std::vector<std::uint8_t> record(5 + Connection::kMaxOverhead);
    record.resize(*pair.client.connection->seal(as_bytes("hello"), record));
    record[Record::kHeaderSize + random.below(record.size() - Record::kHeaderSize)] ^= 0x10;
    pair.server.connection->handle_packet(pair.now(), record);
  }
  pair.send(true, "hello");
  pair.run();
  EXPECT_THAT(pair.server.received, ElementsAre("hello"));
  EXPECT_EQ(pair.server.connection->stats().drops(DropReason::kUndecryptable), 100u);
}

TEST(DtlsForgery, UnencryptedAlertsDoNotEndAHandshakeThatGoesOn) {
  Pair pair;
  pair.start();
  pair.run([&] {
    for (const std::uint8_t description : {0, 10, 40, 42, 80}) {
      inject(pair, unencrypted_alert(kFatal, description));
      inject(pair, unencrypted_alert(kWarning, description));
    }
    return pair.client.connected() && pair.server.connected();
  });
  EXPECT_TRUE(pair.client.connected() && pair.server.connected());
  EXPECT_GT(pair.client.connection->stats().drops(DropReason::kUnencryptedAlert), 0u);
}

TEST(DtlsForgery, UnencryptedAlertsCountWhenThePeerFallsSilent) {
  Path dead;
  dead.loss = 1;
  Pair pair(client_config(), server_config(), dead);
  pair.start();
  auto alert = unencrypted_alert(kFatal, 40);
  pair.client.connection->handle_packet(pair.now(), alert);
  pair.run();
  ASSERT_NE(pair.client.failure(), nullptr);
  EXPECT_EQ(pair.client.failure()->code, Errc::kRefused);
  EXPECT_THAT(pair.client.failure()->message, HasSubstr("handshake_failure"));
  EXPECT_EQ(pair.now() - kStart, 700ms);  // the third retransmission
}

TEST(DtlsForgery, NothingUnencryptedReachesAnEstablishedConnection) {
  Pair pair;
  pair.connect();
  inject(pair, unencrypted_alert(kFatal, 40));
  inject(pair, unencrypted_alert(kWarning, 0));
  inject(pair, forged_record(20, 0, {1}, 99));
  inject(pair, pair.trace[0].second);
  pair.pump();
  EXPECT_EQ(pair.client.events.size(), 1u);
  EXPECT_EQ(pair.server.events.size(), 1u);
  EXPECT_EQ(pair.server.connection->stats().drops(DropReason::kStaleEpoch), 4u);
  pair.send(false, "fine");
  pair.run();
  EXPECT_THAT(pair.client.received, ElementsAre("fine"));
}

TEST(DtlsForgery, EarlyApplicationDataIsKeptWithinBounds) {
  Pair pair;
  pair.start();
  for (std::uint32_t i = 0; i < 1'000; ++i) {
    inject(pair, forged_record(23, 1, std::vector<std::uint8_t>(100, 1), i));
  }
  EXPECT_EQ(pair.client.connection->stats().drops(DropReason::kQueueFull), 984u);
  pair.run([&] { return pair.client.connected() && pair.server.connected(); });
  EXPECT_TRUE(pair.client.connected() && pair.server.connected());
}

TEST(DtlsForgery, NothingIsTakenAfterTheEnd) {
  Pair pair;
  pair.connect();
  pair.client.connection->close(pair.now());
  pair.run();
  auto datagram = unencrypted_alert(kFatal, 40);
  EXPECT_TRUE(pair.client.connection->handle_packet(pair.now(), datagram));
  EXPECT_EQ(pair.client.connection->stats().drops(DropReason::kNotRunning), 1u);
}

TEST(DtlsForgery, RepeatedFlightsThatNobodyFetchesDoNotPileUp) {
  auto connection = make(client_config());
  Pair pair;  // for its clock
  connection->start(pair.now());
  for (int i = 0; i < 5; ++i) {
    pair.advance_to(connection->next_timeout());
    connection->handle_timeout(pair.now());
  }
  std::vector<std::uint8_t> space(1'200);
  EXPECT_GT(connection->poll_transmit(pair.now(), space), 0u);
  EXPECT_EQ(connection->poll_transmit(pair.now(), space), 0u);
  EXPECT_EQ(connection->stats().retransmits, 5u);
}

}  // namespace
}  // namespace floe::dtls::testing
