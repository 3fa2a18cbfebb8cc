#include "floe/servers/turn/port_pool.h"

#include "floe/core/check.h"

namespace floe::server {

PortPool::PortPool(std::uint16_t min, std::uint16_t max) : min_(min) {
  FLOE_CHECK(min >= 1 && min <= max);
  taken_.resize(std::size_t{max} - min + 1);
}

std::optional<std::uint16_t> PortPool::take(Want want, Random& random) {
  const std::size_t count = taken_.size();
  const std::size_t start = random.below(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t at = (start + i) % count;
    const auto port = static_cast<std::uint16_t>(min_ + at);
    if (taken_[at] || (want != Want::kAny && port % 2 != 0)) continue;
    if (want == Want::kEvenPair) {
      if (at + 1 == count || taken_[at + 1]) continue;
      taken_[at + 1] = true;
    }
    taken_[at] = true;
    return port;
  }
  return std::nullopt;
}

void PortPool::give_back(std::uint16_t port) {
  FLOE_CHECK(is_taken(port));
  taken_[index(port)] = false;
}

bool PortPool::is_taken(std::uint16_t port) const {
  return port >= min_ && index(port) < taken_.size() && taken_[index(port)];
}

}  // namespace floe::server
