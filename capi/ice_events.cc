#include "floe/capi/ice_events.h"

#include <chrono>

#include "floe/capi/internal/ice_shown.h"
#include "floe/capi/internal/words.h"

namespace floe::c {
namespace {

constexpr const char* kStates[] = {"new",          "checking", "connected", "completed",
                                   "disconnected", "failed",   "closed"};
constexpr const char* kGatheringStates[] = {"new", "gathering", "complete"};

}  // namespace

floe_ice_state shown(ice::State state) {
  return enumerator(kStates, to_string(state), FLOE_ICE_STATE_CLOSED);
}

floe_ice_gathering_state shown(ice::GatheringState state) {
  return enumerator(kGatheringStates, to_string(state), FLOE_ICE_GATHERING_STATE_NEW);
}

ShownCandidateError::ShownCandidateError(const ice::Gatherer::ServerFailed& failed) {
  if (failed.local) address_ = failed.local->to_string();
  shown_ = {.size = sizeof shown_,
            .url = failed.url.c_str(),
            .address = address_ ? address_->c_str() : nullptr,
            .error_code = failed.code,
            .error_text = failed.text.c_str()};
}

ShownPair::ShownPair(const ice::Agent::SelectedPairChanged& pair)
    : local_(pair.local.to_string()), remote_(pair.remote.to_string()) {
  const auto round_trip = std::chrono::duration_cast<std::chrono::microseconds>(pair.round_trip);
  shown_ = {.size = sizeof shown_,
            .local = local_.c_str(),
            .remote = remote_.c_str(),
            .nominated = pair.nominated,
            .round_trip_us = static_cast<std::uint64_t>(round_trip.count())};
}

}  // namespace floe::c

const char* floe_ice_state_text(floe_ice_state state) {
  return floe::c::word(floe::c::kStates, state);
}

const char* floe_ice_gathering_state_text(floe_ice_gathering_state state) {
  return floe::c::word(floe::c::kGatheringStates, state);
}
