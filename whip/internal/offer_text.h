#pragma once

#include <string>

namespace floe::whip {

/// Our offer as it goes to the other side: with a=rtcp-mux-only in every section of media (RFC 9725
/// section 4.4.1). For floe that is always true; in an answer RFC 8858 section 4.3 forbids it.
std::string offer_text(const std::string& sdp);

}  // namespace floe::whip
