#include "floe/net/sim/address_block.h"

#include <algorithm>
#include <array>

#include "floe/core/text.h"

namespace floe::net::sim {

std::optional<AddressBlock> AddressBlock::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto base = Address::parse(text.substr(0, slash));
  const auto length = parse_decimal<std::uint8_t>(text.substr(slash + 1));
  if (!base || !length || *length > base->bytes().size() * 8) return std::nullopt;
  return AddressBlock{*base, *length};
}

bool AddressBlock::contains(const Address& address) const {
  if (address.family() != family()) return false;
  const Bytes ours = base.bytes();
  const Bytes theirs = address.bytes();
  const std::size_t whole = length / 8u;
  if (!std::equal(ours.begin(), ours.begin() + static_cast<std::ptrdiff_t>(whole),
                  theirs.begin())) {
    return false;
  }
  const unsigned rest = length % 8u;
  return rest == 0 || (ours[whole] ^ theirs[whole]) >> (8 - rest) == 0;
}

std::optional<Address> AddressBlock::at(std::uint32_t index) const {
  std::array<std::uint8_t, 16> bytes{};
  const std::size_t size = base.bytes().size();
  std::ranges::copy(base.bytes(), bytes.begin());
  std::uint64_t carry = index;
  for (std::size_t i = size; i-- > 0 && carry > 0;) {
    carry += bytes[i];
    bytes[i] = static_cast<std::uint8_t>(carry);
    carry >>= 8;
  }
  const Address address = base.is_v4() ? Address::v4(std::span(bytes).first<4>())
                                       : Address::v6(std::span<const std::uint8_t, 16>(bytes));
  if (carry > 0 || !contains(address)) return std::nullopt;
  return address;
}

}  // namespace floe::net::sim
