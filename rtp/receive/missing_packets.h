#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "floe/core/time.h"

namespace floe::rtp {

/// The packets of one stream that have not come, and when to ask for each (RFC 4585 section 6.2.1).
/// Sequence numbers are unwrapped.
class MissingPackets {
 public:
  /// More at once is an outage, which a key frame ends sooner than repeats do.
  static constexpr std::size_t kMaxMissing = 1000;
  /// Requests for one packet: at 50 % loss each way, the next would help one time in 20.
  static constexpr int kMaxRequests = 10;
  /// A packet is not missed before this: neighbours overtake one another within it.
  static constexpr Duration kReorderWait = std::chrono::milliseconds(10);

  /// A packet came. False if so many are missing before it that they were all given up.
  bool handle_packet(Time now, std::int64_t sequence);
  /// Those before `sequence` are not wanted any more.
  void forget_before(std::int64_t sequence);
  void clear();

  /// How long a request and its answer take; 100 ms until it is known.
  void set_round_trip(Duration round_trip) { round_trip_ = round_trip; }

  /// Appends the sequence numbers to be asked for now, ascending; each counts as asked for.
  void take_due(Time now, std::vector<std::uint16_t>& sequences);
  Time next_timeout() const { return next_; }

  std::size_t size() const { return missing_.size(); }

 private:
  struct Request {
    Time next;
    int made = 0;
  };

  Duration interval() const;
  void update_next();

  std::map<std::int64_t, Request> missing_;
  std::int64_t highest_ = 0;
  bool started_ = false;
  Duration round_trip_ = std::chrono::milliseconds(100);
  Time next_ = kNever;
};

}  // namespace floe::rtp
