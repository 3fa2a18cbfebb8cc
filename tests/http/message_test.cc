#include "floe/http/message.h"

#include <gtest/gtest.h>

#include "floe/http/link.h"
#include "floe/http/problem.h"

namespace floe::http {
namespace {

TEST(HttpMessage, FindsFieldsWhateverTheirCase) {
  Headers headers{{"ETag", "\"a\""}, {"Connection", "keep-alive, Close"}};
  headers.add("etag", "\"b\"");
  EXPECT_EQ(headers.find("Etag"), "\"a\"");
  EXPECT_EQ(headers.all("ETAG").size(), 2u);
  EXPECT_TRUE(headers.lists("connection", "close"));
  EXPECT_FALSE(headers.lists("connection", "upgrade"));
  headers.set("ETag", "c");
  EXPECT_EQ(headers.all("etag").size(), 1u);
  EXPECT_FALSE(headers.find("Location"));
}

TEST(HttpMessage, LetsNoValueAddAField) {
  const Request request{"POST", "/a", {{"If-Match", "x\r\nEvil: 1"}}, "body"};
  EXPECT_EQ(to_text(request),
            "POST /a HTTP/1.1\r\nIf-Match: xEvil: 1\r\nContent-Length: 4\r\n\r\nbody");
  EXPECT_EQ(to_text(Response{204, {}, {}}, true), "HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_EQ(to_text(Response{200, {}, "abc"}, false, /*to_head=*/true),
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\n");
}

TEST(HttpMessage, NamesAnUnknownStatusAfterItsClass) {
  EXPECT_EQ(reason_phrase(418), "Bad Request");
  EXPECT_EQ(reason_phrase(599), "Internal Server Error");
  EXPECT_EQ(reason_phrase(999), "Unknown");
}

TEST(HttpMessage, TakesAMediaTypeWithoutItsParameters) {
  EXPECT_EQ(media_type(" Application/SDP ; charset=utf-8"), "application/sdp");
  EXPECT_EQ(media_type(""), "");
}

TEST(HttpMessage, CarriesTheReasonOfAProblemInWords) {
  const Response response = problem(400, "line 3 \"a=\x01\": expected \\");
  EXPECT_EQ(response.headers.find("content-type"), "application/problem+json");
  EXPECT_EQ(response.body,
            "{\"title\":\"Bad Request\",\"status\":400,"
            "\"detail\":\"line 3 \\\"a=\\u0001\\\": expected \\\\\"}\n");
  EXPECT_EQ(detail_of(problem(404, "no such session")), "no such session");
  EXPECT_EQ(detail_of({500, {{"Content-Type", "text/plain"}}, " out of\norder\n"}), "out of order");
  EXPECT_EQ(detail_of({500, {{"Content-Type", "text/html"}}, "<html>"}), "");
  EXPECT_EQ(detail_of({500, {{"Content-Type", "application/json"}}, "{\"detail\""}), "");
  EXPECT_EQ(detail_of({500, {{"Content-Type", "application/json"}}, "{\"detail\":\"a\\"}), "a");
  EXPECT_EQ(detail_of(problem(400, "say \"a\"")), "say \"a\"");
  EXPECT_EQ(detail_of(problem(400, std::string(1000, 'a'))).size(), 300u);
  // Bytes that are no UTF-8 do not make bad JSON.
  EXPECT_NE(problem(400, "\xff").body.find("\"?\""), std::string::npos);
}

TEST(HttpLink, ReadsWhatOthersWriteAndWritesItAgain) {
  Headers headers;
  headers.add("Link",
              "<stun:stun.example.net>; rel=\"ice-server\", "
              "<turn:turn.example.net?transport=udp>; rel=ice-server;\t"
              "username=\"us\\\"er\";credential=\"a,b;c\"");
  headers.add("link", "</next>; rel=\"Next ice-server\"; flag");
  const std::vector<Link> links = read_links(headers);
  ASSERT_EQ(links.size(), 3u);
  EXPECT_EQ(links[0].target, "stun:stun.example.net");
  EXPECT_EQ(links[1].parameter("username"), "us\"er");
  EXPECT_EQ(links[1].parameter("credential"), "a,b;c");
  EXPECT_FALSE(links[1].parameter("credential-type"));
  EXPECT_TRUE(links[2].has_relation("ice-server"));
  EXPECT_EQ(links[2].parameter("flag"), "");
  for (const Link& link : links) {
    EXPECT_EQ(read_links({{"Link", link.to_string()}}), std::vector<Link>{link});
  }
}

TEST(HttpLink, StopsAtWhatIsNoLinkAndAtTooMany) {
  EXPECT_TRUE(read_links({{"Link", "stun:no.brackets; rel=x"}}).empty());
  EXPECT_TRUE(read_links({{"Link", "<stun:open"}}).empty());
  EXPECT_TRUE(read_links({{"Link", "<a>; rel=\"open"}}).empty());
  EXPECT_EQ(read_links({{"Link", "<a>;;; rel=b,, junk"}}).size(), 1u);
  std::string many;
  for (int i = 0; i < 100; ++i) many += "<a>,";
  EXPECT_EQ(read_links({{"Link", many}}).size(), kMaxLinks);
}

}  // namespace
}  // namespace floe::http
