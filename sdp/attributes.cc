#include "floe/sdp/attributes.h"

#include "floe/core/text.h"

namespace floe::sdp {

std::string_view to_string(Setup setup) {
  switch (setup) {
    case Setup::kActpass:
      return "actpass";
    case Setup::kActive:
      return "active";
    case Setup::kPassive:
      return "passive";
    case Setup::kHoldconn:
      return "holdconn";
  }
  return {};
}

std::string_view to_string(Direction direction) {
  switch (direction) {
    case Direction::kSendrecv:
      return "sendrecv";
    case Direction::kSendonly:
      return "sendonly";
    case Direction::kRecvonly:
      return "recvonly";
    case Direction::kInactive:
      return "inactive";
  }
  return {};
}

std::optional<std::string_view> Codec::parameter(std::string_view name) const {
  if (!fmtp) return std::nullopt;
  for (const std::string_view part : split(*fmtp, ';')) {
    const std::string_view pair = trim(part);
    const std::size_t equals = pair.find('=');
    // Media type parameters have case-insensitive names (RFC 4855 section 3).
    if (!equals_ignoring_case(trim(pair.substr(0, equals)), name)) continue;
    return equals == std::string_view::npos ? std::string_view{} : trim(pair.substr(equals + 1));
  }
  return std::nullopt;
}

}  // namespace floe::sdp
