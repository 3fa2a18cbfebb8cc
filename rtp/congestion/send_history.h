#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "floe/core/time.h"

namespace floe::rtp {

/// One packet, at the moment it left.
struct SentPacket {
  /// The transport-wide sequence number, not wrapped: its low 16 bits are in the packet. Each
  /// packet's is larger than that of the one before.
  std::int64_t sequence = 0;
  Time sent{};
  /// Bytes, and whatever of the headers around them is to count: rates are in the same measure.
  std::size_t size = 0;
  std::uint32_t track = 0;
  std::uint32_t probe_cluster = 0;  ///< 0: it is no part of a probe.
};

/// What a feedback says of one packet.
struct PacketReport {
  std::int64_t sequence = 0;
  /// By the receiver's clock, of which only differences mean anything; nullopt: lost, as far as the
  /// receiver knows yet.
  std::optional<Duration> received{};
};

/// A packet whose fate a feedback told.
struct Outcome {
  SentPacket packet;
  std::optional<Duration> received;
  /// An earlier feedback gave it up for lost.
  bool was_lost = false;
};

/// The packets that left and were not reported yet.
class SendHistory {
 public:
  /// Feedback of transport-wide congestion control is ambiguous beyond half of its 16 bits.
  static constexpr std::size_t kMaxPackets = 1 << 15;
  /// No feedback is that late; what is not reported by then never will be.
  static constexpr Duration kMaxAge = std::chrono::seconds(30);

  /// Packets whose sequence does not go up are ignored.
  void add(const SentPacket& packet);
  /// What `reports` tell anew: first what arrived, in the order of arrival, then what is lost for
  /// the first time. Reports of packets that are not known, or known to have arrived, tell nothing.
  /// Valid until the next call.
  std::span<const Outcome> take(std::span<const PacketReport> reports);
  /// Forgets everything: reports of those packets will tell nothing.
  void clear() { *this = SendHistory(); }

  std::size_t size() const { return entries_.size(); }
  /// When the first packet left of those behind every packet that a feedback told of.
  std::optional<Time> oldest_outstanding() const;

 private:
  struct Entry {
    SentPacket packet;
    bool arrived = false;
    bool lost = false;
  };
  std::size_t index_of(std::int64_t sequence) const;
  void forget_old(Time now);

  std::optional<std::int64_t> highest_reported_;
  std::deque<Entry> entries_;  // By sequence; the first one has not arrived.
  std::vector<Outcome> outcomes_;
};

}  // namespace floe::rtp
