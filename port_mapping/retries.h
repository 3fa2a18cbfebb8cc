#pragma once

#include "floe/core/time.h"

namespace floe::port_mapping {

/// When a request to the router leaves: at once, then after 250 ms, twice as long each time
/// (RFC 6886 section 3.1). RFC 6887 section 8.1.1 starts with 3 s and never ends; a call cannot
/// wait for that, and the router is one hop away. Five times, so it fails after 7.75 s; at 20 %
/// loss each way six in a thousand do.
class Retries {
 public:
  static constexpr Duration kFirst = std::chrono::milliseconds(250);
  static constexpr unsigned kSends = 5;

  void start(Time now);
  void stop();
  bool running() const { return due_ != kNever; }
  Time due() const { return due_; }
  void handle_timeout(Time now);
  /// All were sent and nothing came back in time; true once.
  bool take_exhausted();
  /// One is to be sent now; true once each.
  bool take_transmit();

 private:
  Time due_ = kNever;
  Duration interval_{};
  unsigned sends_ = 0;
  bool transmit_ = false;
  bool exhausted_ = false;
};

}  // namespace floe::port_mapping
