#include "floe/capi/internal/ice_options.h"

#include <cstddef>
#include <string>
#include <utility>

#include "floe/capi/internal/ice_mux_handles.h"
#include "floe/capi/internal/sized_struct.h"
#include "floe/core/text.h"

namespace floe::c {

tl::unexpected<Error> no_such(std::string_view member, int number) {
  return fail(Errc::kInvalidArgument, std::string(member) + " is " + std::to_string(number) +
                                          ", which is none of its enumerators");
}

Result<ice::Policy> policy_of(floe_ice_policy policy) {
  switch (policy) {
    case FLOE_ICE_POLICY_ALL:
      return ice::Policy::kAll;
    case FLOE_ICE_POLICY_RELAY:
      return ice::Policy::kRelay;
    case FLOE_ICE_POLICY_NO_HOST:
      return ice::Policy::kNoHost;
  }
  return no_such("policy", policy);
}

namespace {

Result<ice::TcpPolicy> tcp_of(floe_ice_tcp_policy policy) {
  switch (policy) {
    case FLOE_ICE_TCP_POLICY_OFF:
      return ice::TcpPolicy::kOff;
    case FLOE_ICE_TCP_POLICY_ACTIVE:
      return ice::TcpPolicy::kActive;
    case FLOE_ICE_TCP_POLICY_ALL:
      return ice::TcpPolicy::kAll;
  }
  return no_such("tcp", policy);
}

Result<ice::Nomination> nomination_of(floe_ice_nomination nomination) {
  switch (nomination) {
    case FLOE_ICE_NOMINATION_REGULAR:
      return ice::Nomination::kRegular;
    case FLOE_ICE_NOMINATION_AGGRESSIVE:
      return ice::Nomination::kAggressive;
  }
  return no_such("nomination", nomination);
}

Result<ice::AddressRewrite::Advertise> advertise_of(floe_ice_address_advertise advertise) {
  switch (advertise) {
    case FLOE_ICE_ADDRESS_ADVERTISE_HOST:
      return ice::AddressRewrite::Advertise::kHost;
    case FLOE_ICE_ADDRESS_ADVERTISE_SERVER_REFLEXIVE:
      return ice::AddressRewrite::Advertise::kServerReflexive;
  }
  return no_such("advertise", advertise);
}

Result<ice::AddressRewrite> rewrite_of(const floe_ice_address_rewrite& given) {
  const auto local = text(given.local, "the local address of a rewrite");
  if (!local) return forward(local);
  const auto external = text(given.external, "the external address of a rewrite");
  if (!external) return forward(external);
  const auto advertise = advertise_of(given.advertise);
  if (!advertise) return forward(advertise);
  const std::size_t slash = local->find('/');
  const auto local_address = net::Address::parse(local->substr(0, slash));
  const auto external_address = net::Address::parse(*external);
  ice::AddressRewrite rewrite;
  if (slash != local->npos) {
    rewrite.prefix_length = parse_decimal<std::uint8_t>(local->substr(slash + 1));
  }
  const bool has_length = slash == local->npos || rewrite.prefix_length;
  if (!local_address || !external_address || !has_length) {
    return fail(Errc::kMalformed, "a rewrite is from one address to another, not from " +
                                      quoted(*local) + " to " + quoted(*external));
  }
  rewrite.local = *local_address;
  rewrite.external = *external_address;
  rewrite.local_port = given.local_port;
  rewrite.external_port = given.external_port;
  rewrite.advertise = *advertise;
  return rewrite;
}

Result<std::vector<ice::AddressRewrite>> rewrites_of(const floe_ice_configuration& given) {
  const std::size_t count = given.address_rewrite_count;
  if (count > 0 && given.address_rewrites == nullptr) return is_null("address_rewrites");
  std::vector<ice::AddressRewrite> rewrites;
  for (std::size_t i = 0; i < count; ++i) {
    auto rewrite = rewrite_of(given.address_rewrites[i]);
    if (!rewrite) return forward(rewrite);
    rewrites.push_back(*std::move(rewrite));
  }
  return rewrites;
}

ice::LocalPolicy local_of(const floe_ice_configuration& given, ice::TcpPolicy tcp,
                          floe_network& network) {
  ice::LocalPolicy local;
  local.ipv4 = !given.disable_ipv4;
  local.ipv6 = !given.disable_ipv6;
  local.loopback = given.loopback;
  local.link_local = given.link_local;
  local.port_min = given.port_min;
  local.port_max = given.port_max;
  local.continual = !given.ignore_interface_changes;
  local.hide_addresses = given.hide_addresses;
  local.tcp = tcp;
  if (given.resolve_names || given.hide_addresses) local.mdns = network.shared_mdns();
  if (given.map_ports) local.port_mapping = network.shared_port_mapping();
  if (given.udp_mux != nullptr) local.udp_mux = given.udp_mux->mux;
  if (given.tcp_mux != nullptr) local.tcp_mux = given.tcp_mux->mux;
  if (given.use_interface != nullptr) {
    local.filter = [use = given.use_interface, user = given.user](const net::Interface& interface) {
      return use(interface.name.c_str(), interface.address.to_string().c_str(), user);
    };
  }
  return local;
}

}  // namespace

Result<std::vector<ice::ServerConfig>> servers_of(const floe_ice_server* given, std::size_t count) {
  if (count > 0 && given == nullptr) return is_null("servers");
  std::vector<ice::ServerConfig> servers;
  for (std::size_t i = 0; i < count; ++i) {
    const floe_ice_server& server = given[i];
    if (server.url == nullptr) return is_null("the url of server " + std::to_string(i));
    servers.push_back(
        {{server.url}, text_or_empty(server.username), text_or_empty(server.credential)});
  }
  return servers;
}

Result<IceOptions> read_ice_options(const floe_ice_configuration* given, floe_network& network) {
  const auto config =
      read_struct_or_defaults(given, "floe_ice_configuration", kFirstIceConfiguration);
  if (!config) return forward(config);
  const auto policy = policy_of(config->policy);
  if (!policy) return forward(policy);
  const auto tcp = tcp_of(config->tcp);
  if (!tcp) return forward(tcp);
  const auto nomination = nomination_of(config->nomination);
  if (!nomination) return forward(nomination);
  auto servers = servers_of(config->servers, config->server_count);
  if (!servers) return forward(servers);
  auto rewrites = rewrites_of(*config);
  if (!rewrites) return forward(rewrites);
  if (config->port_min > config->port_max) {
    return fail(Errc::kInvalidArgument, "port_min is above port_max");
  }

  IceOptions options;
  if (config->server_authorities != nullptr) {
    auto trust = tls::Trust::from_pem(config->server_authorities);
    if (!trust) return forward(trust);
    options.trust = *std::move(trust);
  }
  options.servers = *std::move(servers);
  options.policy = *policy;
  options.nomination = *nomination;
  if (config->patience_ms != 0) options.patience = std::chrono::milliseconds(config->patience_ms);
  if (config->use_remote_address != nullptr) {
    options.remote_filter = [use = config->use_remote_address,
                             user = config->user](const net::Endpoint& endpoint) {
      return use(endpoint.address.to_string().c_str(), endpoint.port, user);
    };
  }
  options.address_rewrites = *std::move(rewrites);
  options.local = local_of(*config, *tcp, network);
  return options;
}

}  // namespace floe::c
