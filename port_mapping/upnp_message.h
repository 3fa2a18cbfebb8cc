#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "floe/core/bytes.h"
#include "floe/core/result.h"
#include "floe/port_mapping/http.h"
#include "floe/port_mapping/request.h"

// What a UPnP Internet Gateway Device hears and says (UPnP Device Architecture 1.1 section 1.3,
// WANIPConnection:1 and :2, WANPPPConnection:1).
namespace floe::port_mapping::upnp {

/// 239.255.255.250:1900, where devices are searched for.
net::Endpoint search_group();
inline constexpr std::uint16_t kSearchPort = 1900;

/// A search for gateways of `version` 1 or 2.
std::string search_request(unsigned version);
/// Where the device at `router` describes itself. nullopt for whatever is no answer to a search,
/// or leads to another address than the router's own.
std::optional<HttpUrl> parse_search_response(Bytes packet, const net::Address& router);

/// The service that maps ports.
struct Service {
  std::string type;
  HttpUrl control;
};
/// Finds it in the device's description, which was fetched from `location`.
[[nodiscard]] Result<Service> parse_description(std::string_view description,
                                                const HttpUrl& location);

HttpRequest get_external_address(const Service& service);
/// `lease` in seconds; 0 is for ever.
HttpRequest add_port_mapping(const Service& service, const Request& request,
                             std::uint16_t external_port, std::uint32_t lease);
HttpRequest delete_port_mapping(const Service& service, Protocol protocol,
                                std::uint16_t external_port);

/// What `get_external_address` was answered with; nullopt if there is no IPv4 address.
std::optional<net::Address> parse_external_address(std::string_view body);

// The errors that can be answered by asking in another way.
inline constexpr unsigned kConflictInMappingEntry = 718;
inline constexpr unsigned kSamePortValuesRequired = 724;
inline constexpr unsigned kOnlyPermanentLeasesSupported = 725;
/// The UPnPError code in a response that is not 200; 0 if there is none.
unsigned error_code(const HttpResponse& response);
/// "answered 606 \"Action not authorized\"".
std::string describe_error(const HttpResponse& response);

}  // namespace floe::port_mapping::upnp
