#pragma once

#include <uv.h>

#include <array>
#include <functional>

namespace chat {

/// The libuv loop that everything in this program shares. It outlives everything that is on it.
class EventLoop {
 public:
  EventLoop();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  uv_loop_t& operator*() { return loop_; }
  void run() { uv_run(&loop_, UV_RUN_DEFAULT); }
  /// `run` returns after this turn.
  void stop() { uv_stop(&loop_); }
  /// Called at SIGINT and SIGTERM.
  void on_interrupt(std::function<void()> handler) { interrupt_ = std::move(handler); }

 private:
  uv_loop_t loop_{};
  std::array<uv_signal_t, 2> signals_{};
  std::function<void()> interrupt_;
};

}  // namespace chat
