#include "floe/ice/agent_network.h"

#include <algorithm>
#include <array>
#include <utility>
#include <variant>

namespace floe::ice {
namespace {

int rank(net::InterfaceKind kind) {
  switch (kind) {
    case net::InterfaceKind::kEthernet:
      return 0;
    case net::InterfaceKind::kWifi:
      return 1;
    case net::InterfaceKind::kUnknown:
      return 2;
    case net::InterfaceKind::kCellular:
      return 3;
    case net::InterfaceKind::kVpn:
      return 4;  // RFC 8445 section 5.1.2.1: below the real interfaces
    case net::InterfaceKind::kLoopback:
      return 5;
  }
  return 6;
}

bool admits(const LocalPolicy& policy, const net::Interface& interface) {
  const net::Address& address = interface.address;
  if (address.is_unspecified() || address.is_multicast() || address.is_v4_mapped()) return false;
  if (address.is_v4() ? !policy.ipv4 : !policy.ipv6) return false;
  if (address.is_loopback() && !policy.loopback) return false;
  if (address.is_link_local() && !policy.link_local) return false;
  return !policy.filter || policy.filter(interface);
}

}  // namespace

std::vector<net::Interface> usable_addresses(std::vector<net::Interface> interfaces,
                                             const LocalPolicy& policy) {
  std::array<std::vector<net::Interface>, 2> families;  // IPv6, IPv4
  std::stable_sort(interfaces.begin(), interfaces.end(),
                   [](const auto& a, const auto& b) { return rank(a.kind) < rank(b.kind); });
  for (net::Interface& interface : interfaces) {
    if (admits(policy, interface)) {
      families[interface.address.is_v6() ? 0 : 1].push_back(std::move(interface));
    }
  }
  std::vector<net::Interface> usable;
  for (std::size_t i = 0; i < std::max(families[0].size(), families[1].size()); ++i) {
    for (const auto& family : families) {
      if (i < family.size()) usable.push_back(family[i]);
    }
  }
  return usable;
}

AgentNetwork::AgentNetwork(net::Network& network, TaggedRandom& random, Agent& agent, Config config,
                           Receive receive, Changed changed)
    : network_(network),
      random_(random),
      agent_(agent),
      config_(std::move(config)),
      receive_(std::move(receive)),
      changed_(std::move(changed)),
      dialer_(network, config_.trust,
              {.connected =
                   [this](DialId id, net::SocketId socket) {
                     agent_.handle_dialed(network_.now(), id, socket);
                     changed_();
                   },
               .failed =
                   [this](DialId id, const Error& error) {
                     agent_.handle_dial_failed(network_.now(), id, error);
                     changed_();
                   },
               .closed =
                   [this](net::SocketId stream, const Error& error) {
                     agent_.handle_stream_closed(network_.now(), stream, error);
                     changed_();
                   },
               .receive = [this](std::span<net::Datagram> datagrams) { receive_(datagrams); }}),
      surroundings_(
          network, agent,
          {config_.local.mdns, config_.local.hide_addresses, config_.local.port_mapping},
          [this] { changed_(); },
          [this](std::string problem) { note_problem(std::move(problem)); }) {}

AgentNetwork::~AgentNetwork() {
  close();
}

void AgentNetwork::gather() {
  const LocalPolicy& local = config_.local;
  if (local.tcp == TcpPolicy::kAll && !local.tcp_mux) {
    config_.local.tcp_mux = std::make_shared<TcpMux>(network_);
    own_tcp_mux_ = true;
  }
  if (local.udp_mux) random_.set_tag(local.udp_mux->add(*this));
  show_ufrag();
  agent_.gather(network_.now(), local.udp_mux ? shared_sockets() : open_sockets());
  if (local.continual && !local.udp_mux) {
    watch_ = network_.watch_interfaces([this] { rescan(); });
  }
  serve();
}

void AgentNetwork::set_policy(Policy policy) {
  agent_.set_policy(policy);
  const std::vector<LocalSocket> sockets = agent_.gatherer().sockets();
  for (const LocalSocket& socket : sockets) {
    if (!socket.tcp_type && !closed_) surroundings_.prepare_again(socket);
  }
}

/// The muxes route by the fragment of the present generation; a restart brings another one.
void AgentNetwork::show_ufrag() {
  const std::string& ufrag = agent_.local_credentials().ufrag;
  if (closed_ || shown_ufrag_ == ufrag) return;
  shown_ufrag_ = ufrag;
  const LocalPolicy& local = config_.local;
  const bool taken = (local.udp_mux && !local.udp_mux->add_ufrag(*this, ufrag)) ||
                     (local.tcp_mux && !local.tcp_mux->add(ufrag, *this));
  if (taken) note_problem("the ufrag " + ufrag + " is another connection's on the same mux");
}

std::vector<LocalSocket> AgentNetwork::shared_sockets() {
  std::vector<LocalSocket> shared;
  for (const auto& socket : config_.local.udp_mux->sockets()) {
    const net::Endpoint local = socket->local();
    if (local.address.is_v4() ? !config_.local.ipv4 : !config_.local.ipv6) continue;
    LocalSocket seat;
    seat.id = socket->id();
    seat.local = local;
    seat.preference = next_preference_--;
    seat.shared = true;
    surroundings_.prepare(seat);
    shared.push_back(seat);
    open_tcp(seat, shared);
  }
  return shared;
}

/// A socket on each address that has none yet.
std::vector<LocalSocket> AgentNetwork::open_sockets() {
  std::vector<LocalSocket> opened;
  for (const net::Interface& interface : usable_addresses(network_.interfaces(), config_.local)) {
    const bool known = std::any_of(sockets_.begin(), sockets_.end(), [&](const auto& socket) {
      return socket->local().address == interface.address;
    });
    if (known) continue;
    if (sockets_.size() >= kMaxSockets) {
      note_problem("more than " + std::to_string(kMaxSockets) +
                   " local addresses: the rest is not used");
      break;
    }
    net::UdpOptions options;
    options.bind = {interface.address, 0};
    options.port_min = config_.local.port_min;
    options.port_max = config_.local.port_max;
    auto socket = network_.open_udp(options, *this);
    if (!socket) {
      note_problem(interface.name + " " + interface.address.to_string() + ": " +
                   socket.error().message);
      continue;
    }
    LocalSocket local;
    local.id = (*socket)->id();
    local.local = (*socket)->local();
    local.preference = next_preference_--;
    surroundings_.prepare(local);
    opened.push_back(local);
    sockets_.push_back(std::move(*socket));
    open_tcp(local, opened);
  }
  return opened;
}

/// The ends of TCP connections on the address of `udp`.
void AgentNetwork::open_tcp(const LocalSocket& udp, std::vector<LocalSocket>& opened) {
  const net::Address& address = udp.local.address;
  const auto add = [&](TcpType type, const net::Endpoint& local) {
    LocalSocket end;
    end.local = local;
    end.preference = udp.preference;
    end.tcp_type = type;
    end.hidden = udp.hidden;
    end.name = udp.name;
    opened.push_back(std::move(end));
  };
  if (config_.local.tcp == TcpPolicy::kOff) return;
  add(TcpType::kActive, {address, 0});
  if (config_.local.tcp != TcpPolicy::kAll) return;
  if (!own_tcp_mux_) {
    for (const net::Endpoint& local : config_.local.tcp_mux->locals()) {
      if (local.address == address) add(TcpType::kPassive, local);
    }
    return;
  }
  // Either needs a port of its own: who connects to it says by that which one is meant.
  for (const TcpType type : {TcpType::kPassive, TcpType::kSimultaneousOpen}) {
    if (const auto local = listen(address)) {
      add(type, *local);
    } else {
      note_problem("TCP " + address.to_string() + ": " + local.error().message);
    }
  }
}

Result<net::Endpoint> AgentNetwork::listen(const net::Address& address) {
  TcpMux& mux = *config_.local.tcp_mux;
  const auto [min, max] = std::pair(config_.local.port_min, config_.local.port_max);
  if (max == 0) return mux.listen({address, 0});
  Result<net::Endpoint> result = fail(Errc::kAddressInUse, "the port range is empty");
  for (std::uint32_t port = min; port <= max && !result; ++port) {
    result = mux.listen({address, static_cast<std::uint16_t>(port)});
    if (!result && result.error().code != Errc::kAddressInUse) break;
  }
  return result;
}

void AgentNetwork::on_stream(TcpMux::Accepted accepted) {
  const net::Stream& stream = *accepted.stream;
  if (!agent_.handle_accepted(network_.now(), stream.local(), stream.id(), stream.remote())) return;
  dialer_.adopt(std::move(accepted));
}

void AgentNetwork::rescan() {
  const auto usable = usable_addresses(network_.interfaces(), config_.local);
  for (std::size_t i = sockets_.size(); i-- > 0;) {
    const net::Address address = sockets_[i]->local().address;
    const bool there = std::any_of(usable.begin(), usable.end(), [&address](const auto& interface) {
      return interface.address == address;
    });
    if (there) continue;
    // A socket that outlived its address may be dead when the address comes back: that gets one of
    // its own.
    const net::SocketId gone = sockets_[i]->id();
    sockets_.erase(sockets_.begin() + static_cast<std::ptrdiff_t>(i));
    surroundings_.forget(gone);
    if (own_tcp_mux_) config_.local.tcp_mux->stop_listening(address);
    agent_.remove_socket(network_.now(), gone);
  }
  const auto opened = open_sockets();
  if (!opened.empty()) agent_.add_sockets(network_.now(), opened);
  changed_();
}

void AgentNetwork::serve() {
  show_ufrag();
  while (const auto request = agent_.poll_network_request()) {
    if (closed_) return;
    if (const auto* look = std::get_if<LookUp>(&*request)) {
      look_up(*look);
    } else if (const auto* dial = std::get_if<Dial>(&*request)) {
      dialer_.dial(*dial);
    } else if (const auto* hang_up = std::get_if<HangUp>(&*request)) {
      dialer_.hang_up(hang_up->id);
    } else if (const auto* resolve = std::get_if<Resolve>(&*request)) {
      surroundings_.resolve(*resolve);
    } else {
      surroundings_.discover_nat64();
    }
  }
}

void AgentNetwork::look_up(const LookUp& request) {
  const ServerId server = request.server;
  if (const auto literal = net::Address::parse(request.host)) {
    agent_.set_server_addresses(network_.now(), server, std::span(&*literal, 1));
    return;
  }
  std::erase_if(lookups_, [](const auto& known) { return known.second.answered; });
  PendingLookup& pending = lookups_[server] = {};
  pending.lookup =
      network_.lookup(request.host, [this, server](Result<std::vector<net::Address>> found) {
        lookups_[server].answered = true;
        if (found) {
          agent_.set_server_addresses(network_.now(), server, *found);
        } else {
          agent_.set_server_failed(network_.now(), server, found.error());
        }
        changed_();
      });
}

void AgentNetwork::note_problem(std::string problem) {
  network_.log(LogLevel::kWarning, "ice", problem);
  if (problems_.size() >= kMaxProblems) problems_.pop_front();
  problems_.push_back(std::move(problem));
}

void AgentNetwork::close() {
  closed_ = true;
  watch_.reset();
  lookups_.clear();
  if (config_.local.udp_mux) config_.local.udp_mux->remove(*this);
  if (config_.local.tcp_mux) config_.local.tcp_mux->remove(*this);
  dialer_.close();
  surroundings_.close();
  sockets_.clear();
}

}  // namespace floe::ice
