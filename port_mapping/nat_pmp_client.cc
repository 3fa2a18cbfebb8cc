#include "floe/port_mapping/nat_pmp_client.h"

#include <algorithm>
#include <utility>

namespace floe::port_mapping {
namespace {

constexpr Duration kMaxRestartDelay = std::chrono::seconds(1);  // As with PCP.

}  // namespace

NatPmpClient::NatPmpClient(const Request& request, Random& random)
    : request_(request), random_(random) {}

void NatPmpClient::start(Time now) {
  state_ = State::kProbing;
  asks_address_ = true;
  retries_.start(now);
}

void NatPmpClient::map(Time now) {
  if (state_ != State::kReady) return;
  state_ = State::kMapping;
  asks_address_ = false;
  retries_.start(now);
}

void NatPmpClient::release(Time now) {
  if (state_ == State::kMapped || state_ == State::kMapping) {
    state_ = State::kReleasing;
    clock_.stop();
    asks_address_ = false;
    retries_.start(now);
  } else if (state_ != State::kReleasing) {
    retries_.stop();
    state_ = State::kReleased;
  }
}

void NatPmpClient::give_up(std::string why) {
  if (state_ == State::kReleasing || state_ == State::kReleased) {
    state_ = State::kReleased;
  } else {
    if (error_.empty()) error_ = std::move(why);  // What went wrong first.
    state_ = State::kFailed;
    lease_.reset();
  }
  clock_.stop();
  retries_.stop();
}

bool NatPmpClient::handle_packet(Time now, Bytes packet) {
  const std::optional<nat_pmp::Response> response = nat_pmp::Response::parse(packet);
  if (!response) return false;
  const bool restarted = epoch_.has_restarted(now, response->epoch);
  if (response->result != nat_pmp::kSuccess) {
    handle_refusal(now, *response);
  } else if (response->address) {
    handle_address(now, *response);
  } else if (response->map) {
    handle_map(now, *response->map);
  }
  if (restarted && state_ == State::kMapped && !retries_.running()) {
    clock_.renew_soon(now + Duration(static_cast<Duration::rep>(random_.below(
                                static_cast<std::uint64_t>(kMaxRestartDelay.count())))));
  }
  return true;
}

void NatPmpClient::handle_refusal(Time now, const nat_pmp::Response& response) {
  // The answer to a request of PCP that the router does not know is for that engine.
  if (response.result == nat_pmp::kUnsupportedVersion || !retries_.running()) return;
  if (asks_address_ != (response.opcode == nat_pmp::kAddressOpcode)) return;
  if (state_ != State::kMapped) return give_up(nat_pmp::describe_result(response.result));
  retries_.stop();
  clock_.missed(now);
}

void NatPmpClient::handle_address(Time now, const nat_pmp::Response& response) {
  if (!asks_address_ || !retries_.running()) {
    // RFC 6886 section 3.2.1: the router announces an address; a new one is a new mapping.
    if (state_ == State::kMapped && !retries_.running() && *response.address != address_) {
      clock_.renew_soon(now);
    }
    return;
  }
  if (response.address->is_unspecified()) {
    if (state_ == State::kProbing) return give_up("has no address outside");
    retries_.stop();
    return clock_.missed(now);
  }
  address_ = *response.address;
  if (state_ == State::kProbing) {
    retries_.stop();
    state_ = State::kReady;
  } else {
    asks_address_ = false;
    retries_.start(now);
  }
}

void NatPmpClient::handle_map(Time now, const nat_pmp::Response::Map& map) {
  if (asks_address_ || !retries_.running() || map.protocol != request_.protocol ||
      map.internal_port != request_.internal.port) {
    return;
  }
  if (state_ == State::kReleasing) {
    retries_.stop();
    state_ = State::kReleased;
    return;
  }
  if (map.lifetime == 0 || map.external_port == 0) {
    if (state_ == State::kMapping) give_up("grants a mapping without a port");
    return;
  }
  retries_.stop();
  state_ = State::kMapped;
  lease_ = Lease{{address_, map.external_port}, std::chrono::seconds(map.lifetime)};
  clock_.grant(now, lease_->lifetime);
}

void NatPmpClient::poll_transmit(Time, const net::Route& route, net::SendBatch& batch) {
  if (!retries_.take_transmit()) return;
  if (asks_address_) {
    batch.add(route, nat_pmp::address_request());
  } else if (state_ == State::kReleasing) {
    batch.add(route, nat_pmp::map_request(request_, 0, 0));  // RFC 6886 section 3.4
  } else {
    constexpr auto kSeconds = std::chrono::duration_cast<std::chrono::seconds>(kLifetime).count();
    const std::uint16_t suggested = lease_ ? lease_->external.port : request_.internal.port;
    batch.add(route, nat_pmp::map_request(request_, suggested, kSeconds));
  }
}

Time NatPmpClient::next_timeout() const {
  return std::min(retries_.due(), retries_.running() ? kNever : clock_.renew_at());
}

void NatPmpClient::handle_timeout(Time now) {
  retries_.handle_timeout(now);
  if (retries_.take_exhausted()) {
    if (state_ == State::kMapped && !clock_.expired(now)) {
      clock_.missed(now);
    } else {
      give_up(state_ == State::kMapped ? "has not renewed the mapping in time" : "does not answer");
    }
  }
  if (retries_.running() || clock_.renew_at() > now) return;
  if (clock_.expired(now)) return give_up("has not renewed the mapping in time");
  // The address may be another one by now.
  asks_address_ = true;
  retries_.start(now);
}

}  // namespace floe::port_mapping
