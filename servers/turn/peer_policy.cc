#include "floe/servers/turn/peer_policy.h"

#include <algorithm>
#include <array>
#include <utility>

#include "floe/core/text.h"

namespace floe::server {
namespace {

bool any_contains(const std::vector<AddressRange>& ranges, const net::Address& address) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [&](const AddressRange& range) { return range.contains(address); });
}

bool begins_with(const net::Address& address, std::initializer_list<std::uint8_t> prefix) {
  return address.is_v6() && std::equal(prefix.begin(), prefix.end(), address.bytes().begin());
}

/// The IPv4 address in bytes 12 to 15 of an IPv6 address.
net::Address last_four_bytes(const net::Address& address) {
  return net::Address::v4(address.bytes().subspan<12, 4>());
}

}  // namespace

std::optional<AddressRange> AddressRange::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::optional<net::Address> address = net::Address::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  const auto bits = static_cast<std::uint8_t>(address->bytes().size() * 8);
  if (slash == std::string_view::npos) return AddressRange{*address, bits};
  const auto length = parse_decimal<std::uint8_t>(text.substr(slash + 1));
  if (!length || *length > bits) return std::nullopt;
  return AddressRange{*address, *length};
}

bool AddressRange::contains(const net::Address& address) const {
  if (address.family() != first.family()) return false;
  const Bytes a = first.bytes();
  const Bytes b = address.bytes();
  const std::size_t whole = prefix_length / 8;
  if (!std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(whole), b.begin())) {
    return false;
  }
  const int rest = prefix_length % 8;
  return rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

PeerPolicy::PeerPolicy(Configuration configuration, std::vector<net::Address> own)
    : configuration_(std::move(configuration)), own_(std::move(own)) {}

bool PeerPolicy::denies_explicitly(const net::Address& peer) const {
  return any_contains(configuration_.deny, peer);
}

bool PeerPolicy::allows_explicitly(const net::Address& peer) const {
  return !denies_explicitly(peer) && any_contains(configuration_.allow, peer);
}

bool PeerPolicy::allows(const net::Address& peer) const {
  if (denies_explicitly(peer)) return false;
  return any_contains(configuration_.allow, peer) || !is_refused_by_default(peer);
}

bool PeerPolicy::is_refused_by_default(const net::Address& peer) const {
  const bool nobody = peer.is_unspecified() || peer.is_multicast() || peer.is_broadcast() ||
                      (peer.is_v4() && (peer.bytes()[0] == 0 || peer.bytes()[0] >= 240));
  if (nobody || peer.is_loopback() || peer.is_link_local()) return true;
  if (peer.is_private() && !configuration_.allow_private) return true;
  // Teredo, 6to4: MUST NOT be accepted (RFC 8656 section 21.4).
  if (begins_with(peer, {0x20, 0x01, 0, 0}) || begins_with(peer, {0x20, 0x02})) return true;
  // The socket would reach the IPv4 address inside, past every check above.
  if (peer.is_v4_mapped()) return true;
  // NAT64 (RFC 6052): what the IPv4 address is refused, its translation is.
  const bool is_nat64 = begins_with(peer, {0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0});
  if (is_nat64 && !allows(last_four_bytes(peer))) return true;
  return std::find(own_.begin(), own_.end(), peer) != own_.end();
}

}  // namespace floe::server
