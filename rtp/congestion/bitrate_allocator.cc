#include "floe/rtp/congestion/bitrate_allocator.h"

#include <algorithm>
#include <string>

namespace floe::rtp {

Result<> BitrateAllocator::set_track(const Track& track) {
  const std::string name = "track " + std::to_string(track.track);
  if (track.min > track.max) {
    return fail(Errc::kInvalidArgument, name + " needs more than it may use: min is above max");
  }
  if (!(track.priority > 0)) {
    return fail(Errc::kInvalidArgument, name + " has a priority that is not above 0");
  }
  Share share{.track = track};
  const auto known = std::find_if(shares_.begin(), shares_.end(),
                                  [&](const Share& one) { return one.track.track == track.track; });
  if (known != shares_.end()) {
    share = *known;
    share.track = track;
    shares_.erase(known);
  } else if (shares_.size() == kMaxTracks) {
    return fail(Errc::kLimitExceeded,
                name + " is one too many: there are " + std::to_string(kMaxTracks));
  }
  const auto place = std::find_if(shares_.begin(), shares_.end(), [&](const Share& one) {
    return one.track.priority < track.priority;
  });
  shares_.insert(place, share);
  return {};
}

void BitrateAllocator::remove_track(std::uint32_t track) {
  std::erase_if(shares_, [&](const Share& one) { return one.track.track == track; });
}

void BitrateAllocator::allocate(Time now, Bitrate total) {
  give_rest(give_least(now, total));
}

Bitrate BitrateAllocator::give_least(Time now, Bitrate total) {
  Bitrate left = total;
  for (const Share& share : shares_) {
    if (!share.track.may_pause) left = left - share.track.min;
  }
  for (Share& share : shares_) {
    share.is_paused = share.track.may_pause && !can_run(share, now, left);
    share.bitrate = share.is_paused ? Bitrate() : share.track.min;
    if (share.track.may_pause) left = left - share.bitrate;
  }
  return left;
}

bool BitrateAllocator::can_run(Share& share, Time now, Bitrate left) const {
  // One that was never told of has nothing to flap between.
  if (!share.is_paused || !share.told) return left >= share.track.min;
  if (left < share.track.min * kResumeFactor + kResumeMargin) {
    share.affordable_since.reset();
    return false;
  }
  if (!share.affordable_since) share.affordable_since = now;
  if (now - *share.affordable_since < kResumeAfter) return false;
  share.affordable_since.reset();
  return true;
}

void BitrateAllocator::give_rest(Bitrate rest) {
  // Each round either gives everything away or brings a track to its most.
  for (std::size_t round = 0; round < shares_.size() && rest > Bitrate(); ++round) {
    double priorities = 0;
    for (const Share& share : shares_) {
      if (!share.is_paused && share.bitrate < share.track.max) priorities += share.track.priority;
    }
    if (priorities == 0) return;
    const Bitrate all = rest;
    for (Share& share : shares_) {
      if (share.is_paused) continue;
      const Bitrate part =
          std::min(all * (share.track.priority / priorities), share.track.max - share.bitrate);
      share.bitrate = share.bitrate + part;
      rest = rest - part;
    }
  }
}

std::optional<BitrateAllocator::Change> BitrateAllocator::poll_change() {
  for (Share& share : shares_) {
    if (!is_notable(share)) continue;
    share.told = share.bitrate;
    return Change{share.track.track, share.bitrate};
  }
  return std::nullopt;
}

bool BitrateAllocator::is_notable(const Share& share) {
  if (!share.told) return true;
  if (share.bitrate == *share.told) return false;
  const bool was_paused = *share.told == Bitrate();
  if (share.is_paused || was_paused) return true;
  if (share.bitrate == share.track.min || share.bitrate == share.track.max) return true;
  const Bitrate change =
      std::max(share.bitrate, *share.told) - std::min(share.bitrate, *share.told);
  return change >= *share.told * kNotable;
}

Bitrate BitrateAllocator::allocation(std::uint32_t track) const {
  for (const Share& share : shares_) {
    if (share.track.track == track) return share.bitrate;
  }
  return {};
}

Bitrate BitrateAllocator::least() const {
  Bitrate sum;
  for (const Share& share : shares_) {
    if (!share.track.may_pause) sum = sum + share.track.min;
  }
  return sum;
}

Bitrate BitrateAllocator::most() const {
  Bitrate sum;
  for (const Share& share : shares_) sum = sum + share.track.max;
  return sum;
}

}  // namespace floe::rtp
