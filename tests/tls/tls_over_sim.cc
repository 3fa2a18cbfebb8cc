#include "floe/net/sim/world.h"
#include "tests/network_conformance/stage.h"
#include "tests/tls/tls_network.h"

// The conformance suite of streams, over TLS in the simulator.
namespace floe::net::conformance {
namespace {

class TlsHosts final : public Stage {
 public:
  Network& alice() override { return alice_tls_; }
  Network& bob() override { return bob_tls_; }
  Address alice_address(Family family) override { return alice_.address(family); }
  Address bob_address(Family family) override { return bob_.address(family); }
  std::vector<Family> families() override { return {Family::kIpv4, Family::kIpv6}; }
  std::string failing_name() override { return "nobody.invalid"; }
  bool run_until(const std::function<bool()>& done) override {
    return world_.run_until(done, std::chrono::seconds(10));
  }

 private:
  sim::World world_{2246};
  sim::Host& alice_ = world_.add_host("alice", {.stack = sim::Stack::kDual});
  sim::Host& bob_ = world_.add_host("bob", {.stack = sim::Stack::kDual});
  tls::testing::Authority authority_{"An authority", alice_.wall_clock()};
  tls::testing::TlsNetwork alice_tls_{alice_, authority_, "bob.example"};
  tls::testing::TlsNetwork bob_tls_{bob_, authority_, "bob.example"};
};

}  // namespace

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(NetworkConformance);

std::vector<Implementation> implementations() {
  return {{"TlsOverSim", []() -> std::unique_ptr<Stage> { return std::make_unique<TlsHosts>(); }}};
}

}  // namespace floe::net::conformance
