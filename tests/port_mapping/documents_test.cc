#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "floe/port_mapping/http.h"
#include "floe/port_mapping/upnp_message.h"
#include "floe/port_mapping/xml_reader.h"

namespace floe::port_mapping {
namespace {

using ::testing::HasSubstr;

const net::Address kRouter = net::Address::v4(192, 168, 1, 1);

TEST(HttpUrl, TakesAddressesOnly) {
  const auto url = HttpUrl::parse(" HTTP://192.168.1.1:5000/a/desc.xml\r\n");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->server, (net::Endpoint{kRouter, 5000}));
  EXPECT_EQ(url->path, "/a/desc.xml");
  EXPECT_EQ(HttpUrl::parse("http://192.168.1.1")->server.port, 80);
  EXPECT_EQ(HttpUrl::parse("http://192.168.1.1")->path, "/");
  for (const char* bad :
       {"https://192.168.1.1/", "http://router/", "http://192.168.1.1:0/", "http://",
        "http://192.168.1.1/a b", "http://192.168.1.1/\r\nX: y", "http://u@192.168.1.1/",
        "http://[fe80::1]/", "http://192.168.1.1:99999/"}) {
    EXPECT_FALSE(HttpUrl::parse(bad)) << bad;
  }
  EXPECT_EQ(url->resolve("/ctl")->path, "/ctl");
  EXPECT_EQ(url->resolve("ctl")->path, "/a/ctl");
  EXPECT_EQ(url->resolve("http://192.168.1.9:1/x")->server.address.to_string(), "192.168.1.9");
  EXPECT_FALSE(url->resolve(""));
  EXPECT_FALSE(url->resolve("/a\r\nX: y"));
}

/// The response in `text`, handed over `step` bytes at a time; closed at the end.
Result<HttpResponse> read(std::string_view text, std::size_t step = 1) {
  HttpReader reader;
  for (std::size_t at = 0; at < text.size(); at += step) {
    if (auto result = reader.read(as_bytes(text.substr(at, step)))) return std::move(*result);
  }
  return reader.end();
}

TEST(HttpReader, ReadsBodiesOfEachLengthSplitAnywhere) {
  const std::string_view sized = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
  const std::string_view chunked =
      "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\nT: "
      "1\r\n\r\n";
  const std::string_view closed = "HTTP/1.0 500 No\r\nServer: x\r\n\r\nhello";
  for (const std::string_view text : {sized, chunked, closed}) {
    for (const std::size_t step : {1u, 2u, 7u, 1000u}) {
      const Result<HttpResponse> response = read(text, step);
      ASSERT_TRUE(response) << response.error().message;
      EXPECT_EQ(response->body, "hello");
      EXPECT_EQ(response->status, text == closed ? 500u : 200u);
    }
  }
}

TEST(HttpReader, RefusesWhatIsBrokenOrTooLarge) {
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  for (const std::string& bad :
       {std::string("ICY 200 OK\r\n\r\n"), std::string("HTTP/1.1 abc\r\n\r\n"),
        std::string("HTTP/1.1 100 Continue\r\n\r\n"), ok + "Content-Length: x\r\n\r\n",
        ok + "Content-Length: 999999999999999999999\r\n\r\n", ok + "Content-Length: 131073\r\n\r\n",
        ok + "Content-Length: 5\r\n\r\nhel", ok + "Transfer-Encoding: gzip\r\n\r\n",
        ok + "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        ok + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
        ok + "Transfer-Encoding: chunked\r\n\r\n1\r\nabc", ok + "X: " + std::string(9000, 'a'),
        ok + "\r\n" + std::string(HttpReader::kMaxBody + 1, 'a'), std::string()}) {
    EXPECT_FALSE(read(bad, 1000)) << bad.substr(0, 80);
  }
}

TEST(XmlReader, ReadsElementsTextsAndEntities) {
  XmlReader reader(
      "<?xml version=\"1.0\"?><!-- x --><a:root xmlns=\"u>v\" b='1'> <one/>\n<two> a &amp; "
      "&#66;&#x43; </two><![CDATA[<raw>]]></a:root> ");
  using Token = XmlReader::Token;
  std::string log;
  for (Token token = reader.next(); token != Token::kDone; token = reader.next()) {
    ASSERT_NE(token, Token::kError);
    if (token == Token::kStart) log += "<" + std::string(reader.name());
    if (token == Token::kEnd) log += ">";
    if (token == Token::kText) log += "'" + reader.text() + "'";
  }
  EXPECT_EQ(log, "<root''<one>''<two'a & BC'>'<raw>'>");
}

TEST(XmlReader, RefusesWhatIsNotWellFormed) {
  std::string deep;
  for (int i = 0; i < 40; ++i) deep += "<a>";
  for (const std::string& bad :
       {std::string(), std::string("x"), std::string("<a>"), std::string("<a></b>"),
        std::string("<a/><b/>"), std::string("<a><b></a></b>"), std::string("<a b></a>"),
        std::string("<a b=1></a>"), std::string("<a b=\"></a>"), std::string("<a>&b;</a>"),
        std::string("<a>&#0;</a>"), std::string("<a>&amp</a>"), std::string("< a/>"),
        std::string("<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>"), std::string("<a/>x"), deep}) {
    XmlReader reader(bad);
    XmlReader::Token token = reader.next();
    for (int i = 0; i < 100 && token != XmlReader::Token::kError; ++i) {
      ASSERT_NE(token, XmlReader::Token::kDone) << bad;
      token = reader.next();
    }
    EXPECT_EQ(token, XmlReader::Token::kError) << bad;
    EXPECT_EQ(reader.next(), XmlReader::Token::kError);
  }
}

std::string answer_from(std::string_view location) {
  return "HTTP/1.1 200 OK\r\nST: upnp:rootdevice\r\nLOCATION: " + std::string(location) +
         "\r\n\r\n";
}

TEST(UpnpMessage, BelievesOnlyTheRouterAboutItself) {
  const std::string good = answer_from("http://192.168.1.1:5000/desc.xml");
  EXPECT_TRUE(upnp::parse_search_response(as_bytes(good), kRouter));
  EXPECT_FALSE(upnp::parse_search_response(
      as_bytes(answer_from("http://192.168.1.66:5000/desc.xml")), kRouter));
  EXPECT_FALSE(upnp::parse_search_response(as_bytes(answer_from("http://evil.example/")), kRouter));
  EXPECT_FALSE(upnp::parse_search_response(
      as_bytes("NOTIFY * HTTP/1.1\r\nLOCATION: http://192.168.1.1/\r\n\r\n"), kRouter));
  EXPECT_FALSE(upnp::parse_search_response(as_bytes("HTTP/1.1 200 OK\r\n\r\n"), kRouter));
  EXPECT_FALSE(upnp::parse_search_response({}, kRouter));
}

std::string description(std::string_view services) {
  return "<r xmlns=\"urn:schemas-upnp-org:device-1-0\"><device><serviceList>" +
         std::string(services) + "</serviceList></device></r>";
}
std::string service(std::string_view type, std::string_view control) {
  return "<service><serviceType>urn:schemas-upnp-org:service:" + std::string(type) +
         "</serviceType><controlURL>" + std::string(control) + "</controlURL></service>";
}

TEST(UpnpMessage, FindsTheBestServiceOfADescription) {
  const HttpUrl location = *HttpUrl::parse("http://192.168.1.1:5000/d/desc.xml");
  const auto best = upnp::parse_description(
      description(service("Layer3Forwarding:1", "/l3") + service("WANPPPConnection:1", "/ppp") +
                  service("WANIPConnection:1", "ctl?a=1&amp;b")),
      location);
  ASSERT_TRUE(best) << best.error().message;
  EXPECT_EQ(best->type, "urn:schemas-upnp-org:service:WANIPConnection:1");
  EXPECT_EQ(best->control.path, "/d/ctl?a=1&b");

  const auto none = upnp::parse_description(description(service("Other:1", "/x")), location);
  EXPECT_THAT(none.error().message, HasSubstr("no service that maps ports"));
  EXPECT_FALSE(upnp::parse_description("<r>", location));
  const auto elsewhere = upnp::parse_description(
      description(service("WANIPConnection:1", "http://192.168.1.66/ctl")), location);
  EXPECT_THAT(elsewhere.error().message, HasSubstr("not its own"));
}

TEST(UpnpMessage, CallsActionsAndReadsTheirAnswers) {
  const upnp::Service service{"urn:schemas-upnp-org:service:WANIPConnection:1",
                              *HttpUrl::parse("http://192.168.1.1:5000/ctl")};
  const HttpRequest add = upnp::add_port_mapping(
      service, {{net::Address::v4(192, 168, 1, 7), 5000}, Protocol::kTcp}, 6000, 1200);
  EXPECT_EQ(add.server, (net::Endpoint{kRouter, 5000}));
  EXPECT_THAT(add.text, HasSubstr("POST /ctl HTTP/1.1\r\nHost: 192.168.1.1:5000\r\n"));
  EXPECT_THAT(add.text, HasSubstr("SOAPAction: \"urn:schemas-upnp-org:service:WANIPConnection:1#"
                                  "AddPortMapping\"\r\n"));
  EXPECT_THAT(add.text, HasSubstr("<NewExternalPort>6000</NewExternalPort>"
                                  "<NewProtocol>TCP</NewProtocol>"
                                  "<NewInternalPort>5000</NewInternalPort>"
                                  "<NewInternalClient>192.168.1.7</NewInternalClient>"));
  const std::size_t body = add.text.find("\r\n\r\n") + 4;
  EXPECT_THAT(add.text,
              HasSubstr("Content-Length: " + std::to_string(add.text.size() - body) + "\r\n"));

  const auto address = [](std::string_view text) {
    return upnp::parse_external_address("<s:E><r><NewExternalIPAddress>" + std::string(text) +
                                        "</NewExternalIPAddress></r></s:E>");
  };
  EXPECT_EQ(address("203.0.113.5"), net::Address::v4(203, 0, 113, 5));
  for (const char* bad : {"", "0.0.0.0", "x", "2001:db8::1"}) EXPECT_FALSE(address(bad)) << bad;
  const HttpResponse fault{
      500,
      "<s:Fault><detail><UPnPError><errorCode>718</errorCode>"
      "<errorDescription>Taken</errorDescription></UPnPError></detail></s:Fault>"};
  EXPECT_EQ(upnp::error_code(fault), 718u);
  EXPECT_EQ(upnp::describe_error(fault), "answered 718 \"Taken\"");
  EXPECT_EQ(upnp::describe_error({404, "gone"}), "answered HTTP 404");
}

}  // namespace
}  // namespace floe::port_mapping
