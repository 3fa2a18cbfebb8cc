#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace floe::net::sim {

/// What became of a packet at one place of the network.
enum class Verdict : std::uint8_t {
  kSent,           ///< Left a node on one of its attachments, or was passed on by a gateway.
  kDelivered,      ///< Reached a socket, stream or listener.
  kLost,           ///< The link's loss, or burst loss, struck.
  kQueueFull,      ///< The link's queue had no room.
  kTooLarge,       ///< Larger than the link's MTU.
  kLinkDown,       ///< The attachment at one end was down or removed.
  kNoSuchAddress,  ///< Nobody on the subnet has the address, and no gateway leads to it.
  kNoSuchPort,     ///< No socket is bound to the port.
  kBufferFull,     ///< The socket's receive buffer had no room.
  kNoMapping,      ///< A NAT has no mapping for the external endpoint.
  kFiltered,       ///< A NAT has the mapping; its filtering refuses the remote endpoint.
  kNoHairpin,      ///< A NAT that does not hairpin got a packet for its own external address.
  kNoFreePort,     ///< A NAT has no external port left.
  kBlocked,        ///< A firewall's rules refuse the packet.
  kUnsolicited,    ///< A stateful firewall saw no packet of the flow from inside.
  kWrongFamily,    ///< IPv6 at a NAT.
  kTooManyHops,    ///< Forwarded in a circle.
  kAsleep,         ///< The host sleeps.
  kNotMember,      ///< No socket has joined the group that the packet was sent to.
};
inline constexpr std::size_t kVerdicts = static_cast<std::size_t>(Verdict::kNotMember) + 1;

/// A few words, e.g. "lost" or "filtered by the NAT".
std::string_view to_string(Verdict verdict);
constexpr bool is_drop(Verdict verdict) {
  return verdict != Verdict::kSent && verdict != Verdict::kDelivered;
}

/// How many packets met each verdict at one link, subnet, gateway or host.
class Tally {
 public:
  std::uint64_t operator[](Verdict verdict) const {
    return counts_[static_cast<std::size_t>(verdict)];
  }
  std::uint64_t dropped() const {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < kVerdicts; ++i) {
      if (is_drop(static_cast<Verdict>(i))) sum += counts_[i];
    }
    return sum;
  }
  void count(Verdict verdict) { ++counts_[static_cast<std::size_t>(verdict)]; }

 private:
  std::array<std::uint64_t, kVerdicts> counts_{};
};

}  // namespace floe::net::sim
