// What routers say: PCP, NAT-PMP, UPnP searches, HTTP and XML, from anywhere. The first byte says
// what the rest is.
#include <algorithm>
#include <cstdint>
#include <string>

#include "floe/core/check.h"
#include "floe/core/random.h"
#include "floe/port_mapping/mapper.h"
#include "floe/port_mapping/xml_reader.h"

namespace floe::port_mapping {
namespace {

const net::Address kRouter = net::Address::v4(10, 0, 0, 1);

void feed_mapper(Bytes packet) {
  SeededRandom random(1);
  Time now{std::chrono::hours(1)};
  Mapper mapper({{{net::Address::v4(10, 0, 0, 2), 5000}, Protocol::kUdp},
                 kRouter,
                 net::SocketId{1},
                 net::SocketId{2},
                 {}},
                random);
  mapper.start(now);
  net::SendBatch batch;
  for (int i = 0; i < 20; ++i) {
    std::vector<std::uint8_t> copy = to_vector(packet);
    mapper.handle_packet(now, {copy, {kRouter, kServerPort}, net::SocketId{1}});
    copy = to_vector(packet);
    mapper.handle_packet(now, {copy, {kRouter, 1900}, net::SocketId{2}});
    copy = to_vector(packet);
    mapper.handle_announcement(now, {copy, {kRouter, kServerPort}, net::SocketId{3}});
    if (mapper.poll_request()) {
      mapper.handle_response(now, HttpResponse{200, std::string(as_text(packet))});
    }
    mapper.handle_timeout(now);
    FLOE_CHECK(mapper.next_timeout() > now);
    mapper.poll_transmit(now, batch);
    batch.clear();
    while (mapper.poll_event()) {
    }
    now += std::chrono::milliseconds(500);
  }
}

/// The same bytes in one piece and in many are the same response.
void read_http(Bytes bytes) {
  const auto read = [&](std::size_t step) {
    HttpReader reader;
    for (std::size_t at = 0; at < bytes.size(); at += step) {
      const Bytes piece = bytes.subspan(at, std::min(step, bytes.size() - at));
      if (auto result = reader.read(piece)) return std::move(*result);
    }
    return reader.end();
  };
  const Result<HttpResponse> whole = read(bytes.size() + 1);
  const Result<HttpResponse> pieces = read(3);
  FLOE_CHECK(whole.has_value() == pieces.has_value());
  if (!whole) return;
  FLOE_CHECK(whole->body == pieces->body && whole->body.size() <= HttpReader::kMaxBody);
}

void read_xml(std::string_view text) {
  XmlReader reader(text);
  std::size_t starts = 0;
  std::size_t ends = 0;
  // Every token takes at least one byte, but for the end of an empty element.
  for (std::size_t i = 0; i <= 2 * text.size() + 2; ++i) {
    const XmlReader::Token token = reader.next();
    if (token == XmlReader::Token::kStart) ++starts;
    if (token == XmlReader::Token::kEnd) ++ends;
    FLOE_CHECK(ends <= starts && starts - ends <= XmlReader::kMaxDepth);
    if (token == XmlReader::Token::kError) return;
    if (token == XmlReader::Token::kDone) {
      FLOE_CHECK(starts == ends && starts > 0);
      return;
    }
  }
  FLOE_CHECK(false);
}

}  // namespace
}  // namespace floe::port_mapping

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace floe::port_mapping;
  if (size == 0) return 0;
  const floe::Bytes rest{data + 1, size - 1};
  const std::string_view text = floe::as_text(rest);
  switch (data[0] % 4) {
    case 0:
      feed_mapper(rest);
      break;
    case 1:
      read_http(rest);
      break;
    case 2:
      read_xml(text);
      static_cast<void>(upnp::parse_description(text, *HttpUrl::parse("http://10.0.0.1/d.xml")));
      static_cast<void>(upnp::parse_external_address(text));
      static_cast<void>(upnp::describe_error({500, std::string(text)}));
      break;
    default:
      if (const auto url = HttpUrl::parse(text)) FLOE_CHECK(url->path.starts_with('/'));
      break;
  }
  return 0;
}
