#pragma once

#include <cstdint>
#include <optional>

#include "floe/core/random.h"
#include "floe/core/time.h"
#include "floe/net/endpoint.h"
#include "floe/net/sim/verdict.h"

namespace floe::net::sim {

/// Gilbert-Elliott loss: the link is good or bad, may change before each packet, and loses packets
/// with the probability of its state.
struct BurstLoss {
  double good_to_bad = 0.01;
  double bad_to_good = 0.25;
  double loss_when_good = 0;
  double loss_when_bad = 1;
};

/// One direction of a cable. Probabilities are in [0, 1].
struct LinkOptions {
  Duration latency = std::chrono::milliseconds(1);
  Duration jitter{};  ///< Up to this much is added, uniformly. Packets keep their order.
  double loss = 0;
  std::optional<BurstLoss> burst_loss{};
  double duplicate = 0;  ///< A second copy arrives right behind the first.
  double reorder = 0;    ///< The packet is late by `reorder_delay`; later ones overtake it.
  Duration reorder_delay = std::chrono::milliseconds(10);
  std::uint64_t rate = 0;                ///< Bits per second; 0 is unlimited.
  std::size_t queue_bytes = 256 * 1024;  ///< IP bytes waiting for `rate`; more are dropped.
  std::size_t mtu = 1500;                ///< IP bytes.
  /// A blackhole for one family: packets of it vanish without a word.
  std::optional<Family> blackhole{};
};

class Packet;

/// Decides what one direction of a cable does with each packet. Changing the options takes effect
/// with the next packet; packets that are under way keep their time.
class Link {
 public:
  Link(const LinkOptions& options, std::uint64_t seed) : options_(options), random_(seed) {}

  const LinkOptions& options() const { return options_; }
  void set_options(const LinkOptions& options) { options_ = options; }
  const Tally& tally() const { return tally_; }

  struct Passage {
    Verdict verdict = Verdict::kSent;
    Time arrival{};
    bool duplicated = false;
  };
  /// A packet larger than the MTU passes only if it may be fragmented, and then if each of its
  /// fragments does.
  Passage pass(Time now, const Packet& packet);
  /// `size` is the packet's size with IP header.
  Passage pass(Time now, std::size_t size) { return pass(now, size, 1); }

 private:
  Passage pass(Time now, std::size_t size, std::size_t fragments);
  Passage drop(Verdict verdict);
  bool loses();
  bool happens(double probability) { return probability > 0 && random_.unit() < probability; }

  LinkOptions options_;
  SeededRandom random_;
  Tally tally_;
  Time busy_until_{};
  Time last_arrival_{};
  bool bad_ = false;
};

}  // namespace floe::net::sim
