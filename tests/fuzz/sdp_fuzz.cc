#include <cstddef>
#include <cstdint>
#include <string_view>

#include "floe/core/check.h"
#include "floe/sdp/offer_answer.h"
#include "floe/sdp/parser.h"
#include "floe/sdp/writer.h"

namespace {

using namespace floe;

sdp::TransportParameters local_transport() {
  sdp::TransportParameters local;
  local.ufrag = "abcd";
  local.pwd = "abcdefghijklmnopqrstuv";
  local.ice_options = {"trickle"};
  local.fingerprints = {{"x", "AB"}};
  return local;
}

}  // namespace

// Whatever parses is written and parsed again to the same description; and whatever an offer says,
// the answer made to it fits it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto parsed = sdp::parse({reinterpret_cast<const char*>(data), size});
  if (!parsed) return 0;
  const auto again = sdp::parse(sdp::write(*parsed));
  FLOE_CHECK(again && *again == *parsed);

  static_cast<void>(sdp::read_data_section(*parsed, sdp::Type::kAnswer));
  const auto answer = sdp::create_answer(*parsed, {}, local_transport(), {});
  if (!answer) return 0;
  const auto answer_again = sdp::parse(sdp::write(*answer));
  FLOE_CHECK(answer_again && *answer_again == *answer);
  FLOE_CHECK(!sdp::check(*parsed) || sdp::check_answer(*parsed, *answer));
  return 0;
}
