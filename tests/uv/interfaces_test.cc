#include "floe/net/uv/internal/interfaces.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace floe::net::uv {
namespace {

/// A folder like /sys/class/net.
class Sysfs {
 public:
  Sysfs() {
    std::string name = (std::filesystem::temp_directory_path() / "floe-sysfs-XXXXXX").string();
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    root = name;
  }
  ~Sysfs() { std::filesystem::remove_all(root); }
  void add(const std::string& name, int type, const std::string& folder = "") const {
    std::filesystem::create_directories(root / name / folder);
    std::ofstream(root / name / "type") << type << "\n";
  }
  std::filesystem::path root;
};

TEST(Interfaces, TellsWifiByItsFolderWhateverItIsCalled) {
  const Sysfs sysfs;
  sysfs.add("uplink", 1, "wireless");
  sysfs.add("mesh", 1, "phy80211");
  EXPECT_EQ(interface_kind("uplink", sysfs.root), InterfaceKind::kWifi);
  EXPECT_EQ(interface_kind("mesh", sysfs.root), InterfaceKind::kWifi);
}

TEST(Interfaces, TellsTheKindByTheLinkType) {
  const Sysfs sysfs;
  sysfs.add("uplink", 1);
  sysfs.add("corp0", 65534);
  sysfs.add("dial", 512);
  sysfs.add("back", 772);
  sysfs.add("odd", 4711);
  EXPECT_EQ(interface_kind("uplink", sysfs.root), InterfaceKind::kEthernet);
  EXPECT_EQ(interface_kind("corp0", sysfs.root), InterfaceKind::kVpn);
  EXPECT_EQ(interface_kind("dial", sysfs.root), InterfaceKind::kVpn);
  EXPECT_EQ(interface_kind("back", sysfs.root), InterfaceKind::kLoopback);
  EXPECT_EQ(interface_kind("odd", sysfs.root), InterfaceKind::kUnknown);
}

TEST(Interfaces, BelievesATellingNameBeforeTheLinkType) {
  const Sysfs sysfs;
  sysfs.add("wwan0", 1);
  sysfs.add("tap0", 1);
  EXPECT_EQ(interface_kind("wwan0", sysfs.root), InterfaceKind::kCellular);
  EXPECT_EQ(interface_kind("tap0", sysfs.root), InterfaceKind::kVpn);
}

TEST(Interfaces, GoesByTheNameWhereTheSystemSaysNothing) {
  const Sysfs sysfs;
  EXPECT_EQ(interface_kind("en0", sysfs.root), InterfaceKind::kEthernet);
  EXPECT_EQ(interface_kind("eth0:1", sysfs.root), InterfaceKind::kEthernet);
  EXPECT_EQ(interface_kind("wlan0", sysfs.root), InterfaceKind::kWifi);
  EXPECT_EQ(interface_kind("utun3", sysfs.root), InterfaceKind::kVpn);
  EXPECT_EQ(interface_kind("rmnet_data0", sysfs.root), InterfaceKind::kCellular);
  EXPECT_EQ(interface_kind("br-1234", sysfs.root), InterfaceKind::kUnknown);
}

TEST(Interfaces, ListsLoopbackWithItsPrefixLength) {
  const auto interfaces = list_interfaces();
  ASSERT_TRUE(interfaces) << interfaces.error().message;
  bool found = false;
  for (const Interface& each : *interfaces) {
    if (each.address != Address::v4(127, 0, 0, 1)) continue;
    found = true;
    EXPECT_EQ(each.prefix_length, 8);
    EXPECT_EQ(each.kind, InterfaceKind::kLoopback);
  }
  EXPECT_TRUE(found);
}

}  // namespace
}  // namespace floe::net::uv
