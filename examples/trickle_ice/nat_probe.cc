#include "nat_probe.h"

#include <algorithm>
#include <utility>

namespace trickle_ice {

using floe::net::Address;
using floe::stun::NatDiscoveryRun;

NatProbe::NatProbe(floe::net::Network& network, std::vector<floe::ice::Server> servers, Done done)
    : network_(network), servers_(std::move(servers)), done_(std::move(done)) {
  look_up(0);
}

void NatProbe::look_up(std::size_t index) {
  lookup_ = network_.lookup(servers_[index].host, [this, index](floe::Result<std::vector<Address>>
                                                                    addresses) {
    if (!addresses) return done_(floe::forward(addresses));
    // NATs are an affair of IPv4, where there is a choice.
    const auto v4 = std::find_if(addresses->begin(), addresses->end(),
                                 [](const Address& address) { return address.is_v4(); });
    endpoints_.push_back({v4 != addresses->end() ? *v4 : addresses->front(), servers_[index].port});
    if (index + 1 < std::min<std::size_t>(servers_.size(), 2)) return look_up(index + 1);
    begin();
  });
}

void NatProbe::begin() {
  NatDiscoveryRun::Configuration configuration;
  configuration.discovery.server = endpoints_.front();
  const auto family = endpoints_.front().address.family();
  if (endpoints_.size() > 1 && endpoints_[1].address.family() == family) {
    configuration.discovery.second_server = endpoints_[1];
  }
  configuration.discovery.tests.push_back(floe::stun::NatTest::kFragments);
  configuration.on_done = [this](const floe::stun::NatReport& report) { done_(report); };
  auto run = NatDiscoveryRun::start(network_, std::move(configuration));
  if (!run) return done_(floe::forward(run));
  run_ = std::move(*run);
}

}  // namespace trickle_ice
