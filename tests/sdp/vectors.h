#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "floe/sdp/description.h"

namespace floe::sdp {

/// The text of tests/vectors/sdp/<name>.sdp.
std::string vector_text(std::string_view name);
/// The same, parsed; the test fails if it does not parse.
Description vector_description(std::string_view name);
/// All of them by name, in alphabetical order.
std::vector<std::pair<std::string, std::string>> all_vectors();

/// The four lines before the first attribute or section.
inline constexpr std::string_view kOpening = "v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n";
/// `kOpening` followed by `lines`, parsed.
Description parse_session(std::string_view lines);
/// An RTP section with `lines`, parsed.
Media parse_media(std::string_view lines);
/// The error of parsing `text`; empty and a failed test if there is none.
std::string parse_error(std::string_view text);

}  // namespace floe::sdp
