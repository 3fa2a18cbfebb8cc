#include "floe/http/message.h"

#include <algorithm>
#include <array>
#include <utility>

#include "floe/core/text.h"

namespace floe::http {
namespace {

constexpr std::array<std::pair<unsigned, std::string_view>, 33> kReasons = {{
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {422, "Unprocessable Content"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
}};

void append_clean(std::string& text, std::string_view value) {
  std::copy_if(value.begin(), value.end(), std::back_inserter(text),
               [](char c) { return c != '\r' && c != '\n' && c != '\0'; });
}

void append_fields(std::string& text, const Headers& headers) {
  for (const Headers::Field& field : headers) {
    append_clean(text, field.name);
    text += ": ";
    append_clean(text, field.value);
    text += "\r\n";
  }
}

void append_length(std::string& text, std::size_t size) {
  text += "Content-Length: " + std::to_string(size) + "\r\n";
}

}  // namespace

void Headers::add(std::string name, std::string value) {
  fields_.push_back({std::move(name), std::move(value)});
}

void Headers::set(std::string_view name, std::string value) {
  std::erase_if(fields_,
                [&](const Field& field) { return equals_ignoring_case(field.name, name); });
  add(std::string(name), std::move(value));
}

std::optional<std::string_view> Headers::find(std::string_view name) const {
  for (const Field& field : fields_) {
    if (equals_ignoring_case(field.name, name)) return field.value;
  }
  return std::nullopt;
}

std::vector<std::string_view> Headers::all(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const Field& field : fields_) {
    if (equals_ignoring_case(field.name, name)) values.emplace_back(field.value);
  }
  return values;
}

bool Headers::lists(std::string_view name, std::string_view item) const {
  for (const std::string_view value : all(name)) {
    for (const std::string_view part : split(value, ',')) {
      if (equals_ignoring_case(trim(part), item)) return true;
    }
  }
  return false;
}

std::string_view Request::path() const {
  return std::string_view(target).substr(0, target.find('?'));
}

std::string_view reason_phrase(unsigned status) {
  const auto* const known =
      std::find_if(kReasons.begin(), kReasons.end(),
                   [status](const auto& reason) { return reason.first == status; });
  if (known != kReasons.end()) return known->second;
  // RFC 9110 section 15: a status that is not known is the x00 of its class.
  const unsigned general = status / 100 * 100;
  return general == status ? "Unknown" : reason_phrase(general);
}

std::string media_type(std::string_view content_type) {
  return to_lower(trim(content_type.substr(0, content_type.find(';'))));
}

std::string to_text(const Request& request) {
  std::string text;
  append_clean(text, request.method);
  text += ' ';
  append_clean(text, request.target);
  text += " HTTP/1.1\r\n";
  append_fields(text, request.headers);
  if (!request.keep_alive) text += "Connection: close\r\n";
  // RFC 9110 section 8.6: also when there is nothing in a method's body that usually has one.
  const bool has_body = request.method == "POST" || request.method == "PATCH";
  if (has_body || !request.body.empty()) append_length(text, request.body.size());
  return text + "\r\n" + request.body;
}

std::string to_text(const Response& response, bool keep_alive, bool to_head) {
  std::string text = "HTTP/1.1 " + std::to_string(response.status) + " ";
  text.append(reason_phrase(response.status)).append("\r\n");
  append_fields(text, response.headers);
  if (!keep_alive) text += "Connection: close\r\n";
  // RFC 9110 section 8.6 forbids the field here.
  if (response.status == 204) return text + "\r\n";
  append_length(text, response.body.size());
  text += "\r\n";
  return to_head ? text : text + response.body;
}

}  // namespace floe::http
