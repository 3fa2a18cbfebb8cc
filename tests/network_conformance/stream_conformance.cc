#include <gtest/gtest.h>

#include <algorithm>

#include "tests/network_conformance/stage.h"

namespace floe::net::conformance {
namespace {

class StreamConformance : public NetworkConformance {
 protected:
  void listen(Family family = Family::kIpv4) {
    auto listener = bob().listen({stage_->bob_address(family), 0}, door_);
    ASSERT_TRUE(listener) << listener.error().message;
    listener_ = std::move(*listener);
    EXPECT_NE(listener_->local().port, 0);
    EXPECT_EQ(listener_->local().address, stage_->bob_address(family));
  }
  std::unique_ptr<Stream> connect(Ear& ear) {
    auto stream = alice().connect(listener_->local(), std::nullopt, ear);
    EXPECT_TRUE(stream) << stream.error().message;
    return stream ? std::move(*stream) : nullptr;
  }
  /// Alice's end is `client_`, bob's `server_`, both with handlers.
  void join(Family family = Family::kIpv4) {
    ASSERT_NO_FATAL_FAILURE(listen(family));
    client_ = connect(client_ear_);
    ASSERT_TRUE(run_until([&] { return client_ear_.connected == 1 && door_.streams.size() == 1; }));
    server_ = std::move(door_.streams[0]);
    server_->set_handler(server_ear_);
  }
  void fill_until_blocked(Stream& stream, std::vector<std::uint8_t>& accepted) {
    constexpr std::size_t kSystemTakesLess = 64 << 20;
    const std::vector<std::uint8_t> piece = pattern(64 << 10);
    while (accepted.size() < kSystemTakesLess) {
      const Result<> written = stream.write(piece);
      if (!written) {
        EXPECT_EQ(written.error().code, Errc::kWouldBlock);
        return;
      }
      accepted.insert(accepted.end(), piece.begin(), piece.end());
    }
    FAIL() << "a stream that nobody reads takes everything";
  }

  Door door_;
  std::unique_ptr<Listener> listener_;
  Ear client_ear_;
  Ear server_ear_;
  std::unique_ptr<Stream> client_;
  std::unique_ptr<Stream> server_;
};

INSTANTIATE_TEST_SUITE_P(Every, StreamConformance, testing::ValuesIn(implementations()),
                         [](const auto& test) { return std::string(test.param.name); });

TEST_P(StreamConformance, ConnectsAndKnowsTheNamesOfBothEnds) {
  for (const Family family : stage_->families()) {
    Ear ear;
    ASSERT_NO_FATAL_FAILURE(listen(family));
    const auto stream = connect(ear);
    EXPECT_EQ(ear.connected, 0) << "never from within";
    ASSERT_TRUE(run_until([&] { return ear.connected == 1 && door_.streams.size() == 1; }));
    EXPECT_EQ(stream->remote(), listener_->local());
    EXPECT_EQ(stream->local().address, stage_->alice_address(family));
    EXPECT_EQ(door_.streams[0]->remote(), stream->local());
    EXPECT_EQ(door_.streams[0]->local(), stream->remote());
    EXPECT_NE(stream->id(), kNoSocket);
    door_.streams.clear();
  }
}

TEST_P(StreamConformance, ConnectsFromTheAddressAskedFor) {
  ASSERT_NO_FATAL_FAILURE(listen());
  const Endpoint local{stage_->alice_address(Family::kIpv4), 0};
  auto stream = alice().connect(listener_->local(), local, client_ear_);
  ASSERT_TRUE(stream) << stream.error().message;
  ASSERT_TRUE(run_until([&] { return client_ear_.connected == 1; }));
  EXPECT_EQ((*stream)->local().address, local.address);
  EXPECT_NE((*stream)->local().port, 0);
}

TEST_P(StreamConformance, RefusesALocalAddressThatIsNotOneOfTheMachines) {
  ASSERT_NO_FATAL_FAILURE(listen());
  const Endpoint foreign{Address::v4(203, 0, 113, 77), 0};
  const auto stream = alice().connect(listener_->local(), foreign, client_ear_);
  ASSERT_FALSE(stream);
  EXPECT_EQ(stream.error().code, Errc::kAddressNotAvailable);
  const auto listener = bob().listen(foreign, door_);
  ASSERT_FALSE(listener);
  EXPECT_EQ(listener.error().code, Errc::kAddressNotAvailable);
}

TEST_P(StreamConformance, SaysThatAListenersPortIsTaken) {
  ASSERT_NO_FATAL_FAILURE(listen());
  const auto second = bob().listen(listener_->local(), door_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::kAddressInUse);
}

TEST_P(StreamConformance, SaysThatNobodyListens) {
  ASSERT_NO_FATAL_FAILURE(listen());
  const Endpoint nobody = listener_->local();
  listener_.reset();
  const auto stream = alice().connect(nobody, std::nullopt, client_ear_);
  ASSERT_TRUE(stream) << stream.error().message;
  EXPECT_EQ(client_ear_.closed, 0) << "never from within";
  ASSERT_TRUE(run_until([&] { return client_ear_.closed == 1; }));
  EXPECT_EQ(client_ear_.reason, Errc::kRefused);
  EXPECT_EQ(client_ear_.connected, 0);
  const Result<> written = (*stream)->write(pattern(1));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, Errc::kClosed);
}

TEST_P(StreamConformance, CarriesAMegabyteThereAndBack) {
  for (const Family family : stage_->families()) {
    client_ear_ = {};
    server_ear_ = {};
    door_.streams.clear();
    ASSERT_NO_FATAL_FAILURE(join(family));
    const std::vector<std::uint8_t> message = pattern(1 << 20);
    std::size_t sent = 0;
    std::size_t echoed = 0;
    const auto push = [](Stream& stream, const std::vector<std::uint8_t>& from, std::size_t& at) {
      while (at < from.size()) {
        const std::size_t size = std::min<std::size_t>(from.size() - at, 30'000);
        const Result<> written = stream.write(Bytes(from).subspan(at, size));
        if (!written) {
          EXPECT_EQ(written.error().code, Errc::kWouldBlock);
          return;
        }
        at += size;
      }
    };
    client_ear_.when_drained = [&] { push(*client_, message, sent); };
    server_ear_.when_data = [&] { push(*server_, server_ear_.data, echoed); };
    server_ear_.when_drained = server_ear_.when_data;
    push(*client_, message, sent);
    ASSERT_TRUE(run_until([&] { return client_ear_.data.size() == message.size(); }));
    EXPECT_EQ(client_ear_.data, message);
    EXPECT_EQ(client_ear_.closed + server_ear_.closed, 0);
    client_.reset();
    server_.reset();
  }
}

TEST_P(StreamConformance, BlocksWhileTheOtherEndDoesNotReadAndSaysWhenItHasRoom) {
  ASSERT_NO_FATAL_FAILURE(listen());
  client_ = connect(client_ear_);
  ASSERT_TRUE(run_until([&] { return client_ear_.connected == 1 && door_.streams.size() == 1; }));
  std::vector<std::uint8_t> accepted;
  ASSERT_NO_FATAL_FAILURE(fill_until_blocked(*client_, accepted));
  EXPECT_GE(accepted.size(), Stream::kMaxBuffered - (64 << 10));
  EXPECT_EQ(client_ear_.drained, 0);
  door_.streams[0]->set_handler(server_ear_);
  ASSERT_TRUE(run_until(
      [&] { return client_ear_.drained > 0 && server_ear_.data.size() == accepted.size(); }));
  EXPECT_EQ(server_ear_.data, accepted) << "a refused write leaves nothing behind";
  EXPECT_TRUE(client_->write(pattern(64 << 10)));
}

TEST_P(StreamConformance, SendsFramedPacketsOfABatchWholeOrNotAtAll) {
  ASSERT_NO_FATAL_FAILURE(listen());
  client_ = connect(client_ear_);
  ASSERT_TRUE(run_until([&] { return client_ear_.connected == 1 && door_.streams.size() == 1; }));
  const Route route{client_->id(), {}, Prefix::rfc4571()};
  SendBatch batch;
  ASSERT_TRUE(batch.add(route, pattern(700)));
  ASSERT_TRUE(batch.add(route, pattern(700)));
  ASSERT_TRUE(batch.add(route, pattern(3)));
  EXPECT_TRUE(send(alice(), batch).empty());
  std::size_t sent = 2 * 702 + 5;

  batch.clear();
  for (int round = 0;; ++round) {
    ASSERT_LT(round, 64);
    while (batch.add(route, pattern(60'000))) {
    }
    alice().send(batch);
    for (const SendBatch::Failure& failure : batch.failures()) {
      EXPECT_EQ(failure.error.code, Errc::kWouldBlock);
      EXPECT_EQ(failure.route, route);
    }
    sent += (batch.runs().size() - batch.failures().size()) * 60'002;
    if (!batch.failures().empty()) break;
    batch.clear();
  }
  door_.streams[0]->set_handler(server_ear_);
  ASSERT_TRUE(run_until([&] { return server_ear_.data.size() >= sent; }));
  settle();
  ASSERT_EQ(server_ear_.data.size(), sent);
  ByteReader reader(server_ear_.data);
  while (reader.remaining() > 0) {
    const std::size_t size = reader.u16();
    ASSERT_EQ(to_vector(reader.bytes(size)), pattern(size));
  }
  EXPECT_TRUE(reader.ok());
}

TEST_P(StreamConformance, KeepsWhatArrivesUntilThereIsAHandler) {
  ASSERT_NO_FATAL_FAILURE(listen());
  client_ = connect(client_ear_);
  ASSERT_TRUE(client_->write(pattern(5000))) << "even before it is connected";
  ASSERT_TRUE(run_until([&] { return door_.streams.size() == 1; }));
  client_->shutdown();
  settle();
  door_.streams[0]->set_handler(server_ear_);
  EXPECT_TRUE(server_ear_.data.empty()) << "never from within";
  ASSERT_TRUE(run_until([&] { return server_ear_.closed == 1; }));
  EXPECT_EQ(server_ear_.data, pattern(5000));
  EXPECT_EQ(server_ear_.reason, Errc::kClosed);
}

TEST_P(StreamConformance, HoldsBackWhatArrivesWhileReadingIsPaused) {
  ASSERT_NO_FATAL_FAILURE(join());
  server_ear_.when_data = [&] { server_->pause_reading(); };
  std::vector<std::uint8_t> accepted;
  ASSERT_NO_FATAL_FAILURE(fill_until_blocked(*client_, accepted));
  EXPECT_GT(client_->buffered(), 0u);
  ASSERT_TRUE(run_until([&] { return !server_ear_.data.empty(); }));
  client_->shutdown();
  settle();
  const std::size_t received = server_ear_.data.size();
  EXPECT_LT(received, accepted.size());
  EXPECT_GT(client_->buffered(), 0u) << "the other end is held back";
  EXPECT_EQ(client_ear_.drained, 0);
  ASSERT_TRUE(server_->write(pattern(10))) << "the other direction goes on";
  ASSERT_TRUE(run_until([&] { return client_ear_.data.size() == 10; }));

  server_ear_.when_data = nullptr;
  server_->resume_reading();
  EXPECT_EQ(server_ear_.data.size(), received) << "never from within";
  ASSERT_TRUE(run_until([&] { return server_ear_.closed == 1; }));
  EXPECT_EQ(server_ear_.data, accepted);
  EXPECT_EQ(client_->buffered(), 0u);
}

TEST_P(StreamConformance, TellsTheOtherEndThatItCloses) {
  ASSERT_NO_FATAL_FAILURE(join());
  ASSERT_TRUE(server_->write(pattern(100)));
  server_.reset();
  ASSERT_TRUE(run_until([&] { return client_ear_.closed == 1; }));
  EXPECT_EQ(client_ear_.reason, Errc::kClosed);
  EXPECT_EQ(client_ear_.data, pattern(100));
  const SocketId closed = client_->id();
  const Result<> written = client_->write(pattern(1));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, Errc::kClosed);
  SendBatch batch;
  ASSERT_TRUE(batch.add({closed, {}, Prefix::rfc4571()}, pattern(1)));
  alice().send(batch);
  settle();
  EXPECT_EQ(client_ear_.closed, 1);
  EXPECT_EQ(client_ear_.calls_after_closed, 0);
}

TEST_P(StreamConformance, StillReceivesAfterItsOwnShutdown) {
  ASSERT_NO_FATAL_FAILURE(join());
  const std::vector<std::uint8_t> message = pattern(900 << 10);
  // The answer leaves once the question is complete; bob's end is open until it is destroyed.
  ASSERT_TRUE(server_->write(pattern(2000)));
  ASSERT_TRUE(client_->write(message));
  client_->shutdown();
  const Result<> written = client_->write(pattern(1));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, Errc::kClosed);
  ASSERT_TRUE(
      run_until([&] { return server_ear_.closed == 1 && client_ear_.data.size() == 2000; }));
  EXPECT_EQ(server_ear_.data, message);
  EXPECT_EQ(server_ear_.reason, Errc::kClosed);
  EXPECT_EQ(client_ear_.closed, 0);
}

TEST_P(StreamConformance, SurvivesBothEndsClosingAtOnce) {
  ASSERT_NO_FATAL_FAILURE(join());
  ASSERT_TRUE(client_->write(pattern(100)));
  ASSERT_TRUE(server_->write(pattern(100)));
  client_.reset();
  server_.reset();
  settle();
  EXPECT_EQ(client_ear_.closed + server_ear_.closed, 0);
  EXPECT_TRUE(client_ear_.data.empty());
}

TEST_P(StreamConformance, SurvivesWritesToAnEndThatIsGone) {
  ASSERT_NO_FATAL_FAILURE(join());
  server_.reset();
  // The first makes the other end answer with a reset, the later ones meet it.
  for (int i = 0; i < 20; ++i) {
    static_cast<void>(client_->write(pattern(10'000)));
    run_for(std::chrono::milliseconds(1));
  }
  ASSERT_TRUE(run_until([&] { return client_ear_.closed == 1; }));
  EXPECT_EQ(client_ear_.reason, Errc::kClosed);
  EXPECT_EQ(client_ear_.calls_after_closed, 0);
}

TEST_P(StreamConformance, LetsEachHandlerDestroyItsStream) {
  ASSERT_NO_FATAL_FAILURE(listen());
  client_ear_.when_connected = [&] { client_.reset(); };
  client_ = connect(client_ear_);
  ASSERT_TRUE(run_until([&] { return client_ == nullptr && door_.streams.size() == 1; }));

  server_ear_.when_closed = [&] { door_.streams.clear(); };
  door_.streams[0]->set_handler(server_ear_);
  ASSERT_TRUE(run_until([&] { return door_.streams.empty(); }));

  Ear second;
  client_ = connect(second);
  ASSERT_TRUE(run_until([&] { return second.connected == 1 && door_.streams.size() == 1; }));
  second.when_data = [&] { client_.reset(); };
  ASSERT_TRUE(door_.streams[0]->write(pattern(500'000)));
  ASSERT_TRUE(run_until([&] { return client_ == nullptr; }));
  const std::size_t received = second.data.size();
  settle();
  EXPECT_EQ(second.data.size(), received);
  EXPECT_EQ(second.closed, 0);
}

TEST_P(StreamConformance, LetsADrainedStreamBeDestroyedByItsHandler) {
  ASSERT_NO_FATAL_FAILURE(listen());
  client_ = connect(client_ear_);
  ASSERT_TRUE(run_until([&] { return client_ear_.connected == 1 && door_.streams.size() == 1; }));
  std::vector<std::uint8_t> accepted;
  ASSERT_NO_FATAL_FAILURE(fill_until_blocked(*client_, accepted));
  client_ear_.when_drained = [&] { client_.reset(); };
  door_.streams[0]->set_handler(server_ear_);
  ASSERT_TRUE(run_until([&] { return client_ == nullptr && server_ear_.closed == 1; }));
  EXPECT_EQ(client_ear_.drained, 1);
  EXPECT_EQ(server_ear_.data, accepted) << "drained: the system has it all";
}

TEST_P(StreamConformance, LetsAListenerBeDestroyedByItsHandler) {
  ASSERT_NO_FATAL_FAILURE(listen());
  door_.then = [&] { listener_.reset(); };
  Ear ears[2];
  const std::unique_ptr<Stream> streams[] = {connect(ears[0]), connect(ears[1])};
  ASSERT_TRUE(run_until([&] { return listener_ == nullptr; }));
  settle();
  EXPECT_EQ(door_.streams.size(), 1u);
}

TEST_P(StreamConformance, CallsNoHandlerOfAStreamThatWasDestroyedWhileConnecting) {
  ASSERT_NO_FATAL_FAILURE(listen());
  client_ = connect(client_ear_);
  ASSERT_TRUE(client_->write(pattern(100)));
  client_.reset();
  settle();
  EXPECT_EQ(client_ear_.connected + client_ear_.closed + client_ear_.drained, 0);
}

TEST_P(StreamConformance, HandsOverToAnotherHandler) {
  ASSERT_NO_FATAL_FAILURE(join());
  Ear next;
  server_ear_.when_data = [&] { server_->set_handler(next); };
  ASSERT_TRUE(client_->write(pattern(10)));
  ASSERT_TRUE(run_until([&] { return server_ear_.data.size() == 10; }));
  ASSERT_TRUE(client_->write(pattern(20)));
  ASSERT_TRUE(run_until([&] { return next.data.size() == 20; }));
  EXPECT_EQ(server_ear_.data.size(), 10u);
}

TEST_P(StreamConformance, KnowsItsLocalEndpointBeforeItIsConnected) {
  ASSERT_NO_FATAL_FAILURE(listen());
  Ear ears[2];
  const Endpoint given{stage_->alice_address(Family::kIpv4), 0};
  const auto chosen = alice().connect(listener_->local(), std::nullopt, ears[0]);
  const auto bound = alice().connect(listener_->local(), given, ears[1]);
  ASSERT_TRUE(chosen && bound);
  for (const auto* stream : {&chosen, &bound}) {
    const Endpoint local = (**stream)->local();
    EXPECT_EQ(local.address, given.address);
    EXPECT_NE(local.port, 0);
  }
  const Endpoint before = (*bound)->local();
  ASSERT_TRUE(run_until([&] { return ears[0].connected == 1 && ears[1].connected == 1; }));
  EXPECT_EQ((*bound)->local(), before);
}

// What RFC 6544 appendix B asks of a system: one port that listens and connects to several.
TEST_P(StreamConformance, ConnectsToSeveralFromThePortItListensOn) {
  Door doors[2], own;
  std::unique_ptr<Listener> listeners[2];
  for (int i = 0; i < 2; ++i) {
    listeners[i] = std::move(*bob().listen({stage_->bob_address(Family::kIpv4), 0}, doors[i]));
  }
  const auto listening = alice().listen({stage_->alice_address(Family::kIpv4), 0}, own);
  ASSERT_TRUE(listening);
  const Endpoint local = (*listening)->local();
  Ear ears[2], again, inbound;
  std::unique_ptr<Stream> streams[2];
  for (int i = 0; i < 2; ++i) {
    auto stream = alice().connect(listeners[i]->local(), local, ears[i]);
    ASSERT_TRUE(stream) << stream.error().message;
    streams[i] = std::move(*stream);
  }
  const auto taken = alice().connect(listeners[0]->local(), local, again);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, Errc::kAddressInUse);
  const auto caller = bob().connect(local, std::nullopt, inbound);
  ASSERT_TRUE(caller);
  ASSERT_TRUE(run_until([&] {
    return ears[0].connected == 1 && ears[1].connected == 1 && inbound.connected == 1 &&
           !doors[0].streams.empty() && !doors[1].streams.empty() && !own.streams.empty();
  }));
  EXPECT_EQ(doors[0].streams[0]->remote(), local);
  EXPECT_EQ(doors[1].streams[0]->remote(), local);
  const auto second = alice().listen(local, own);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::kAddressInUse);
}

TEST_P(StreamConformance, CarriesManyStreamsAtOnce) {
  constexpr std::size_t kStreams = 100;
  ASSERT_NO_FATAL_FAILURE(listen());
  std::vector<Ear> ears(kStreams);
  std::vector<std::unique_ptr<Stream>> streams;
  for (Ear& ear : ears) {
    streams.push_back(connect(ear));
    ASSERT_TRUE(streams.back());
  }
  ASSERT_TRUE(run_until([&] { return door_.streams.size() == kStreams; }));
  for (const auto& accepted : door_.streams) {
    // Its own name, which its other end can check.
    const std::string name = accepted->remote().to_string();
    EXPECT_TRUE(accepted->write(as_bytes(name)));
  }
  for (std::size_t i = 0; i < kStreams; ++i) {
    const std::string name = streams[i]->local().to_string();
    ASSERT_TRUE(run_until([&] { return ears[i].data.size() >= name.size(); }));
    EXPECT_EQ(as_text(ears[i].data), name);
  }
}

}  // namespace
}  // namespace floe::net::conformance
