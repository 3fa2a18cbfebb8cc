#include "floe/ice/address_rewrite.h"

#include <algorithm>
#include <string>

namespace floe::ice {

bool AddressRewrite::matches(const net::Endpoint& endpoint) const {
  if (endpoint.family() != local.family()) return false;
  if (local_port != 0 && local_port != endpoint.port) return false;
  const Bytes ours = local.bytes();
  const Bytes theirs = endpoint.address.bytes();
  std::size_t bits = prefix_length ? *prefix_length : ours.size() * 8;
  for (std::size_t i = 0; i < ours.size() && bits > 0; ++i) {
    const std::size_t here = std::min<std::size_t>(bits, 8);
    const auto mask = static_cast<std::uint8_t>(0xff00u >> here);
    if ((ours[i] & mask) != (theirs[i] & mask)) return false;
    bits -= here;
  }
  return true;
}

net::Endpoint AddressRewrite::apply(const net::Endpoint& endpoint) const {
  return {external, external_port != 0 ? external_port : endpoint.port};
}

const AddressRewrite* find_rewrite(std::span<const AddressRewrite> rewrites,
                                   const net::Endpoint& endpoint) {
  const auto it = std::find_if(rewrites.begin(), rewrites.end(),
                               [&](const AddressRewrite& rule) { return rule.matches(endpoint); });
  return it == rewrites.end() ? nullptr : &*it;
}

Result<> validate(std::span<const AddressRewrite> rewrites) {
  for (const AddressRewrite& rule : rewrites) {
    const std::string name =
        "address rewrite " + rule.local.to_string() + " -> " + rule.external.to_string() + ": ";
    if (rule.local.family() != rule.external.family()) {
      return fail(Errc::kInvalidArgument, name + "an IPv4 and an IPv6 address");
    }
    if (rule.prefix_length && *rule.prefix_length > rule.local.bytes().size() * 8) {
      return fail(Errc::kInvalidArgument, name + "the prefix is longer than the address");
    }
    if (rule.external.is_unspecified() || rule.external.is_multicast() ||
        rule.external.is_broadcast()) {
      return fail(Errc::kInvalidArgument, name + "nobody can be reached at the external address");
    }
  }
  return {};
}

}  // namespace floe::ice
