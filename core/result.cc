#include "floe/core/result.h"

namespace floe {

std::string_view to_string(Errc code) {
  switch (code) {
    case Errc::kInvalidArgument:
      return "invalid argument";
    case Errc::kInvalidState:
      return "invalid state";
    case Errc::kInvalidModification:
      return "invalid modification";
    case Errc::kMalformed:
      return "malformed";
    case Errc::kUnsupported:
      return "unsupported";
    case Errc::kLimitExceeded:
      return "limit exceeded";
    case Errc::kWouldBlock:
      return "would block";
    case Errc::kNotFound:
      return "not found";
    case Errc::kAddressInUse:
      return "address in use";
    case Errc::kAddressNotAvailable:
      return "address not available";
    case Errc::kUnreachable:
      return "unreachable";
    case Errc::kPermissionDenied:
      return "permission denied";
    case Errc::kRefused:
      return "refused";
    case Errc::kTimedOut:
      return "timed out";
    case Errc::kMessageTooLong:
      return "message too long";
    case Errc::kClosed:
      return "closed";
    case Errc::kVerificationFailed:
      return "verification failed";
    case Errc::kInternal:
      return "internal";
  }
  return "unknown";
}

}  // namespace floe
