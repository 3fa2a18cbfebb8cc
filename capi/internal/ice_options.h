#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "floe/capi/ice_configuration.h"
#include "floe/capi/internal/network_handle.h"
#include "floe/core/result.h"
#include "floe/ice/address_rewrite.h"
#include "floe/ice/agent.h"
#include "floe/ice/agent_network.h"
#include "floe/ice/server.h"
#include "floe/tls/trust.h"

namespace floe::c {

/// A `floe_ice_configuration` in the library's own types.
struct IceOptions {
  std::vector<ice::ServerConfig> servers;
  std::shared_ptr<const tls::Trust> trust;
  ice::Policy policy = ice::Policy::kAll;
  ice::Nomination nomination = ice::Nomination::kRegular;
  std::optional<Duration> patience;
  ice::LocalPolicy local;
  std::function<bool(const net::Endpoint&)> remote_filter;
  std::vector<ice::AddressRewrite> address_rewrites;
};

/// The struct's size in the first version.
inline constexpr std::size_t kFirstIceConfiguration =
    offsetof(floe_ice_configuration, address_rewrites);

Result<ice::Policy> policy_of(floe_ice_policy policy);
Result<std::vector<ice::ServerConfig>> servers_of(const floe_ice_server* servers,
                                                  std::size_t count);
/// A number that none of a member's enumerators has.
tl::unexpected<Error> no_such(std::string_view member, int number);

/// NULL: the defaults. Errors name the member.
Result<IceOptions> read_ice_options(const floe_ice_configuration* given, floe_network& network);

}  // namespace floe::c
