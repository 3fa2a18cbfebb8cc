#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "floe/core/bytes.h"
#include "floe/core/time.h"

namespace floe::rtp {

/// Reception of one packet, in the order of sequence numbers.
struct PacketStatus {
  std::uint16_t sequence = 0;
  /// Since `TransportFeedback::reference_time`; nothing if the packet had not come.
  std::optional<Duration> arrival{};
};

/// Transport-wide congestion control feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01
/// section 3.1), as a view of the bytes.
class TransportFeedback {
 public:
  /// More than half of the counter's range could not be unwrapped.
  static constexpr std::size_t kMaxStatuses = 32'768;
  /// What the reference time and the deltas count.
  static constexpr Duration kReferenceUnit = std::chrono::milliseconds(64);
  static constexpr Duration kDeltaUnit = std::chrono::microseconds(250);

  /// `body` is the RTCP packet without its header of four bytes.
  static std::optional<TransportFeedback> parse(Bytes body);

  std::uint32_t sender() const { return sender_; }
  std::uint32_t media() const { return media_; }
  std::uint16_t base_sequence() const { return base_sequence_; }
  std::size_t status_count() const { return status_count_; }
  /// 24 bits, in units of `kReferenceUnit`, of a clock whose beginning nobody knows.
  std::uint32_t reference_time() const { return reference_time_; }
  /// Counts feedback packets, so that lost ones can be told.
  std::uint8_t feedback_count() const { return feedback_count_; }

  /// Calls `f(const PacketStatus&)` for each of `status_count()` packets.
  template <typename F>
  void for_each(F&& f) const {
    ByteReader chunks(chunks_);
    ByteReader deltas(deltas_);
    Duration arrival{};
    PacketStatus status{base_sequence_, std::nullopt};
    for (std::size_t left = status_count_; left > 0;) {
      const Chunk chunk(chunks.u16());
      for (std::size_t i = 0; i < chunk.count && left > 0; ++i, --left, ++status.sequence) {
        status.arrival.reset();
        if (const unsigned symbol = chunk.symbol(i); symbol != kNotReceived) {
          arrival += kDeltaUnit * (symbol == kSmallDelta ? deltas.u8()
                                                         : static_cast<std::int16_t>(deltas.u16()));
          status.arrival = arrival;
        }
        f(status);
      }
    }
  }

 private:
  friend class TransportFeedbackBuilder;
  static constexpr unsigned kNotReceived = 0;
  static constexpr unsigned kSmallDelta = 1;
  static constexpr unsigned kLargeDelta = 2;

  // Sections 3.1.3 and 3.1.4.
  struct Chunk {
    explicit Chunk(std::uint16_t bits);
    unsigned symbol(std::size_t index) const;
    std::uint16_t bits;
    std::size_t count = 0;
  };

  TransportFeedback() = default;

  std::uint32_t sender_ = 0;
  std::uint32_t media_ = 0;
  std::uint16_t base_sequence_ = 0;
  std::uint8_t feedback_count_ = 0;
  std::uint32_t reference_time_ = 0;
  std::size_t status_count_ = 0;
  Bytes chunks_;
  Bytes deltas_;
};

/// Makes the body of one feedback packet.
class TransportFeedbackBuilder {
 public:
  /// `arrival` is when the packet `base_sequence` came, or the first after it that did. `max_size`
  /// bounds the body, at least 32 bytes.
  TransportFeedbackBuilder(std::uint32_t sender, std::uint32_t media, std::uint8_t feedback_count,
                           std::uint16_t base_sequence, Time arrival, std::size_t max_size);

  /// The next packet that came; those between it and the last one have not. False if it belongs
  /// into the next feedback: too far away in time or number, or no space left.
  bool add(std::uint16_t sequence, Time arrival);
  /// The packets up to and without `sequence` have not come. False as above.
  bool add_missing_until(std::uint16_t sequence);

  bool empty() const { return symbols_.empty(); }
  /// The sequence number behind the last one that is told about.
  std::uint16_t next_sequence() const {
    return static_cast<std::uint16_t>(base_sequence_ + symbols_.size());
  }
  /// Writes the body, padded to 32 bits, behind what `writer` has.
  void write(ByteWriter& writer) const;

 private:
  std::size_t worst_size(std::size_t symbols, std::size_t delta_bytes) const;

  std::uint32_t sender_;
  std::uint32_t media_;
  std::uint8_t feedback_count_;
  std::uint16_t base_sequence_;
  std::int64_t reference_;  // in kReferenceUnit
  std::int64_t
      last_arrival_;  // in kDeltaUnit: as the receiver will compute it, so errors do not add up
  std::size_t max_size_;
  std::vector<std::uint8_t> symbols_;
  std::vector<std::uint8_t> deltas_;
};

}  // namespace floe::rtp
