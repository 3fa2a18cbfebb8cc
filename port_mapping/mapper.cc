#include "floe/port_mapping/mapper.h"

#include <algorithm>
#include <utility>

namespace floe::port_mapping {

Mapper::Mapper(const Configuration& configuration, Random& random)
    : configuration_(configuration),
      pcp_(configuration.request, random),
      nat_pmp_(configuration.request, random),
      upnp_(configuration.request, configuration.router, random) {}

void Mapper::start(Time now) {
  if (started_) return;
  started_ = true;
  started_at_ = now;
  // NAT-PMP and UPnP map IPv4 ports; for IPv6 there is PCP, which opens the firewall.
  const bool is_v4 = configuration_.request.internal.address.is_v4();
  const Methods& methods = configuration_.methods;
  const std::string left_out = is_v4 ? "is not wanted" : "is for IPv4 only";
  if (methods.pcp) {
    pcp_.start(now);
  } else {
    pcp_.give_up("is not wanted");
  }
  if (methods.nat_pmp && is_v4) {
    nat_pmp_.start(now);
  } else {
    nat_pmp_.give_up(left_out);
  }
  if (methods.upnp && is_v4) {
    upnp_.start(now);
  } else {
    upnp_.give_up(left_out);
  }
  consider(now);
}

void Mapper::release(Time now) {
  releasing_ = true;
  ended_ = true;
  events_.clear();
  pcp_.release(now);
  nat_pmp_.release(now);
  upnp_.release(now);
}

bool Mapper::released() const {
  return releasing_ && pcp_.state() == PcpClient::State::kReleased &&
         nat_pmp_.state() == NatPmpClient::State::kReleased &&
         upnp_.state() == UpnpClient::State::kReleased;
}

void Mapper::handle_packet(Time now, const net::Datagram& datagram) {
  // RFC 6886 section 3.2, RFC 6887 section 8.3: from the router, or not at all.
  const bool is_search = datagram.socket == configuration_.search_socket;
  if (datagram.source.address != configuration_.router ||
      (!is_search && datagram.source.port != kServerPort)) {
    ++stats_.dropped_other_source;
    return;
  }
  if (is_search) {
    upnp_.handle_search_response(now, datagram.payload);
    return consider(now);
  }
  if (const auto pmp = nat_pmp::Response::parse(datagram.payload)) {
    // RFC 6887 appendix A: a router that knows NAT-PMP alone answers PCP with that.
    if (pmp->result == nat_pmp::kUnsupportedVersion) pcp_.give_up("is not known to the router");
    nat_pmp_.handle_packet(now, datagram.payload);
  } else if (const auto pcp = pcp::Response::parse(datagram.payload)) {
    const bool is_for_nat_pmp = pcp->result == pcp::kUnsupportedVersion && pcp->opcode != pcp::kMap;
    if (is_for_nat_pmp) {
      nat_pmp_.give_up("is not known to the router");
    } else {
      pcp_.handle_packet(now, datagram.payload);
    }
  } else {
    ++stats_.dropped_malformed;
  }
  consider(now);
}

void Mapper::handle_announcement(Time now, const net::Datagram& datagram) {
  if (datagram.source.address != configuration_.router || datagram.source.port != kServerPort) {
    ++stats_.dropped_other_source;
    return;
  }
  // Both say by their epoch that the router has restarted; neither is an answer to anything.
  if (chosen_ == Method::kNatPmp) nat_pmp_.handle_packet(now, datagram.payload);
  if (chosen_ == Method::kPcp) pcp_.handle_packet(now, datagram.payload);
  consider(now);
}

void Mapper::handle_response(Time now, Result<HttpResponse> response) {
  upnp_.handle_response(now, std::move(response));
  consider(now);
}

void Mapper::poll_transmit(Time now, net::SendBatch& batch) {
  const net::Route route{configuration_.socket, {configuration_.router, kServerPort}, {}};
  pcp_.poll_transmit(now, route, batch);
  nat_pmp_.poll_transmit(now, route, batch);
  upnp_.poll_transmit(now, configuration_.search_socket, batch);
}

Time Mapper::decision_at() const {
  if (ended_ || chosen_) return kNever;
  if (nat_pmp_ready_at_) return *nat_pmp_ready_at_ + kPcpGrace;
  const bool upnp_ready = upnp_.state() == UpnpClient::State::kReady;
  return upnp_ready ? started_at_ + kUpnpPatience : kNever;
}

Time Mapper::next_timeout() const {
  return std::min(
      {pcp_.next_timeout(), nat_pmp_.next_timeout(), upnp_.next_timeout(), decision_at()});
}

void Mapper::handle_timeout(Time now) {
  pcp_.handle_timeout(now);
  nat_pmp_.handle_timeout(now);
  upnp_.handle_timeout(now);
  consider(now);
}

Mapper::Outlook Mapper::outlook(Method method) const {
  switch (method) {
    case Method::kPcp:
      return {pcp_.state() == PcpClient::State::kFailed, pcp_.lease(), pcp_.error()};
    case Method::kNatPmp:
      return {nat_pmp_.state() == NatPmpClient::State::kFailed, nat_pmp_.lease(), nat_pmp_.error()};
    case Method::kUpnp:
      break;
  }
  return {upnp_.state() == UpnpClient::State::kFailed, upnp_.lease(), upnp_.error()};
}

void Mapper::consider(Time now) {
  if (ended_ || !started_) return;
  if (!nat_pmp_ready_at_ && nat_pmp_.state() == NatPmpClient::State::kReady) {
    nat_pmp_ready_at_ = now;
  }
  if (chosen_) follow_chosen(now);
  if (!chosen_ && !ended_) choose(now);
}

void Mapper::choose(Time now) {
  const bool pcp_failed = pcp_.state() == PcpClient::State::kFailed;
  const bool nat_pmp_ready = nat_pmp_.state() == NatPmpClient::State::kReady;
  const bool nat_pmp_failed = nat_pmp_.state() == NatPmpClient::State::kFailed;
  const bool upnp_ready = upnp_.state() == UpnpClient::State::kReady;
  if (pcp_.lease()) {
    chosen_ = Method::kPcp;
    follow_chosen(now);
  } else if (nat_pmp_ready && (pcp_failed || now >= *nat_pmp_ready_at_ + kPcpGrace)) {
    chosen_ = Method::kNatPmp;
    pcp_.give_up("does not answer");
    nat_pmp_.map(now);
  } else if (upnp_ready && !nat_pmp_ready &&
             ((pcp_failed && nat_pmp_failed) || now >= started_at_ + kUpnpPatience)) {
    chosen_ = Method::kUpnp;
    pcp_.give_up("does not answer");
    nat_pmp_.give_up("does not answer");
    upnp_.map(now);
  } else if (pcp_failed && nat_pmp_failed && upnp_.state() == UpnpClient::State::kFailed) {
    fail_all();
  }
}

void Mapper::follow_chosen(Time now) {
  const Method method = *chosen_;
  const Outlook chosen = outlook(method);
  if (chosen.failed && !told_) {
    chosen_.reset();  // The next best, if one is left.
    nat_pmp_ready_at_.reset();
    return;
  }
  if (chosen.failed) {
    ended_ = true;
    events_.push_back(
        Failed{{Errc::kTimedOut, "the mapping is lost: the router " +
                                     configuration_.router.to_string() + " " + chosen.error}});
    return;
  }
  if (!chosen.lease || (told_ && told_->external == chosen.lease->external)) return;
  if (!told_) {
    if (method != Method::kPcp) pcp_.release(now);
    if (method != Method::kNatPmp) nat_pmp_.release(now);
    if (method != Method::kUpnp) upnp_.release(now);
  }
  told_ = chosen.lease;
  events_.push_back(Mapped{method, *told_});
}

void Mapper::fail_all() {
  ended_ = true;
  const std::string router = configuration_.router.to_string();
  constexpr std::string_view kSilent = "does not answer";
  if (pcp_.error() == kSilent && nat_pmp_.error() == kSilent && upnp_.error() == kSilent) {
    events_.push_back(
        Failed{{Errc::kTimedOut, "the router " + router + " answers none of PCP, NAT-PMP, UPnP"}});
    return;
  }
  std::string text = "the router " + router + " maps no port:";
  const char* separator = " ";
  for (const Method method : {Method::kPcp, Method::kNatPmp, Method::kUpnp}) {
    text.append(separator).append(to_string(method)).append(" ").append(outlook(method).error);
    separator = "; ";
  }
  events_.push_back(Failed{{Errc::kRefused, std::move(text)}});
}

std::optional<Mapper::Event> Mapper::poll_event() {
  if (events_.empty()) return std::nullopt;
  Event event = std::move(events_.front());
  events_.pop_front();
  return event;
}

}  // namespace floe::port_mapping
