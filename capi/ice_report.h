#pragma once

#include "floe/capi/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/// What ICE has tried and what came of it, why there is no path if there is none, and what would
/// help. A copy of one moment: it may outlive its connection and be used on any thread, by one at a
/// time. No password is in it.
typedef struct floe_ice_report floe_ice_report;

typedef enum floe_ice_report_form FLOE_AS_INT {
  FLOE_ICE_REPORT_FORM_HEADLINE = 0,     ///< One line: the state and the most likely cause.
  FLOE_ICE_REPORT_FORM_EXPLANATION = 1,  ///< Every finding with its advice.
  FLOE_ICE_REPORT_FORM_TEXT = 2,         ///< All of it for people, in many lines.
  FLOE_ICE_REPORT_FORM_JSON = 3,         ///< All of it and the timeline as one JSON object.
} floe_ice_report_form;

/// The report in one form; the text stays as long as the report. NULL for a form there is not.
FLOE_API const char* floe_ice_report_text(const floe_ice_report* report, floe_ice_report_form form);

/// Only for reports that a call gave its caller to own.
FLOE_API void floe_ice_report_free(floe_ice_report* report);

#ifdef __cplusplus
}
#endif
