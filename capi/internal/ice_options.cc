#include "floe/capi/internal/ice_options.h"

#include <cstddef>
#include <string>
#include <utility>

#include "floe/capi/internal/sized_struct.h"

namespace floe::c {
namespace {

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

Result<std::vector<ice::ServerConfig>> servers_of(const floe_ice_configuration& given) {
  if (given.server_count > 0 && given.servers == nullptr) return is_null("servers");
  std::vector<ice::ServerConfig> servers;
  for (std::size_t i = 0; i < given.server_count; ++i) {
    const floe_ice_server& server = given.servers[i];
    if (server.url == nullptr) return is_null("the url of server " + std::to_string(i));
    servers.push_back(
        {{server.url}, text_or_empty(server.username), text_or_empty(server.credential)});
  }
  return servers;
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
  if (given.use_interface != nullptr) {
    local.filter = [use = given.use_interface, user = given.user](const net::Interface& interface) {
      return use(interface.name.c_str(), interface.address.to_string().c_str(), user);
    };
  }
  return local;
}

}  // namespace

Result<IceOptions> read_ice_options(const floe_ice_configuration* given, floe_network& network) {
  const auto config = read_struct_or_defaults(given, "floe_ice_configuration");
  if (!config) return forward(config);
  const auto policy = policy_of(config->policy);
  if (!policy) return forward(policy);
  const auto tcp = tcp_of(config->tcp);
  if (!tcp) return forward(tcp);
  const auto nomination = nomination_of(config->nomination);
  if (!nomination) return forward(nomination);
  auto servers = servers_of(*config);
  if (!servers) return forward(servers);
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
  options.local = local_of(*config, *tcp, network);
  return options;
}

}  // namespace floe::c
