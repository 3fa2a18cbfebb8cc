#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "floe/core/time.h"
#include "floe/net/sim/event_queue.h"
#include "floe/net/sim/packet.h"
#include "floe/net/sim/trace.h"

namespace floe::net::sim {

/// What all parts of one world share: clock, events, packets, trace and seed.
class Fabric {
 public:
  explicit Fabric(std::uint64_t seed) : seed_(seed) {}

  const Time& now() const { return now_; }
  EventQueue& events() { return events_; }
  PacketPool& packets() { return packets_; }
  Trace& trace() { return trace_; }

  /// The seed of a random stream that belongs to `name` alone, so that one more host does not
  /// change what the others draw.
  std::uint64_t seed_for(std::string_view name) const;

  /// A number that trace records of an attachment carry.
  std::uint32_t add_place(const std::string& name) { return trace_.add_place(name); }
  void record(std::uint32_t place, const Packet& packet, Verdict verdict) {
    if (trace_.on()) trace_.record(now_, place, packet, verdict);
  }

  /// Runs `task` once at `when`.
  void schedule(Time when, std::function<void()> task);

 private:
  friend class World;

  // In this order: events that end with the queue give their packets back to the pool.
  PacketPool packets_;
  EventQueue events_;
  Trace trace_;
  std::uint64_t seed_;
  Time now_{};
};

}  // namespace floe::net::sim
