#include <gtest/gtest.h>

#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "floe/net/sim/internal/tcp_connection.h"
#include "tests/sim/talker.h"

namespace floe::net::sim {
namespace {

using namespace std::chrono_literals;

// A stream that remembers what happened to it.
struct Ear final : StreamHandler {
  void on_connected() override { connected = true; }
  void on_data(MutableBytes data) override {
    EXPECT_FALSE(closed);
    ++pieces;
    text += as_text(data);
    if (close_when_it_hears) stream.reset();
  }
  void on_closed(const Error& error) override {
    EXPECT_FALSE(closed);
    closed = error.code;
    if (close_when_closed) stream.reset();
  }
  void on_drained() override { ++drained; }

  std::unique_ptr<Stream> stream;
  bool connected = false;
  std::string text;
  int pieces = 0;
  int drained = 0;
  std::optional<Errc> closed;
  bool close_when_it_hears = false;
  bool close_when_closed = false;
};

struct Door final : ListenerHandler {
  void on_accept(std::unique_ptr<Stream> stream) override {
    ++accepted;
    ear.stream = std::move(stream);
    if (listens) ear.stream->set_handler(ear);
  }
  std::unique_ptr<Listener> listener;
  Ear ear;
  int accepted = 0;
  bool listens = true;
};

struct Call {
  explicit Call(const InterfaceOptions& alices = {})
      : alice(world.add_host("alice", alices)), bob(world.add_host("bob")) {
    door.listener = *bob.listen({bob.address(), 443}, door);
  }
  void dial() {
    auto stream = alice.connect({bob.address(), 443}, std::nullopt, ear);
    ASSERT_TRUE(stream) << stream.error().message;
    ear.stream = *std::move(stream);
  }
  void dial_and_answer() {
    dial();
    ASSERT_TRUE(world.run_until([&] { return ear.connected && door.accepted == 1; }, 10s));
  }

  World world{1};
  Host& alice;
  Host& bob;
  Door door;
  Ear ear;
};

std::string long_text(std::size_t size) {
  std::string text(size, ' ');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i * i % 23);
  return text;
}

// Writes all of `text`, as much at a time as the stream takes.
struct Pour {
  Stream& stream;
  std::string_view rest;
  void go() {
    while (!rest.empty()) {
      const auto piece = rest.substr(0, 50'000);
      if (!stream.write(as_bytes(piece))) return;
      rest.remove_prefix(piece.size());
    }
  }
};

TEST(TcpStream, ConnectsInOneRoundTripAndTellsBothEnds) {
  Call call;
  call.dial();
  EXPECT_FALSE(call.ear.connected);
  call.world.run_for(4ms);
  EXPECT_TRUE(call.ear.connected);
  call.world.run_for(2ms);
  ASSERT_EQ(call.door.accepted, 1);
  EXPECT_EQ(call.ear.stream->remote(), (Endpoint{call.bob.address(), 443}));
  EXPECT_EQ(call.door.ear.stream->remote(), call.ear.stream->local());
  EXPECT_EQ(call.door.ear.stream->local(), call.ear.stream->remote());
}

TEST(TcpStream, CarriesBytesBothWaysInOrder) {
  Call call;
  call.dial_and_answer();
  const std::string there = long_text(700'000), back = long_text(300'001);
  EXPECT_TRUE(call.ear.stream->write(as_bytes(there)));
  EXPECT_TRUE(call.door.ear.stream->write(as_bytes(back)));
  call.world.run_for(5s);
  EXPECT_TRUE(call.door.ear.text == there);
  EXPECT_TRUE(call.ear.text == back);
}

TEST(TcpStream, SendsWhatWasWrittenBeforeItConnected) {
  Call call;
  call.dial();
  EXPECT_TRUE(call.ear.stream->write(as_bytes("early")));
  call.world.run_for(1s);
  EXPECT_EQ(call.door.ear.text, "early");
}

TEST(TcpStream, CarriesWhatABatchHoldsForIt) {
  Call call;
  call.dial_and_answer();
  SendBatch batch;
  const Route route{call.ear.stream->id(), {}, Prefix::rfc4571()};
  batch.add(route, as_bytes("ab"));
  batch.add(route, as_bytes("cde"));
  call.alice.send(batch);
  EXPECT_TRUE(batch.failures().empty());
  call.world.run_for(1s);
  EXPECT_EQ(call.door.ear.text, std::string("\0\2ab\0\3cde", 9));
}

TEST(TcpStream, SplitsAndJoinsWhatArrives) {
  Call call;
  call.dial_and_answer();
  call.bob.set_stream_split(1);
  EXPECT_TRUE(call.ear.stream->write(as_bytes("one")));
  EXPECT_TRUE(call.ear.stream->write(as_bytes("two")));
  call.world.run_for(1s);
  EXPECT_EQ(call.door.ear.text, "onetwo");
  EXPECT_EQ(call.door.ear.pieces, 2);
  call.bob.set_stream_split(0);
  EXPECT_TRUE(call.ear.stream->write(as_bytes("three")));
  EXPECT_TRUE(call.ear.stream->write(as_bytes("four")));
  call.world.run_for(1s);
  EXPECT_EQ(call.door.ear.pieces, 3);
}

TEST(TcpStream, IsRefusedWhereNobodyListens) {
  Call call;
  call.door.listener.reset();
  call.dial();
  call.world.run_for(1s);
  EXPECT_EQ(call.ear.closed, Errc::kRefused);
  EXPECT_FALSE(call.ear.connected);
  EXPECT_EQ(call.ear.stream->write(as_bytes("x")).error().code, Errc::kClosed);
}

TEST(TcpStream, TimesOutWhereNothingAnswers) {
  World world(1);
  Firewall& firewall = world.add_firewall({.rules = {.block_tcp = true}});
  Host& alice = world.add_host("alice", {.behind = &firewall});
  Host& bob = world.add_host("bob");
  Ear ear;
  ear.stream = *alice.connect({bob.address(), 443}, std::nullopt, ear);
  world.run_for(25s);
  EXPECT_FALSE(ear.closed);
  world.run_for(1s);
  EXPECT_EQ(ear.closed, Errc::kTimedOut);
  EXPECT_EQ(firewall.tally()[Verdict::kBlocked], 7u);  // Each SYN.
}

TEST(TcpStream, FailsAtOnceWhereNoWayLeads) {
  Call call;
  Ear ear;
  call.alice.set_up(false);
  const auto code = [&](std::optional<Endpoint> local) {
    return call.alice.connect({call.bob.address(), 443}, local, ear).error().code;
  };
  EXPECT_EQ(code(std::nullopt), Errc::kUnreachable);
  EXPECT_EQ(code(Endpoint{call.alice.address(), 0}), Errc::kAddressNotAvailable);
  EXPECT_EQ(code(Endpoint{Address::unspecified(Family::kIpv6), 0}), Errc::kInvalidArgument);
}

TEST(TcpStream, UsesTheLocalEndpointItIsGiven) {
  Call call;
  const Endpoint local{call.alice.address(), 7000};
  call.ear.stream = *call.alice.connect({call.bob.address(), 443}, local, call.ear);
  EXPECT_EQ(call.ear.stream->local(), local);
  Ear other;
  const auto again = call.alice.connect({call.bob.address(), 443}, local, other);
  EXPECT_EQ(again.error().code, Errc::kAddressInUse);
  call.world.run_for(1s);
  EXPECT_EQ(call.door.ear.stream->remote(), local);
}

TEST(TcpListener, KeepsItsEndpointToItself) {
  Call call;
  Door other;
  EXPECT_EQ(call.bob.listen({call.bob.address(), 443}, other).error().code, Errc::kAddressInUse);
  EXPECT_EQ(call.bob.listen({Address(), 443}, other).error().code, Errc::kAddressInUse);
  EXPECT_EQ(call.bob.listen({call.alice.address(), 0}, other).error().code,
            Errc::kAddressNotAvailable);
  other.listener = *call.bob.listen({Address(), 0}, other);
  EXPECT_NE(other.listener->local().port, 0);
  call.dial_and_answer();
  call.door.listener.reset();  // With its connection still open.
  EXPECT_TRUE(call.bob.listen({call.bob.address(), 443}, other));
}

TEST(TcpStream, TellsTheOtherEndThatItClosed) {
  Call call;
  call.dial_and_answer();
  EXPECT_TRUE(call.ear.stream->write(as_bytes("last words")));
  call.ear.stream.reset();
  call.world.run_for(1s);
  EXPECT_EQ(call.door.ear.text, "last words");
  EXPECT_EQ(call.door.ear.closed, Errc::kClosed);
  EXPECT_FALSE(call.ear.closed);  // No callbacks after destruction.
  EXPECT_EQ(call.door.ear.stream->write(as_bytes("x")).error().code, Errc::kClosed);
}

TEST(TcpStream, StillReceivesAfterItsShutdown) {
  Call call;
  call.dial_and_answer();
  EXPECT_TRUE(call.door.ear.stream->write(as_bytes(long_text(200'000))));
  EXPECT_TRUE(call.ear.stream->write(as_bytes("request")));
  call.ear.stream->shutdown();
  EXPECT_EQ(call.ear.stream->write(as_bytes("more")).error().code, Errc::kClosed);
  call.world.run_for(5s);
  EXPECT_EQ(call.door.ear.text, "request");
  EXPECT_EQ(call.ear.text.size(), 200'000u);
  EXPECT_EQ(call.ear.closed, Errc::kClosed);
  EXPECT_EQ(call.door.ear.closed, Errc::kClosed);
}

TEST(TcpStream, IsResetByAnEndThatNoLongerReads) {
  Call call;
  call.dial_and_answer();
  call.door.ear.stream.reset();
  EXPECT_TRUE(call.ear.stream->write(as_bytes("hello?")));
  call.world.run_for(1s);
  EXPECT_EQ(call.ear.closed, Errc::kClosed);
}

TEST(TcpStream, IsResetWhenItsNatForgetsIt) {
  World world(1);
  Nat& nat = world.add_nat();
  Host& alice = world.add_host("alice", {.behind = &nat});
  Host& bob = world.add_host("bob");
  Door door;
  door.listener = *bob.listen({Address(), 443}, door);
  Ear ear;
  ear.stream = *alice.connect({bob.address(), 443}, std::nullopt, ear);
  world.run_for(1s);
  ASSERT_EQ(door.accepted, 1);
  EXPECT_EQ(door.ear.stream->remote().address, nat.address());
  EXPECT_NE(door.ear.stream->remote(), ear.stream->local());
  nat.rebind();
  EXPECT_TRUE(ear.stream->write(as_bytes("who am I?")));
  world.run_for(1s);
  EXPECT_EQ(ear.closed, Errc::kClosed);
  EXPECT_FALSE(door.ear.closed);
}

TEST(TcpStream, GivesUpOnAPathThatDied) {
  Call call;
  call.dial_and_answer();
  call.bob.interface().set_link({.loss = 1});
  EXPECT_TRUE(call.ear.stream->write(as_bytes("anyone?")));
  call.world.run_for(100s);
  EXPECT_FALSE(call.ear.closed);
  call.world.run_for(10s);
  EXPECT_EQ(call.ear.closed, Errc::kTimedOut);
}

TEST(TcpStream, DeliversEverythingOverABadLink) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    World world(seed);
    const LinkOptions bad{.latency = 20ms,
                          .jitter = 10ms,
                          .loss = 0.05,
                          .duplicate = 0.02,
                          .reorder = 0.05,
                          .reorder_delay = 15ms};
    Host& alice = world.add_host("alice", {.link = bad});
    Host& bob = world.add_host("bob");
    Door door;
    door.listener = *bob.listen({Address(), 443}, door);
    Ear ear;
    ear.stream = *alice.connect({bob.address(), 443}, std::nullopt, ear);
    const std::string there = long_text(300'000), back = long_text(200'000);
    EXPECT_TRUE(ear.stream->write(as_bytes(there)));
    ASSERT_TRUE(world.run_until([&] { return door.accepted == 1; }, 30s));
    EXPECT_TRUE(door.ear.stream->write(as_bytes(back)));
    ear.stream->shutdown();
    EXPECT_TRUE(world.run_until([&] { return door.ear.closed && ear.closed; }, 10min));
    EXPECT_TRUE(door.ear.text == there) << "seed " << seed;
    EXPECT_TRUE(ear.text == back) << "seed " << seed;
    EXPECT_EQ(ear.closed, Errc::kClosed);
  }
}

TEST(TcpStream, FillsALinkOfLimitedRate) {
  Call call({.link = {.latency = 10ms, .rate = 8'000'000, .queue_bytes = 30'000}});
  call.dial_and_answer();
  const std::string text = long_text(1'000'000);  // 1 s at full rate.
  EXPECT_TRUE(call.ear.stream->write(as_bytes(text)));
  const Time start = call.world.now();
  ASSERT_TRUE(call.world.run_until([&] { return call.door.ear.text.size() == text.size(); }, 10s));
  EXPECT_TRUE(call.door.ear.text == text);
  EXPECT_GT(call.world.now() - start, 1s);
  EXPECT_LT(call.world.now() - start, 3s);
  EXPECT_GT(call.alice.interface().uplink().tally()[Verdict::kQueueFull], 0u);
}

TEST(TcpStream, WorksOverAnySmallMtuOnTheWay) {
  World world(1);
  Nat& nat = world.add_nat({.link = {.mtu = 1000}});
  Host& alice = world.add_host("alice", {.behind = &nat});
  Host& bob = world.add_host("bob");
  Door door;
  door.listener = *bob.listen({Address(), 443}, door);
  Ear ear;
  ear.stream = *alice.connect({bob.address(), 443}, std::nullopt, ear);
  EXPECT_TRUE(ear.stream->write(as_bytes(long_text(50'000))));
  world.run_for(2s);
  EXPECT_EQ(door.ear.text.size(), 50'000u);
}

TEST(TcpStream, PushesBackWhenTheOtherEndDoesNotRead) {
  Call call;
  call.door.listens = false;
  call.dial_and_answer();
  const std::string text = long_text(5'000'000);
  Pour pour{*call.ear.stream, text};
  for (int i = 0; i < 100; ++i) {
    pour.go();
    call.world.run_for(100ms);
  }
  const std::size_t taken = text.size() - pour.rest.size();
  EXPECT_GE(taken, Stream::kMaxBuffered);
  EXPECT_LT(taken, Stream::kMaxBuffered + 600'000);
  EXPECT_EQ(call.ear.drained, 0);
  EXPECT_EQ(call.ear.stream->write(as_bytes(text.substr(0, 100'000))).error().code,
            Errc::kWouldBlock);
  SendBatch batch;
  for (int i = 0; i < 3; ++i)
    batch.add({call.ear.stream->id(), {}, {}}, as_bytes(text.substr(0, 40'000)));
  call.alice.send(batch);
  EXPECT_FALSE(batch.failures().empty());

  // A long silence with a closed window ends nothing.
  call.world.run_for(30min);
  EXPECT_FALSE(call.ear.closed);
  std::size_t by_batch = 120'000;
  for (const auto& failure : batch.failures()) {
    EXPECT_EQ(failure.error.code, Errc::kWouldBlock);
    by_batch -= 40'000;
  }
  call.door.ear.stream->set_handler(call.door.ear);
  call.world.run_for(90s);
  EXPECT_EQ(call.door.ear.text.size(), taken + by_batch);
  EXPECT_EQ(call.ear.drained, 1);
  EXPECT_EQ(call.door.ear.text.substr(0, taken), text.substr(0, taken));
}

TEST(TcpStream, MayBeDestroyedByAnyOfItsCallbacks) {
  Call call;
  call.dial_and_answer();
  call.door.ear.close_when_it_hears = true;
  call.ear.close_when_closed = true;
  EXPECT_TRUE(call.ear.stream->write(as_bytes("hello")));
  call.world.run_for(1s);
  EXPECT_EQ(call.door.ear.text.substr(0, 1), "h");
  EXPECT_EQ(call.ear.closed, Errc::kClosed);
  EXPECT_EQ(call.ear.stream, nullptr);
  EXPECT_TRUE(call.world.run_until_idle(10min));
}

TEST(TcpStream, MayBeDestroyedWhileItConnects) {
  Call call;
  call.dial();
  call.ear.stream.reset();
  call.world.run_for(1min);
  EXPECT_FALSE(call.ear.connected);
  EXPECT_EQ(call.door.accepted, 0);
  EXPECT_TRUE(call.world.run_until_idle(10min));
}

TEST(TcpListener, MayBeDestroyedByItsOwnHandler) {
  Call call;
  struct Once final : ListenerHandler {
    void on_accept(std::unique_ptr<Stream> stream) override {
      listener.reset();
      accepted.push_back(std::move(stream));
    }
    std::unique_ptr<Listener> listener;
    std::vector<std::unique_ptr<Stream>> accepted;
  } once;
  once.listener = *call.bob.listen({Address(), 80}, once);
  Ear ears[3];
  for (Ear& ear : ears) {
    ear.stream = *call.alice.connect({call.bob.address(), 80}, std::nullopt, ear);
  }
  call.world.run_for(1s);
  EXPECT_EQ(once.accepted.size(), 1u);
  EXPECT_FALSE(ears[0].closed);
  EXPECT_TRUE(ears[1].closed);
  EXPECT_TRUE(ears[2].closed);
}

TEST(TcpListener, AnswersNoMoreThanItsBacklog) {
  Call call;
  // SYNs only: the answers to Alice are lost.
  call.alice.interface().set_link({}, {.loss = 1});
  std::vector<std::unique_ptr<Ear>> ears;
  for (int i = 0; i < 140; ++i) {
    ears.push_back(std::make_unique<Ear>());
    ears.back()->stream =
        *call.alice.connect({call.bob.address(), 443}, std::nullopt, *ears.back());
  }
  call.world.run_for(100ms);
  EXPECT_EQ(call.bob.tally()[Verdict::kBufferFull], 12u);
  call.world.run_for(5min);  // Half-open connections end, and the door is free again.
  call.alice.interface().set_link({});
  ears.clear();
  call.dial_and_answer();
}

TEST(TcpStream, WaitsForTheHostToWake) {
  Call call;
  call.dial_and_answer();
  call.bob.sleep_for(20s);
  EXPECT_TRUE(call.ear.stream->write(as_bytes("wake up")));
  call.world.run_for(19s);
  EXPECT_EQ(call.door.ear.text, "");
  call.world.run_for(30s);
  EXPECT_EQ(call.door.ear.text, "wake up");
}

TEST(TcpStream, ConnectsOverLoopback) {
  Call call;
  Ear ear;
  Door door;
  door.listener = *call.bob.listen({Address::v4(127, 0, 0, 1), 0}, door);
  ear.stream = *call.bob.connect(door.listener->local(), std::nullopt, ear);
  EXPECT_TRUE(ear.stream->write(as_bytes("to myself")));
  call.world.run_for(1ms);
  EXPECT_EQ(door.ear.text, "to myself");
}

TEST(TcpStream, LeavesNothingBehindAfterAThousandConnections) {
  Call call;
  for (int i = 0; i < 1000; ++i) {
    Ear ear;
    ear.stream = *call.alice.connect({call.bob.address(), 443}, std::nullopt, ear);
    EXPECT_TRUE(ear.stream->write(as_bytes("hi")));
    call.world.run_for(20ms);
    if (i % 2 == 0) call.door.ear.stream.reset();
    ear.stream.reset();
    call.world.run_for(20ms);
    call.door.ear.stream.reset();
    call.door.ear.closed.reset();
    call.world.run_for(20ms);
  }
  EXPECT_EQ(call.door.accepted, 1000);
  EXPECT_TRUE(call.world.run_until_idle(1ms));
}

TEST(TcpStream, IsOneWhenBothEndsConnectAtOnce) {
  World world(1);
  Host& alice = world.add_host("alice");
  Host& bob = world.add_host("bob");
  const Endpoint at_alice{alice.address(), 7000}, at_bob{bob.address(), 8000};
  Ear ears[2];
  ears[0].stream = *alice.connect(at_bob, at_alice, ears[0]);
  ears[1].stream = *bob.connect(at_alice, at_bob, ears[1]);
  ASSERT_TRUE(world.run_until([&] { return ears[0].connected && ears[1].connected; }, 5s));
  const std::string text = long_text(50'000);
  for (Ear& ear : ears) EXPECT_TRUE(ear.stream->write(as_bytes(text)));
  world.run_for(5s);
  EXPECT_EQ(ears[0].text, text);
  EXPECT_EQ(ears[1].text, text);
  ears[0].stream.reset();
  world.run_for(5s);
  EXPECT_EQ(ears[1].closed, Errc::kClosed);
  ears[1].stream.reset();
  EXPECT_TRUE(world.run_until_idle(10min));
}

TEST(TcpStream, PunchesThroughTwoNatsByConnectingFromBothSides) {
  for (const double loss : {0.0, 0.2}) {
    World world(5);
    Nat& left = world.add_nat(NatOptions::home_router());
    Nat& right = world.add_nat(NatOptions::home_router());
    LinkOptions link{.latency = 20ms};
    link.loss = loss;
    Host& alice = world.add_host("alice", {.behind = &left, .link = link});
    Host& bob = world.add_host("bob", {.behind = &right, .link = link});
    Ear ears[2];
    ears[0].stream =
        *alice.connect({right.address(), 8000}, Endpoint{alice.address(), 7000}, ears[0]);
    world.run_for(300ms);
    ears[1].stream = *bob.connect({left.address(), 7000}, Endpoint{bob.address(), 8000}, ears[1]);
    ASSERT_TRUE(world.run_until([&] { return ears[0].connected && ears[1].connected; }, 30s));
    EXPECT_TRUE(ears[0].stream->write(as_bytes("hello")));
    ASSERT_TRUE(world.run_until([&] { return ears[1].text == "hello"; }, 30s));
  }
}

TEST(TcpStream, SharesItsPortWithAListenerAndWithStreamsToOthers) {
  Call call;
  Host& carol = call.world.add_host("carol");
  Door door_too, own;
  door_too.listener = *carol.listen({carol.address(), 443}, door_too);
  const Endpoint local{call.alice.address(), 7000};
  own.listener = *call.alice.listen(local, own);
  Ear to_bob, to_carol, inbound;
  to_bob.stream = *call.alice.connect({call.bob.address(), 443}, local, to_bob);
  to_carol.stream = *call.alice.connect({carol.address(), 443}, local, to_carol);
  inbound.stream = *carol.connect(local, std::nullopt, inbound);
  call.world.run_for(1s);
  EXPECT_TRUE(to_bob.connected && to_carol.connected && inbound.connected);
  EXPECT_EQ(own.accepted, 1);
  EXPECT_EQ(call.door.ear.stream->remote(), local);
  EXPECT_EQ(door_too.ear.stream->remote(), local);
}

}  // namespace
}  // namespace floe::net::sim
