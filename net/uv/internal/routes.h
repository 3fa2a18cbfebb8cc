#pragma once

#include <functional>
#include <istream>
#include <string>
#include <vector>

#include "floe/net/network.h"

namespace floe::net::uv {

/// The interface index of a name; 0 if there is none.
using IndexOf = std::function<std::uint32_t(const std::string&)>;

/// The default routes in what Linux shows as /proc/net/route, and as /proc/net/ipv6_route; the one
/// of the lowest metric first. Lines that say something else are left out.
std::vector<DefaultRoute> parse_ipv4_routes(std::istream& table);
std::vector<DefaultRoute> parse_ipv6_routes(std::istream& table, const IndexOf& index_of);

/// Those of this machine.
std::vector<DefaultRoute> list_default_routes();

}  // namespace floe::net::uv
