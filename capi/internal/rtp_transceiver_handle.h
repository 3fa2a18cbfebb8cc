#pragma once

#include <memory>
#include <utility>

#include "floe/capi/internal/call.h"
#include "floe/capi/rtp_transceiver.h"
#include "floe/peer/rtp_transceiver.h"

struct floe_rtp_transceiver {
  explicit floe_rtp_transceiver(std::shared_ptr<floe::RtpTransceiver> of)
      : transceiver(std::move(of)) {}

  const std::shared_ptr<floe::RtpTransceiver> transceiver;
};

namespace floe::c {

floe_rtp_transceiver_direction shown(RtpTransceiverDirection direction);

/// What `floe_rtp_transceiver_init` says, and the track in it.
struct TransceiverInit {
  RtpTransceiverInit init;
  std::shared_ptr<MediaStreamTrack> track;  ///< NULL: none.
};

/// NULL: the defaults.
Result<TransceiverInit> read_transceiver_init(MediaKind kind,
                                              const floe_rtp_transceiver_init* given);
/// A track is a name.
std::shared_ptr<MediaStreamTrack> track_named(MediaKind kind, const char* id);

}  // namespace floe::c
