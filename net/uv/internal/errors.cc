#include "floe/net/uv/internal/errors.h"

#include <uv.h>

namespace floe::net::uv {

Errc errc_of(int code) {
  switch (code) {
    case UV_EINVAL:
    case UV_EAFNOSUPPORT:
    case UV_EDESTADDRREQ:
    case UV_ENOTSOCK:
      return Errc::kInvalidArgument;
    case UV_ENOTSUP:
    case UV_EPROTONOSUPPORT:
    case UV_ENOSYS:
      return Errc::kUnsupported;
    case UV_EMFILE:
    case UV_ENFILE:
    case UV_ENOMEM:
      return Errc::kLimitExceeded;
    case UV_EAGAIN:
    case UV_ENOBUFS:
      return Errc::kWouldBlock;
    case UV_EADDRINUSE:
      return Errc::kAddressInUse;
    case UV_EADDRNOTAVAIL:
      return Errc::kAddressNotAvailable;
    case UV_ENETUNREACH:
    case UV_EHOSTUNREACH:
    case UV_ENETDOWN:
    case UV_EHOSTDOWN:
      return Errc::kUnreachable;
    case UV_EPERM:
    case UV_EACCES:
      return Errc::kPermissionDenied;
    case UV_ECONNREFUSED:
      return Errc::kRefused;
    case UV_ETIMEDOUT:
    case UV_EAI_AGAIN:
      return Errc::kTimedOut;
    case UV_EMSGSIZE:
      return Errc::kMessageTooLong;
    case UV_EOF:
    case UV_ECONNRESET:
    case UV_ECONNABORTED:
    case UV_EPIPE:
    case UV_ENOTCONN:
    case UV_ECANCELED:
      return Errc::kClosed;
    case UV_EAI_NONAME:
    case UV_EAI_NODATA:
    case UV_EAI_ADDRFAMILY:
    case UV_ENOENT:
      return Errc::kNotFound;
    default:
      return Errc::kInternal;
  }
}

Error error_of(int code, std::string_view what) {
  char words[128];
  uv_strerror_r(code, words, sizeof(words));
  return {errc_of(code), std::string(what) + ": " + words};
}

tl::unexpected<Error> fail_with(int code, std::string_view what) {
  return tl::unexpected<Error>(error_of(code, what));
}

int code_of_errno(int error) {
  return uv_translate_sys_error(error);
}

}  // namespace floe::net::uv
