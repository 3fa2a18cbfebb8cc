#include "floe/net/uv/internal/timer_queue.h"

#include <uv.h>

#include <algorithm>
#include <utility>

#include "floe/core/check.h"
#include "floe/net/uv/internal/reactor.h"

namespace floe::net::uv {

/// One timer. The queue holds it by pointer while it is armed and by reference count while its
/// callback runs, so that the callback may destroy its `Timer`.
class TimerQueue::Entry : public std::enable_shared_from_this<Entry> {
 public:
  explicit Entry(std::function<void()> callback) : callback(std::move(callback)) {}

  std::function<void()> callback;
  bool armed = false;
  Armed::iterator position;
  Armed::node_type spare;  ///< The node it was last armed with, for next time.
};

/// The libuv timer serves deadlines to come, the idle handle those that are due already: an expired
/// uv_timer_t re-armed within its callback runs again before any socket is looked at.
struct TimerQueue::Handles {
  uv_timer_t timer;
  uv_idle_t idle;
  std::shared_ptr<Reactor> reactor;
  int open = 2;

  /// libuv calls it from the loop only, so a timer never fires within `arm`.
  template <typename Handle>
  static void on_due(Handle* handle) {
    const std::shared_ptr<Reactor> reactor = static_cast<Handles*>(handle->data)->reactor;
    reactor->timers().fire();
  }
  static void on_close(uv_handle_t* handle) {
    auto* self = static_cast<Handles*>(handle->data);
    if (--self->open == 0) delete self;
  }
};

namespace {

class QueuedTimer final : public Timer {
 public:
  QueuedTimer(std::shared_ptr<Reactor> reactor, std::shared_ptr<TimerQueue::Entry> entry)
      : reactor_(std::move(reactor)), entry_(std::move(entry)) {}
  ~QueuedTimer() override { reactor_->timers().arm(*entry_, kNever); }
  void arm(Time when) override { reactor_->timers().arm(*entry_, when); }

 private:
  std::shared_ptr<Reactor> reactor_;
  std::shared_ptr<TimerQueue::Entry> entry_;
};

/// libuv counts whole milliseconds of the clock that `Reactor::now` reads in nanoseconds; rounded
/// up, a timer cannot fire before its time.
std::uint64_t ceil_ms(Time when) {
  return static_cast<std::uint64_t>(
      std::chrono::ceil<std::chrono::milliseconds>(when.time_since_epoch()).count());
}

}  // namespace

TimerQueue::TimerQueue(Reactor& reactor) : reactor_(reactor) {}

TimerQueue::~TimerQueue() {
  FLOE_CHECK(handles_ == nullptr);
}

void TimerQueue::open() {
  handles_ = new Handles{};
  handles_->reactor = reactor_.shared_from_this();
  // uv_timer_init and uv_idle_init cannot fail.
  uv_timer_init(reactor_.loop(), &handles_->timer);
  uv_idle_init(reactor_.loop(), &handles_->idle);
  handles_->timer.data = handles_;
  handles_->idle.data = handles_;
}

void TimerQueue::close() {
  while (!armed_.empty()) disarm(*armed_.begin()->entry);
  if (handles_ == nullptr) return;
  uv_close(reinterpret_cast<uv_handle_t*>(&handles_->timer), Handles::on_close);
  uv_close(reinterpret_cast<uv_handle_t*>(&handles_->idle), Handles::on_close);
  handles_ = nullptr;
}

std::unique_ptr<Timer> TimerQueue::create(std::shared_ptr<Reactor> reactor,
                                          std::function<void()> callback) {
  return std::make_unique<QueuedTimer>(std::move(reactor),
                                       std::make_shared<Entry>(std::move(callback)));
}

void TimerQueue::arm(Entry& entry, Time when) {
  if (entry.armed) disarm(entry);
  if (handles_ == nullptr) return;
  if (when != kNever) {
    // What a callback arms for a time that has come is due at the next turn, not in this pass.
    if (firing_) when = std::max(when, pass_ + Duration(1));
    if (entry.spare.empty()) {
      entry.position = armed_.insert(Key{when, order_++, &entry}).first;
    } else {
      entry.spare.value() = Key{when, order_++, &entry};
      entry.position = armed_.insert(std::move(entry.spare)).position;
    }
    entry.armed = true;
  }
  if (!firing_) schedule();
}

void TimerQueue::disarm(Entry& entry) {
  entry.spare = armed_.extract(entry.position);
  entry.armed = false;
}

void TimerQueue::fire() {
  firing_ = true;
  scheduled_ = kNever;  // libuv's timer is not running if it was the one that called.
  pass_ = reactor_.now();
  while (!armed_.empty() && armed_.begin()->when <= pass_) {
    const std::shared_ptr<Entry> entry = armed_.begin()->entry->shared_from_this();
    disarm(*entry);
    entry->callback();
  }
  firing_ = false;
  if (handles_ != nullptr) schedule();
}

void TimerQueue::schedule() {
  const Time first = armed_.empty() ? kNever : armed_.begin()->when;
  if (first <= reactor_.now()) {
    scheduled_ = kNever;
    uv_timer_stop(&handles_->timer);
    uv_idle_start(&handles_->idle, Handles::on_due<uv_idle_t>);
    return;
  }
  uv_idle_stop(&handles_->idle);
  if (first == scheduled_) return;
  scheduled_ = first;
  if (first == kNever) {
    uv_timer_stop(&handles_->timer);
    return;
  }
  // libuv adds the delay to the time at which the turn began, which is not later than now.
  const std::uint64_t delay = ceil_ms(first) - uv_now(reactor_.loop());
  uv_timer_start(&handles_->timer, Handles::on_due<uv_timer_t>, delay, 0);
}

}  // namespace floe::net::uv
