// Multicast DNS messages from anywhere: parsing is total, what parses survives being written, and
// the engines take it whatever it says.
#include <cstdint>
#include <string>

#include "floe/core/check.h"
#include "floe/core/random.h"
#include "floe/mdns/querier.h"
#include "floe/mdns/responder.h"

namespace floe::mdns {
namespace {

void check_same(const std::vector<Record>& a, const std::vector<Record>& b) {
  FLOE_CHECK(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    FLOE_CHECK(a[i].name == b[i].name && a[i].type == b[i].type && a[i].ttl == b[i].ttl);
    FLOE_CHECK(a[i].address == b[i].address && a[i].cache_flush == b[i].cache_flush);
  }
}

void check_round_trip(const Message& message) {
  const std::vector<std::uint8_t> written = message.write();
  // Names without compression may need more room, and the root's name is none that we write.
  if (written.empty()) return;
  const Result<Message> again = Message::parse(written);
  FLOE_CHECK(again.has_value());
  FLOE_CHECK(again->id == message.id && again->is_response == message.is_response);
  FLOE_CHECK(again->questions.size() == message.questions.size());
  for (std::size_t i = 0; i < message.questions.size(); ++i) {
    FLOE_CHECK(again->questions[i].name == message.questions[i].name);
  }
  check_same(again->answers, message.answers);
  check_same(again->authorities, message.authorities);
  check_same(again->additionals, message.additionals);
}

void feed_engines(Message message) {
  constexpr net::SocketId kSocket{1};
  const net::Address own = net::Address::v4(10, 0, 0, 1);
  const std::vector<Link> links{{kSocket, net::Family::kIpv4, {{"eth0", own, 8, {}}}}};
  const net::Endpoint source{net::Address::v4(10, 0, 0, 2),
                             message.id % 2 == 0 ? kPort : std::uint16_t{4000}};
  Time now{std::chrono::hours(1)};
  SeededRandom random(1);
  Responder responder({}, random);
  Querier querier({});
  responder.set_links(now, links);
  querier.set_links(links);
  const std::string name = responder.register_name(now, own).value();
  // So that some inputs meet the name of ours and a name that is looked for.
  for (auto* section : {&message.answers, &message.authorities, &message.additionals}) {
    for (Record& record : *section) {
      if (record.name == "a.local") record.name = name;
    }
  }
  for (Question& question : message.questions) {
    if (question.name == "a.local") question.name = name;
  }
  FLOE_CHECK(querier.resolve(now, "b.local").has_value());
  net::SendBatch batch;
  for (int i = 0; i < 12; ++i) {
    if (message.is_response) {
      responder.handle_response(now, message);
      querier.handle_response(now, message, kSocket);
    } else {
      responder.handle_query(now, message, source, kSocket);
    }
    responder.handle_timeout(now);
    querier.handle_timeout(now);
    FLOE_CHECK(responder.next_timeout() > now && querier.next_timeout() > now);
    responder.poll_transmit(now, batch);
    querier.poll_transmit(now, batch);
    batch.clear();
    now += std::chrono::milliseconds(400);
  }
  while (responder.poll_event()) {
  }
  while (querier.poll_event()) {
  }
}

}  // namespace
}  // namespace floe::mdns

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto message = floe::mdns::Message::parse({data, size});
  if (!message) return 0;
  floe::mdns::check_round_trip(*message);
  floe::mdns::feed_engines(*message);
  return 0;
}
