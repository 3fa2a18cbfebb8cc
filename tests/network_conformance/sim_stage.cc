#include "floe/net/sim/world.h"
#include "tests/network_conformance/stage.h"

namespace floe::net::conformance {
namespace {

constexpr Duration kPatience = std::chrono::seconds(10);
constexpr std::uint64_t kSeed = 114;

sim::InterfaceOptions ethernet_for_any_packet(sim::Subnet& lan) {
  sim::InterfaceOptions options;
  options.on = &lan;
  options.stack = sim::Stack::kDual;
  options.link.mtu = 65'535;
  return options;
}

/// Two hosts on one simulated segment.
class TwoHosts final : public Stage {
 public:
  Network& alice() override { return alice_; }
  Network& bob() override { return bob_; }
  Address alice_address(Family family) override { return alice_.address(family); }
  Address bob_address(Family family) override { return bob_.address(family); }
  std::vector<Family> families() override { return {Family::kIpv4, Family::kIpv6}; }
  std::string failing_name() override { return "nobody.invalid"; }
  bool run_until(const std::function<bool()>& done) override {
    return world_.run_until(done, kPatience);
  }

 private:
  sim::World world_{kSeed};
  sim::Subnet& lan_ = world_.add_subnet({.name = "lan",
                                         .ipv4 = sim::AddressBlock::parse("10.0.0.0/24"),
                                         .ipv6 = sim::AddressBlock::parse("2001:db8:1::/64")});
  sim::Host& alice_ = world_.add_host("alice", ethernet_for_any_packet(lan_));
  sim::Host& bob_ = world_.add_host("bob", ethernet_for_any_packet(lan_));
};

std::unique_ptr<Stage> open_two_hosts() {
  return std::make_unique<TwoHosts>();
}

}  // namespace

std::vector<Implementation> implementations() {
  return {{"Sim", open_two_hosts}};
}

}  // namespace floe::net::conformance
