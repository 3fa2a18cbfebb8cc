#pragma once

#include <string>
#include <string_view>

#include "floe/http/message.h"

namespace floe::http {

/// A response that says in words what is wrong: a problem detail (RFC 9457) of no special type.
Response problem(unsigned status, std::string_view detail);
/// The words of such a response, or of one in plain text, without control characters; else empty.
std::string detail_of(const Response& response);

}  // namespace floe::http
