#include "floe/net/uv/internal/reactor.h"

#include <uv.h>

#include <utility>

#include "floe/core/check.h"
#include "floe/net/uv/internal/errors.h"

namespace floe::net::uv {

/// What `post` wakes the loop with.
struct Reactor::Wakeup {
  uv_async_t async;
  std::shared_ptr<Reactor> reactor;
};

Result<std::shared_ptr<Reactor>> Reactor::create(uv_loop_s* callers_loop,
                                                 const net::Network& network) {
  uv_loop_t* loop = callers_loop;
  if (loop == nullptr) {
    auto own = std::make_unique<uv_loop_t>();
    if (const int status = uv_loop_init(own.get()); status < 0) {
      return fail_with(status, "cannot create a libuv loop");
    }
    loop = own.release();
  }
  auto reactor = std::make_shared<Reactor>(callers_loop == nullptr, loop, network);
  auto wakeup = std::make_unique<Wakeup>();
  const int status = uv_async_init(loop, &wakeup->async, [](uv_async_t* async) {
    const std::shared_ptr<Reactor> reactor = static_cast<Wakeup*>(async->data)->reactor;
    reactor->run_tasks();
  });
  if (status < 0) {
    reactor->close();
    return fail_with(status, "cannot create a libuv wake-up handle");
  }
  wakeup->async.data = wakeup.get();
  wakeup->reactor = reactor;
  reactor->wakeup_ = wakeup.release();
  reactor->timers_.open();
  return reactor;
}

Reactor::Reactor(bool owns_loop, uv_loop_s* loop, const net::Network& network)
    : owns_loop_(owns_loop), loop_(loop), network_(&network), timers_(*this) {}

Reactor::~Reactor() {
  FLOE_CHECK(closed());
}

void Reactor::run(std::shared_ptr<Reactor> reactor, bool once) {
  if (reactor->running_) {
    reactor->log(LogLevel::kError, "run() was called from a callback of the same loop: ignored");
    return;
  }
  reactor->running_ = true;
  uv_run(reactor->loop_, once ? UV_RUN_ONCE : UV_RUN_DEFAULT);
  reactor->running_ = false;
  if (reactor->closed()) reactor->drain();
}

void Reactor::stop() {
  if (!closed()) uv_stop(loop_);
}

void Reactor::close() {
  if (closed()) return;
  network_ = nullptr;
  outlets_.clear();
  while (!attachments_.empty()) {
    Attachment* attachment = *attachments_.begin();
    attachments_.erase(attachments_.begin());
    attachment->detach();
  }
  timers_.close();
  if (wakeup_ != nullptr) {
    uv_close(reinterpret_cast<uv_handle_t*>(&wakeup_->async),
             [](uv_handle_t* handle) { delete static_cast<Wakeup*>(handle->data); });
    wakeup_ = nullptr;
  }
  std::vector<std::function<void()>> dropped;
  {
    const std::lock_guard lock(mutex_);
    dropped.swap(tasks_);
  }
  if (!owns_loop_) return;
  if (running_) {
    uv_stop(loop_);  // Within one of the loop's callbacks: `run` does the rest.
  } else {
    drain();
  }
}

void Reactor::drain() {
  if (!owns_loop_ || loop_ == nullptr) return;
  const std::shared_ptr<Reactor> self = shared_from_this();
  while (uv_run(loop_, UV_RUN_DEFAULT) != 0) {
  }
  FLOE_CHECK(uv_loop_close(loop_) == 0);
  delete std::exchange(loop_, nullptr);
}

Time Reactor::now() const {
  return Time(Duration(static_cast<Duration::rep>(uv_hrtime())));
}

void Reactor::log(LogLevel level, std::string_view message) const {
  if (network_ != nullptr) network_->log(level, "uv", message);
}

void Reactor::post(std::function<void()> task) {
  const std::lock_guard lock(mutex_);
  tasks_.push_back(std::move(task));
  // Under the lock: the task may end the network, and with it the handle, as soon as it can be
  // seen.
  if (tasks_.size() == 1) uv_async_send(&wakeup_->async);
}

void Reactor::run_tasks() {
  std::vector<std::function<void()>> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(tasks_);
  }
  for (std::function<void()>& task : tasks) {
    if (closed()) return;
    // Whatever the task holds dies with it, not with the last of its neighbours.
    std::exchange(task, nullptr)();
  }
}

SocketId Reactor::add_outlet(Outlet& outlet) {
  // After a billion sockets the numbers start again; those still open are left out.
  do {
    last_id_ = (last_id_ + 1) % kSinkBit;
  } while (SocketId{last_id_} == kNoSocket || outlets_.contains(SocketId{last_id_}));
  outlets_.emplace(SocketId{last_id_}, &outlet);
  return SocketId{last_id_};
}

void Reactor::send(SendBatch& batch) {
  const std::span<const SendBatch::Run> runs = batch.runs();
  for (std::size_t begin = 0, end = 0; begin < runs.size(); begin = end) {
    const SocketId id = runs[begin].route.socket;
    while (end < runs.size() && runs[end].route.socket == id) ++end;
    if (is_sink(id)) continue;
    const std::span<const SendBatch::Run> for_one = runs.subspan(begin, end - begin);
    if (const auto outlet = outlets_.find(id); outlet != outlets_.end()) {
      outlet->second->send(batch, for_one);
      continue;
    }
    for (const SendBatch::Run& run : for_one) stats_.dropped_closed_socket += run.segments;
  }
}

MutableBytes Reactor::receive_buffer(std::size_t index) {
  FLOE_CHECK(index < kReceiveBuffers);
  if (!receive_buffers_) {
    receive_buffers_.reset(new std::uint8_t[kReceiveBuffers * kReceiveBufferSize]);
  }
  return {receive_buffers_.get() + index * kReceiveBufferSize, kReceiveBufferSize};
}

}  // namespace floe::net::uv
