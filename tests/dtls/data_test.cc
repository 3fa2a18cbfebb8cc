#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/dtls/pair.h"

namespace floe::dtls::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

std::vector<std::uint8_t> sealed(Side& side, std::string_view text) {
  std::vector<std::uint8_t> record(text.size() + Connection::kMaxOverhead);
  record.resize(side.connection->seal(as_bytes(text), record).value_or(0));
  return record;
}

TEST(DtlsData, GoesBothWays) {
  Pair pair;
  pair.connect();
  pair.send(true, "ping");
  pair.send(false, "pong");
  pair.run();
  EXPECT_THAT(pair.server.received, ElementsAre("ping"));
  EXPECT_THAT(pair.client.received, ElementsAre("pong"));
  EXPECT_EQ(pair.client.connection->stats().records_sealed, 1u);
  EXPECT_EQ(pair.client.connection->stats().records_opened, 1u);
}

TEST(DtlsData, RecordsOfOneDatagramComeOneAtATime) {
  Pair pair;
  pair.connect();
  auto datagram = sealed(pair.client, "one");
  const auto second = sealed(pair.client, "two");
  datagram.insert(datagram.end(), second.begin(), second.end());
  pair.server.connection->handle_packet(pair.now(), datagram);
  EXPECT_EQ(as_text(*pair.server.connection->poll_plaintext()), "one");
  EXPECT_EQ(as_text(*pair.server.connection->poll_plaintext()), "two");
  EXPECT_FALSE(pair.server.connection->poll_plaintext().has_value());
}

TEST(DtlsData, EverySizeUpToTheLargestRecordFits) {
  Pair pair;
  pair.connect();
  for (const std::size_t size : {1u, 2u, 15u, 1'000u, 16'383u, 16'384u}) {
    const std::string text(size, 'x');
    pair.send(true, text);
    pair.run();
    ASSERT_EQ(pair.server.received.back(), text);
  }
}

TEST(DtlsData, MaxPlaintextFillsADatagramExactly) {
  EXPECT_EQ(Connection::max_plaintext(1'200), 1'163u);
  EXPECT_EQ(Connection::max_plaintext(37), 0u);
  EXPECT_EQ(Connection::max_plaintext(0), 0u);
  EXPECT_EQ(Connection::max_plaintext(60'000), 16'384u);
  Pair pair;
  pair.connect();
  EXPECT_EQ(sealed(pair.client, std::string(Connection::max_plaintext(1'200), 'x')).size(), 1'200u);
}

TEST(DtlsData, SealRefusesWhatCannotBeSealed) {
  Pair pair;
  std::vector<std::uint8_t> out(20'000);
  const auto code = [&](std::string_view text, std::size_t space) {
    return pair.client.connection->seal(as_bytes(text), MutableBytes(out).first(space))
        .error()
        .code;
  };
  EXPECT_EQ(code("x", 100), Errc::kInvalidState);
  pair.start();
  EXPECT_EQ(code("x", 100), Errc::kInvalidState);
  pair.connect();
  EXPECT_EQ(code("", 100), Errc::kInvalidArgument);
  EXPECT_EQ(code("x", 37), Errc::kInvalidArgument);
  EXPECT_EQ(code(std::string(16'385, 'x'), out.size()), Errc::kMessageTooLong);
  pair.client.connection->close(pair.now());
  EXPECT_EQ(code("x", 100), Errc::kClosed);
}

TEST(DtlsData, FollowsTheFinishedInTheSameDatagram) {
  Path path;
  std::vector<std::uint8_t> last_flight;
  path.filter = [&](bool from_client, std::vector<std::uint8_t>& datagram) {
    if (from_client || datagram[0] != static_cast<std::uint8_t>(ContentType::kChangeCipherSpec)) {
      return true;
    }
    last_flight = datagram;
    return false;
  };
  Pair pair(client_config(), server_config(), path);
  pair.start();
  pair.run([&] { return pair.server.connected() && !last_flight.empty(); });
  const auto data = sealed(pair.server, "right behind");
  last_flight.insert(last_flight.end(), data.begin(), data.end());
  pair.client.connection->handle_packet(pair.now(), last_flight);
  pair.pump();
  EXPECT_TRUE(pair.client.connected());
  EXPECT_THAT(pair.client.received, ElementsAre("right behind"));
}

TEST(DtlsData, OvertakesTheFinishedAndIsKeptForIt) {
  Path path;
  std::vector<std::uint8_t> last_flight;
  path.filter = [&](bool from_client, std::vector<std::uint8_t>& datagram) {
    if (from_client || datagram[0] != static_cast<std::uint8_t>(ContentType::kChangeCipherSpec)) {
      return true;
    }
    last_flight = datagram;
    return false;
  };
  Pair pair(client_config(), server_config(), path);
  pair.start();
  pair.run([&] { return pair.server.connected() && !last_flight.empty(); });
  auto first = sealed(pair.server, "first");
  auto second = sealed(pair.server, "second");
  pair.client.connection->handle_packet(pair.now(), first);
  pair.client.connection->handle_packet(pair.now(), second);
  pair.pump();
  EXPECT_TRUE(pair.client.received.empty());
  pair.client.connection->handle_packet(pair.now(), last_flight);
  pair.pump();
  EXPECT_TRUE(pair.client.connected());
  EXPECT_THAT(pair.client.received, ElementsAre("first", "second"));
}

TEST(DtlsData, IsDeliveredOnceHoweverOftenItComes) {
  Pair pair;
  pair.connect();
  const auto record = sealed(pair.client, "once");
  for (int i = 0; i < 3; ++i) {
    auto copy = record;
    EXPECT_TRUE(pair.server.connection->handle_packet(pair.now(), copy));
  }
  pair.pump();
  EXPECT_THAT(pair.server.received, ElementsAre("once"));
  EXPECT_EQ(pair.server.connection->stats().drops(DropReason::kUndecryptable), 2u);
}

TEST(DtlsData, WaitsInABoundedQueueIfNobodyPolls) {
  Pair pair;
  pair.connect();
  const std::string block(16'000, 'x');
  for (int i = 0; i < 20; ++i) {
    auto record = sealed(pair.client, block);
    pair.server.connection->handle_packet(pair.now(), record);
  }
  pair.pump();
  EXPECT_LE(pair.server.received.size(), 8u);
  EXPECT_GE(pair.server.received.size(), 7u);
  EXPECT_EQ(pair.server.connection->stats().drops(DropReason::kQueueFull),
            20 - pair.server.received.size());
}

TEST(DtlsClose, EitherSideClosesAndBothLearnOfIt) {
  for (const bool client_closes : {true, false}) {
    Pair pair;
    pair.connect();
    Side& closer = client_closes ? pair.client : pair.server;
    Side& other = client_closes ? pair.server : pair.client;
    pair.send(client_closes, "last words");
    closer.connection->close(pair.now());
    closer.connection->close(pair.now());
    pair.run();
    EXPECT_TRUE(other.closed());
    EXPECT_TRUE(closer.closed());
    EXPECT_THAT(other.received, ElementsAre("last words"));
    EXPECT_EQ(other.events.size(), 2u);
    EXPECT_EQ(closer.events.size(), 2u);
    EXPECT_EQ(closer.connection->next_timeout(), kNever);
    std::vector<std::uint8_t> out(100);
    EXPECT_EQ(other.connection->seal(as_bytes("x"), out).error().code, Errc::kClosed);
  }
}

TEST(DtlsClose, BothAtOnceClose) {
  Pair pair;
  pair.connect();
  pair.client.connection->close(pair.now());
  pair.server.connection->close(pair.now());
  pair.run();
  EXPECT_TRUE(pair.client.closed());
  EXPECT_TRUE(pair.server.closed());
}

TEST(DtlsClose, PlaintextThatCameBeforeTheCloseCanStillBePolled) {
  Pair pair;
  pair.connect();
  auto datagram = sealed(pair.client, "last words");
  pair.client.connection->close(pair.now());
  std::vector<std::uint8_t> space(1'200);
  const std::size_t size = pair.client.connection->poll_transmit(pair.now(), space);
  datagram.insert(datagram.end(), space.begin(), space.begin() + static_cast<std::ptrdiff_t>(size));
  pair.server.connection->handle_packet(pair.now(), datagram);
  pair.pump();
  EXPECT_TRUE(pair.server.closed());
  EXPECT_THAT(pair.server.received, ElementsAre("last words"));
}

TEST(DtlsClose, DiscardsWhatArrivesAfterClosing) {
  Pair pair;
  pair.connect();
  auto record = sealed(pair.server, "too late");
  pair.client.connection->close(pair.now());
  pair.client.connection->handle_packet(pair.now(), record);
  pair.pump();
  EXPECT_TRUE(pair.client.received.empty());
}

TEST(DtlsClose, InMidHandshakeStopsTheTimerAndThePeerGivesUpSoon) {
  Pair pair;
  pair.start();
  pair.run({}, 30ms);
  pair.client.connection->close(pair.now());
  EXPECT_EQ(pair.client.connection->next_timeout(), kNever);
  const Time closed_at = pair.now();
  pair.run();
  ASSERT_NE(pair.server.failure(), nullptr);
  EXPECT_EQ(pair.server.failure()->code, Errc::kRefused);
  EXPECT_LT(pair.now() - closed_at, 2s);
  EXPECT_TRUE(pair.client.events.empty());
}

TEST(DtlsClose, BeforeTheStartSaysNothing) {
  auto connection = make(client_config());
  connection->close(kStart);
  connection->start(kStart);
  std::vector<std::uint8_t> space(1'200);
  EXPECT_EQ(connection->poll_transmit(kStart, space), 0u);
  EXPECT_EQ(connection->next_timeout(), kNever);
}

}  // namespace
}  // namespace floe::dtls::testing
