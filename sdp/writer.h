#pragma once

#include <string>

#include "floe/sdp/description.h"

namespace floe::sdp {

/// The description as text: lines end in CRLF and stand in the order of RFC 8866 section 5, the
/// attributes in the order in which RFC 8829 lists them. What `parse` returned, written and parsed
/// again, is equal. NUL, CR and LF within values are left out, so no value can add a line.
std::string write(const Description& description);

}  // namespace floe::sdp
