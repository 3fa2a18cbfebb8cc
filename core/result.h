#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace floe {

/// What kind of thing went wrong; the text of an `Error` names the thing itself.
enum class Errc {
  kInvalidArgument,      ///< The caller passed something outside the documented range.
  kInvalidState,         ///< The call does not fit the object's present state.
  kInvalidModification,  ///< The change is to something that cannot change any more.
  kMalformed,            ///< Text or bytes that do not follow their grammar.
  kUnsupported,          ///< Well-formed, but not something floe does.
  kLimitExceeded,        ///< A named bound of `Configuration` or of the protocol was reached.
  kWouldBlock,           ///< A bounded queue is full; wait for its low-water event.
  kNotFound,             ///< No such name, id, mid or file.
  kAddressInUse,         ///< The port is taken.
  kAddressNotAvailable,  ///< The address is not one of this machine's.
  kUnreachable,          ///< The kernel or network has no route to the destination.
  kPermissionDenied,     ///< A firewall, credential check or the operating system said no.
  kRefused,              ///< The other end refused.
  kTimedOut,             ///< Nothing came back in time.
  kMessageTooLong,       ///< Larger than the path or the peer accepts.
  kClosed,               ///< The object or the connection is closed.
  kVerificationFailed,   ///< A certificate, fingerprint, integrity or checksum check failed.
  kInternal,             ///< A library underneath failed; the text has its words.
};

/// The enumerator's name in words, e.g. "address in use".
std::string_view to_string(Errc code);

struct Error {
  Errc code = Errc::kInternal;
  std::string
      message;  ///< One sentence for a person: names the thing and, where it helps, what to do.
};

/// Either a value or an `Error`. Functions that return it are `[[nodiscard]]`.
template <typename T = void>
using Result = tl::expected<T, Error>;

/// `return fail(Errc::kMalformed, "...")` from any function that returns a `Result`.
inline tl::unexpected<Error> fail(Errc code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message)});
}

/// Hands an error on: `if (!r) return forward(r);`
template <typename T>
tl::unexpected<Error> forward(const Result<T>& result) {
  return tl::unexpected<Error>(result.error());
}

}  // namespace floe
