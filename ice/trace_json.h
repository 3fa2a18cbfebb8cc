#pragma once

#include <string>

#include "floe/ice/report.h"

namespace floe::ice {

/// The version of the format. It rises when something changes its meaning or goes; what is new may
/// come at any time.
inline constexpr int kTraceVersion = 1;

/// The whole report with the timeline as one JSON object (RFC 8259) in UTF-8, on one line. The
/// format is described in docs/why-it-failed.md.
std::string trace_json(const Report& report);

}  // namespace floe::ice
