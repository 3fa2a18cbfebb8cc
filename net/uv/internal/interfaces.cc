#include "floe/net/uv/internal/interfaces.h"

#include <uv.h>

#include <bit>
#include <fstream>
#include <optional>
#include <string>

#include "floe/net/uv/internal/errors.h"
#include "floe/net/uv/internal/system_address.h"

namespace floe::net::uv {
namespace {

struct NamedKind {
  std::string_view prefix;
  InterfaceKind kind;
};

// The customs of Linux, Android, the BSDs and Apple's systems.
constexpr NamedKind kByName[] = {
    {"wwan", InterfaceKind::kCellular},  {"wwp", InterfaceKind::kCellular},
    {"rmnet", InterfaceKind::kCellular}, {"pdp_ip", InterfaceKind::kCellular},
    {"ccmni", InterfaceKind::kCellular}, {"tun", InterfaceKind::kVpn},
    {"tap", InterfaceKind::kVpn},        {"utun", InterfaceKind::kVpn},
    {"wg", InterfaceKind::kVpn},         {"ipsec", InterfaceKind::kVpn},
    {"ppp", InterfaceKind::kVpn},        {"tailscale", InterfaceKind::kVpn},
    {"zt", InterfaceKind::kVpn},         {"wl", InterfaceKind::kWifi},
    {"en", InterfaceKind::kEthernet},    {"eth", InterfaceKind::kEthernet},
};

InterfaceKind kind_by_name(std::string_view name) {
  for (const NamedKind& named : kByName) {
    if (name.starts_with(named.prefix)) return named.kind;
  }
  return InterfaceKind::kUnknown;
}

/// The link type of <linux/if_arp.h>.
InterfaceKind kind_by_link_type(int type) {
  switch (type) {
    case 1:  // ARPHRD_ETHER
      return InterfaceKind::kEthernet;
    case 512:    // ARPHRD_PPP
    case 768:    // ARPHRD_TUNNEL
    case 769:    // ARPHRD_TUNNEL6
    case 776:    // ARPHRD_SIT
    case 778:    // ARPHRD_IPGRE
    case 65534:  // ARPHRD_NONE: tun, WireGuard
      return InterfaceKind::kVpn;
    case 772:  // ARPHRD_LOOPBACK
      return InterfaceKind::kLoopback;
    case 801:  // ARPHRD_IEEE80211
      return InterfaceKind::kWifi;
    default:
      return InterfaceKind::kUnknown;
  }
}

std::uint8_t prefix_length(const Address& netmask) {
  int bits = 0;
  for (const std::uint8_t byte : netmask.bytes()) {
    bits += std::countl_one(byte);
    if (byte != 0xff) break;
  }
  return static_cast<std::uint8_t>(bits);
}

}  // namespace

InterfaceKind interface_kind(std::string_view name, const std::filesystem::path& sysfs) {
  const InterfaceKind by_name = kind_by_name(name);
  // Modems and tap tunnels look like Ethernet, so a telling name comes first.
  if (by_name != InterfaceKind::kUnknown && by_name != InterfaceKind::kEthernet) return by_name;
  std::error_code missing;
  const std::filesystem::path folder = sysfs / name;
  if (std::filesystem::exists(folder / "wireless", missing) ||
      std::filesystem::exists(folder / "phy80211", missing)) {
    return InterfaceKind::kWifi;
  }
  int type = 0;
  if (std::ifstream(folder / "type") >> type) {
    const InterfaceKind by_type = kind_by_link_type(type);
    if (by_type != InterfaceKind::kUnknown) return by_type;
  }
  return by_name;
}

Result<std::vector<Interface>> list_interfaces() {
  uv_interface_address_t* listed = nullptr;
  int count = 0;
  if (const int status = uv_interface_addresses(&listed, &count); status < 0) {
    return fail_with(status, "cannot list the network interfaces");
  }
  std::vector<Interface> interfaces;
  for (int i = 0; i < count; ++i) {
    const uv_interface_address_t& each = listed[i];
    const auto* address = reinterpret_cast<const sockaddr*>(&each.address);
    if (address->sa_family != AF_INET && address->sa_family != AF_INET6) continue;
    Interface interface;
    interface.name = each.name;
    interface.address = from_system(address).address;
    interface.prefix_length =
        prefix_length(from_system(reinterpret_cast<const sockaddr*>(&each.netmask)).address);
    interface.kind = each.is_internal != 0 ? InterfaceKind::kLoopback
                                           : interface_kind(interface.name, "/sys/class/net");
    interfaces.push_back(std::move(interface));
  }
  uv_free_interface_addresses(listed, count);
  return interfaces;
}

}  // namespace floe::net::uv
