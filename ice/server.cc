#include "floe/ice/server.h"

#include <optional>

#include "floe/core/text.h"
#include "floe/net/endpoint.h"
#include "floe/stun_client/long_term_credential.h"

namespace floe::ice {
namespace {

constexpr std::uint16_t kPort = 3478;        // RFC 7064 section 3.2, RFC 7065 section 3.2
constexpr std::uint16_t kSecurePort = 5349;  // the same
// RFC 1035 section 2.3.4 bounds a name.
constexpr std::size_t kMaxHost = 255;

struct Scheme {
  std::string_view name;
  Server::Kind kind;
  bool secure;
};
constexpr Scheme kSchemes[] = {
    {"stun", Server::Kind::kStun, false},
    {"stuns", Server::Kind::kStun, true},
    {"turn", Server::Kind::kTurn, false},
    {"turns", Server::Kind::kTurn, true},
};

tl::unexpected<Error> bad(std::string_view uri, std::string_view why,
                          Errc code = Errc::kMalformed) {
  return fail(code, "ICE server " + quoted(uri) + ' ' + std::string(why));
}

/// Takes "host[:port]" from `rest`, which is left with what follows.
Result<> parse_authority(std::string_view uri, std::string_view& rest, Server& server) {
  if (rest.starts_with("//")) return bad(uri, "has slashes: the form is scheme:host:port");
  if (rest.starts_with('[')) {
    const std::size_t end = rest.find(']');
    const auto address = end == std::string_view::npos
                             ? std::optional<net::Address>()
                             : net::Address::parse(rest.substr(1, end - 1));
    if (!address || !address->is_v6()) return bad(uri, "has a broken IPv6 address");
    server.host = rest.substr(1, end - 1);
    rest.remove_prefix(end + 1);
  } else {
    const std::size_t end = std::min(rest.find_first_of(":?"), rest.size());
    server.host = rest.substr(0, end);
    rest.remove_prefix(end);
  }
  // A password in the URI would end up in logs; RFC 7064 and 7065 have none.
  if (server.host.empty() || server.host.size() > kMaxHost ||
      server.host.find_first_of(" /@#%") != std::string::npos || rest.find('@') != rest.npos) {
    return bad(uri, "names no valid host");
  }
  if (!rest.starts_with(':')) return {};
  const std::size_t end = std::min(rest.find('?'), rest.size());
  const auto port = parse_decimal<std::uint16_t>(rest.substr(1, end - 1));
  if (!port || *port == 0) return bad(uri, "has a port outside 1..65535");
  server.port = *port;
  rest.remove_prefix(end);
  return {};
}

/// Reads "?transport=..." (RFC 7065 section 3.1).
Result<> parse_query(std::string_view uri, std::string_view query, bool secure, Server& server) {
  server.transport = secure ? ServerTransport::kTls : ServerTransport::kUdp;
  if (query.empty()) return {};
  if (server.kind == Server::Kind::kStun) {
    return bad(uri, "has something behind the port, where a STUN URI ends");
  }
  constexpr std::string_view kTransport = "?transport=";
  if (!query.starts_with(kTransport)) {
    return bad(uri, "has something behind the port that is not ?transport=udp or ?transport=tcp");
  }
  const std::string_view transport = query.substr(kTransport.size());
  if (equals_ignoring_case(transport, "udp")) {
    server.transport = secure ? ServerTransport::kDtls : ServerTransport::kUdp;
  } else if (equals_ignoring_case(transport, "tcp")) {
    server.transport = secure ? ServerTransport::kTls : ServerTransport::kTcp;
  } else {
    return bad(uri, "wants the transport " + quoted(transport) + ": floe has udp and tcp",
               Errc::kUnsupported);
  }
  return {};
}

/// W3C's "validate an ICE server URL": a TURN server wants a name and a password.
Result<> check_credentials(std::string_view uri, const ServerConfig& entry) {
  if (entry.username.empty() || entry.credential.empty()) {
    return bad(uri, "needs a username and a credential", Errc::kInvalidArgument);
  }
  const auto usable = stun::LongTermCredential::create(entry.username, entry.credential);
  if (!usable) return bad(uri, ": " + usable.error().message, Errc::kInvalidArgument);
  return {};
}

}  // namespace

std::string_view to_string(ServerTransport transport) {
  switch (transport) {
    case ServerTransport::kUdp:
      return "udp";
    case ServerTransport::kDtls:
      return "dtls";
    case ServerTransport::kTcp:
      return "tcp";
    case ServerTransport::kTls:
      return "tls";
  }
  return "unknown";
}

Result<Server> Server::parse(std::string_view uri) {
  const std::size_t colon = uri.find(':');
  if (colon == std::string_view::npos) {
    return bad(uri, "has no scheme: use stun:host:port or turn:host:port");
  }
  const std::string name = to_lower(uri.substr(0, colon));
  for (const Scheme& scheme : kSchemes) {
    if (scheme.name != name) continue;
    Server server;
    server.kind = scheme.kind;
    server.port = scheme.secure ? kSecurePort : kPort;
    std::string_view rest = uri.substr(colon + 1);
    if (auto ok = parse_authority(uri, rest, server); !ok) return forward(ok);
    if (!rest.empty() && !rest.starts_with('?')) return bad(uri, "names no valid host");
    if (auto ok = parse_query(uri, rest, scheme.secure, server); !ok) return forward(ok);
    return server;
  }
  return bad(uri, "has an unknown scheme " + quoted(name) + ": use stun, stuns, turn or turns");
}

std::string Server::to_string() const {
  const bool v6 = host.find(':') != std::string::npos;
  std::string out = kind == Kind::kStun ? "stun" : "turn";
  if (is_secure(transport)) out += 's';
  out += ':' + (v6 ? '[' + host + ']' : host) + ':' + std::to_string(port);
  if (kind == Kind::kTurn) out += is_stream(transport) ? "?transport=tcp" : "?transport=udp";
  return out;
}

Result<std::vector<Server>> parse_servers(std::span<const ServerConfig> entries) {
  std::vector<Server> servers;
  for (const ServerConfig& entry : entries) {
    if (entry.urls.empty()) {
      return fail(Errc::kInvalidArgument, "an ICE server has no URL: give it one or leave it out");
    }
    for (const std::string& uri : entry.urls) {
      auto server = Server::parse(uri);
      if (!server) return forward(server);
      if (server->kind == Server::Kind::kTurn) {
        if (auto ok = check_credentials(uri, entry); !ok) return forward(ok);
        server->username = entry.username;
        server->credential = entry.credential;
      }
      servers.push_back(std::move(*server));
    }
  }
  return servers;
}

}  // namespace floe::ice
