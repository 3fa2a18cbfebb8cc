#include "floe/peer/w3c_error.h"

namespace floe {

std::string_view w3c_name(Errc code) {
  switch (code) {
    case Errc::kInvalidArgument:
      return "InvalidAccessError";
    case Errc::kInvalidState:
    case Errc::kClosed:
      return "InvalidStateError";
    case Errc::kInvalidModification:
      return "InvalidModificationError";
    case Errc::kMessageTooLong:
      return "TypeError";
    case Errc::kUnsupported:
      return "NotSupportedError";
    case Errc::kMalformed:
    case Errc::kLimitExceeded:
    case Errc::kWouldBlock:
    case Errc::kNotFound:
    case Errc::kAddressInUse:
    case Errc::kAddressNotAvailable:
    case Errc::kUnreachable:
    case Errc::kPermissionDenied:
    case Errc::kRefused:
    case Errc::kTimedOut:
    case Errc::kVerificationFailed:
    case Errc::kInternal:
      return "OperationError";
  }
  return "OperationError";
}

std::string_view w3c_error_detail(Errc code) {
  if (code == Errc::kMalformed) return "sdp-syntax-error";
  if (code == Errc::kVerificationFailed) return "fingerprint-failure";
  return {};
}

}  // namespace floe
