#include "floe/http/url.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "floe/core/text.h"

namespace floe::http {
namespace {

// RFC 9110 section 4.1 wants 8000 bytes to be possible.
constexpr std::size_t kMaxUrl = 8'000;

// RFC 3986 section 5.2.4, of the path before a query.
std::string without_dots(std::string_view target) {
  const std::size_t query = std::min(target.find('?'), target.size());
  std::vector<std::string_view> kept;
  const std::vector<std::string_view> parts = split(target.substr(1, query - 1), '/');
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const bool is_last = i + 1 == parts.size();
    if (parts[i] == "..") {
      if (!kept.empty()) kept.pop_back();
    } else if (parts[i] != ".") {
      kept.push_back(parts[i]);
      continue;
    }
    if (is_last) kept.emplace_back();
  }
  std::string path;
  for (const std::string_view part : kept) path.append("/").append(part);
  if (path.empty()) path = "/";
  return path.append(target.substr(query));
}

std::uint16_t standard_port(bool secure) {
  return secure ? 443 : 80;
}

}  // namespace

Result<Url> Url::parse(std::string_view text) {
  const auto malformed = [&](std::string_view why) {
    return fail(Errc::kMalformed, "the URL " + quoted(text) + " " + std::string(why) +
                                      "; expected https://host:port/path");
  };
  if (text.size() > kMaxUrl) return malformed("is too long");
  // They would end the line of the head that they are written into.
  if (std::any_of(text.begin(), text.end(), [](char c) { return c <= ' ' || c == 0x7f; })) {
    return malformed("has a blank, a control character or a letter beyond ASCII");
  }
  Url url;
  const std::size_t scheme = text.find("://");
  url.secure = equals_ignoring_case(text.substr(0, scheme), "https");
  if (scheme == std::string_view::npos ||
      (!url.secure && !equals_ignoring_case(text.substr(0, scheme), "http"))) {
    return malformed("begins with neither https:// nor http://");
  }
  url.port = standard_port(url.secure);
  std::string_view rest = text.substr(scheme + 3);
  rest = rest.substr(0, rest.find('#'));
  const std::size_t path = std::min(rest.find_first_of("/?"), rest.size());
  url.target = rest.substr(path);
  if (!url.target.starts_with('/')) url.target.insert(0, "/");
  url.target = without_dots(url.target);
  rest = rest.substr(0, path);
  if (rest.find('@') != std::string_view::npos) {
    return malformed("has a user name, which would be sent in the clear; use a token");
  }
  std::string_view port;
  if (rest.starts_with('[')) {
    const std::size_t end = rest.find(']');
    if (end == std::string_view::npos) return malformed("lacks a \"]\"");
    url.host = rest.substr(1, end - 1);
    port = rest.substr(end + 1);
    if (!port.empty() && port.front() != ':') return malformed("has something after the \"]\"");
  } else {
    const std::size_t colon = std::min(rest.find(':'), rest.size());
    url.host = rest.substr(0, colon);
    port = rest.substr(colon);
  }
  if (url.host.empty()) return malformed("has no host");
  if (port.size() > 1) {
    const std::optional<std::uint16_t> number = parse_decimal<std::uint16_t>(port.substr(1));
    if (!number || *number == 0) return malformed("has no port between 1 and 65535");
    url.port = *number;
  }
  return url;
}

Result<Url> Url::resolve(std::string_view reference) const {
  reference = trim(reference);
  if (reference.empty()) {
    return fail(Errc::kMalformed, "a reference of " + to_string() + " is empty");
  }
  const std::size_t colon = reference.find(':');
  if (colon < reference.find_first_of("/?#")) return parse(reference);
  const std::string origin = (secure ? "https://" : "http://") + authority();
  if (reference.starts_with("//"))
    return parse((secure ? "https:" : "http:") + std::string(reference));
  if (reference.starts_with('/')) return parse(origin + std::string(reference));
  const std::string_view path = std::string_view(target).substr(0, target.find('?'));
  if (reference.starts_with('?')) {
    return parse(origin + std::string(path) + std::string(reference));
  }
  return parse(origin + std::string(path.substr(0, path.rfind('/') + 1)) + std::string(reference));
}

std::string Url::authority() const {
  const bool is_v6 = host.find(':') != std::string::npos;
  std::string text = is_v6 ? "[" + host + "]" : host;
  if (port != standard_port(secure)) text += ":" + std::to_string(port);
  return text;
}

std::string Url::to_string() const {
  return (secure ? "https://" : "http://") + authority() + target;
}

}  // namespace floe::http
