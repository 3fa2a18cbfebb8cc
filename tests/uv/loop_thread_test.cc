#include "floe/net/uv/loop_thread.h"

#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "tests/uv/fixture.h"

namespace floe::net::uv {
namespace {

TEST(LoopThread, RunsTasksInOrderOnItsOwnThread) {
  const auto loop = std::move(*LoopThread::start());
  std::vector<int> ran;
  std::thread::id thread;
  for (int i = 0; i < 100; ++i) {
    loop->post([&, i](Network&) { ran.push_back(i); });
  }
  loop->run([&](Network&) { thread = std::this_thread::get_id(); });
  EXPECT_NE(thread, std::this_thread::get_id());
  ASSERT_EQ(ran.size(), 100u);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(ran[static_cast<std::size_t>(i)], i);
}

TEST(LoopThread, CarriesPacketsBetweenTwoLoops) {
  const auto left = std::move(*LoopThread::start());
  const auto right = std::move(*LoopThread::start());
  Inbox left_inbox;
  Inbox right_inbox;
  std::promise<void> arrived;
  std::unique_ptr<UdpSocket> from;
  std::unique_ptr<UdpSocket> to;
  right_inbox.then = [&] {
    if (right_inbox.packets.size() == 10) arrived.set_value();
  };
  right->run([&](Network& network) { to = open_udp(network, right_inbox); });
  left->run([&](Network& network) {
    from = open_udp(network, left_inbox);
    SendBatch batch;
    for (std::size_t i = 0; i < 10; ++i) {
      ASSERT_TRUE(batch.add({from->id(), to->local(), {}}, numbered(i, 100)));
    }
    network.send(batch);
  });
  EXPECT_EQ(arrived.get_future().wait_for(kPatience), std::future_status::ready);
  left->run([&](Network&) { from.reset(); });
  right->run([&](Network&) { to.reset(); });
}

TEST(LoopThread, GoesOnAfterItsNetworkWasStopped) {
  const auto loop = std::move(*LoopThread::start());
  loop->run([](Network& network) { network.stop(); });
  bool ran = false;
  loop->run([&](Network&) { ran = true; });
  EXPECT_TRUE(ran);
}

TEST(LoopThread, EndsWhatItsTasksHoldOnItsOwnThread) {
  struct Witness {
    explicit Witness(std::thread::id& ended_on) : ended_on(ended_on) {}
    ~Witness() { ended_on = std::this_thread::get_id(); }
    std::thread::id& ended_on;
  };
  std::thread::id ended_on;
  std::thread::id own;
  auto loop = std::move(*LoopThread::start());
  loop->run([&](Network& network) {
    own = std::this_thread::get_id();
    // Posted within a turn that is the last: it never runs, but it ends.
    network.stop();
    network.post([witness = std::make_shared<Witness>(ended_on)] {});
  });
  loop.reset();
  EXPECT_EQ(ended_on, own);
}

TEST(LoopThread, CanBeDestroyedOnItsOwnThread) {
  auto loop = std::move(*LoopThread::start());
  LoopThread* const address = loop.get();
  std::promise<void> ended;
  auto held = std::shared_ptr<void>(nullptr, [&](void*) { ended.set_value(); });
  // The task outlives the loop's object; what it holds ends with the network.
  address->post([loop = std::make_shared<std::unique_ptr<LoopThread>>(std::move(loop)),
                 held = std::move(held)](Network& network) {
    loop->reset();
    network.post([held] {});
  });
  EXPECT_EQ(ended.get_future().wait_for(kPatience), std::future_status::ready);
}

TEST(LoopThread, StartsAndEndsManyTimes) {
  for (int i = 0; i < 200; ++i) {
    const auto loop = LoopThread::start();
    ASSERT_TRUE(loop) << loop.error().message;
  }
}

}  // namespace
}  // namespace floe::net::uv
