// HTTP from anywhere: requests, responses, URLs, links. The first byte says what the rest is.
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "floe/core/check.h"
#include "floe/http/link.h"
#include "floe/http/problem.h"
#include "floe/http/reader.h"
#include "floe/http/url.h"

namespace floe::http {
namespace {

constexpr ReaderLimits kLimits{.max_head = 1'000, .max_body = 1'000};

std::string read_requests(Bytes bytes, std::size_t step) {
  RequestReader reader(kLimits);
  std::string seen;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    reader.push(bytes.subspan(at, std::min(step, bytes.size() - at)));
    while (const auto next = reader.poll()) {
      if (!*next) return seen + std::to_string(next->error().status / 100);
      FLOE_CHECK((*next)->body.size() <= kLimits.max_body);
      FLOE_CHECK((*next)->target == "*" || (*next)->target.starts_with('/'));
      seen += to_text(**next);
    }
  }
  return seen;
}

Result<Response> read_response(Bytes bytes, std::size_t step) {
  ResponseReader reader(kLimits);
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    const Bytes piece = bytes.subspan(at, std::min(step, bytes.size() - at));
    if (auto result = reader.read(piece)) return std::move(*result);
  }
  return reader.end();
}

void compare_responses(Bytes bytes) {
  const Result<Response> one = read_response(bytes, 1);
  const Result<Response> some = read_response(bytes, 7);
  FLOE_CHECK(one.has_value() == some.has_value());
  if (!one) return;
  FLOE_CHECK(one->body == some->body && one->body.size() <= kLimits.max_body);
  FLOE_CHECK(detail_of(*one).size() <= kLimits.max_body);
}

void read_url(std::string_view text) {
  const Url base = Url::parse("https://example.org/a/b?c").value();
  for (const auto& url : {Url::parse(text), base.resolve(text)}) {
    if (!url) continue;
    FLOE_CHECK(url->target.starts_with('/'));
    FLOE_CHECK(Url::parse(url->to_string()).value() == *url);
  }
}

}  // namespace
}  // namespace floe::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace floe::http;
  if (size == 0) return 0;
  const floe::Bytes rest{data + 1, size - 1};
  switch (data[0] % 4) {
    case 0:
      // What comes at once may be too much at once, but pieces are pieces.
      FLOE_CHECK(read_requests(rest, 1) == read_requests(rest, 3));
      break;
    case 1:
      compare_responses(rest);
      break;
    case 2:
      read_url(floe::as_text(rest));
      break;
    default:
      for (const Link& link : read_links({{"Link", std::string(floe::as_text(rest))}})) {
        static_cast<void>(link.to_string());
      }
      static_cast<void>(problem(400, floe::as_text(rest)));
      break;
  }
  return 0;
}
