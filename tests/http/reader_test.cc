#include "floe/http/reader.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace floe::http {
namespace {

constexpr std::string_view kPatch =
    "\r\nPATCH /session/a?b HTTP/1.1\r\nHost: x\r\nIf-Match: \"e\"\r\nContent-Length: "
    "5\r\n\r\nhello";

/// The status that `text` is refused with, or 0.
unsigned refusal(std::string_view text, const ReaderLimits& limits = {}) {
  RequestReader reader(limits);
  reader.push(as_bytes(text));
  const auto next = reader.poll();
  return next && !*next ? next->error().status : 0;
}

TEST(HttpRequestReader, ReadsRequestsInPiecesOfAnySize) {
  const std::string two = std::string(kPatch) + std::string(kPatch);
  for (std::size_t step = 1; step <= two.size(); ++step) {
    RequestReader reader;
    std::vector<Request> requests;
    for (std::size_t at = 0; at < two.size(); at += step) {
      reader.push(as_bytes(std::string_view(two).substr(at, step)));
      while (auto next = reader.poll()) {
        ASSERT_TRUE(next->has_value()) << next->error().detail;
        requests.push_back(std::move(**next));
      }
    }
    ASSERT_EQ(requests.size(), 2u) << step;
    EXPECT_EQ(requests[1].method, "PATCH");
    EXPECT_EQ(requests[1].target, "/session/a?b");
    EXPECT_EQ(requests[1].path(), "/session/a");
    EXPECT_EQ(requests[1].headers.find("if-match"), "\"e\"");
    EXPECT_EQ(requests[1].body, "hello");
    EXPECT_TRUE(requests[1].keep_alive);
    EXPECT_FALSE(reader.in_message());
  }
}

TEST(HttpRequestReader, ReadsChunksAndPassesTheirExtensionsAndTrailerOver) {
  RequestReader reader;
  reader.push(
      as_bytes("POST http://x:1/whip HTTP/1.1\r\nhost: x\r\nTransfer-Encoding: Chunked\r\n\r\n"
               "3;a=b\r\nv=0\r\nA\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\n"));
  const auto next = reader.poll();
  ASSERT_TRUE(next && *next);
  EXPECT_EQ((*next)->target, "/whip");
  EXPECT_EQ((*next)->body, "v=00123456789");
}

TEST(HttpRequestReader, KnowsWhenTheConnectionEnds) {
  const auto keeps = [](std::string_view text) {
    RequestReader reader;
    reader.push(as_bytes(text));
    return reader.poll()->value().keep_alive;
  };
  EXPECT_FALSE(keeps("GET / HTTP/1.0\r\n\r\n"));
  EXPECT_TRUE(keeps("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
  EXPECT_FALSE(keeps("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
}

TEST(HttpRequestReader, SaysOnceThatAClientWaitsForLeave) {
  RequestReader reader;
  reader.push(
      as_bytes("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n"));
  EXPECT_FALSE(reader.poll());
  EXPECT_TRUE(reader.take_expectation());
  EXPECT_FALSE(reader.take_expectation());
  reader.push(as_bytes("x"));
  EXPECT_TRUE(reader.poll());
  EXPECT_FALSE(reader.take_expectation());
}

TEST(HttpRequestReader, RefusesWhatIsNoRequest) {
  EXPECT_EQ(refusal("hello\r\n\r\n"), 400u);
  EXPECT_EQ(refusal("GET  / HTTP/1.1\r\nHost: x\r\n\r\n"), 400u);
  EXPECT_EQ(refusal("G(T / HTTP/1.1\r\nHost: x\r\n\r\n"), 400u);
  EXPECT_EQ(refusal("GET elsewhere HTTP/1.1\r\nHost: x\r\n\r\n"), 400u);
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\n\r\n"), 400u);  // no Host
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n"), 400u);
  EXPECT_EQ(refusal("GET / HTTP/2.0\r\nHost: x\r\n\r\n"), 505u);
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\nHost : x\r\n\r\n"), 400u);
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n"), 400u);
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n"), 400u);
  EXPECT_EQ(refusal("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n"), 400u);
  EXPECT_EQ(refusal("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"),
            400u);
  EXPECT_EQ(refusal("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: "
                    "chunked\r\n\r\n"),
            400u);
  EXPECT_EQ(refusal("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n"), 501u);
  EXPECT_EQ(refusal("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
            400u);
  EXPECT_EQ(refusal("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n"),
            400u);
}

TEST(HttpRequestReader, RefusesWhatIsTooLarge) {
  const ReaderLimits limits{.max_head = 100, .max_body = 10};
  const std::string post = "POST / HTTP/1.1\r\nHost: x\r\n";
  EXPECT_EQ(refusal(post + "Content-Length: 11\r\n\r\n", limits), 413u);
  EXPECT_EQ(refusal(post + "Content-Length: 99999999999999999999\r\n\r\n", limits), 400u);
  EXPECT_EQ(refusal(post + "Transfer-Encoding: chunked\r\n\r\nb\r\n", limits), 413u);
  EXPECT_EQ(refusal(post + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", limits), 413u);
  EXPECT_EQ(refusal(post + "A: " + std::string(80, 'a'), limits), 431u);
  EXPECT_EQ(refusal(std::string(200, 'a'), limits), 413u);  // nothing more is kept
  std::string fields;
  for (int i = 0; i < 200; ++i) fields += "a: b\r\n";
  EXPECT_EQ(refusal(post + fields + "\r\n"), 431u);
}

Result<Response> read(std::string_view text, std::size_t step) {
  ResponseReader reader;
  for (std::size_t at = 0; at < text.size(); at += step) {
    if (auto result = reader.read(as_bytes(text.substr(at, step)))) return std::move(*result);
  }
  return reader.end();
}

TEST(HttpResponseReader, ReadsAResponseHoweverItEnds) {
  constexpr std::string_view kResponses[] = {
      "HTTP/1.1 201 Created\r\nContent-Length: 5\r\nLocation: /s\r\n\r\nhello",
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nLocation: /s\r\n"
      "transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
      "HTTP/1.0 201 Created\r\nLocation: /s\r\n\r\nhello",
  };
  for (const std::string_view text : kResponses) {
    for (const std::size_t step : {std::size_t(1), std::size_t(7), text.size()}) {
      const Result<Response> response = read(text, step);
      ASSERT_TRUE(response) << response.error().message;
      EXPECT_EQ(response->status, 201u);
      EXPECT_EQ(response->headers.find("location"), "/s");
      EXPECT_EQ(response->body, "hello");
    }
  }
  const Result<Response> empty = read("HTTP/1.1 204 No Content\r\nContent-Length: 7\r\n\r\n", 100);
  ASSERT_TRUE(empty);
  EXPECT_EQ(empty->body, "");
}

TEST(HttpResponseReader, SaysWhatIsWrongWithWhatIsNoResponse) {
  EXPECT_EQ(read("SSH-2.0-OpenSSH\r\n\r\n", 100).error().code, Errc::kMalformed);
  EXPECT_EQ(read("HTTP/1.1 9999 x\r\n\r\n", 100).error().code, Errc::kMalformed);
  EXPECT_EQ(read("HTTP/1.1 abc\r\n\r\n", 100).error().code, Errc::kMalformed);
  EXPECT_EQ(read("", 1).error().code, Errc::kClosed);
  EXPECT_NE(read("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi", 100)
                .error()
                .message.find("in the middle"),
            std::string::npos);
}

}  // namespace
}  // namespace floe::http
