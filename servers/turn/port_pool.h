#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "floe/core/random.h"

namespace floe::server {

/// The ports of one relay address that allocations may have, and which of them
/// are taken.
class PortPool {
 public:
  enum class Want : std::uint8_t {
    kAny,
    kEven,
    kEvenPair,  ///< An even port and the next one (RFC 8656 section 7.2,
                ///< EVEN-PORT with R).
  };

  /// Ports from `min` to `max`, both included; 1 <= min <= max.
  PortPool(std::uint16_t min, std::uint16_t max);

  /// Takes a free port, found from a random place on (RFC 6056 section 3.3.1,
  /// as RFC 8656 section 7.2 recommends); nullopt if there is none. A pair
  /// takes both, and yields the even one.
  std::optional<std::uint16_t> take(Want want, Random& random);
  void give_back(std::uint16_t port);
  bool is_taken(std::uint16_t port) const;

 private:
  std::size_t index(std::uint16_t port) const { return std::size_t{port} - min_; }

  std::uint16_t min_;
  std::vector<bool> taken_;
};

}  // namespace floe::server
