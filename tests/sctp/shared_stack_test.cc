#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>

#include "tests/sctp/pipe.h"

namespace floe::sctp::test {
namespace {

constexpr auto kB = Associations::kB;

TEST(SctpSharedStack, ATimerRunByAnotherLoopWakesTheOneItConcerns) {
  int wakes = 0;
  Association::Config config = small_association();
  config.on_output = [&] { ++wakes; };
  Association sleeping(config);
  Association busy(small_association());
  Time now{seconds(5000)};
  set_wall_clock(now);
  ASSERT_TRUE(sleeping.connect(now));
  ASSERT_TRUE(busy.connect(now));
  while (sleeping.poll_transmit(now)) {
  }
  EXPECT_EQ(wakes, 0);
  for (int i = 0; i < 200; ++i) {
    now += milliseconds(10);
    set_wall_clock(now);
    busy.handle_timeout(now);
    while (busy.poll_transmit(now)) {
    }
  }
  EXPECT_GE(wakes, 1);
  // The packet waits for its own loop, which the timeout names too.
  EXPECT_LT(sleeping.next_timeout(), now);
  const auto packet = sleeping.poll_transmit(now);
  ASSERT_TRUE(packet);
  EXPECT_TRUE(has_chunk(*packet, kInit));
}

TEST(SctpSharedStack, AnAssociationsOwnCallsNeverCallBack) {
  int wakes = 0;
  Association::Config config = small_association();
  config.on_output = [&] { ++wakes; };
  Associations pipe(config, small_association());
  ASSERT_TRUE(pipe.a.connect(pipe.now));
  while (pipe.a.poll_transmit(pipe.now)) {
  }
  for (int i = 0; i < 300; ++i) {
    pipe.jump(milliseconds(10));
    pipe.a.handle_timeout(pipe.now);
    while (pipe.a.poll_transmit(pipe.now)) {
    }
  }
  EXPECT_EQ(wakes, 0);
}

TEST(SctpSharedStack, PacketsNobodyPollsAreBounded) {
  Association::Config config = small_association();
  config.send_buffer = 128 * 1024;
  Associations pipe(config, config);
  ASSERT_TRUE(connect(pipe));
  Association other(small_association());
  ASSERT_TRUE(other.connect(pipe.now));
  // A's timers run, again and again, and A's loop hangs.
  ASSERT_TRUE(pipe.a.send(pipe.now, 0, 53, pattern(200'000)));
  ASSERT_TRUE(pipe.a.poll_transmit(pipe.now));
  for (int i = 0; i < 200'000; ++i) {
    pipe.jump(milliseconds(100));
    other.handle_timeout(pipe.now);
    while (other.poll_transmit(pipe.now)) {
    }
  }
  std::size_t bytes = 0;
  while (const auto packet = pipe.a.poll_transmit(pipe.now)) bytes += packet->size();
  EXPECT_LE(bytes, 128u * 1024 + 256 * 1024 + 200'000);
}

TEST(SctpSharedStack, AThousandAssociationsComeAndGo) {
  for (int i = 0; i < 500; ++i) {
    Associations pipe(small_association(), small_association(), static_cast<std::uint64_t>(i));
    if (i % 5 == 0) {
      (void)pipe.a.connect(pipe.now);  // destroyed while it connects
      pipe.run(milliseconds(5));
      continue;
    }
    ASSERT_TRUE(connect(pipe));
    ASSERT_TRUE(pipe.a.send(pipe.now, 0, 53, pattern(5000)));
    if (i % 5 == 1) continue;  // destroyed with data in flight
    ASSERT_TRUE(pipe.run(seconds(5), [&] { return pipe.count<Association::Message>(kB) == 1; }));
    if (i % 5 == 2) pipe.a.abort(pipe.now);
    if (i % 5 == 3) {
      pipe.a.shutdown(pipe.now);
      pipe.run(seconds(5));
    }
  }
}

TEST(SctpSharedStack, ManyAtOnceDoNotDisturbEachOther) {
  std::vector<std::unique_ptr<Associations>> pipes;
  for (std::uint64_t i = 0; i < 50; ++i) {
    pipes.push_back(std::make_unique<Associations>(small_association(), small_association(), i));
    ASSERT_TRUE(connect(*pipes.back()));
  }
  // Their pipes have clocks of their own; keep those together.
  Time latest{};
  for (const auto& pipe : pipes) latest = std::max(latest, pipe->now);
  for (std::size_t i = 0; i < pipes.size(); ++i) {
    pipes[i]->now = latest;
    ASSERT_TRUE(pipes[i]->a.send(latest, 0, 53, pattern(3000, static_cast<std::uint8_t>(i))));
  }
  for (std::size_t i = 0; i < pipes.size(); ++i) {
    ASSERT_TRUE(
        pipes[i]->run(seconds(1), [&] { return pipes[i]->count<Association::Message>(kB) == 1; }));
    EXPECT_EQ(pipes[i]->all<Association::Message>(kB)[0].payload,
              pattern(3000, static_cast<std::uint8_t>(i)));
  }
}

TEST(SctpSharedStack, ANewWorldMayStartItsClockAnew) {
  for (int world = 0; world < 3; ++world) {
    Associations pipe(small_association(), small_association());
    pipe.now = Time(seconds(10 - world));
    set_wall_clock(pipe.now);
    bool lost = false;
    pipe.drop = [&](auto, Bytes packet) {
      return has_chunk(packet, kInit) && !std::exchange(lost, true);
    };
    ASSERT_TRUE(connect(pipe));
    EXPECT_LT(pipe.now, Time(seconds(13)));
  }
}

TEST(SctpSharedStack, ALoopThatLagsALittleDoesNotMakeTimeRunFaster) {
  Association lagging(small_association());
  Association leading(small_association());
  Time now{seconds(9000)};
  ASSERT_TRUE(leading.connect(now));
  ASSERT_TRUE(lagging.connect(now - seconds(1)));
  std::size_t packets = 0;
  for (int i = 0; i < 400; ++i) {
    now += milliseconds(10);
    set_wall_clock(now);
    leading.handle_timeout(now);
    lagging.handle_timeout(now - seconds(1));
    while (leading.poll_transmit(now)) ++packets;
    while (lagging.poll_transmit(now - seconds(1))) {
    }
  }
  EXPECT_LE(packets, 4u);  // INIT at 0, 1 and 3 seconds
}

TEST(SctpSharedStack, LoopsOnDifferentThreadsShareIt) {
  std::atomic<int> good{0};
  const auto loop = [&](std::uint64_t seed) {
    for (int round = 0; round < 20; ++round) {
      Associations pipe(small_association(), small_association(), seed + round);
      pipe.path.loss = 0.05;
      if (!connect(pipe)) return;
      for (int i = 0; i < 20; ++i) {
        if (!pipe.a.send(pipe.now, 1, 53, pattern(9000, static_cast<std::uint8_t>(i)))) return;
      }
      if (!pipe.run(seconds(60), [&] { return pipe.count<Association::Message>(kB) == 20; })) {
        return;
      }
      for (int i = 0; i < 20; ++i) {
        if (pipe.all<Association::Message>(kB)[i].payload !=
            pattern(9000, static_cast<std::uint8_t>(i))) {
          return;
        }
      }
      ++good;
    }
  };
  std::thread first(loop, 1);
  std::thread second(loop, 1000);
  first.join();
  second.join();
  // Each thread has virtual time of its own here, which no real pair of loops has, so a round may
  // run out of patience; damage or a crash is what this looks for.
  EXPECT_GE(good, 1);
}

}  // namespace
}  // namespace floe::sctp::test
