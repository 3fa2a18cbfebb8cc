#include "floe/peer/session_description.h"

#include "floe/core/text.h"

namespace floe {

std::string_view to_string(SdpType type) {
  return type == SdpType::kOffer ? "offer" : "answer";
}

Result<SdpType> parse_sdp_type(std::string_view text) {
  if (text == "offer") return SdpType::kOffer;
  if (text == "answer") return SdpType::kAnswer;
  if (text == "pranswer" || text == "rollback") {
    return fail(Errc::kUnsupported, "description type " + quoted(text) + " is not supported");
  }
  return fail(Errc::kMalformed, "description type must be offer or answer, not " + quoted(text));
}

}  // namespace floe
