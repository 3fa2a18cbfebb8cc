#pragma once

#include <string>
#include <string_view>

#include "floe/core/result.h"

namespace floe::net::uv {

/// `code` is one of libuv's (negative) error codes.
Errc errc_of(int code);
/// "<what>: <the system's words>".
Error error_of(int code, std::string_view what);
tl::unexpected<Error> fail_with(int code, std::string_view what);
/// libuv's code for a value of errno.
int code_of_errno(int error);

}  // namespace floe::net::uv
