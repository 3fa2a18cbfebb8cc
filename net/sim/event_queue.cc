#include "floe/net/sim/event_queue.h"

#include <algorithm>

#include "floe/core/check.h"

namespace floe::net::sim {

Event::~Event() {
  FLOE_CHECK(!scheduled());
}

EventQueue::~EventQueue() {
  for (const Entry& entry : heap_) entry.event->index_ = Event::kNotScheduled;
  for (const Entry& entry : heap_) entry.event->discard();
}

void EventQueue::schedule(Event& event, Time when) {
  const Entry entry{when, scheduled_++, &event};
  if (!event.scheduled()) {
    heap_.push_back(entry);
    return sift_up(heap_.size() - 1, entry);
  }
  if (entry.before(heap_[event.index_])) {
    sift_up(event.index_, entry);
  } else {
    sift_down(event.index_, entry);
  }
}

void EventQueue::cancel(Event& event) {
  if (event.scheduled()) remove(event.index_);
}

void EventQueue::fire_next() {
  Event* event = heap_.front().event;
  remove(0);
  event->fire();
}

void EventQueue::remove(std::size_t index) {
  const Entry removed = heap_[index];
  const Entry last = heap_.back();
  heap_.pop_back();
  removed.event->index_ = Event::kNotScheduled;
  if (last.event == removed.event) return;
  if (last.before(removed)) {
    sift_up(index, last);
  } else {
    sift_down(index, last);
  }
}

void EventQueue::sift_up(std::size_t index, const Entry& entry) {
  while (index > 0) {
    const std::size_t parent = (index - 1) / kArity;
    if (!entry.before(heap_[parent])) break;
    put(index, heap_[parent]);
    index = parent;
  }
  put(index, entry);
}

void EventQueue::sift_down(std::size_t index, const Entry& entry) {
  while (true) {
    const std::size_t first = index * kArity + 1;
    if (first >= heap_.size()) break;
    std::size_t least = first;
    const std::size_t end = std::min(first + kArity, heap_.size());
    for (std::size_t child = first + 1; child < end; ++child) {
      if (heap_[child].before(heap_[least])) least = child;
    }
    if (!heap_[least].before(entry)) break;
    put(index, heap_[least]);
    index = least;
  }
  put(index, entry);
}

}  // namespace floe::net::sim
