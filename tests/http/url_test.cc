#include "floe/http/url.h"

#include <gtest/gtest.h>

namespace floe::http {
namespace {

TEST(HttpUrl, ReadsItsParts) {
  const Url url = Url::parse("HTTPS://[2001:db8::1]:8443/a/./b/../c?x=../y#fragment").value();
  EXPECT_TRUE(url.secure);
  EXPECT_EQ(url.host, "2001:db8::1");
  EXPECT_EQ(url.port, 8443);
  EXPECT_EQ(url.target, "/a/c?x=../y");
  EXPECT_EQ(url.to_string(), "https://[2001:db8::1]:8443/a/c?x=../y");
  EXPECT_EQ(Url::parse("http://example.org").value().to_string(), "http://example.org/");
  EXPECT_EQ(Url::parse("https://example.org?q").value().target, "/?q");
  EXPECT_EQ(Url::parse("https://example.org").value().port, 443);
  EXPECT_EQ(Url::parse("http://x:80/..").value().to_string(), "http://x/");
}

TEST(HttpUrl, ResolvesReferences) {
  const Url base = Url::parse("https://example.org:8443/whip/door?token=1").value();
  const auto resolved = [&](std::string_view reference) {
    const auto url = base.resolve(reference);
    return url ? url->to_string() : url.error().message;
  };
  EXPECT_EQ(resolved("/session/1"), "https://example.org:8443/session/1");
  EXPECT_EQ(resolved("session/1"), "https://example.org:8443/whip/session/1");
  EXPECT_EQ(resolved("../s/1?a"), "https://example.org:8443/s/1?a");
  EXPECT_EQ(resolved("?b"), "https://example.org:8443/whip/door?b");
  EXPECT_EQ(resolved("//other.example/x"), "https://other.example/x");
  EXPECT_EQ(resolved("http://other.example/x:y"), "http://other.example/x:y");
  EXPECT_FALSE(base.resolve(""));
  EXPECT_FALSE(base.resolve("mailto:a@b"));
}

TEST(HttpUrl, SaysWhatIsWrong) {
  for (const std::string_view text :
       {"", "example.org", "ftp://x/", "http://", "http://x:0/", "http://x:65536/", "http://[::1/",
        "http://[::1]x/", "http://u:p@x/", "http://x/a b", "http://x/\r\n"}) {
    const auto url = Url::parse(text);
    ASSERT_FALSE(url) << text;
    EXPECT_NE(url.error().message.find("the URL"), std::string::npos);
  }
  EXPECT_FALSE(Url::parse("http://x/" + std::string(9000, 'a')));
}

}  // namespace
}  // namespace floe::http
