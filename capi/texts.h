#pragma once

#include "floe/capi/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/// A list of texts, which does not change.
typedef struct floe_texts floe_texts;

/// NULL is allowed.
FLOE_API void floe_texts_free(floe_texts* texts);
/// How many there are; 0 for NULL.
FLOE_API size_t floe_texts_count(const floe_texts* texts);
/// Text number `index`, from 0; it stays as long as the list. NULL beyond the last.
FLOE_API const char* floe_texts_at(const floe_texts* texts, size_t index);

#ifdef __cplusplus
}
#endif
