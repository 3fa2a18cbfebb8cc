#include "floe/port_mapping/http.h"

#include <charconv>
#include <utility>

#include "floe/core/text.h"

namespace floe::port_mapping {
namespace {

constexpr std::size_t kMaxUrl = 512;
constexpr std::string_view kScheme = "http://";

tl::unexpected<Error> malformed(std::string what) {
  return fail(Errc::kMalformed, "the router's HTTP response " + std::move(what));
}

bool is_url_character(char c) {
  return c > ' ' && c < 0x7f && c != '"' && c != '<' && c != '>' && c != '\\';
}

std::string start_of(std::string_view method, const HttpUrl& url) {
  std::string text(method);
  text.append(" ").append(url.path).append(" HTTP/1.1\r\nHost: ");
  text.append(url.server.to_string()).append("\r\nConnection: close\r\n");
  return text;
}

std::optional<std::size_t> parse_hex(std::string_view text) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc() || end == text.data()) return std::nullopt;
  // An extension may follow (RFC 9112 section 7.1.1).
  if (end != text.data() + text.size() && *end != ';' && *end != ' ') return std::nullopt;
  return value;
}

}  // namespace

std::optional<HttpUrl> HttpUrl::parse(std::string_view text) {
  text = trim(text);
  if (text.size() > kMaxUrl || text.size() <= kScheme.size()) return std::nullopt;
  if (!equals_ignoring_case(text.substr(0, kScheme.size()), kScheme)) return std::nullopt;
  for (const char c : text) {
    if (!is_url_character(c)) return std::nullopt;
  }
  text.remove_prefix(kScheme.size());
  const std::size_t slash = text.find('/');
  std::string host(text.substr(0, slash));
  if (host.find(':') == std::string::npos) host += ":80";
  const std::optional<net::Endpoint> server = net::Endpoint::parse(host);
  if (!server || server->port == 0 || !server->address.is_v4()) return std::nullopt;
  return HttpUrl{*server, slash == std::string_view::npos ? "/" : std::string(text.substr(slash))};
}

std::optional<HttpUrl> HttpUrl::resolve(std::string_view reference) const {
  reference = trim(reference);
  if (reference.find("://") != std::string_view::npos) return parse(reference);
  HttpUrl url{server, std::string(reference)};
  if (!reference.starts_with('/')) {
    url.path = path.substr(0, path.rfind('/') + 1) + std::string(reference);
  }
  if (reference.empty() || url.path.size() > kMaxUrl) return std::nullopt;
  for (const char c : url.path) {
    if (!is_url_character(c)) return std::nullopt;
  }
  return url;
}

HttpRequest HttpRequest::get(const HttpUrl& url) {
  return {url.server, start_of("GET", url) + "\r\n"};
}

HttpRequest HttpRequest::post(const HttpUrl& url, std::string_view soap_action,
                              std::string_view body) {
  std::string text = start_of("POST", url);
  text += "Content-Type: text/xml; charset=\"utf-8\"\r\nSOAPAction: \"";
  text.append(soap_action).append("\"\r\nContent-Length: ");
  text.append(std::to_string(body.size())).append("\r\n\r\n").append(body);
  return {url.server, std::move(text)};
}

std::optional<Result<HttpResponse>> HttpReader::read(Bytes data) {
  if (buffer_.size() + data.size() > kMaxHead + kMaxBody) {
    return malformed("is larger than " + std::to_string(kMaxBody) + " bytes");
  }
  buffer_.append(as_text(data));
  return advance();
}

Result<HttpResponse> HttpReader::end() {
  if (stage_ != Stage::kUntilClose) return malformed("ends early");
  if (buffer_.size() > kMaxBody) return malformed("is too large");
  response_.body = std::move(buffer_);
  return std::move(response_);
}

Result<> HttpReader::read_head(std::string_view head) {
  const std::vector<std::string_view> lines = split(head, '\n');
  const std::string_view first = trim(lines.front());
  if (!first.starts_with("HTTP/1.") || first.size() < 12) return malformed("has no status line");
  const std::optional<unsigned> status = parse_decimal<unsigned>(first.substr(9, 3));
  if (!status || *status < 200) return malformed("has no final status");
  response_.status = *status;
  stage_ = Stage::kUntilClose;
  bool is_chunked = false;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const std::size_t colon = lines[i].find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view name = trim(lines[i].substr(0, colon));
    const std::string_view value = trim(lines[i].substr(colon + 1));
    if (equals_ignoring_case(name, "transfer-encoding")) {
      if (!equals_ignoring_case(value, "chunked")) return malformed("is encoded strangely");
      is_chunked = true;
    } else if (equals_ignoring_case(name, "content-length")) {
      const std::optional<std::size_t> length = parse_decimal<std::size_t>(value);
      if (!length || *length > kMaxBody) return malformed("has no usable length");
      expected_ = *length;
      stage_ = Stage::kLength;
    }
  }
  if (is_chunked) stage_ = Stage::kChunkSize;  // It goes before any length (RFC 9112 section 6.3).
  return {};
}

std::optional<std::string_view> HttpReader::take_line() {
  const std::size_t end = buffer_.find('\n');
  if (end == std::string::npos) return std::nullopt;
  return std::string_view(buffer_).substr(0, end + 1);
}

std::optional<Result<HttpResponse>> HttpReader::advance() {
  while (true) {
    switch (stage_) {
      case Stage::kHead: {
        const std::size_t end = buffer_.find("\r\n\r\n");
        if (end > kMaxHead) {
          if (end == std::string::npos && buffer_.size() <= kMaxHead) return std::nullopt;
          return malformed("has a head of more than " + std::to_string(kMaxHead) + " bytes");
        }
        const Result<> read = read_head(std::string_view(buffer_).substr(0, end));
        if (!read) return forward(read);
        buffer_.erase(0, end + 4);
        break;
      }
      case Stage::kUntilClose:
        if (buffer_.size() > kMaxBody) return malformed("is too large");
        return std::nullopt;
      case Stage::kLength:
        if (buffer_.size() < expected_) return std::nullopt;
        response_.body = buffer_.substr(0, expected_);
        return std::move(response_);
      case Stage::kChunkSize: {
        const auto line = take_line();
        if (!line) return std::nullopt;
        const std::optional<std::size_t> size = parse_hex(trim(*line));
        if (!size || *size > kMaxBody - response_.body.size()) {
          return malformed("has a chunk of a wrong size");
        }
        expected_ = *size;
        buffer_.erase(0, line->size());
        stage_ = expected_ == 0 ? Stage::kTrailer : Stage::kChunk;
        break;
      }
      case Stage::kChunk:
        if (buffer_.size() < expected_ + 2) return std::nullopt;
        if (buffer_.compare(expected_, 2, "\r\n") != 0) return malformed("has a broken chunk");
        response_.body.append(buffer_, 0, expected_);
        buffer_.erase(0, expected_ + 2);
        stage_ = Stage::kChunkSize;
        break;
      case Stage::kTrailer: {
        const auto line = take_line();
        if (!line) return std::nullopt;
        const bool is_last = trim(*line).empty();
        buffer_.erase(0, line->size());
        if (is_last) return std::move(response_);
        break;
      }
    }
  }
}

}  // namespace floe::port_mapping
