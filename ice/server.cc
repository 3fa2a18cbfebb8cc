#include "floe/ice/server.h"

#include "floe/core/text.h"
#include "floe/net/endpoint.h"

namespace floe::ice {

Result<Server> Server::parse(std::string_view url) {
  const std::size_t colon = url.find(':');
  const std::string scheme = to_lower(url.substr(0, colon));
  if (colon == std::string_view::npos) {
    return fail(Errc::kMalformed,
                "ICE server " + quoted(url) + " has no scheme: use stun:host:port");
  }
  if (scheme == "turn" || scheme == "turns" || scheme == "stuns") {
    return fail(Errc::kUnsupported, "ICE server " + quoted(url) +
                                        ": this version of floe supports " +
                                        "stun: only, remove the " + scheme + ": entry");
  }
  if (scheme != "stun") {
    return fail(Errc::kMalformed, "ICE server " + quoted(url) + " has an unknown scheme " +
                                      quoted(scheme) + ": use stun:host:port");
  }
  std::string_view rest = url.substr(colon + 1);
  Server server;
  if (rest.starts_with('[')) {
    const std::size_t end = rest.find(']');
    if (end == std::string_view::npos || !net::Address::parse(rest.substr(1, end - 1))) {
      return fail(Errc::kMalformed, "ICE server " + quoted(url) + " has a broken IPv6 address");
    }
    server.host = rest.substr(1, end - 1);
    rest.remove_prefix(end + 1);
  } else {
    const std::size_t end = std::min(rest.find(':'), rest.size());
    server.host = rest.substr(0, end);
    rest.remove_prefix(end);
  }
  if (server.host.empty() || server.host.size() > 255 ||
      server.host.find_first_of(" ?/@") != std::string::npos) {
    return fail(Errc::kMalformed, "ICE server " + quoted(url) + " names no valid host");
  }
  if (!rest.empty()) {
    const auto port = rest.starts_with(':') ? parse_decimal<std::uint16_t>(rest.substr(1))
                                            : std::optional<std::uint16_t>();
    if (!port || *port == 0) {
      return fail(Errc::kMalformed, "ICE server " + quoted(url) + " has a port outside 1..65535");
    }
    server.port = *port;
  }
  return server;
}

std::string Server::to_string() const {
  const bool v6 = host.find(':') != std::string::npos;
  return "stun:" + (v6 ? '[' + host + ']' : host) + ':' + std::to_string(port);
}

}  // namespace floe::ice
