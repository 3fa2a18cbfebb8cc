#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "floe/core/time.h"
#include "floe/rtp/payload/payload_format.h"
#include "floe/rtp/receive/continuity.h"

namespace floe::rtp {

/// A frame, and how it came.
struct ReceivedFrame {
  Frame frame{};
  std::uint8_t payload_type = 0;
  Time received{};   ///< When the last of its packets came.
  bool gap = false;  ///< Frames before it were lost.
  std::size_t packets = 0;
};

/// Puts the packets of one stream in order and together to frames. What is missing is waited for,
/// not longer than `max_wait`; then everything goes on with the next frame that can be decoded.
/// Sequence numbers are unwrapped.
class FrameBuffer {
 public:
  /// A key frame of `kMaxFrameSize` has 7,000 packets.
  static constexpr std::size_t kMaxPackets = 8192;
  static constexpr std::size_t kMaxBytes = 2 * kMaxFrameSize;

  /// `video`: frames depend on one another, and the first must be a key frame.
  FrameBuffer(bool video, Duration max_wait) : video_(video), max_wait_(max_wait) {
    needs_key_frame_ = video;
  }

  void add_format(std::uint8_t payload_type, const PayloadFormat& format, Bytes parameter_sets);

  struct Payload {
    std::int64_t sequence = 0;
    std::uint32_t timestamp = 0;
    bool marker = false;
    std::uint8_t payload_type = 0;
    Bytes bytes{};  ///< Empty for padding alone, which has a sequence number too.
  };
  enum class Outcome : std::uint8_t { kKept, kDuplicate, kLate, kMalformed, kUnknownFormat, kFull };
  Outcome insert(Time now, const Payload& payload);

  /// The next frame, if it is all there.
  std::optional<ReceivedFrame> next(Time now);
  /// When waiting for what is missing ends; kNever if nothing is missing.
  Time next_timeout() const { return deadline_; }

  /// No frame can be decoded before a key frame comes, and none is under way.
  bool wants_key_frame() const;
  /// Sequence numbers before this one are of no use any more.
  std::optional<std::int64_t> wanted_from() const { return next_; }
  bool contains(std::int64_t sequence) const { return slots_.contains(sequence); }
  /// Forgets all: the stream begins anew at `sequence`.
  void restart(std::int64_t sequence);

  /// Frames that were all there but could not be decoded, or did not fit together.
  std::uint64_t dropped_frames() const { return dropped_frames_; }
  std::size_t size() const { return slots_.size(); }

 private:
  struct Format {
    std::uint8_t payload_type;
    bool video;
    std::unique_ptr<Depacketizer> depacketizer;
  };
  struct Slot {
    std::vector<std::uint8_t> bytes;
    std::uint32_t timestamp = 0;
    bool marker = false;
    std::uint8_t payload_type = 0;
    PayloadShape shape;
    Time arrived{};
  };
  using Slots = std::map<std::int64_t, Slot>;
  struct Previous {
    std::uint32_t timestamp = 0;
    bool marker = false;
  };
  enum class Step : std::uint8_t { kWait, kAgain, kFrame };

  Format* format_of(std::uint8_t payload_type);
  bool begins_frame(const Slot& slot) const;
  std::optional<std::int64_t> last_of_frame(std::int64_t first);
  std::int64_t first_missing() const;
  Step step(Time now, ReceivedFrame& frame);
  Step wait_or_skip(Time now);
  Step take(std::int64_t last, ReceivedFrame& frame);
  bool full() const { return slots_.size() >= kMaxPackets || bytes_ >= kMaxBytes; }
  void drop_next();
  bool jump_to_key_frame();
  void erase_before(std::int64_t sequence);

  bool video_;
  Duration max_wait_;
  std::vector<Format> formats_;
  Slots slots_;
  std::size_t bytes_ = 0;
  std::optional<std::int64_t> next_;  // where the next frame begins
  std::optional<Previous> previous_;  // of the packet before it, if that is known
  // How far the frame that begins at `first` was looked through: up to `next`, which is missing or
  // of another frame; `last` is its last packet so far.
  struct Scan {
    std::int64_t first = -1;
    std::int64_t next = 0;
    std::int64_t last = 0;
  };
  Scan scan_;
  bool gap_ = false;
  bool needs_key_frame_ = false;
  Continuity continuity_;
  Time deadline_ = kNever;
  std::uint64_t dropped_frames_ = 0;
};

}  // namespace floe::rtp
