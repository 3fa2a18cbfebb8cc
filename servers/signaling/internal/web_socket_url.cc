#include "floe/servers/signaling/internal/web_socket_url.h"

#include <algorithm>
#include <optional>

#include "floe/core/text.h"

namespace floe::server {
namespace {

// RFC 1035 section 2.3.4: a name has at most 255 bytes; a path of ours is short.
constexpr std::size_t kMaxUrl = 1024;

}  // namespace

Result<WebSocketUrl> WebSocketUrl::parse(std::string_view text) {
  const auto malformed = [&](std::string_view why) {
    return fail(Errc::kInvalidArgument, "the URL " + floe::quoted(text) + " " + std::string(why) +
                                            "; expected ws://host:port/path");
  };
  constexpr std::string_view kScheme = "ws://";
  if (text.size() > kMaxUrl) return malformed("is too long");
  if (equals_ignoring_case(text.substr(0, 6), "wss://")) {
    return fail(Errc::kUnsupported, "wss:// is not supported: put ws:// behind a TLS proxy or VPN");
  }
  if (!equals_ignoring_case(text.substr(0, kScheme.size()), kScheme)) {
    return malformed("does not start with ws://");
  }
  // They would end the header line that they are written into.
  if (std::any_of(text.begin(), text.end(),
                  [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7F; })) {
    return malformed("has a blank or a control character");
  }
  if (text.find('#') != std::string_view::npos) return malformed("has a fragment");
  std::string_view rest = text.substr(kScheme.size());
  WebSocketUrl url;
  const std::size_t path_at = rest.find_first_of("/?");
  if (path_at != std::string_view::npos) {
    url.path = rest.substr(path_at);
    if (url.path.front() == '?') url.path.insert(0, "/");
    rest = rest.substr(0, path_at);
  }
  if (rest.find('@') != std::string_view::npos) return malformed("has a user name");

  std::string_view port;
  if (rest.starts_with('[')) {
    const std::size_t end = rest.find(']');
    if (end == std::string_view::npos) return malformed("lacks a \"]\"");
    url.host = rest.substr(1, end - 1);
    rest = rest.substr(end + 1);
    if (!rest.empty() && rest.front() != ':') return malformed("has something after the \"]\"");
    port = rest;
  } else {
    const std::size_t colon = std::min(rest.find(':'), rest.size());
    url.host = rest.substr(0, colon);
    port = rest.substr(colon);
  }
  if (url.host.empty()) return malformed("has no host");
  if (!port.empty()) {
    const std::optional<std::uint16_t> number = parse_decimal<std::uint16_t>(port.substr(1));
    if (!number || *number == 0) return malformed("has no port between 1 and 65535");
    url.port = *number;
  }
  return url;
}

std::string WebSocketUrl::authority() const {
  const bool is_v6 = host.find(':') != std::string::npos;
  return (is_v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

}  // namespace floe::server
