#pragma once

#include <cstdint>
#include <string_view>

#include "floe/ice/agent.h"

// The states of W3C's WebRTC API; `to_string` gives the specification's words.
namespace floe {

/// RTCSignalingState
enum class SignalingState : std::uint8_t {
  kStable,
  kHaveLocalOffer,
  kHaveRemoteOffer,
  kHaveLocalPranswer,
  kHaveRemotePranswer,
  kClosed
};
std::string_view to_string(SignalingState state);

/// RTCPeerConnectionState: ICE and DTLS in one word.
enum class PeerConnectionState : std::uint8_t {
  kNew,
  kConnecting,
  kConnected,
  kDisconnected,
  kFailed,
  kClosed
};
std::string_view to_string(PeerConnectionState state);

/// RTCDtlsTransportState
enum class DtlsTransportState : std::uint8_t { kNew, kConnecting, kConnected, kClosed, kFailed };
std::string_view to_string(DtlsTransportState state);

/// RTCSctpTransportState
enum class SctpTransportState : std::uint8_t { kConnecting, kConnected, kClosed };
std::string_view to_string(SctpTransportState state);

/// RTCDataChannelState
enum class DataChannelState : std::uint8_t { kConnecting, kOpen, kClosing, kClosed };
std::string_view to_string(DataChannelState state);

/// RTCIceConnectionState and RTCIceGatheringState are ICE's own.
using IceConnectionState = ice::State;
using IceGatheringState = ice::GatheringState;

/// The specification's rule for `connectionState` over one ICE and one DTLS transport.
PeerConnectionState aggregate(IceConnectionState ice, DtlsTransportState dtls);

}  // namespace floe
