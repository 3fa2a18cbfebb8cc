#include "floe/rtp/congestion/google_congestion_controller.h"

#include <algorithm>
#include <chrono>

namespace floe::rtp {
namespace {

constexpr double kSilenceBeta = 0.8;

/// The packets of a frame wait for each other, up to 33 ms at 30 frames a second where the path
/// carries no more than the target. Routers with short queues hold little more, so not all of it.
constexpr Duration kFrameWait = std::chrono::milliseconds(25);
/// Longer than what key frames make, and what makes a conversation slow.
constexpr Duration kTolerableQueue = std::chrono::milliseconds(100);
constexpr double kLeastDrainPart = 0.6;

}  // namespace

GoogleCongestionController::Path::Path(Time now, const BitrateLimits& limits)
    : delay_based(limits.start) {
  alr.set_target(now, limits.start);
}

GoogleCongestionController::GoogleCongestionController(Time now, const BitrateLimits& limits)
    : limits_(limits), path_(now, limits) {
  probe_controller_.start(now, limits_.start, most());
  update_target(now);
}

void GoogleCongestionController::on_packet_sent(const SentPacket& packet) {
  path_.meter.on_packet_sent(packet);
  path_.alr.on_sent(packet.sent, packet.size);
  path_.last_sent = packet.sent;
  probe_controller_.wake(packet.sent);
}

void GoogleCongestionController::on_feedback(Time now, std::span<const PacketReport> reports) {
  const std::span<const Outcome> outcomes = path_.meter.on_feedback(now, reports);
  if (outcomes.empty()) return;
  path_.has_feedback = true;
  path_.silence_counted_at.reset();
  path_.alr.pass(now);
  detect(outcomes);

  const std::optional<Bitrate> acknowledged = path_.meter.received();
  path_.standing_queue.update({.now = now,
                               .outcomes = outcomes,
                               .queueing_delay = path_.meter.queueing_delay(),
                               .round_trip = path_.meter.round_trip()});
  path_.delay_based.update(now, {.use = use(),
                                 .acknowledged = acknowledged,
                                 .round_trip = path_.meter.round_trip(),
                                 .fair_share = path_.standing_queue.fair_share(),
                                 .is_application_limited = path_.alr.since().has_value()});
  // A probe is short: that it shows less than the media has shown proves nothing.
  const std::optional<Bitrate> shown = path_.probes.add(outcomes);
  if (shown && *shown > path_.delay_based.rate() && use() != PathUse::kOveruse) {
    path_.delay_based.set_rate(now, *shown);
  }
  path_.delay_based.clamp(limits_.min, limits_.max);
  path_.loss_bound = path_.loss_based.update({.now = now,
                                              .outcomes = outcomes,
                                              .delay_based = path_.delay_based.rate(),
                                              .acknowledged = acknowledged,
                                              .round_trip = path_.meter.round_trip(),
                                              .probed = shown});
  update_target(now);
  update_probes(now);
}

void GoogleCongestionController::detect(std::span<const Outcome> outcomes) {
  for (const Outcome& outcome : outcomes) {
    if (!outcome.received) break;  // What was lost comes last.
    const auto deltas = path_.groups.add(outcome.packet.sent, *outcome.received);
    if (!deltas) continue;
    path_.trend.add(deltas->sent, deltas->received);
    path_.detector.update(path_.trend.slope(), path_.trend.groups(), deltas->received);
  }
}

void GoogleCongestionController::on_rtt(Time now, Duration round_trip) {
  path_.meter.on_rtt(now, round_trip);
  update_target(now);
}

void GoogleCongestionController::on_network_change(Time now) {
  path_ = Path(now, limits_);
  probe_controller_.start(now, limits_.start, most());
  update_target(now);
}

void GoogleCongestionController::on_receiver_limit(Time now, std::optional<Bitrate> limit) {
  receiver_limit_ = limit;
  probe_controller_.set_max(now, most());
  update_target(now);
}

void GoogleCongestionController::set_limits(Time now, const BitrateLimits& limits) {
  limits_ = limits;
  if (!path_.has_feedback) path_.delay_based.set_rate(now, limits_.start);
  path_.delay_based.clamp(limits_.min, limits_.max);
  probe_controller_.set_max(now, most());
  update_target(now);
}

std::optional<Time> GoogleCongestionController::silent_from() const {
  const std::optional<Time> oldest = path_.meter.oldest_outstanding();
  if (!oldest) return std::nullopt;
  return *oldest + kSilence + path_.meter.round_trip();
}

bool GoogleCongestionController::is_silent(Time now) const {
  const std::optional<Time> from = silent_from();
  return from && now >= *from && was_sending(now);
}

bool GoogleCongestionController::was_sending(Time at) const {
  return path_.last_sent && at - *path_.last_sent <= kSilenceStep;
}

Time GoogleCongestionController::next_timeout() const {
  const Time probe = probe_controller_.next_timeout();
  const std::optional<Time> from = silent_from();
  if (!from) return probe;
  const Time step = path_.silence_counted_at ? *path_.silence_counted_at + kSilenceStep : *from;
  return was_sending(step) ? std::min(probe, step) : probe;
}

void GoogleCongestionController::handle_timeout(Time now) {
  if (now < next_timeout()) return;
  const std::optional<Time> from = silent_from();
  const bool is_due = !path_.silence_counted_at || now >= *path_.silence_counted_at + kSilenceStep;
  if (from && now >= *from && is_due) {
    // One step however late we are: a machine that slept has not congested the path meanwhile.
    path_.silence_counted_at = now;
    if (was_sending(now)) {
      path_.delay_based.set_rate(now, std::max(target_.bitrate * kSilenceBeta, limits_.min));
    }
  }
  path_.alr.pass(now);
  update_target(now);
  update_probes(now);
}

std::optional<ProbePlan> GoogleCongestionController::poll_probe() {
  const std::optional<ProbePlan> plan = probe_controller_.poll();
  if (plan) path_.probes.expect(*plan);
  return plan;
}

void GoogleCongestionController::update_probes(Time now) {
  probe_controller_.update(now, {.estimate = target_.bitrate,
                                 .application_limited_since = path_.alr.since(),
                                 .is_congested = use() == PathUse::kOveruse,
                                 .is_silent = is_silent(now),
                                 .is_idle = !path_.last_sent || now - *path_.last_sent > kIdle});
}

/// A delay that grows is no overuse as long as it is that of a frame which got larger.
PathUse GoogleCongestionController::use() const {
  const PathUse detected = path_.detector.state();
  const bool is_short = path_.meter.queueing_delay() < kFrameWait;
  return detected == PathUse::kOveruse && is_short ? PathUse::kNormal : detected;
}

/// A long queue of ours drains sooner when less is sent than the path carries; the delay-based rate
/// is where we go on when it has.
double GoogleCongestionController::drain_part() const {
  if (path_.standing_queue.fair_share()) return 1;
  const Duration excess = path_.meter.queueing_delay() - kTolerableQueue;
  return std::clamp(1 - std::chrono::duration<double>(excess).count(), kLeastDrainPart, 1.0);
}

void GoogleCongestionController::update_target(Time now) {
  Bitrate rate = std::min(path_.delay_based.rate(), path_.loss_bound);
  rate = rate * path_.standing_queue.part() * drain_part();
  rate = std::max(std::min(rate, most()), limits_.min);
  if (rate != target_.bitrate) path_.alr.set_target(now, rate);
  target_ = {.bitrate = rate,
             .pacing = rate * kPacingFactor,
             .received = path_.meter.received().value_or(Bitrate()),
             .round_trip = path_.meter.round_trip(),
             .queueing_delay = path_.meter.queueing_delay(),
             .loss = path_.meter.loss()};
}

}  // namespace floe::rtp
