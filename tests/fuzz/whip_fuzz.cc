// Requests to WHIP and WHEP resources, whatever they say: two sessions, of which one is open, get
// each input as the body of every kind of request. And SDP fragments.
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "floe/core/check.h"
#include "floe/core/random.h"
#include "floe/whip/sessions.h"

namespace floe::whip {
namespace {

constexpr std::string_view kOffer =
    "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\n"
    "a=mid:0\r\na=ice-ufrag:abcd\r\na=ice-pwd:efgh\r\na=sendrecv\r\n";

void read_fragment(std::string_view text) {
  const auto fragment = sdp::Fragment::parse(text);
  if (!fragment) return;
  const auto again = sdp::Fragment::parse(fragment->to_string());
  FLOE_CHECK(again && again->ice_ufrag == fragment->ice_ufrag);
  FLOE_CHECK(again->sections.size() == fragment->sections.size());
}

class Served {
 public:
  Served() : sessions_({}, random_) {}

  /// The path of a session that is open, or has made a counter-offer.
  std::string open(bool counters) {
    ask("POST", "/whep", "application/sdp", std::string(kOffer), {});
    sessions_.poll_event();  // Offered, which `ask` has left
    const auto id = static_cast<SessionId>(++created_);
    counters ? sessions_.counter(id, "offer") : sessions_.accept(id, "answer");
    const auto event = sessions_.poll_event();
    return std::string(
        std::get<Sessions::Respond>(*event).response.headers.find("location").value());
  }
  void ask(std::string method, std::string target, std::string type, std::string body,
           std::string if_match) {
    http::Request request{std::move(method), std::move(target), {}, std::move(body)};
    request.headers.add("Content-Type", std::move(type));
    if (!if_match.empty()) request.headers.add("If-Match", std::move(if_match));
    sessions_.handle_request(now_, static_cast<http::RequestId>(++requests_), request);
  }
  void drain() {
    while (const auto event = sessions_.poll_event()) {
      if (const auto* answered = std::get_if<Sessions::Answered>(&*event)) {
        sessions_.handle_answered(answered->session, std::nullopt);
      }
      if (const auto* restart = std::get_if<Sessions::RestartWanted>(&*event)) {
        sessions_.handle_restarted(restart->session, restart->fragment);
      }
    }
  }
  void finish() {
    now_ += std::chrono::minutes(10);
    sessions_.handle_timeout(now_);
    FLOE_CHECK(sessions_.next_timeout() > now_);
    drain();
    FLOE_CHECK(sessions_.stats().sessions == 0);
  }

 private:
  SeededRandom random_{1};
  Sessions sessions_;
  Time now_{std::chrono::hours(1)};
  std::uint64_t requests_ = 0;
  std::uint64_t created_ = 0;
};

}  // namespace
}  // namespace floe::whip

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace floe::whip;
  const std::string text(floe::as_text({data, size}));
  read_fragment(text);
  Served served;
  for (const bool counters : {false, true}) {
    const std::string path = served.open(counters);
    served.ask("PATCH", path, "application/trickle-ice-sdpfrag", text, "*");
    served.drain();
    served.ask("PATCH", path, "application/sdp", text, {});
    served.drain();
    served.ask("PATCH", path, "application/trickle-ice-sdpfrag", text, text);
    served.drain();
  }
  served.ask("POST", "/whip", "application/sdp", text, {});
  served.ask("POST", "/whip/" + text, "application/sdp", std::string(kOffer), {});
  served.ask(text, "/whip", text, text, {});
  served.finish();
  return 0;
}
