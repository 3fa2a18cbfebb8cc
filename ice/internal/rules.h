#pragma once

#include <optional>

#include "floe/ice/diagnosis.h"
#include "floe/ice/internal/evidence.h"

// The rules of the diagnosis. Each looks for the one thing it is named after.
namespace floe::ice {

using Rule = std::optional<Finding> (*)(const Evidence&);

// diagnosis_sides.cc: this machine, the peer's description and the path between.
std::optional<Finding> we_revoked_consent(const Evidence& evidence);
std::optional<Finding> no_local_address(const Evidence& evidence);
std::optional<Finding> no_remote_credentials(const Evidence& evidence);
std::optional<Finding> peer_revoked_consent(const Evidence& evidence);
std::optional<Finding> path_was_lost(const Evidence& evidence);
std::optional<Finding> credentials_do_not_fit(const Evidence& evidence);
std::optional<Finding> no_remote_candidates(const Evidence& evidence);
std::optional<Finding> only_unusable_candidates(const Evidence& evidence);
std::optional<Finding> families_differ(const Evidence& evidence);
std::optional<Finding> nothing_pairs(const Evidence& evidence);
std::optional<Finding> system_refuses_to_send(const Evidence& evidence);
std::optional<Finding> nat_is_symmetric(const Evidence& evidence);
std::optional<Finding> only_one_way_works(const Evidence& evidence);
std::optional<Finding> no_way_in(const Evidence& evidence);
std::optional<Finding> peer_is_silent(const Evidence& evidence);

// diagnosis_servers.cc: STUN and TURN servers, and what they tell of the network before them.
std::optional<Finding> udp_is_blocked(const Evidence& evidence);
std::optional<Finding> lookup_failed(const Evidence& evidence);
std::optional<Finding> turn_credentials_refused(const Evidence& evidence);
std::optional<Finding> certificate_refused(const Evidence& evidence);
std::optional<Finding> server_refused(const Evidence& evidence);
std::optional<Finding> server_is_silent(const Evidence& evidence);
std::optional<Finding> server_has_other_family(const Evidence& evidence);
std::optional<Finding> no_relay_though_wanted(const Evidence& evidence);
std::optional<Finding> relay_refused_peer(const Evidence& evidence);

}  // namespace floe::ice
