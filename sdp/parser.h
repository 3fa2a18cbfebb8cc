#pragma once

#include <cstddef>
#include <string_view>

#include "floe/core/result.h"
#include "floe/sdp/description.h"

namespace floe::sdp {

/// The largest text the parser looks at. A hundred-party call of today's browsers takes some 5 kB a
/// section, so this leaves a few hundred sections; more arrives only from someone who wants to
/// occupy us.
inline constexpr std::size_t kMaxTextSize = 2 * 1024 * 1024;
/// Lines of one description; 2 MiB of text at the 30 characters that lines have on average.
inline constexpr std::size_t kMaxLines = 65'536;
/// Media sections of one description; every section is a kilobyte of memory before it says
/// anything.
inline constexpr std::size_t kMaxMedia = 1'024;
/// Items of one list (formats of an "m=" line, mids of a group, ICE options, payload types and
/// SSRCs of a section). As many as sections, because a BUNDLE group may name them all.
inline constexpr std::size_t kMaxItems = 1'024;

/// Reads a session description (RFC 8866, RFC 8829 section 5.8). Total: any text gives a
/// description or an error that names the line's number and text.
///
/// Lines end in CRLF or LF; empty lines are skipped; the order of lines within a section is not
/// insisted on, since applications edit descriptions and browsers let them. Unknown "a=" lines are
/// kept in `attributes`. Errors are: an unknown letter before "=", a known line that does not
/// follow its grammar, two lines that contradict each other where only one may stand, and the
/// bounds above
/// (`Errc::kLimitExceeded`). Candidates are kept as text without a look.
[[nodiscard]] Result<Description> parse(std::string_view text);
/// The same for a text without the lines that open a description ("v=", "o=", "s=", "t="), as
/// fragments are.
[[nodiscard]] Result<Description> parse_rest(std::string_view text);

}  // namespace floe::sdp
