#include "event_loop.h"

#include <csignal>

namespace chat {

EventLoop::EventLoop() {
  uv_loop_init(&loop_);
  constexpr std::array<int, 2> kNumbers{SIGINT, SIGTERM};
  for (std::size_t i = 0; i < signals_.size(); ++i) {
    uv_signal_init(&loop_, &signals_[i]);
    signals_[i].data = this;
    uv_signal_start(
        &signals_[i],
        [](uv_signal_t* handle, int) {
          auto& loop = *static_cast<EventLoop*>(handle->data);
          if (loop.interrupt_) loop.interrupt_();
        },
        kNumbers[i]);
  }
}

EventLoop::~EventLoop() {
  for (uv_signal_t& handle : signals_) {
    uv_close(reinterpret_cast<uv_handle_t*>(&handle), nullptr);
  }
  // Closed handles leave the loop in later turns.
  while (uv_loop_close(&loop_) == UV_EBUSY) uv_run(&loop_, UV_RUN_NOWAIT);
}

}  // namespace chat
