#pragma once

#include <memory>
#include <optional>
#include <string>

#include "floe/capi/ice_events.h"
#include "floe/capi/ice_report.h"
#include "floe/ice/agent.h"
#include "floe/ice/gatherer.h"
#include "floe/ice/report.h"

// ICE's states and events as the C API shows them.
namespace floe::c {

floe_ice_state shown(ice::State state);
floe_ice_gathering_state shown(ice::GatheringState state);

/// The struct for a handler, and the texts it points to.
class ShownCandidateError {
 public:
  explicit ShownCandidateError(const ice::Gatherer::ServerFailed& failed);
  ShownCandidateError(const ShownCandidateError&) = delete;
  ShownCandidateError& operator=(const ShownCandidateError&) = delete;
  const floe_ice_candidate_error* get() const { return &shown_; }

 private:
  std::optional<std::string> address_;
  floe_ice_candidate_error shown_;
};

class ShownPair {
 public:
  explicit ShownPair(const ice::Agent::SelectedPairChanged& pair);
  ShownPair(const ShownPair&) = delete;
  ShownPair& operator=(const ShownPair&) = delete;
  const floe_ice_candidate_pair* get() const { return &shown_; }

 private:
  std::string local_;
  std::string remote_;
  floe_ice_candidate_pair shown_;
};

}  // namespace floe::c

struct floe_ice_report {
  explicit floe_ice_report(floe::ice::Report of) : report(std::move(of)) {}

  floe::ice::Report report;
  /// The forms that were asked for: what was returned stays.
  mutable std::optional<std::string> texts[4];
};
