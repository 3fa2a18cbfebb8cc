#include "floe/mdns/link.h"

#include <algorithm>

#include "floe/mdns/message.h"

namespace floe::mdns {
namespace {

bool shares_prefix(Bytes a, Bytes b, unsigned bits) {
  if (a.size() != b.size() || bits > a.size() * 8) return false;
  const std::size_t whole = bits / 8;
  if (!std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(whole), b.begin())) {
    return false;
  }
  const unsigned rest = bits % 8;
  return rest == 0 || ((a[whole] ^ b[whole]) & (0xff00u >> rest) & 0xff) == 0;
}

}  // namespace

net::Endpoint Link::group() const {
  return {mdns::group(family), kPort};
}

bool Link::owns(const net::Address& address) const {
  return std::ranges::any_of(addresses, [&](const net::Interface& one) {
    return std::ranges::equal(one.address.bytes(), address.bytes());
  });
}

bool Link::is_on_link(const net::Address& source) const {
  if (source.is_v6() && source.is_link_local()) {
    return source.scope_id() == 0 || scope_id() == 0 || source.scope_id() == scope_id();
  }
  return std::ranges::any_of(addresses, [&](const net::Interface& one) {
    return shares_prefix(one.address.bytes(), source.bytes(), one.prefix_length);
  });
}

std::uint32_t Link::scope_id() const {
  for (const net::Interface& one : addresses) {
    if (one.address.scope_id() != 0) return one.address.scope_id();
  }
  return 0;
}

}  // namespace floe::mdns
