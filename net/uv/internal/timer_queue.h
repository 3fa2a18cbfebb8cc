#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>

#include "floe/core/time.h"
#include "floe/net/network.h"

namespace floe::net::uv {

class Reactor;

/// All timers of one network, in order, on one libuv timer: arming costs O(log n) and, after a
/// timer's first time, no allocation.
class TimerQueue {
 public:
  class Entry;

  explicit TimerQueue(Reactor& reactor);
  ~TimerQueue();
  TimerQueue(const TimerQueue&) = delete;
  TimerQueue& operator=(const TimerQueue&) = delete;

  void open();
  void close();

  static std::unique_ptr<Timer> create(std::shared_ptr<Reactor> reactor,
                                       std::function<void()> callback);
  void arm(Entry& entry, Time when);

 private:
  struct Handles;
  /// Armed timers by time; those of equal time in the order they were armed.
  struct Key {
    Time when;
    std::uint64_t order;
    Entry* entry;
    bool operator<(const Key& other) const {
      return when != other.when ? when < other.when : order < other.order;
    }
  };
  using Armed = std::set<Key>;

  void fire();
  void disarm(Entry& entry);
  void schedule();

  Reactor& reactor_;
  Handles* handles_ = nullptr;  ///< libuv's; frees itself once libuv has closed it.
  Armed armed_;
  std::uint64_t order_ = 0;
  Time scheduled_ = kNever;  ///< What libuv's timer runs for.
  bool firing_ = false;
  Time pass_{};  ///< While firing: everything armed for this time or earlier is due.
};

}  // namespace floe::net::uv
