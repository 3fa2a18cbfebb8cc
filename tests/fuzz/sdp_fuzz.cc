#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "floe/core/check.h"
#include "floe/sdp/codec_table.h"
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

/// An answerer that wants everything.
sdp::AnswerPlan plan_for(const sdp::Description& offer) {
  sdp::AnswerPlan plan;
  plan.transport = local_transport();
  for (const sdp::Media& media : offer.media) {
    if (media.is_data()) {
      plan.sections.emplace_back(sdp::DataSection{});
      continue;
    }
    sdp::RtpSection section;
    section.type = media.type();
    section.codecs = sdp::default_codecs(section.type);
    section.extensions = sdp::default_extensions(section.type);
    section.rids = media.rids;
    plan.sections.emplace_back(std::move(section));
  }
  return plan;
}

/// A further offer of the same session, with one more section.
void offer_again(const sdp::Description& offer, const sdp::Description& answer) {
  sdp::OfferPlan plan;
  plan.transport = local_transport();
  plan.local = &answer;
  plan.remote = &offer;
  sdp::RtpSection section;
  section.mid = "-new-";
  section.codecs = sdp::default_codecs(sdp::MediaType::kAudio);
  plan.sections.emplace_back(std::move(section));
  const auto again = sdp::create_offer(plan);
  if (!again) return;
  const auto read = sdp::parse(sdp::write(*again));
  FLOE_CHECK(read && *read == *again);
  FLOE_CHECK(sdp::check_subsequent_offer(answer, *again).has_value());
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
  const auto created = sdp::create_answer(*parsed, plan_for(*parsed));
  if (!created) return 0;
  const sdp::Description& answer = created->description;
  const auto answer_again = sdp::parse(sdp::write(answer));
  FLOE_CHECK(answer_again && *answer_again == answer);
  FLOE_CHECK(sdp::check_answer(*parsed, answer) && sdp::check_one_transport(answer));
  offer_again(*parsed, answer);
  return 0;
}
