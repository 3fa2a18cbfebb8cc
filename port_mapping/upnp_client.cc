#include "floe/port_mapping/upnp_client.h"

#include <algorithm>
#include <utility>

#include "floe/core/text.h"

namespace floe::port_mapping {
namespace {

constexpr std::uint16_t kFirstPort = 1'024;
constexpr std::uint64_t kPorts = 65'536 - kFirstPort;

}  // namespace

UpnpClient::UpnpClient(const Request& request, const net::Address& router, Random& random)
    : request_(request), router_(router), random_(random), external_port_(request.internal.port) {}

void UpnpClient::start(Time now) {
  state_ = State::kSearching;
  retries_.start(now);
}

void UpnpClient::map(Time) {
  if (state_ != State::kReady) return;
  state_ = State::kMapping;
  ports_tried_ = 1;
  ask(Step::kAdd);
}

void UpnpClient::release(Time) {
  if (state_ == State::kReleasing || state_ == State::kReleased) return;
  retries_.stop();
  clock_.stop();
  wanted_.reset();
  // An exchange that is under way may just be making the mapping.
  const bool may_be_mapped = lease_ || running_ == Step::kAdd;
  state_ = may_be_mapped ? State::kReleasing : State::kReleased;
  if (may_be_mapped) ask(Step::kDelete);
}

void UpnpClient::give_up(std::string why) {
  retries_.stop();
  clock_.stop();
  wanted_.reset();
  if (state_ == State::kReleasing || state_ == State::kReleased) {
    state_ = State::kReleased;
    return;
  }
  state_ = State::kFailed;
  if (error_.empty()) error_ = std::move(why);  // What went wrong first.
  lease_.reset();
}

void UpnpClient::ask(Step step) {
  wanted_ = step;
}

std::optional<HttpRequest> UpnpClient::poll_request() {
  if (!wanted_ || running_) return std::nullopt;
  running_ = std::exchange(wanted_, std::nullopt);
  return request_for(*running_);
}

HttpRequest UpnpClient::request_for(Step step) const {
  constexpr auto kSeconds = std::chrono::duration_cast<std::chrono::seconds>(kLifetime).count();
  switch (step) {
    case Step::kDescription:
      return HttpRequest::get(location_);
    case Step::kAddress:
      return upnp::get_external_address(service_);
    case Step::kAdd:
      return upnp::add_port_mapping(service_, request_, external_port_,
                                    is_permanent_ ? 0 : kSeconds);
    case Step::kDelete:
      break;
  }
  return upnp::delete_port_mapping(service_, request_.protocol, external_port_);
}

void UpnpClient::handle_search_response(Time, Bytes packet) {
  if (state_ != State::kSearching) return;
  std::optional<HttpUrl> location = upnp::parse_search_response(packet, router_);
  if (!location) return;
  retries_.stop();
  location_ = std::move(*location);
  state_ = State::kDescribing;
  ask(Step::kDescription);
}

void UpnpClient::handle_response(Time now, Result<HttpResponse> response) {
  if (!running_) return;
  const Step step = *std::exchange(running_, std::nullopt);
  if (state_ == State::kReleasing) {
    if (step == Step::kDelete) state_ = State::kReleased;
    return;
  }
  if (state_ == State::kFailed || state_ == State::kReleased) return;
  if (!response) return step_failed(now, "failed: " + response.error().message);
  if (step == Step::kAdd) return handle_added(now, *response);
  // Nothing that a router of the home network has to say is elsewhere: redirections are errors.
  if (response->status != 200) return step_failed(now, upnp::describe_error(*response));
  if (step == Step::kAddress) return handle_address(now, *response);
  Result<upnp::Service> service = upnp::parse_description(response->body, location_);
  if (!service) return give_up(service.error().message);
  service_ = std::move(*service);
  state_ = State::kAskingAddress;
  ask(Step::kAddress);
}

void UpnpClient::handle_address(Time now, const HttpResponse& response) {
  const std::optional<net::Address> address = upnp::parse_external_address(response.body);
  if (!address) return step_failed(now, "has no address outside");
  address_ = *address;
  if (state_ == State::kMapped) return ask(Step::kAdd);
  state_ = State::kReady;
}

void UpnpClient::handle_added(Time now, const HttpResponse& response) {
  if (response.status == 200) {
    state_ = State::kMapped;
    lease_ = Lease{{address_, external_port_}, kLifetime};
    // A permanent one is made again as well: the router may have lost it.
    return clock_.grant(now, kLifetime);
  }
  const unsigned code = upnp::error_code(response);
  if (code == upnp::kOnlyPermanentLeasesSupported && !is_permanent_) {
    is_permanent_ = true;
    return ask(Step::kAdd);
  }
  // A mapping of our own that must not be renewed is as good as a renewed one.
  if (code == upnp::kConflictInMappingEntry && state_ == State::kMapping &&
      ports_tried_ < kMaxPorts) {
    ++ports_tried_;
    external_port_ = static_cast<std::uint16_t>(kFirstPort + random_.below(kPorts));
    return ask(Step::kAdd);
  }
  step_failed(now, upnp::describe_error(response));
}

void UpnpClient::step_failed(Time now, std::string why) {
  if (state_ != State::kMapped) return give_up(std::move(why));
  clock_.missed(now);
}

void UpnpClient::poll_transmit(Time, net::SocketId socket, net::SendBatch& batch) {
  if (!retries_.take_transmit()) return;
  // Devices need not answer searches that come for them alone, and some networks lose multicast.
  for (const net::Endpoint& to : {upnp::search_group(), {router_, upnp::kSearchPort}}) {
    for (const unsigned version : {1u, 2u}) {
      batch.add({socket, to, {}}, as_bytes(upnp::search_request(version)));
    }
  }
}

Time UpnpClient::next_timeout() const {
  const bool is_busy = wanted_ || running_;
  return std::min(retries_.due(), is_busy ? kNever : clock_.renew_at());
}

void UpnpClient::handle_timeout(Time now) {
  retries_.handle_timeout(now);
  if (retries_.take_exhausted()) give_up("does not answer");
  if (wanted_ || running_ || clock_.renew_at() > now) return;
  if (clock_.expired(now)) return give_up("has not renewed the mapping in time");
  ask(Step::kAddress);
}

}  // namespace floe::port_mapping
