#include "floe/port_mapping/pcp_client.h"

#include <algorithm>
#include <utility>

namespace floe::port_mapping {
namespace {

/// RFC 6887 section 14.1.3: after a restart the clients of a router ask at random times.
constexpr Duration kMaxRestartDelay = std::chrono::seconds(1);

}  // namespace

PcpClient::PcpClient(const Request& request, Random& random) : request_(request), random_(random) {
  random_.fill(nonce_);
}

void PcpClient::start(Time now) {
  state_ = State::kAsking;
  retries_.start(now);
}

void PcpClient::release(Time now) {
  if (state_ == State::kMapped) {
    state_ = State::kReleasing;
    clock_.stop();
    retries_.start(now);
  } else if (state_ != State::kReleasing) {
    // A mapping whose answer was lost ends by itself, with its lifetime.
    retries_.stop();
    state_ = State::kReleased;
  }
}

void PcpClient::give_up(std::string why) {
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

bool PcpClient::handle_packet(Time now, Bytes packet) {
  const std::optional<pcp::Response> response = pcp::Response::parse(packet);
  if (!response) return false;
  if (response->result == pcp::kUnsupportedVersion) {
    if (state_ == State::kAsking) give_up(pcp::describe_result(response->result));
    return true;
  }
  const bool restarted = epoch_.has_restarted(now, response->epoch);
  if (response->opcode == pcp::kMap && response->map) {
    handle_map(now, *response);
  } else if (restarted && state_ == State::kMapped && !retries_.running()) {
    clock_.renew_soon(now + Duration(static_cast<Duration::rep>(random_.below(
                                static_cast<std::uint64_t>(kMaxRestartDelay.count())))));
  }
  return true;
}

void PcpClient::handle_map(Time now, const pcp::Response& response) {
  const pcp::Response::Map& map = *response.map;
  // RFC 6887 section 11.4: it is ours by its nonce, protocol and internal port.
  if (map.nonce != nonce_ || map.protocol != static_cast<std::uint8_t>(request_.protocol) ||
      map.internal_port != request_.internal.port || !retries_.running()) {
    return;
  }
  if (state_ == State::kReleasing) {
    // Whatever it says, more cannot be done.
    retries_.stop();
    state_ = State::kReleased;
    return;
  }
  if (response.result != pcp::kSuccess) {
    if (state_ == State::kAsking) return give_up(pcp::describe_result(response.result));
    retries_.stop();
    return clock_.missed(now);
  }
  if (response.lifetime == 0 || map.external.port == 0 || map.external.address.is_unspecified()) {
    if (state_ == State::kAsking) give_up("grants a mapping without an address");
    return;
  }
  retries_.stop();
  state_ = State::kMapped;
  lease_ = Lease{map.external, std::chrono::seconds(response.lifetime)};
  clock_.grant(now, lease_->lifetime);
}

void PcpClient::poll_transmit(Time, const net::Route& route, net::SendBatch& batch) {
  if (!retries_.take_transmit()) return;
  pcp::MapRequest message{
      nonce_, request_, 0, {net::Address::unspecified(request_.internal.family()), 0}};
  if (state_ != State::kReleasing) {
    message.lifetime = static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::seconds>(kLifetime).count());
  }
  // What there was is asked for again (section 11.2.1), so that a router that forgot it makes it
  // the same.
  message.suggested_external.port = request_.internal.port;
  if (lease_) message.suggested_external = lease_->external;
  batch.add(route, message.write());
}

Time PcpClient::next_timeout() const {
  return std::min(retries_.due(), retries_.running() ? kNever : clock_.renew_at());
}

void PcpClient::renew(Time now) {
  if (clock_.expired(now)) return give_up("has not renewed the mapping in time");
  retries_.start(now);
}

void PcpClient::handle_timeout(Time now) {
  retries_.handle_timeout(now);
  if (retries_.take_exhausted()) {
    if (state_ == State::kMapped && !clock_.expired(now)) {
      clock_.missed(now);
    } else {
      give_up(state_ == State::kMapped ? "has not renewed the mapping in time" : "does not answer");
    }
  }
  if (!retries_.running() && clock_.renew_at() <= now) renew(now);
}

}  // namespace floe::port_mapping
