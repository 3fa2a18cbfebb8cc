// What a connection is made with, and what may be changed of it.
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "floe/capi/internal/call.h"
#include "floe/capi/internal/ice_options.h"
#include "floe/capi/internal/peer_connection_handle.h"
#include "floe/capi/internal/sized_struct.h"
#include "floe/capi/internal/stored_configuration.h"
#include "floe/capi/peer_connection.h"

using floe::PeerConnection;
using floe::Result;

namespace floe::c {
namespace {

/// The struct's size in the first version.
constexpr std::size_t kFirstConfiguration = offsetof(floe_configuration, identity);

Result<sdp::BundlePolicy> bundle_policy_of(floe_bundle_policy policy) {
  switch (policy) {
    case FLOE_BUNDLE_POLICY_BALANCED:
      return sdp::BundlePolicy::kBalanced;
    case FLOE_BUNDLE_POLICY_MAX_COMPAT:
      return sdp::BundlePolicy::kMaxCompat;
    case FLOE_BUNDLE_POLICY_MAX_BUNDLE:
      return sdp::BundlePolicy::kMaxBundle;
  }
  return no_such("bundle_policy", policy);
}

Result<Configuration> read_configuration(const floe_configuration* given, floe_network& network) {
  const auto read = read_struct_or_defaults(given, "floe_configuration", kFirstConfiguration);
  if (!read) return forward(read);
  if ((read->certificate == nullptr) != (read->private_key == nullptr)) {
    return fail(Errc::kInvalidArgument, "certificate and private_key come together or not at all");
  }
  if (read->certificate != nullptr && read->identity != nullptr) {
    return fail(Errc::kInvalidArgument, "certificate and identity are two ways to say one thing");
  }
  auto ice = read_ice_options(read->ice, network);
  if (!ice) return forward(ice);
  const auto bundle_policy = bundle_policy_of(read->bundle_policy);
  if (!bundle_policy) return forward(bundle_policy);

  if (read->ice_candidate_pool_size > 255) {
    return fail(Errc::kInvalidArgument, "ice_candidate_pool_size is 0 to 255");
  }

  Configuration configuration;
  configuration.ice_candidate_pool_size = static_cast<std::uint8_t>(read->ice_candidate_pool_size);
  configuration.bundle_policy = *bundle_policy;
  configuration.ice_servers = std::move(ice->servers);
  configuration.ice_server_trust = std::move(ice->trust);
  configuration.ice_transport_policy = ice->policy;
  configuration.local = std::move(ice->local);
  configuration.remote_address_filter = std::move(ice->remote_filter);
  configuration.address_rewrites = std::move(ice->address_rewrites);
  configuration.nomination = ice->nomination;
  if (ice->patience) configuration.ice_patience = *ice->patience;
  if (read->certificate != nullptr) {
    auto identity = dtls::Identity::from_pem(read->certificate, read->private_key);
    if (!identity) return forward(identity);
    configuration.certificate = *std::move(identity);
  }
  if (read->identity != nullptr) configuration.certificate = read->identity->identity;
  const auto set = [](std::size_t& to, std::size_t bytes) {
    if (bytes != 0) to = bytes;
  };
  set(configuration.max_message_size, read->max_message_size);
  set(configuration.send_queue, read->send_queue);
  set(configuration.send_buffer, read->send_buffer);
  set(configuration.receive_buffer, read->receive_buffer);
  set(configuration.mtu, read->mtu);
  return configuration;
}

}  // namespace
}  // namespace floe::c

floe_peer_connection* floe_peer_connection_create(floe_network* network,
                                                  const floe_configuration* configuration) {
  return floe::c::call_for<floe_peer_connection*>(nullptr, [&]() -> Result<floe_peer_connection*> {
    if (network == nullptr) return floe::c::is_null("network");
    const auto read = floe::c::read_configuration(configuration, *network);
    if (!read) return forward(read);
    auto connection = PeerConnection::create(*network->network, *read);
    if (!connection) return forward(connection);
    return new floe_peer_connection(
        *network, *std::move(connection),
        std::make_unique<floe::c::StoredConfiguration>(configuration, *read, *network));
  });
}

const floe_configuration* floe_peer_connection_configuration(
    const floe_peer_connection* connection) {
  return floe::c::call_for<const floe_configuration*>(nullptr,
                                                      [&]() -> Result<const floe_configuration*> {
                                                        if (connection == nullptr)
                                                          return floe::c::is_null("connection");
                                                        return connection->configuration->get();
                                                      });
}

floe_error_code floe_peer_connection_set_configuration(floe_peer_connection* connection,
                                                       const floe_configuration* configuration) {
  return floe::c::call_on(connection, [&](PeerConnection& of) -> Result<> {
    if (configuration == nullptr) return floe::c::is_null("configuration");
    auto read = floe::c::read_configuration(configuration, connection->network);
    if (!read) return forward(read);
    const char* authorities =
        configuration->ice == nullptr ? nullptr : configuration->ice->server_authorities;
    if (auto known = connection->configuration->trust(authorities)) {
      read->ice_server_trust = std::move(known);
    }
    if (auto set = of.set_configuration(*read); !set) return set;
    // It may point into the one it takes the place of.
    auto stored =
        std::make_unique<floe::c::StoredConfiguration>(configuration, *read, connection->network);
    connection->configuration = std::move(stored);
    return {};
  });
}
