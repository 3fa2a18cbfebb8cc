#include "floe/rtp/congestion/probe_controller.h"

#include <algorithm>
#include <array>

namespace floe::rtp {
namespace {

constexpr std::array kFirstProbes = {3.0, 6.0};  // Times the start bitrate.
constexpr double kStep = 2;
/// A result of that much of what was sent says that there may be more.
constexpr double kKeepsUp = 0.7;
/// Below that much of what was there before, the path has got narrower.
constexpr double kLargeFall = 0.66;
/// The queue that the fall was about must have gone.
constexpr Duration kCalm = std::chrono::seconds(1);

}  // namespace

void ProbeController::start(Time now, Bitrate start, Bitrate max) {
  const std::uint32_t clusters = clusters_;  // Numbers are not used again.
  *this = ProbeController();
  clusters_ = clusters;
  max_ = max;
  estimate_ = before_ = start;
  before_at_ = now;
  planned_at_ = now;
  retries_ = kRetries;
  for (const double factor : kFirstProbes) plan(now, start * factor);
  next_ = now + kPatience;
}

void ProbeController::set_max(Time now, Bitrate max) {
  const bool was_at_max = estimate_ > max_ * kKeepsUp;
  const bool is_higher = max > max_;
  max_ = max;
  if (is_higher && was_at_max && planned_at_) plan(now, estimate_ * kStep);
}

void ProbeController::update(Time now, const State& state) {
  if (!planned_at_) return;
  estimate_ = state.estimate;
  remember(now, state);
  const bool is_bad = state.is_congested || state.is_silent || state.is_idle;
  const bool is_waiting = now - *planned_at_ < kPatience;
  if (further_above_ && !is_waiting) {
    further_above_.reset();
    if (retries_ > kRetries - kRetriesAtOnce && !is_bad) {
      --retries_;
      plan(now, state.estimate * kStep);
    }
  }
  if (further_above_ && state.estimate > *further_above_) {
    plan(now, state.estimate * kStep);
  } else if (!is_waiting && !is_bad && state.estimate < max_) {
    const bool fell = state.estimate < before_ * kLargeFall;
    const bool is_calm = !congested_at_ || now - *congested_at_ >= kCalm;
    if (state.application_limited_since && now - *planned_at_ >= kAlrInterval &&
        now - *state.application_limited_since >= kPatience) {
      plan(now, state.estimate * kStep);
    } else if (fell && is_calm && now - *planned_at_ >= kRecoveryInterval) {
      plan(now, std::min(state.estimate * kStep, before_));
    } else if (retries_ > 0 && !congested_at_ && now - *planned_at_ >= kRecoveryInterval) {
      --retries_;
      plan(now, state.estimate * kStep);
    }
  }
  // Nothing here is urgent: a look each second is enough.
  next_ = state.is_idle ? kNever : now + kPatience;
}

void ProbeController::remember(Time now, const State& state) {
  if (state.is_congested || state.is_silent) congested_at_ = now;
  if (state.is_silent) {
    before_at_ = now;  // The minute begins when the path is back.
  } else if (state.estimate >= before_ || now - before_at_ > kRecoveryTime) {
    before_ = state.estimate;
    before_at_ = now;
  }
}

std::optional<ProbePlan> ProbeController::poll() {
  if (plans_.empty()) return std::nullopt;
  const ProbePlan plan = plans_.front();
  plans_.pop_front();
  return plan;
}

void ProbeController::plan(Time now, Bitrate rate) {
  const Bitrate capped = std::min(rate, max_);
  if (capped <= estimate_ || plans_.size() == kMaxPlans) return;
  plans_.push_back({.cluster = ++clusters_,
                    .rate = capped,
                    .bytes = capped.bytes_in(kProbeDuration),
                    .packets = kProbePackets});
  planned_at_ = now;
  further_above_ = capped < max_ ? std::optional(capped * kKeepsUp) : std::nullopt;
}

}  // namespace floe::rtp
