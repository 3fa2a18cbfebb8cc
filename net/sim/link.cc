#include "floe/net/sim/link.h"

#include <algorithm>

#include "floe/net/sim/packet.h"

namespace floe::net::sim {
namespace {

constexpr std::uint64_t kNanosecondsPerSecond = 1'000'000'000;

// Rounded up, so that a packet never leaves before its last bit. 64 bits hold the product: packets
// and queues stay below 2 GiB.
Duration time_on_wire(std::size_t bytes, std::uint64_t rate) {
  const std::uint64_t bit_nanoseconds = bytes * 8 * kNanosecondsPerSecond;
  return Duration(static_cast<Duration::rep>((bit_nanoseconds + rate - 1) / rate));
}

}  // namespace

Link::Passage Link::drop(Verdict verdict) {
  tally_.count(verdict);
  return Passage{verdict, {}, false};
}

Link::Passage Link::pass(Time now, const Packet& packet) {
  if (options_.blackhole == packet.destination.family()) return drop(Verdict::kLost);
  const std::size_t size = packet.size();
  if (size <= options_.mtu) return pass(now, size, 1);
  const std::size_t header = Packet::ip_header_size(packet.destination.family());
  if (packet.dont_fragment || options_.mtu <= header) return drop(Verdict::kTooLarge);
  const std::size_t room = options_.mtu - header;
  const std::size_t fragments = (size - header + room - 1) / room;
  return pass(now, size + (fragments - 1) * header, fragments);
}

Link::Passage Link::pass(Time now, std::size_t size, std::size_t fragments) {
  if (fragments == 1 && size > options_.mtu) return drop(Verdict::kTooLarge);

  Time left = now;
  if (options_.rate > 0) {
    const Time start = std::max(now, busy_until_);
    // The queue is full when what stands before the packet and the packet itself take longer to
    // send than `queue_bytes` would.
    left = start + time_on_wire(size, options_.rate);
    if (left - now > time_on_wire(options_.queue_bytes, options_.rate)) {
      return drop(Verdict::kQueueFull);
    }
    busy_until_ = left;
  }
  bool lost = false;
  for (std::size_t i = 0; i < fragments; ++i) lost = loses() || lost;
  if (lost) return drop(Verdict::kLost);

  Passage passage;
  passage.arrival = left + options_.latency;
  if (options_.jitter > Duration::zero()) {
    passage.arrival += Duration(static_cast<Duration::rep>(
        random_.below(static_cast<std::uint64_t>(options_.jitter.count()) + 1)));
  }
  passage.arrival = std::max(passage.arrival, last_arrival_);
  if (happens(options_.reorder)) {
    passage.arrival += options_.reorder_delay;
  } else {
    last_arrival_ = passage.arrival;
  }
  passage.duplicated = happens(options_.duplicate);
  tally_.count(Verdict::kSent);
  return passage;
}

bool Link::loses() {
  bool lost = happens(options_.loss);
  if (options_.burst_loss) {
    const BurstLoss& burst = *options_.burst_loss;
    if (happens(bad_ ? burst.bad_to_good : burst.good_to_bad)) bad_ = !bad_;
    if (happens(bad_ ? burst.loss_when_bad : burst.loss_when_good)) lost = true;
  }
  return lost;
}

}  // namespace floe::net::sim
