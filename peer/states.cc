#include "floe/peer/states.h"

namespace floe {

std::string_view to_string(SignalingState state) {
  switch (state) {
    case SignalingState::kStable:
      return "stable";
    case SignalingState::kHaveLocalOffer:
      return "have-local-offer";
    case SignalingState::kHaveRemoteOffer:
      return "have-remote-offer";
    case SignalingState::kHaveLocalPranswer:
      return "have-local-pranswer";
    case SignalingState::kHaveRemotePranswer:
      return "have-remote-pranswer";
    case SignalingState::kClosed:
      return "closed";
  }
  return "unknown";
}

std::string_view to_string(PeerConnectionState state) {
  switch (state) {
    case PeerConnectionState::kNew:
      return "new";
    case PeerConnectionState::kConnecting:
      return "connecting";
    case PeerConnectionState::kConnected:
      return "connected";
    case PeerConnectionState::kDisconnected:
      return "disconnected";
    case PeerConnectionState::kFailed:
      return "failed";
    case PeerConnectionState::kClosed:
      return "closed";
  }
  return "unknown";
}

std::string_view to_string(DtlsTransportState state) {
  switch (state) {
    case DtlsTransportState::kNew:
      return "new";
    case DtlsTransportState::kConnecting:
      return "connecting";
    case DtlsTransportState::kConnected:
      return "connected";
    case DtlsTransportState::kClosed:
      return "closed";
    case DtlsTransportState::kFailed:
      return "failed";
  }
  return "unknown";
}

std::string_view to_string(SctpTransportState state) {
  switch (state) {
    case SctpTransportState::kConnecting:
      return "connecting";
    case SctpTransportState::kConnected:
      return "connected";
    case SctpTransportState::kClosed:
      return "closed";
  }
  return "unknown";
}

std::string_view to_string(DataChannelState state) {
  switch (state) {
    case DataChannelState::kConnecting:
      return "connecting";
    case DataChannelState::kOpen:
      return "open";
    case DataChannelState::kClosing:
      return "closing";
    case DataChannelState::kClosed:
      return "closed";
  }
  return "unknown";
}

PeerConnectionState aggregate(IceConnectionState ice, DtlsTransportState dtls) {
  using Ice = IceConnectionState;
  using Dtls = DtlsTransportState;
  if (ice == Ice::kFailed || dtls == Dtls::kFailed) return PeerConnectionState::kFailed;
  if (ice == Ice::kDisconnected) return PeerConnectionState::kDisconnected;
  const bool ice_idle = ice == Ice::kNew || ice == Ice::kClosed;
  const bool dtls_idle = dtls == Dtls::kNew || dtls == Dtls::kClosed;
  if (ice_idle && dtls_idle) return PeerConnectionState::kNew;
  const bool ice_up = ice == Ice::kConnected || ice == Ice::kCompleted || ice == Ice::kClosed;
  const bool dtls_up = dtls == Dtls::kConnected || dtls == Dtls::kClosed;
  return ice_up && dtls_up ? PeerConnectionState::kConnected : PeerConnectionState::kConnecting;
}

}  // namespace floe
