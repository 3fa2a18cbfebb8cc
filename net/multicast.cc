#include "floe/net/multicast.h"

namespace floe::net {

Result<> Multicast::check(Family family) const {
  if (groups.size() > kMaxGroups) {
    return fail(Errc::kLimitExceeded, "a socket joins " + std::to_string(kMaxGroups) +
                                          " multicast groups at most, not " +
                                          std::to_string(groups.size()));
  }
  for (const Address& group : groups) {
    if (!group.is_multicast()) {
      return fail(Errc::kInvalidArgument, group.to_string() + " is not a multicast group");
    }
    if (group.family() != family) {
      return fail(Errc::kInvalidArgument, "the multicast group " + group.to_string() +
                                              " is not of the family the socket is bound to");
    }
  }
  return {};
}

}  // namespace floe::net
