#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "floe/core/time.h"
#include "floe/rtp/extension_map.h"
#include "floe/rtp/packet.h"
#include "floe/rtp/payload/frame.h"
#include "floe/rtp/payload/payload_format.h"

namespace floe {

/// One encoded frame that the peer sent: what a decoder or a file takes.
struct ReceivedFrame {
  rtp::Frame frame;
  rtp::Codec codec = rtp::Codec::kRaw;
  std::uint8_t payload_type = 0;  ///< As in `RtpReceiver::parameters()`.
  std::uint32_t clock_rate = 0;   ///< Of `frame.timestamp`, in Hz.
  std::string rid;                ///< Of the simulcast layer; empty without simulcast.
  /// When the peer captured it, by the peer's clock, since 1970; absent before its first report.
  std::optional<Duration> captured;
};

/// One RTP packet that the peer sent, in the clear, for forwarding servers. `packet` is a view that
/// ends with the handler's call.
struct ReceivedPacket {
  rtp::Packet packet;
  /// What the packet's header extensions mean; as long-lived as `packet`.
  const rtp::ExtensionMap& extensions;
  rtp::Codec codec = rtp::Codec::kRaw;
  std::string rid;
};

}  // namespace floe
