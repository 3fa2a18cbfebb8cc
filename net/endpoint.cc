#include "floe/net/endpoint.h"

#include <algorithm>
#include <cstring>

#include "floe/core/text.h"

namespace floe::net {
namespace {

std::optional<std::array<std::uint8_t, 4>> parse_v4(std::string_view text) {
  const auto parts = split(text, '.');
  if (parts.size() != 4) return std::nullopt;
  std::array<std::uint8_t, 4> bytes{};
  for (std::size_t i = 0; i < 4; ++i) {
    // Leading zeros are refused: some programs read them as octal.
    if (parts[i].size() > 1 && parts[i].front() == '0') return std::nullopt;
    const auto value = parse_decimal<std::uint8_t>(parts[i]);
    if (!value) return std::nullopt;
    bytes[i] = *value;
  }
  return bytes;
}

// Appends the groups of one side of a "::" to `groups`; false if the text is no such list.
bool parse_groups(std::string_view text, std::vector<std::uint16_t>& groups) {
  if (text.empty()) return true;
  const auto parts = split(text, ':');
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i + 1 == parts.size() && parts[i].find('.') != std::string_view::npos) {
      const auto v4 = parse_v4(parts[i]);
      if (!v4) return false;
      groups.push_back(static_cast<std::uint16_t>((*v4)[0] << 8 | (*v4)[1]));
      groups.push_back(static_cast<std::uint16_t>((*v4)[2] << 8 | (*v4)[3]));
      continue;
    }
    if (parts[i].empty() || parts[i].size() > 4) return false;
    std::uint16_t value = 0;
    const auto [end, error] =
        std::from_chars(parts[i].data(), parts[i].data() + parts[i].size(), value, 16);
    if (error != std::errc() || end != parts[i].data() + parts[i].size()) return false;
    groups.push_back(value);
  }
  return true;
}

std::optional<std::array<std::uint8_t, 16>> parse_v6(std::string_view text) {
  if (text.size() > 45) return std::nullopt;
  std::vector<std::uint16_t> head;
  std::vector<std::uint16_t> tail;
  const std::size_t gap = text.find("::");
  if (gap == std::string_view::npos) {
    if (!parse_groups(text, head) || head.size() != 8) return std::nullopt;
  } else {
    if (!parse_groups(text.substr(0, gap), head)) return std::nullopt;
    if (!parse_groups(text.substr(gap + 2), tail)) return std::nullopt;
    if (head.size() + tail.size() > 7) return std::nullopt;
  }
  std::array<std::uint8_t, 16> bytes{};
  const auto put = [&bytes](std::size_t at, std::uint16_t value) {
    bytes[2 * at] = static_cast<std::uint8_t>(value >> 8);
    bytes[2 * at + 1] = static_cast<std::uint8_t>(value);
  };
  for (std::size_t i = 0; i < head.size(); ++i) put(i, head[i]);
  for (std::size_t i = 0; i < tail.size(); ++i) put(8 - tail.size() + i, tail[i]);
  return bytes;
}

std::string v4_text(const std::uint8_t* bytes) {
  std::string out;
  for (int i = 0; i < 4; ++i) {
    if (i > 0) out += '.';
    out += std::to_string(bytes[i]);
  }
  return out;
}

std::string group_text(std::uint16_t group) {
  char buffer[4];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, group, 16).ptr;
  return {buffer, end};
}

}  // namespace

Address Address::v4(std::span<const std::uint8_t, 4> bytes) {
  return v4(bytes[0], bytes[1], bytes[2], bytes[3]);
}

Address Address::v6(std::span<const std::uint8_t, 16> bytes, std::uint32_t scope_id) {
  Address address;
  std::copy(bytes.begin(), bytes.end(), address.bytes_.begin());
  address.scope_id_ = scope_id;
  address.family_ = Family::kIpv6;
  return address;
}

std::optional<Address> Address::parse(std::string_view text) {
  if (const auto bytes = parse_v4(text)) return v4(std::span(*bytes));
  if (const auto bytes = parse_v6(text)) return v6(std::span(*bytes));
  return std::nullopt;
}

Address Address::unspecified(Family family) {
  Address address;
  address.family_ = family;
  return address;
}

bool Address::is_unspecified() const {
  return std::all_of(bytes_.begin(), bytes_.end(), [](std::uint8_t b) { return b == 0; });
}

bool Address::is_loopback() const {
  if (is_v4()) return bytes_[0] == 127;
  return bytes_[15] == 1 &&
         std::all_of(bytes_.begin(), bytes_.end() - 1, [](std::uint8_t b) { return b == 0; });
}

bool Address::is_link_local() const {
  if (is_v4()) return bytes_[0] == 169 && bytes_[1] == 254;
  return bytes_[0] == 0xfe && (bytes_[1] & 0xc0) == 0x80;
}

bool Address::is_private() const {
  if (is_v6()) return (bytes_[0] & 0xfe) == 0xfc;
  return bytes_[0] == 10 || (bytes_[0] == 172 && (bytes_[1] & 0xf0) == 16) ||
         (bytes_[0] == 192 && bytes_[1] == 168) || (bytes_[0] == 100 && (bytes_[1] & 0xc0) == 64);
}

bool Address::is_multicast() const {
  return is_v4() ? (bytes_[0] & 0xf0) == 0xe0 : bytes_[0] == 0xff;
}

bool Address::is_broadcast() const {
  return is_v4() &&
         std::all_of(bytes_.begin(), bytes_.begin() + 4, [](std::uint8_t b) { return b == 0xff; });
}

bool Address::is_v4_mapped() const {
  return is_v6() && bytes_[10] == 0xff && bytes_[11] == 0xff &&
         std::all_of(bytes_.begin(), bytes_.begin() + 10, [](std::uint8_t b) { return b == 0; });
}

std::string Address::to_string() const {
  if (is_v4()) return v4_text(bytes_.data());
  if (is_v4_mapped()) return "::ffff:" + v4_text(bytes_.data() + 12);
  std::array<std::uint16_t, 8> groups;
  for (std::size_t i = 0; i < 8; ++i) {
    groups[i] = static_cast<std::uint16_t>(bytes_[2 * i] << 8 | bytes_[2 * i + 1]);
  }
  // RFC 5952 section 4.2: "::" stands for the longest run of zero groups, the first among equals,
  // never for a single group.
  std::size_t best_start = 8;
  std::size_t best_length = 1;
  for (std::size_t i = 0; i < 8;) {
    std::size_t end = i;
    while (end < 8 && groups[end] == 0) ++end;
    if (end - i > best_length) best_start = i, best_length = end - i;
    i = end + 1;
  }
  std::string out;
  for (std::size_t i = 0; i < 8;) {
    if (i == best_start) {
      out += "::";
      i += best_length;
      continue;
    }
    if (!out.empty() && out.back() != ':') out += ':';
    out += group_text(groups[i++]);
  }
  return out;
}

std::size_t Address::hash() const {
  std::uint64_t words[2];
  std::memcpy(words, bytes_.data(), sizeof words);
  std::uint64_t mixed = words[0] ^ scope_id_ ^ static_cast<std::uint64_t>(family_) << 40;
  mixed = (mixed ^ words[1] * 0x9e3779b97f4a7c15) * 0xbf58476d1ce4e5b9;
  return static_cast<std::size_t>(mixed ^ mixed >> 29);
}

std::optional<Endpoint> Endpoint::parse(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const auto port = parse_decimal<std::uint16_t>(text.substr(colon + 1));
  if (!port) return std::nullopt;
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto address = Address::parse(host);
  if (!address || address->is_v6() != bracketed) return std::nullopt;
  return Endpoint{*address, *port};
}

std::string Endpoint::to_string() const {
  const std::string host = address.to_string();
  return (address.is_v6() ? '[' + host + ']' : host) + ':' + std::to_string(port);
}

std::size_t Endpoint::hash() const {
  return address.hash() * 31 + port;
}

}  // namespace floe::net
