#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// What the libraries export.
#ifdef __GNUC__
#define FLOE_API __attribute__((visibility("default")))
#else
#define FLOE_API
#endif

/// Enumerations may get more enumerators: to C++ too, every int is a legal value of them.
#ifdef __cplusplus
#define FLOE_AS_INT : int
#else
#define FLOE_AS_INT
#endif

#ifdef __cplusplus
extern "C" {
#endif

/// What kind of thing went wrong; more may come.
typedef enum floe_error_code FLOE_AS_INT {
  FLOE_OK = 0,
  FLOE_ERROR_INVALID_ARGUMENT = 1,       ///< Outside the documented range; NULL.
  FLOE_ERROR_INVALID_STATE = 2,          ///< The call does not fit the object's present state.
  FLOE_ERROR_MALFORMED = 3,              ///< Text or bytes that do not follow their grammar.
  FLOE_ERROR_UNSUPPORTED = 4,            ///< Well-formed, but not something floe does.
  FLOE_ERROR_LIMIT_EXCEEDED = 5,         ///< A named bound was reached.
  FLOE_ERROR_WOULD_BLOCK = 6,            ///< A bounded queue is full; wait for its event.
  FLOE_ERROR_NOT_FOUND = 7,              ///< What was asked for is not there.
  FLOE_ERROR_ADDRESS_IN_USE = 8,         ///< The port is taken.
  FLOE_ERROR_ADDRESS_NOT_AVAILABLE = 9,  ///< The address is not one of this machine's.
  FLOE_ERROR_UNREACHABLE = 10,           ///< There is no route to the destination.
  FLOE_ERROR_PERMISSION_DENIED = 11,     ///< A firewall, a credential check or the system said no.
  FLOE_ERROR_REFUSED = 12,               ///< The other end refused.
  FLOE_ERROR_TIMED_OUT = 13,             ///< Nothing came back in time.
  FLOE_ERROR_MESSAGE_TOO_LONG = 14,      ///< Larger than the path or the peer accepts.
  FLOE_ERROR_CLOSED = 15,                ///< The object or the connection is closed.
  FLOE_ERROR_VERIFICATION_FAILED = 16,   ///< A certificate, fingerprint or checksum is wrong.
  FLOE_ERROR_INTERNAL = 17,              ///< A library underneath failed; the text has its words.
  FLOE_ERROR_INVALID_MODIFICATION = 18,  ///< The change is to something that cannot change.
} floe_error_code;

/// An error: the code for the program, the text for a person.
typedef struct floe_error {
  floe_error_code code;
  /// One sentence that names the thing and, where it helps, what to do. Never NULL.
  const char* message;
} floe_error;

/// What the last floe call of this thread came to: FLOE_OK and an empty text after success. Every
/// call sets it, those too that answer a question; only this one, the `..._free` ones and those
/// that stand ready for any thread with words of their own (`..._text` and `..._w3c_name` of an
/// enumerator, `floe_version`) leave it alone. Never NULL; the text stays until the thread's next
/// floe call.
FLOE_API const floe_error* floe_last_error(void);

/// The code in words, e.g. "address in use"; "unknown" for a number that is none. The text stays
/// for ever. Any thread.
FLOE_API const char* floe_error_code_text(floe_error_code code);

/// The name of the exception that W3C's WebRTC API has for it, e.g. "InvalidStateError"; empty for
/// FLOE_OK, "OperationError" for a number that is none. The text stays for ever. Any thread.
FLOE_API const char* floe_error_code_w3c_name(floe_error_code code);

/// Frees a text that a call gave its caller to own. NULL is allowed. Any thread.
FLOE_API void floe_string_free(char* text);

/// The version of the library that runs, e.g. "0.1.0"; stays for ever. Any thread.
FLOE_API const char* floe_version(void);

#ifdef __cplusplus
}
#endif
