#include "floe/port_mapping/retries.h"

#include <utility>

#include "floe/port_mapping/epoch.h"
#include "floe/port_mapping/request.h"

namespace floe::port_mapping {

std::string_view to_string(Method method) {
  switch (method) {
    case Method::kPcp:
      return "PCP";
    case Method::kNatPmp:
      return "NAT-PMP";
    case Method::kUpnp:
      return "UPnP";
  }
  return "";
}

bool Epoch::has_restarted(Time now, std::uint32_t seconds) {
  const std::optional<Seen> before = last_;
  last_ = Seen{now, seconds};
  if (!before) return false;
  const std::int64_t server = std::int64_t{seconds} - before->seconds;
  const std::int64_t client =
      std::chrono::duration_cast<std::chrono::seconds>(now - before->at).count();
  // Section 8.5: it may step back by one second, as packets overtake each other, and the two
  // clocks may differ by a sixteenth.
  return server < -1 || client + 2 < server - server / 16 || server + 2 < client - client / 16;
}

void Retries::start(Time now) {
  transmit_ = true;
  exhausted_ = false;
  sends_ = 1;
  interval_ = kFirst;
  due_ = now + interval_;
}

void Retries::stop() {
  due_ = kNever;
  transmit_ = false;
  exhausted_ = false;
}

void Retries::handle_timeout(Time now) {
  if (due_ > now) return;
  if (sends_ == kSends) {
    stop();
    exhausted_ = true;
    return;
  }
  transmit_ = true;
  ++sends_;
  interval_ *= 2;
  due_ = now + interval_;
}

bool Retries::take_exhausted() {
  return std::exchange(exhausted_, false);
}

bool Retries::take_transmit() {
  return std::exchange(transmit_, false);
}

}  // namespace floe::port_mapping
