#pragma once

#include "floe/core/result.h"
#include "floe/peer/configuration.h"
#include "json.h"
#include "members.h"

// RTCConfiguration as JSON.
namespace peer_stdio {

/// Reads the members that are there into `configuration`; the others stay.
floe::Result<> read_configuration(Members& members, floe::Configuration& configuration);
/// With its dictionary's defaults: no servers, all paths, "balanced", no pool.
void reset_configuration(floe::Configuration& configuration);
Json to_json(const floe::Configuration& configuration);

}  // namespace peer_stdio
