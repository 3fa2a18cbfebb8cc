#pragma once

#include <cstdint>
#include <vector>

#include "floe/core/time.h"

namespace floe::net::sim {

/// Something that happens at a time. Whoever owns it keeps it alive while it is scheduled.
class Event {
 public:
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  bool scheduled() const { return index_ != kNotScheduled; }

 protected:
  ~Event();

 private:
  friend class EventQueue;
  static constexpr std::size_t kNotScheduled = static_cast<std::size_t>(-1);

  /// The event is no longer scheduled when this is called.
  virtual void fire() = 0;
  /// Called instead of `fire` when the queue itself ends.
  virtual void discard() {}

  std::size_t index_ = kNotScheduled;
};

/// An event that calls a method of whoever owns it.
template <typename Owner>
class MethodEvent final : public Event {
 public:
  using Method = void (Owner::*)();
  MethodEvent(Owner& owner, Method method) : owner_(owner), method_(method) {}

 private:
  void fire() override { (owner_.*method_)(); }

  Owner& owner_;
  Method method_;
};

/// Events in the order of their time; equal times in the order they were scheduled. A 4-ary heap
/// that knows where each event stands, so moving and cancelling leave nothing behind.
class EventQueue {
 public:
  EventQueue() = default;
  ~EventQueue();
  EventQueue(const EventQueue&) = delete;
  EventQueue& operator=(const EventQueue&) = delete;

  bool empty() const { return heap_.empty(); }
  /// kNever when empty.
  Time next() const { return heap_.empty() ? kNever : heap_.front().when; }
  /// Replaces the event's earlier time, if any; it then counts as scheduled now.
  void schedule(Event& event, Time when);
  void cancel(Event& event);
  /// Takes the first event out and fires it; the queue must not be empty.
  void fire_next();

 private:
  struct Entry {
    Time when;
    std::uint64_t order;
    Event* event;
    bool before(const Entry& other) const {
      return when != other.when ? when < other.when : order < other.order;
    }
  };
  static constexpr std::size_t kArity = 4;

  void put(std::size_t index, const Entry& entry) {
    heap_[index] = entry;
    entry.event->index_ = index;
  }
  void sift_up(std::size_t index, const Entry& entry);
  void sift_down(std::size_t index, const Entry& entry);
  void remove(std::size_t index);

  std::vector<Entry> heap_;
  std::uint64_t scheduled_ = 0;
};

}  // namespace floe::net::sim
