#include "floe/net/sim/verdict.h"

namespace floe::net::sim {

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::kSent:
      return "sent";
    case Verdict::kDelivered:
      return "delivered";
    case Verdict::kLost:
      return "lost";
    case Verdict::kQueueFull:
      return "queue full";
    case Verdict::kTooLarge:
      return "larger than the MTU";
    case Verdict::kLinkDown:
      return "link down";
    case Verdict::kNoSuchAddress:
      return "no such address";
    case Verdict::kNoSuchPort:
      return "no such port";
    case Verdict::kBufferFull:
      return "buffer full";
    case Verdict::kNoMapping:
      return "no NAT mapping";
    case Verdict::kFiltered:
      return "filtered by the NAT";
    case Verdict::kNoHairpin:
      return "NAT does not hairpin";
    case Verdict::kNoFreePort:
      return "NAT has no free port";
    case Verdict::kBlocked:
      return "blocked by the firewall";
    case Verdict::kUnsolicited:
      return "unsolicited at the firewall";
    case Verdict::kWrongFamily:
      return "wrong family";
    case Verdict::kTooManyHops:
      return "too many hops";
    case Verdict::kAsleep:
      return "host asleep";
    case Verdict::kNotMember:
      return "not a member of the group";
  }
  return "unknown";
}

}  // namespace floe::net::sim
