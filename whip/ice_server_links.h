#pragma once

#include <vector>

#include "floe/http/message.h"
#include "floe/peer/configuration.h"

// STUN and TURN servers in Link fields (RFC 9725 section 4.6).
namespace floe::whip {

/// One field for each URI.
void add_links(const std::vector<IceServer>& servers, http::Headers& headers);
/// The servers of every link whose relation is "ice-server". What `ice::parse_servers` would refuse
/// is left out: one bad link is no reason to do without the others.
std::vector<IceServer> read_ice_servers(const http::Headers& headers);

}  // namespace floe::whip
