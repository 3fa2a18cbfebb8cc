#include "floe/net/uv/internal/routes.h"

#ifndef _WIN32
#include <net/if.h>
#endif

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>
#include <string_view>

namespace floe::net::uv {
namespace {

/// Default routes a machine may have: more than its interfaces is a broken table.
constexpr std::size_t kMaxRoutes = 64;
/// RTF_UP and RTF_GATEWAY of <net/route.h>.
constexpr std::uint32_t kUp = 0x1;
constexpr std::uint32_t kGateway = 0x2;

struct Ranked {
  DefaultRoute route;
  std::uint32_t metric;
};

std::optional<std::uint32_t> parse_hex(std::string_view text) {
  if (text.empty() || text.size() > 8) return std::nullopt;
  std::uint32_t value = 0;
  for (const char c : text) {
    const std::string_view digits = "0123456789abcdef";
    const char lower = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
    const std::size_t digit = digits.find(lower);
    if (digit == std::string_view::npos) return std::nullopt;
    value = value << 4 | static_cast<std::uint32_t>(digit);
  }
  return value;
}

/// 32 hexadecimal digits.
std::optional<Address> parse_v6(std::string_view text, std::uint32_t scope_id) {
  if (text.size() != 32) return std::nullopt;
  std::array<std::uint8_t, 16> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto byte = parse_hex(text.substr(2 * i, 2));
    if (!byte) return std::nullopt;
    bytes[i] = static_cast<std::uint8_t>(*byte);
  }
  const Address plain = Address::v6(bytes);
  return plain.is_link_local() ? Address::v6(bytes, scope_id) : plain;
}

std::vector<DefaultRoute> by_metric(std::vector<Ranked> ranked) {
  std::ranges::stable_sort(ranked, {}, &Ranked::metric);
  std::vector<DefaultRoute> routes;
  for (Ranked& each : ranked) routes.push_back(std::move(each.route));
  return routes;
}

}  // namespace

std::vector<DefaultRoute> parse_ipv4_routes(std::istream& table) {
  std::vector<Ranked> found;
  for (std::string line; found.size() < kMaxRoutes && std::getline(table, line);) {
    std::istringstream fields(line);
    std::string interface, destination, gateway, flags, references, uses, mask;
    std::uint32_t metric = 0;
    fields >> interface >> destination >> gateway >> flags >> references >> uses >> metric >> mask;
    const auto flag_bits = parse_hex(flags);
    const auto next_hop = parse_hex(gateway);
    if (!fields || !flag_bits || !next_hop || (*flag_bits & kUp) == 0) continue;
    if ((*flag_bits & kGateway) == 0 || parse_hex(destination) != 0u || parse_hex(mask) != 0u) {
      continue;
    }
    // The kernel prints the word as it lies in memory.
    const auto bytes = std::bit_cast<std::array<std::uint8_t, 4>>(*next_hop);
    found.push_back({{Address::v4(std::span<const std::uint8_t, 4>(bytes)), interface}, metric});
  }
  return by_metric(std::move(found));
}

std::vector<DefaultRoute> parse_ipv6_routes(std::istream& table, const IndexOf& index_of) {
  std::vector<Ranked> found;
  for (std::string line; found.size() < kMaxRoutes && std::getline(table, line);) {
    std::istringstream fields(line);
    std::string destination, length, source, source_length, gateway, metric, references, uses,
        flags, interface;
    fields >> destination >> length >> source >> source_length >> gateway >> metric >> references >>
        uses >> flags >> interface;
    const auto flag_bits = parse_hex(flags);
    const auto rank = parse_hex(metric);
    if (!fields || !flag_bits || !rank || parse_hex(length) != 0u) continue;
    if ((*flag_bits & kUp) == 0 || (*flag_bits & kGateway) == 0) continue;
    const auto next_hop = parse_v6(gateway, index_of(interface));
    if (!next_hop || next_hop->is_unspecified()) continue;
    found.push_back({{*next_hop, interface}, *rank});
  }
  return by_metric(std::move(found));
}

std::vector<DefaultRoute> list_default_routes() {
  std::vector<DefaultRoute> routes;
#ifdef __linux__
  // A thread may live in a network namespace of its own.
  std::ifstream ipv4("/proc/thread-self/net/route");
  routes = parse_ipv4_routes(ipv4);
  std::ifstream ipv6("/proc/thread-self/net/ipv6_route");
  const auto index_of = [](const std::string& name) { return if_nametoindex(name.c_str()); };
  std::ranges::move(parse_ipv6_routes(ipv6, index_of), std::back_inserter(routes));
#endif
  return routes;
}

}  // namespace floe::net::uv
