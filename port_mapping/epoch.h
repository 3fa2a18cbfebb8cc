#pragma once

#include <cstdint>
#include <optional>

#include "floe/core/time.h"

namespace floe::port_mapping {

/// Watches the clock that a router starts anew when it loses its mappings.
class Epoch {
 public:
  /// Takes in the clock's value in a packet that arrived at `now`. True if the router has lost its
  /// state since the packet before (RFC 6887 section 8.5).
  bool has_restarted(Time now, std::uint32_t seconds);

 private:
  struct Seen {
    Time at;
    std::int64_t seconds;
  };
  std::optional<Seen> last_;
};

}  // namespace floe::port_mapping
