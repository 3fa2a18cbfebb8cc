#pragma once

#include <memory>
#include <string_view>

#include "floe/net/network.h"

namespace floe::net::uv {

class Reactor;

/// Starts a lookup with the system's resolver, on one of libuv's worker threads.
std::unique_ptr<Lookup> start_lookup(std::shared_ptr<Reactor> reactor, std::string_view name,
                                     LookupCallback callback);

}  // namespace floe::net::uv
