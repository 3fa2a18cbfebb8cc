#include "floe/peer/session_description.h"

#include "floe/core/text.h"

namespace floe {

std::string_view to_string(SdpType type) {
  switch (type) {
    case SdpType::kOffer:
      return "offer";
    case SdpType::kAnswer:
      return "answer";
    case SdpType::kPranswer:
      return "pranswer";
    case SdpType::kRollback:
      return "rollback";
  }
  return "unknown";
}

Result<SdpType> parse_sdp_type(std::string_view text) {
  for (const SdpType type :
       {SdpType::kOffer, SdpType::kAnswer, SdpType::kPranswer, SdpType::kRollback}) {
    if (text == to_string(type)) return type;
  }
  return fail(Errc::kMalformed,
              "description type must be offer, answer, pranswer or rollback, not " + quoted(text));
}

}  // namespace floe
