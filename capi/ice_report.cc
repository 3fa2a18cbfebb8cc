#include "floe/capi/ice_report.h"

#include "floe/capi/internal/call.h"
#include "floe/capi/internal/ice_shown.h"
#include "floe/ice/trace_json.h"

namespace floe::c {
namespace {

Result<std::string> written(const ice::Report& report, floe_ice_report_form form) {
  switch (form) {
    case FLOE_ICE_REPORT_FORM_HEADLINE:
      return report.headline();
    case FLOE_ICE_REPORT_FORM_EXPLANATION:
      return report.explanation();
    case FLOE_ICE_REPORT_FORM_TEXT:
      return report.to_string();
    case FLOE_ICE_REPORT_FORM_JSON:
      return ice::trace_json(report);
  }
  return fail(Errc::kInvalidArgument, "there is no form " + std::to_string(form) + " of a report");
}

}  // namespace
}  // namespace floe::c

const char* floe_ice_report_text(const floe_ice_report* report, floe_ice_report_form form) {
  using floe::Result;
  return floe::c::call_for<const char*>(nullptr, [&]() -> Result<const char*> {
    if (report == nullptr) return floe::c::is_null("report");
    auto text = floe::c::written(report->report, form);
    if (!text) return forward(text);
    auto& kept = report->texts[form];
    if (!kept) kept = *std::move(text);
    return kept->c_str();
  });
}

void floe_ice_report_free(floe_ice_report* report) {
  delete report;
}
