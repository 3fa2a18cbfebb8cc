#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "floe/core/time.h"
#include "floe/ice/candidate_pair.h"
#include "floe/stun_client/message.h"

namespace floe::ice {

/// One Binding request of ours that may still be answered.
struct Check {
  enum class Kind : std::uint8_t { kConnectivity, kConsent };

  stun::TransactionId id{};
  Kind kind = Kind::kConnectivity;
  PairId pair{};
  Role role = Role::kControlling;  ///< What the request said; a stale 487 is told by it.
  bool use_candidate = false;
  std::uint32_t nomination = 0;  ///< The renomination value it carries; 0 for none.
  std::uint32_t priority = 0;
  /// Another check of the pair has taken over: no retransmissions, but an answer still counts
  /// (RFC 8445 section 7.3.1.4).
  bool cancelled = false;
  unsigned transmissions = 1;
  Duration rto{};
  Time first_sent{};
  Time last_sent{};
  Time next_transmit = kNever;
  Time expires = kNever;
};

/// The STUN transactions of the checks under way: when each is repeated and when it is given up.
class ConnectivityChecks {
 public:
  /// A check is repeated after `rto`, then after twice as long each time up to `rto_max`. RFC 8445
  /// section 14.3 starts at 500 ms; floe starts lower, as browsers do, because a check that meets a
  /// NAT or firewall that the peer's own check has not opened yet is lost without anything being
  /// wrong. Many pairs at once raise the first wait (the same section's formula), which bounds the
  /// rate.
  struct Timing {
    Duration rto = std::chrono::milliseconds(100);
    Duration rto_max = std::chrono::milliseconds(1600);
    unsigned transmissions = 10;
    /// After the last transmission, how long an answer is awaited.
    Duration final_wait = std::chrono::milliseconds(3200);
    /// From the first transmission to giving up.
    Duration timeout() const;
  };

  explicit ConnectivityChecks(const Timing& timing) : timing_(timing) {}

  Check& start(Time now, Check check, Duration ta, Duration consent_timeout);
  Check* find(const stun::TransactionId& id);
  void remove(const stun::TransactionId& id);
  void cancel(PairId pair);
  void remove_all(PairId pair);
  void clear() { checks_.clear(); }
  /// Ends all but the consent requests.
  void clear_connectivity();

  /// A check whose repetition is due; its next time is set.
  Check* next_to_transmit(Time now);
  /// Takes out a check that was never answered.
  std::optional<Check> take_expired(Time now);
  Time next_timeout() const;

 private:
  /// Consent requests and cancelled checks wait here next to running ones. 200 pairs with a check
  /// and a cancelled one each are the most an agent makes; the oldest goes first.
  static constexpr std::size_t kMaxChecks = 512;

  Timing timing_;
  std::vector<Check> checks_;
};

}  // namespace floe::ice
