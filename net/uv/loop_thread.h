#pragma once

#include <functional>
#include <memory>
#include <thread>

#include "floe/core/result.h"
#include "floe/net/uv/network.h"

namespace floe::net::uv {

/// A network whose loop runs on a thread of its own, for programs without an event loop.
///
/// Everything made from its network belongs to that thread: create, use and destroy it in posted
/// tasks. The thread ends with the `LoopThread`, not by `Network::stop`.
class LoopThread {
 public:
  using Task = std::function<void(Network&)>;

  [[nodiscard]] static Result<std::unique_ptr<LoopThread>> start(const Options& options = {});
  /// Ends the loop after its present turn, destroys the network on its thread and waits for that;
  /// tasks that have not run yet are dropped. On the loop's own thread it does not wait.
  ~LoopThread();
  LoopThread(const LoopThread&) = delete;
  LoopThread& operator=(const LoopThread&) = delete;

  /// Runs `task` on the loop's thread at a later turn. Any thread may call it.
  void post(Task task);
  /// Runs `task` on the loop's thread and returns when it has run. Not from the loop's own thread.
  void run(Task task);

 private:
  explicit LoopThread(std::unique_ptr<Network> network);

  std::shared_ptr<bool> ending_;  ///< Touched on the loop's thread only.
  Network* const network_;        ///< The thread's own until it ends.
  std::thread thread_;
};

}  // namespace floe::net::uv
