#pragma once

#include <cstdint>
#include <optional>
#include <set>

#include "floe/rtp/payload/frame.h"
#include "floe/rtp/sequence_number.h"

namespace floe::rtp {

enum class Decodable : std::uint8_t {
  kYes,
  kNo,             ///< It depends on something lost, but what follows need not.
  kNeedsKeyFrame,  ///< It depends on something lost, and so will all that follows.
};

/// Whether frames can be decoded after others were lost, as far as their format tells: VP8 and VP9
/// by their picture ids and layers, everything else by having no gap since the last key frame.
class Continuity {
 public:
  /// The next frame in order. `gap`: packets between it and the one before were lost. Those that
  /// are answered with kYes count as decoded from here on.
  Decodable check(const Frame& frame, bool gap);

 private:
  Decodable check_temporal(std::uint8_t temporal_id, std::uint8_t tl0, bool switches_up, bool gap);
  Decodable check_vp8(const Vp8Fields& fields, bool gap);
  Decodable check_vp9(const Vp9Fields& fields, bool gap);
  void begin(const Frame& frame);

  bool started_ = false;
  std::optional<std::uint16_t> picture_id_;  // of the last decodable frame
  std::optional<std::uint8_t> tl0_;          // of the last decodable frame of layer 0
  std::uint8_t intact_up_to_ = 7;            // temporal layers whose references are all there
  std::set<std::int64_t> decoded_;           // VP9 in flexible mode: unwrapped picture ids
  Unwrapper<std::uint16_t> picture_ids_;
};

}  // namespace floe::rtp
