#include "floe/http/problem.h"

#include <algorithm>

#include "floe/core/bytes.h"
#include "floe/core/text.h"

namespace floe::http {
namespace {

constexpr std::string_view kType = "application/problem+json";
// Enough of a foreign server's text to see what it wants.
constexpr std::size_t kMaxDetail = 300;

std::string json_string(std::string_view text) {
  // RFC 8259 section 8.1: what is no UTF-8 cannot stand there.
  const bool is_sound = is_utf8(as_bytes(text));
  std::string out = "\"";
  for (const char c : text) {
    if (!is_sound && static_cast<unsigned char>(c) > 0x7f) {
      out += '?';
    } else if (c == '"' || c == '\\') {
      out.append({'\\', c});
    } else if (static_cast<unsigned char>(c) < ' ') {
      constexpr std::string_view kDigits = "0123456789abcdef";
      out.append("\\u00").append({kDigits[static_cast<unsigned char>(c) >> 4],
                                  kDigits[static_cast<unsigned char>(c) & 15]});
    } else {
      out += c;
    }
  }
  return out + "\"";
}

/// The string that follows "detail", without being a JSON parser: it is shown to people.
std::string member(std::string_view json, std::string_view name) {
  std::size_t at = json.find("\"" + std::string(name) + "\"");
  if (at == std::string_view::npos) return {};
  at = json.find('"', json.find(':', at));
  std::string text;
  for (++at; at > 0 && at < json.size() && json[at] != '"'; ++at) {
    if (json[at] == '\\' && ++at == json.size()) break;
    text += json[at];
  }
  return text;
}

}  // namespace

Response problem(unsigned status, std::string_view detail) {
  Response response{status, {{"Content-Type", std::string(kType)}}, {}};
  response.body = "{\"title\":" + json_string(reason_phrase(status)) +
                  ",\"status\":" + std::to_string(status) + ",\"detail\":" + json_string(detail) +
                  "}\n";
  return response;
}

std::string detail_of(const Response& response) {
  const std::string type = media_type(response.headers.find("content-type").value_or(""));
  std::string text;
  if (type.ends_with("json")) {
    for (const std::string_view name : {"detail", "message", "error", "title"}) {
      if (text.empty()) text = member(response.body, name);
    }
  } else if (type == "text/plain") {
    text = trim(response.body);
  }
  if (text.size() > kMaxDetail) text.resize(kMaxDetail);
  std::replace_if(
      text.begin(), text.end(),
      [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; }, ' ');
  return text;
}

}  // namespace floe::http
