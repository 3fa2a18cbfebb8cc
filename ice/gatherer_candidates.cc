// What gathering finds, as candidates (RFC 8445 section 5.1).
#include <algorithm>
#include <utility>

#include "floe/ice/gatherer.h"

namespace floe::ice {
namespace {

// A NAT that maps anew with every keepalive must not grow the list for ever.
constexpr std::size_t kMaxCandidates = 256;

/// RFC 8839 section 5.1: a related address that is not told is the unspecified one with port 9.
net::Endpoint related(const LocalSocket& socket, const net::Endpoint& address) {
  if (!socket.hidden) return address;
  return {net::Address::unspecified(address.family()), 9};
}

}  // namespace

void Gatherer::emit(LocalCandidate candidate) {
  candidates_.push_back(candidate);
  events_.push_back(std::move(candidate));
}

void Gatherer::add_socket(LocalSocket socket) {
  if (socket.tcp_type) {
    socket.id = tcp_.add_base(socket.local, *socket.tcp_type);
    add_tcp_host(socket);
  } else {
    add_host(socket);
  }
  sockets_.push_back(socket);
}

/// RFC 6544 section 4.1.
void Gatherer::add_tcp_host(const LocalSocket& socket) {
  if (config_.relay_only) return;
  const TcpType type = *socket.tcp_type;
  const AddressRewrite* rewrite = find_rewrite(config_.rewrites, socket.local);
  LocalCandidate host;
  host.socket = socket.id;
  host.base = socket.local;
  host.is_base = true;
  host.candidate.type = CandidateType::kHost;
  host.candidate.protocol = Protocol::kTcp;
  host.candidate.tcp_type = type;
  host.candidate.endpoint = socket.local;
  if (rewrite != nullptr && type != TcpType::kActive) {
    host.candidate.endpoint = rewrite->apply(socket.local);
  } else if (socket.hidden) {
    host.candidate.hostname = socket.name;
    host.nameless = socket.name.empty();
  }
  // Section 4.5: nobody can connect to it, so its port is that of the discard service.
  if (type == TcpType::kActive) host.candidate.endpoint.port = 9;
  host.candidate.priority = candidate_priority(
      CandidateType::kHost, tcp_local_preference(type, socket.preference), 1, Protocol::kTcp);
  host.candidate.foundation = foundation(CandidateType::kHost, socket.local.address, "tcp");
  emit(std::move(host));
}

void Gatherer::add_host(const LocalSocket& socket) {
  if (config_.relay_only) return;
  const AddressRewrite* rewrite = find_rewrite(config_.rewrites, socket.local);
  LocalCandidate host;
  host.socket = socket.id;
  host.base = socket.local;
  host.is_base = true;
  host.candidate.type = CandidateType::kHost;
  host.candidate.endpoint = socket.local;
  if (rewrite != nullptr && rewrite->advertise == AddressRewrite::Advertise::kHost) {
    host.candidate.endpoint = rewrite->apply(socket.local);
  } else if (socket.hidden) {
    host.candidate.hostname = socket.name;
    host.nameless = socket.name.empty();
  }
  host.candidate.priority = candidate_priority(CandidateType::kHost, socket.preference, 1);
  host.candidate.foundation = foundation(CandidateType::kHost, socket.local.address, "");
  emit(std::move(host));
  if (rewrite != nullptr && rewrite->advertise == AddressRewrite::Advertise::kServerReflexive) {
    add_reflexive(socket, rewrite->apply(socket.local), "rewrite", "");
  }
}

void Gatherer::add_reflexive(const LocalSocket& socket, const net::Endpoint& mapped,
                             const std::string& server, const std::string& url) {
  if (config_.relay_only) return;
  // RFC 8445 section 5.1.3: the same address with the same base is redundant. That is a host
  // without NAT, a second server behind a cone NAT, or a keepalive that found nothing new.
  // But who is told a name in the host's place may find nobody who knows it.
  const bool known = std::any_of(candidates_.begin(), candidates_.end(), [&](const auto& other) {
    const bool concealed = socket.hidden && other.candidate.type == CandidateType::kHost;
    return other.socket == socket.id && other.candidate.endpoint == mapped && !concealed;
  });
  if (known || (mapped == socket.local && !socket.hidden) || candidates_.size() >= kMaxCandidates) {
    ++stats_.redundant_candidates;
    return;
  }
  LocalCandidate found;
  found.socket = socket.id;
  found.base = socket.local;
  found.candidate.type = CandidateType::kServerReflexive;
  found.candidate.endpoint = mapped;
  found.candidate.related = related(socket, socket.local);
  found.candidate.priority =
      candidate_priority(CandidateType::kServerReflexive, socket.preference, 1);
  found.candidate.foundation =
      foundation(CandidateType::kServerReflexive, socket.local.address, server);
  found.candidate.url = url;
  emit(std::move(found));
}

/// Local preference of relayed candidates. RFC 8445 section 5.1.2.2 leaves it to the agent: what
/// carries the packets to the server counts first (UDP before DTLS before TCP before TLS), because
/// a stream adds the delay of its retransmissions to every packet; then the base's own rank, in
/// which IPv6 and IPv4 take turns (RFC 8421 section 4), then the server's place in the
/// configuration and the family.
std::uint16_t Gatherer::relay_preference(const Relay& relay, net::Family family) const {
  constexpr std::uint32_t kServers = 16;  // told apart; later ones share the last rank
  const auto& config = relay.config();
  const auto transport = static_cast<std::uint32_t>(config.server.transport);
  const std::uint32_t base = std::min<std::uint32_t>(65535u - config.base.preference, 255u);
  const auto place = std::find_if(servers_.begin(), servers_.end(), [&](const AskedServer& server) {
    return server.id == config.server_id;
  });
  const auto server =
      static_cast<std::uint32_t>(std::min<std::ptrdiff_t>(place - servers_.begin(), kServers - 1));
  const std::uint32_t below =
      (base * kServers + server) * 2 + (family == net::Family::kIpv6 ? 0 : 1);
  return static_cast<std::uint16_t>(((3 - transport) << 14) + 0x3fff - below);
}

void Gatherer::add_relayed(const Relay& relay, const Relay::Opened& opened) {
  const auto& config = relay.config();
  const net::Family family = opened.relayed.family();
  LocalCandidate found;
  found.socket = opened.socket;
  found.base = opened.relayed;
  found.is_base = true;
  found.candidate.type = CandidateType::kRelayed;
  found.candidate.endpoint = opened.relayed;
  found.candidate.url = config.server.to_string();
  found.candidate.related = related(
      config.base, opened.mapped.value_or(net::Endpoint{net::Address::unspecified(family), 9}));
  found.candidate.priority =
      candidate_priority(CandidateType::kRelayed, relay_preference(relay, family), 1);
  // RFC 8445 section 5.1.1.3: a relayed candidate is its own base.
  found.candidate.foundation = foundation(
      CandidateType::kRelayed, opened.relayed.address,
      config.address.address.to_string() + ' ' + std::string(to_string(config.server.transport)));
  emit(std::move(found));
}

void Gatherer::forget_base(net::SocketId socket, const std::string& why) {
  std::erase_if(candidates_, [socket](const auto& known) { return known.socket == socket; });
  events_.push_back(BaseGone{socket, why});
}

/// RFC 8445 section 5.1.1.3: equal for candidates of the same type, base address and server.
std::string Gatherer::foundation(CandidateType type, const net::Address& base,
                                 std::string_view server) {
  const std::string key =
      std::string(to_string(type)) + ' ' + base.to_string() + ' ' + std::string(server);
  const auto known = std::find(foundations_.begin(), foundations_.end(), key);
  const auto index = static_cast<std::size_t>(known - foundations_.begin());
  if (known == foundations_.end()) foundations_.push_back(key);
  return std::to_string(index + 1);
}

}  // namespace floe::ice
