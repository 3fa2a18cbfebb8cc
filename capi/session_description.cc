#include "floe/capi/session_description.h"

#include <string>

#include "floe/capi/internal/call.h"
#include "floe/capi/internal/session_types.h"
#include "floe/capi/internal/words.h"
#include "floe/core/text.h"

namespace floe::c {
namespace {

constexpr const char* kSdpTypes[] = {"offer", "pranswer", "answer", "rollback"};
constexpr auto kNoType = static_cast<floe_sdp_type>(-1);

}  // namespace

Result<SdpType> sdp_type_of(floe_sdp_type type) {
  const std::string_view word = floe_sdp_type_text(type);
  if (word == "unknown") {
    return fail(Errc::kInvalidArgument, "there is no SDP type " + std::to_string(type));
  }
  return parse_sdp_type(word);
}

floe_sdp_type shown(SdpType type) {
  return enumerator(kSdpTypes, to_string(type), kNoType);
}

Result<IceCandidate> read_candidate(const floe_ice_candidate* given) {
  const auto read = read_struct(given, "floe_ice_candidate");
  if (!read) return forward(read);
  if (read->candidate == nullptr) return is_null("the candidate's text");
  if (read->sdp_mline_index > 0xffff) {
    return fail(Errc::kInvalidArgument, "sdp_mline_index is " +
                                            std::to_string(read->sdp_mline_index) +
                                            "; it is 0 to 65535, or -1 for not said");
  }
  IceCandidate candidate{read->candidate, optional_text(read->sdp_mid), std::nullopt,
                         optional_text(read->username_fragment)};
  if (read->sdp_mline_index >= 0) {
    candidate.sdp_mline_index = static_cast<std::uint16_t>(read->sdp_mline_index);
  }
  return candidate;
}

floe_ice_candidate shown(const IceCandidate& candidate) {
  return {.size = sizeof(floe_ice_candidate),
          .candidate = candidate.candidate.c_str(),
          .sdp_mid = candidate.sdp_mid ? candidate.sdp_mid->c_str() : nullptr,
          .sdp_mline_index = candidate.sdp_mline_index ? *candidate.sdp_mline_index : -1,
          .username_fragment =
              candidate.username_fragment ? candidate.username_fragment->c_str() : nullptr};
}

}  // namespace floe::c

const char* floe_sdp_type_text(floe_sdp_type type) {
  return floe::c::word(floe::c::kSdpTypes, type);
}

floe_error_code floe_sdp_type_parse(const char* word, floe_sdp_type* type) {
  return floe::c::call([&]() -> floe::Result<> {
    if (word == nullptr) return floe::c::is_null("word");
    if (type == nullptr) return floe::c::is_null("type");
    const floe_sdp_type found = floe::c::enumerator(floe::c::kSdpTypes, word, floe::c::kNoType);
    if (found == floe::c::kNoType) {
      return fail(floe::Errc::kMalformed, floe::quoted(word) + " is no type of a description");
    }
    *type = found;
    return {};
  });
}
