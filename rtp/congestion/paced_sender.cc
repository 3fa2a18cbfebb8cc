#include "floe/rtp/congestion/paced_sender.h"

#include <algorithm>
#include <utility>

namespace floe::rtp {
namespace {

/// Padding packets: what RTP padding alone can be (RFC 3550 section 5.1: up to 255 bytes), to a
/// packet full.
constexpr std::size_t kMinPadding = 64;
constexpr std::size_t kMaxPadding = 1200;

}  // namespace

bool PacedSender::push(Time now, Packet packet) {
  if (is_paused_ || packets_ == kMaxPackets) {
    ++dropped_;
    return false;
  }
  // An idle path does not save up for later.
  if (packets_ == 0) next_media_ = std::max(next_media_, now);
  ++packets_;
  bytes_ += packet.bytes.size();
  Lane& tracks = lane(packet.kind);
  auto track = std::find_if(tracks.begin(), tracks.end(),
                            [&](const Track& one) { return one.track == packet.track; });
  if (track == tracks.end()) {
    tracks.push_back({packet.track, {}});
    track = std::prev(tracks.end());
  }
  track->packets.push_back({std::move(packet), now});
  return true;
}

void PacedSender::drop(std::uint32_t track) {
  for (Lane& tracks : lanes_) {
    const auto one = std::find_if(tracks.begin(), tracks.end(),
                                  [&](const Track& each) { return each.track == track; });
    if (one == tracks.end()) continue;
    packets_ -= one->packets.size();
    for (const Waiting& waiting : one->packets) bytes_ -= waiting.packet.bytes.size();
    tracks.erase(one);
  }
}

void PacedSender::set_rates(Time now, Bitrate pacing, Bitrate padding) {
  // What the path still has to take of what was sent takes another time at another rate.
  if (next_media_ > now && pacing > Bitrate()) {
    next_media_ = now + pacing.time_for(pacing_.bytes_in(next_media_ - now));
  }
  if (padding_ == Bitrate()) next_padding_ = now;
  pacing_ = pacing;
  padding_ = padding;
}

void PacedSender::probe(Time, const ProbePlan& plan) {
  if (is_paused_ || probes_.size() == kMaxProbes) return;
  probes_.emplace_back().plan = plan;
}

void PacedSender::set_paused(bool paused) {
  is_paused_ = paused;
  if (!paused) return;
  dropped_ += packets_;
  packets_ = bytes_ = 0;
  for (Lane& tracks : lanes_) tracks.clear();
  probes_.clear();
}

std::optional<PacedSender::Sending> PacedSender::poll(Time now) {
  if (is_paused_) return std::nullopt;
  Sending sending;
  std::optional<Waiting> waiting;
  if (can_probe() && now >= probes_.front().next()) {
    Probe& probe = probes_.front();
    if (!probe.began_at) probe.began_at = now;
    sending.probe_cluster = probe.plan.cluster;
    waiting = pop_first();
    if (!waiting) sending.padding = padding_size(probe.plan.rate);
  } else if (!lane(Kind::kAudio).empty()) {
    // Audio is little, and late audio is worse than a few bytes too many.
    waiting = pop(lane(Kind::kAudio));
  } else if (packets_ > 0) {
    if (next_media_ > now + kBurst) return std::nullopt;
    waiting = pop_first();
  } else if (padding_ > Bitrate() && now >= next_padding_) {
    sending.padding = padding_size(padding_);
  } else {
    return std::nullopt;
  }
  is_padding_ = !waiting;
  cluster_ = sending.probe_cluster;
  if (waiting) {
    sending.queued_for = now - waiting->since;
    sending.packet = std::move(waiting->packet);
  }
  return sending;
}

void PacedSender::sent(Time now, std::size_t size) {
  if (cluster_ != 0 && !probes_.empty() && probes_.front().plan.cluster == cluster_) {
    Probe& probe = probes_.front();
    probe.bytes += size;
    probe.packets += 1;
    if (probe.is_done() || size == 0) probes_.pop_front();
  }
  if (is_padding_ && cluster_ == 0 && size == 0) padding_ = Bitrate();
  next_media_ = std::max(next_media_, now) + drain_rate(now).time_for(size);
  if (padding_ > Bitrate()) next_padding_ = std::max(next_padding_, now) + padding_.time_for(size);
}

Time PacedSender::next_timeout() const {
  if (is_paused_) return kNever;
  Time next = kNever;
  if (can_probe()) next = probes_.front().next();
  if (!lane(Kind::kAudio).empty()) return std::min(next, *waiting_since());
  if (packets_ > 0) return std::min(next, next_media_);
  return padding_ > Bitrate() ? std::min(next, next_padding_) : next;
}

Duration PacedSender::queue_time(Time now) const {
  const std::optional<Time> since = waiting_since();
  return since ? now - *since : Duration::zero();
}

/// A probe begins with a packet: before the first one of a call there is often nothing to pad with,
/// and an idle call has no use for what a probe finds.
bool PacedSender::can_probe() const {
  return !probes_.empty() && (probes_.front().began_at || packets_ > 0);
}

Time PacedSender::Probe::next() const {
  // Before it began: at once.
  return began_at ? *began_at + plan.rate.time_for(bytes) : Time{};
}

PacedSender::Waiting PacedSender::pop(Lane& from) {
  Track track = std::move(from.front());
  from.pop_front();
  Waiting waiting = std::move(track.packets.front());
  track.packets.pop_front();
  if (!track.packets.empty()) from.push_back(std::move(track));
  --packets_;
  bytes_ -= waiting.packet.bytes.size();
  return waiting;
}

std::optional<PacedSender::Waiting> PacedSender::pop_first() {
  for (Lane& tracks : lanes_) {
    if (!tracks.empty()) return pop(tracks);
  }
  return std::nullopt;
}

std::optional<Time> PacedSender::waiting_since() const {
  std::optional<Time> since;
  for (const Lane& tracks : lanes_) {
    for (const Track& track : tracks) {
      const Time first = track.packets.front().since;
      since = std::min(since.value_or(first), first);
    }
  }
  return since;
}

/// The pacing rate, or what brings the queue out in time.
Bitrate PacedSender::drain_rate(Time now) const {
  constexpr Duration kLeast = std::chrono::milliseconds(100);
  if (bytes_ == 0) return pacing_;
  return std::max(pacing_, Bitrate::of(bytes_, std::max(kMaxQueueTime - queue_time(now), kLeast)));
}

/// A fifth of what a probe at that rate is: large packets would make it longer at low rates.
std::size_t PacedSender::padding_size(Bitrate rate) const {
  const std::size_t probe = rate.bytes_in(std::chrono::milliseconds(15));
  return std::clamp(probe / 5, kMinPadding, kMaxPadding);
}

}  // namespace floe::rtp
