#include "floe/net/uv/loop_thread.h"

#include <future>
#include <utility>

namespace floe::net::uv {

Result<std::unique_ptr<LoopThread>> LoopThread::start(const Options& options) {
  Result<std::unique_ptr<Network>> network = Network::create(nullptr, options);
  if (!network) return forward(network);
  return std::unique_ptr<LoopThread>(new LoopThread(std::move(*network)));
}

LoopThread::LoopThread(std::unique_ptr<Network> network)
    : ending_(std::make_shared<bool>(false)),
      network_(network.get()),
      thread_([ending = ending_, network = std::move(network)]() mutable {
        while (!*ending) network->run();
        network.reset();  // Here, so that what its tasks and callbacks hold ends on this thread.
      }) {}

LoopThread::~LoopThread() {
  if (thread_.get_id() == std::this_thread::get_id()) {
    *ending_ = true;
    network_->stop();
    thread_.detach();
    return;
  }
  // Said on the loop's thread: until it is, the network is there to be told.
  network_->post([network = network_, ending = ending_] {
    *ending = true;
    network->stop();
  });
  thread_.join();
}

void LoopThread::post(Task task) {
  network_->post([network = network_, task = std::move(task)] { task(*network); });
}

void LoopThread::run(Task task) {
  auto ran = std::make_shared<std::promise<void>>();
  const std::future<void> done = ran->get_future();
  post([ran = std::move(ran), task = std::move(task)](Network& network) {
    task(network);
    ran->set_value();
  });
  done.wait();
}

}  // namespace floe::net::uv
