#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "floe/dtls/identity.h"
#include "floe/ice/agent.h"
#include "floe/ice/agent_network.h"
#include "floe/ice/server.h"
#include "floe/rtp/congestion/congestion_controller.h"
#include "floe/sdp/offer.h"

namespace floe {

/// RTCIceServer; `ice::Server::parse` says which URIs there are.
using IceServer = ice::ServerConfig;

/// RTCConfiguration, and what a native program wants to decide besides.
struct Configuration {
  std::vector<IceServer> ice_servers;
  /// RTCIceTransportPolicy: with kRelay the peer learns no address but those of TURN servers.
  ice::Policy ice_transport_policy = ice::Policy::kAll;
  /// RTCConfiguration.iceCandidatePoolSize: above 0, candidates are gathered from the creation on,
  /// so that the first local description has them at once; the application is told of them then.
  /// One transport serves everything, so 1 does as much as 255.
  std::uint8_t ice_candidate_pool_size = 0;
  /// RTCBundlePolicy, of our first offer. One transport carries everything under each of them.
  sdp::BundlePolicy bundle_policy = sdp::BundlePolicy::kBalanced;
  /// Whose signature under the certificates of turns: servers is believed; nullptr: whom the system
  /// trusts.
  std::shared_ptr<const tls::Trust> ice_server_trust{};
  /// The DTLS identity; made for this connection when absent. Sharing one saves its key generation.
  std::shared_ptr<const dtls::Identity> certificate;

  ice::LocalPolicy local;  ///< Which local addresses and ports are used.
  /// See `ice::Agent::Config::remote_filter`.
  std::function<bool(const net::Endpoint&)> remote_address_filter{};
  /// What to announce in the place of local addresses, where a 1:1 NAT stands in front of them.
  std::vector<ice::AddressRewrite> address_rewrites{};
  ice::Nomination nomination = ice::Nomination::kRegular;
  ice::Consent::Timing consent;
  /// See `ice::Agent::Config::patience`.
  Duration ice_patience = ice::Agent::Config().patience;

  /// The largest message taken from the peer (a=max-message-size), 1 to 64 MiB.
  std::size_t max_message_size = 256 * 1024;
  /// Bytes of messages that `DataChannel::send` queues before it says would-block.
  std::size_t send_queue = 16 * 1024 * 1024;
  /// Windows of the SCTP association; a transfer's speed is at most these over the round trip.
  std::size_t send_buffer = 4 * 1024 * 1024;
  std::size_t receive_buffer = 4 * 1024 * 1024;
  /// Between which rates congestion control moves for audio and video together, and where it
  /// begins.
  rtp::BitrateLimits media_bitrate{};
  /// Makes another congestion control than Google's, such as `rtp::FixedRate`.
  std::function<std::unique_ptr<rtp::CongestionController>(Time now)> congestion_control{};
  /// The largest datagram sent; 1200 bytes pass on any path that WebRTC meets. Media may have up to
  /// 1232, so that what browsers send can be forwarded.
  std::size_t mtu = 1200;
};

}  // namespace floe
