#include "floe/ice/connectivity_checks.h"

#include <algorithm>

namespace floe::ice {

Duration ConnectivityChecks::Timing::timeout() const {
  Duration total = final_wait;
  Duration wait = rto;
  for (unsigned i = 1; i < transmissions; ++i) {
    total += wait;
    wait = std::min(wait * 2, rto_max);
  }
  return total;
}

Check& ConnectivityChecks::start(Time now, Check check, Duration ta, Duration consent_timeout) {
  check.first_sent = now;
  check.last_sent = now;
  if (check.kind == Check::Kind::kConsent) {
    // RFC 7675 section 5.1: transmitted once only; all are void when consent expires.
    check.next_transmit = kNever;
    check.expires = now + consent_timeout;
  } else {
    // RFC 8445 section 14.3: RTO = MAX(minimum, Ta * (Num-Waiting + Num-In-Progress)).
    const auto running = std::count_if(checks_.begin(), checks_.end(), [](const Check& other) {
      return other.kind == Check::Kind::kConnectivity && !other.cancelled;
    });
    check.rto = std::max(timing_.rto, ta * running);
    check.next_transmit = now + check.rto;
  }
  if (checks_.size() >= kMaxChecks) checks_.erase(checks_.begin());
  return checks_.emplace_back(check);
}

Check* ConnectivityChecks::find(const stun::TransactionId& id) {
  const auto it = std::find_if(checks_.begin(), checks_.end(),
                               [&id](const Check& check) { return check.id == id; });
  return it == checks_.end() ? nullptr : &*it;
}

void ConnectivityChecks::remove(const stun::TransactionId& id) {
  std::erase_if(checks_, [&id](const Check& check) { return check.id == id; });
}

void ConnectivityChecks::cancel(PairId pair) {
  for (Check& check : checks_) {
    if (check.pair != pair || check.kind != Check::Kind::kConnectivity || check.cancelled) continue;
    check.cancelled = true;
    check.next_transmit = kNever;
    check.expires = check.last_sent + timing_.final_wait;
  }
}

void ConnectivityChecks::remove_all(PairId pair) {
  std::erase_if(checks_, [pair](const Check& check) { return check.pair == pair; });
}

void ConnectivityChecks::clear_connectivity() {
  std::erase_if(checks_,
                [](const Check& check) { return check.kind == Check::Kind::kConnectivity; });
}

Check* ConnectivityChecks::next_to_transmit(Time now) {
  for (Check& check : checks_) {
    if (check.next_transmit > now) continue;
    ++check.transmissions;
    check.last_sent = now;
    check.rto = std::min(check.rto * 2, std::max(check.rto, timing_.rto_max));
    if (check.transmissions >= timing_.transmissions) {
      check.next_transmit = kNever;
      check.expires = now + timing_.final_wait;
    } else {
      check.next_transmit = now + check.rto;
    }
    return &check;
  }
  return nullptr;
}

std::optional<Check> ConnectivityChecks::take_expired(Time now) {
  const auto it = std::find_if(checks_.begin(), checks_.end(),
                               [now](const Check& check) { return check.expires <= now; });
  if (it == checks_.end()) return std::nullopt;
  const Check check = *it;
  checks_.erase(it);
  return check;
}

Time ConnectivityChecks::next_timeout() const {
  Time next = kNever;
  for (const Check& check : checks_) {
    next = std::min({next, check.next_transmit, check.expires});
  }
  return next;
}

}  // namespace floe::ice
