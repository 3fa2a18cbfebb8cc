#include "floe/http/reader.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "floe/core/text.h"

namespace floe::http {
namespace {

// More fields than this are an attack on whoever walks through them.
constexpr std::size_t kMaxFields = 100;
// The longest chunk size that is worth reading, extensions included.
constexpr std::size_t kMaxChunkLine = 256;

tl::unexpected<Refusal> refuse(unsigned status, std::string detail) {
  return tl::unexpected<Refusal>(Refusal{status, std::move(detail)});
}

/// A token of RFC 9110 section 5.6.2.
bool is_token(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kMarks.find(c) != std::string_view::npos;
  });
}

bool is_visible(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

std::optional<std::size_t> parse_hex(std::string_view text) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc() || end == text.data() || text.starts_with('-')) return std::nullopt;
  // An extension may follow (RFC 9112 section 7.1.1).
  if (end != text.data() + text.size() && *end != ';' && *end != ' ') return std::nullopt;
  return value;
}

}  // namespace

void MessageReader::push(Bytes data) {
  // What a pipelining client sends ahead has room where this message has not used it.
  if (buffer_.size() + data.size() > limits_.max_head + limits_.max_body) {
    overflowed_ = true;
    return;
  }
  buffer_.append(as_text(data));
}

void MessageReader::restart() {
  headers_ = {};
  body_.clear();
  expected_ = 0;
  trailer_ = 0;
  stage_ = Stage::kHead;
}

std::optional<std::string> MessageReader::take_line() {
  const std::size_t end = buffer_.find('\n');
  if (end == std::string::npos) return std::nullopt;
  std::string line = buffer_.substr(0, end);
  buffer_.erase(0, end + 1);
  return line;
}

MessageReader::Step MessageReader::advance() {
  if (overflowed_) return refuse(413, "the message is too large");
  while (true) {
    switch (stage_) {
      case Stage::kHead: {
        const Step read = read_head();
        if (!read || !*read) return read;
        break;
      }
      case Stage::kLength: {
        const std::size_t size = std::min(expected_, buffer_.size());
        body_.append(buffer_, 0, size);
        buffer_.erase(0, size);
        expected_ -= size;
        if (expected_ > 0) return false;
        stage_ = Stage::kWhole;
        break;
      }
      case Stage::kUntilClose:
        if (body_.size() + buffer_.size() > limits_.max_body) {
          return refuse(413, "the body is too large");
        }
        body_ += std::exchange(buffer_, {});
        return false;
      case Stage::kChunkSize: {
        const Step read = read_chunk_size();
        if (!read || !*read) return read;
        break;
      }
      case Stage::kChunk:
        if (buffer_.size() < expected_ + 2) return false;
        if (buffer_.compare(expected_, 2, "\r\n") != 0) return refuse(400, "a chunk is broken");
        body_.append(buffer_, 0, expected_);
        buffer_.erase(0, expected_ + 2);
        stage_ = Stage::kChunkSize;
        break;
      case Stage::kTrailer: {
        const std::optional<std::string> line = take_line();
        if (!line && trailer_ + buffer_.size() <= limits_.max_head) return false;
        if (!line || (trailer_ += line->size()) > limits_.max_head) {
          return refuse(431, "the trailer is too large");
        }
        if (trim(*line).empty()) stage_ = Stage::kWhole;
        break;
      }
      case Stage::kWhole:
        return true;
    }
  }
}

MessageReader::Step MessageReader::read_head() {
  // RFC 9112 section 2.2: empty lines before a request are passed over.
  while (buffer_.starts_with("\r\n")) buffer_.erase(0, 2);
  const std::size_t end = buffer_.find("\r\n\r\n");
  if (std::min(end, buffer_.size()) > limits_.max_head) {
    return refuse(431, "the head has more than " + std::to_string(limits_.max_head) + " bytes");
  }
  if (end == std::string::npos) return false;
  const std::string head = buffer_.substr(0, end);
  buffer_.erase(0, end + 4);
  const std::size_t first = std::min(head.find("\r\n"), head.size());
  if (auto read = read_fields(std::string_view(head).substr(first)); !read) {
    return tl::unexpected<Refusal>(read.error());
  }
  if (auto read = read_start(std::string_view(head).substr(0, first)); !read) {
    return tl::unexpected<Refusal>(read.error());
  }
  if (stage_ != Stage::kHead) return true;
  if (auto found = find_body(); !found) return tl::unexpected<Refusal>(found.error());
  return true;
}

tl::expected<void, Refusal> MessageReader::read_fields(std::string_view lines) {
  headers_ = {};
  while (!lines.empty()) {
    lines.remove_prefix(2);  // CRLF
    const std::size_t end = std::min(lines.find("\r\n"), lines.size());
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(end);
    const std::size_t colon = line.find(':');
    // RFC 9112 section 5: neither a blank before the colon nor a folded line.
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
      return refuse(400, "this is no header field: " + quoted(line));
    }
    const std::string_view value = trim(line.substr(colon + 1));
    if (value.find_first_of(std::string_view("\0\r\n", 3)) != std::string_view::npos) {
      return refuse(400, "a header field holds a control character");
    }
    if (headers_.size() == kMaxFields) return refuse(431, "there are too many header fields");
    headers_.add(std::string(line.substr(0, colon)), std::string(value));
  }
  return {};
}

// RFC 9112 section 6.3.
tl::expected<void, Refusal> MessageReader::find_body() {
  const std::vector<std::string_view> codings = headers_.all("transfer-encoding");
  const std::vector<std::string_view> lengths = headers_.all("content-length");
  if (!codings.empty()) {
    // Both together are how requests are smuggled past proxies.
    if (!lengths.empty()) return refuse(400, "both Transfer-Encoding and Content-Length");
    if (codings.size() != 1 || !equals_ignoring_case(codings.front(), "chunked")) {
      return refuse(501, "Transfer-Encoding can only be chunked");
    }
    stage_ = Stage::kChunkSize;
    return {};
  }
  if (lengths.empty()) {
    stage_ = unsized();
    return {};
  }
  const std::optional<std::size_t> length = parse_decimal<std::size_t>(lengths.front());
  if (!length || std::any_of(lengths.begin(), lengths.end(),
                             [&](std::string_view other) { return other != lengths.front(); })) {
    return refuse(400, "Content-Length is not a number");
  }
  if (*length > limits_.max_body) {
    return refuse(413, "the body has " + std::to_string(*length) + " bytes, more than " +
                           std::to_string(limits_.max_body));
  }
  expected_ = *length;
  stage_ = Stage::kLength;
  return {};
}

MessageReader::Step MessageReader::read_chunk_size() {
  const std::optional<std::string> line = take_line();
  if (!line && buffer_.size() <= kMaxChunkLine) return false;
  const std::optional<std::size_t> size = line ? parse_hex(trim(*line)) : std::nullopt;
  if (!size) return refuse(400, "a chunk has no size");
  if (*size > limits_.max_body - body_.size()) return refuse(413, "the body is too large");
  expected_ = *size;
  stage_ = expected_ == 0 ? Stage::kTrailer : Stage::kChunk;
  return true;
}

// ---------------------------------------------------------------------------------- requests

std::optional<RequestReader::Next> RequestReader::poll() {
  if (refused_) return tl::unexpected<Refusal>(*refused_);
  const Step step = advance();
  if (!step) {
    refused_ = step.error();
    return tl::unexpected<Refusal>(*refused_);
  }
  if (!*step) return std::nullopt;
  Request request = std::exchange(request_, {});
  request.headers = std::move(headers_);
  request.body = std::move(body_);
  // RFC 9112 section 9.3.
  request.keep_alive = !request.headers.lists("connection", "close") &&
                       (!is_old_ || request.headers.lists("connection", "keep-alive"));
  restart();
  expectation_told_ = false;
  return request;
}

bool RequestReader::take_expectation() {
  const bool waits = (stage_ == Stage::kLength || stage_ == Stage::kChunkSize) && !is_old_ &&
                     body_.empty() && headers_.lists("expect", "100-continue");
  return waits && !std::exchange(expectation_told_, true);
}

// RFC 9112 section 3.
tl::expected<void, Refusal> RequestReader::read_start(std::string_view line) {
  const std::vector<std::string_view> words = split(line, ' ');
  if (words.size() != 3 || !is_token(words[0]) || words[1].empty() || !is_visible(words[1])) {
    return refuse(400, "this is no request line: " + quoted(line));
  }
  is_old_ = words[2] == "HTTP/1.0";
  if (!is_old_ && words[2] != "HTTP/1.1") {
    return refuse(words[2].starts_with("HTTP/") ? 505 : 400, "only HTTP/1.1 is spoken here");
  }
  // RFC 9112 section 3.2.
  if (!is_old_ && headers_.all("host").size() != 1) return refuse(400, "there must be one Host");
  request_.method = words[0];
  std::string_view target = words[1];
  // The absolute form, as proxies get it (RFC 9112 section 3.2.2).
  if (const std::size_t scheme = target.find("://");
      !target.starts_with('/') && scheme != std::string_view::npos) {
    const std::size_t path = target.find_first_of("/?", scheme + 3);
    target = path == std::string_view::npos ? "/" : target.substr(path);
  }
  if (target != "*" && !target.starts_with('/')) return refuse(400, "the target is no path");
  request_.target = target;
  return {};
}

// --------------------------------------------------------------------------------- responses

std::optional<Result<Response>> ResponseReader::read(Bytes data) {
  push(data);
  while (true) {
    const Step step = advance();
    if (!step) {
      return fail(Errc::kMalformed, "the response is not HTTP/1.1: " + step.error().detail);
    }
    if (!*step) return std::nullopt;
    // RFC 9110 section 15.2: a final response follows.
    if (status_ >= 200) return take();
    restart();
  }
}

Result<Response> ResponseReader::end() {
  if (stage_ == Stage::kUntilClose) return take();
  return fail(Errc::kClosed, in_message() ? "the server closed in the middle of its response"
                                          : "the server closed without a response");
}

Response ResponseReader::take() {
  return {status_, std::move(headers_), std::move(body_)};
}

// RFC 9112 section 4.
tl::expected<void, Refusal> ResponseReader::read_start(std::string_view line) {
  if (!line.starts_with("HTTP/1.") || line.size() < 12 || line[8] != ' ') {
    return refuse(502, "it begins with " + quoted(line, 40));
  }
  const std::optional<unsigned> status = parse_decimal<unsigned>(line.substr(9, 3));
  if (!status || *status < 100 || *status > 599) return refuse(502, "it has no status");
  status_ = *status;
  // These have no body, whatever their fields say.
  if (status_ < 200 || status_ == 204 || status_ == 304) stage_ = Stage::kWhole;
  return {};
}

MessageReader::Stage ResponseReader::unsized() const {
  return Stage::kUntilClose;
}

}  // namespace floe::http
