#include "floe/net/sim/dns.h"

#include <algorithm>
#include <utility>

#include "floe/core/text.h"

namespace floe::net::sim {

Dns::Dns() {
  add(Nat64Prefix::kDiscoveryName,
      {std::begin(Nat64Prefix::kDiscoveryAddresses), std::end(Nat64Prefix::kDiscoveryAddresses)});
}

void Dns::add(std::string_view name, std::vector<Address> addresses, Duration latency) {
  names_[to_lower(name)] = {std::move(addresses), std::nullopt, latency};
}

void Dns::fail(std::string_view name, DnsFailure failure, Duration latency) {
  names_[to_lower(name)] = {{}, failure, latency};
}

void Dns::remove(std::string_view name) {
  names_.erase(to_lower(name));
}

Dns::Answer Dns::resolve(std::string_view name) const {
  if (const auto literal = Address::parse(name)) return {{*literal}, std::nullopt, {}, true};
  if (equals_ignoring_case(name, "localhost")) {
    return {{*Address::parse("::1"), Address::v4(127, 0, 0, 1)}, std::nullopt, {}, true};
  }
  const auto found = names_.find(to_lower(name));
  if (found != names_.end()) return found->second;
  return {{}, DnsFailure::kNoSuchName, kDefaultLatency};
}

Dns::Answer Dns::resolve(std::string_view name, const Nat64Prefix& dns64) const {
  Answer answer = resolve(name);
  if (answer.is_local || std::ranges::any_of(answer.addresses, &Address::is_v6)) return answer;
  std::vector<Address> both;
  for (const Address& address : answer.addresses) both.push_back(dns64.embed(address));
  both.insert(both.end(), answer.addresses.begin(), answer.addresses.end());
  answer.addresses = std::move(both);
  return answer;
}

}  // namespace floe::net::sim
