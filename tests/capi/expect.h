#pragma once

#include <floe.h>
#include <stdio.h>

/// A scenario returns NULL when all went as it should, else what did not.
#define EXPECT_THAT(condition)                                       \
  do {                                                               \
    if (!(condition)) return not_so(__FILE__, __LINE__, #condition); \
  } while (0)

/// The call fails with the code and a text.
#define EXPECT_ERROR(expected, call)                                                      \
  do {                                                                                    \
    (void)(call);                                                                         \
    if (floe_last_error()->code != (expected) || floe_last_error()->message[0] == '\0') { \
      return not_so(__FILE__, __LINE__, #call " fails with " #expected);                  \
    }                                                                                     \
  } while (0)

/// The call fails, the library decides how it calls that.
#define EXPECT_REFUSED(call)                                          \
  do {                                                                \
    if ((call) == FLOE_OK || floe_last_error()->message[0] == '\0') { \
      return not_so(__FILE__, __LINE__, #call " fails");              \
    }                                                                 \
  } while (0)

/// The call succeeds, and says so.
#define EXPECT_OK(call)                                            \
  do {                                                             \
    if ((call) != FLOE_OK || floe_last_error()->code != FLOE_OK) { \
      return not_so(__FILE__, __LINE__, #call);                    \
    }                                                              \
  } while (0)

static inline const char* not_so(const char* file, int line, const char* what) {
  static char text[1024];
  snprintf(text, sizeof text, "%s:%d: %s; the last error: %s", file, line, what,
           floe_last_error()->message);
  return text;
}
