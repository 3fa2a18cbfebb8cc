#include "floe/port_mapping/upnp_message.h"

#include <array>
#include <utility>
#include <vector>

#include "floe/core/text.h"
#include "floe/port_mapping/xml_reader.h"

namespace floe::port_mapping::upnp {
namespace {

constexpr std::string_view kDescriptionOfMappings = "floe";
constexpr std::size_t kMaxSearchResponse = 4 * 1024;

// Best first: version 2 has leases and is easier with taken ports.
constexpr std::array<std::string_view, 3> kServiceTypes{
    "urn:schemas-upnp-org:service:WANIPConnection:2",
    "urn:schemas-upnp-org:service:WANIPConnection:1",
    "urn:schemas-upnp-org:service:WANPPPConnection:1"};

using Arguments = std::vector<std::pair<std::string_view, std::string>>;

/// No argument needs escaping: they are numbers, addresses and names of ours.
HttpRequest call(const Service& service, std::string_view action, const Arguments& arguments) {
  std::string body =
      "<?xml version=\"1.0\"?>\r\n<s:Envelope "
      "xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" "
      "s:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\"><s:Body><u:";
  body.append(action).append(" xmlns:u=\"").append(service.type).append("\">");
  for (const auto& [name, value] : arguments) {
    body.append("<").append(name).append(">").append(value);
    body.append("</").append(name).append(">");
  }
  body.append("</u:").append(action).append("></s:Body></s:Envelope>\r\n");
  return HttpRequest::post(service.control, service.type + "#" + std::string(action), body);
}

std::string name_of(Protocol protocol) {
  return protocol == Protocol::kUdp ? "UDP" : "TCP";
}

/// Rank in kServiceTypes; its size for any other.
std::size_t rank_of(std::string_view type) {
  std::size_t rank = 0;
  while (rank < kServiceTypes.size() && kServiceTypes[rank] != type) ++rank;
  return rank;
}

struct Found {
  std::size_t rank = kServiceTypes.size();
  std::string control;
};

/// The best service of a whole, well-formed description.
std::optional<Found> find_service(std::string_view description) {
  XmlReader reader(description);
  Found best;
  std::string element;
  std::string type;
  std::string control;
  while (true) {
    switch (reader.next()) {
      case XmlReader::Token::kStart:
        element = reader.name();
        if (element == "service") {
          type.clear();
          control.clear();
        }
        break;
      case XmlReader::Token::kText:
        if (element == "serviceType") type = reader.text();
        if (element == "controlURL") control = reader.text();
        break;
      case XmlReader::Token::kEnd:
        if (reader.name() == "service" && !control.empty() && rank_of(type) < best.rank) {
          best = {rank_of(type), control};
        }
        element.clear();
        break;
      case XmlReader::Token::kDone:
        return best;
      case XmlReader::Token::kError:
        return std::nullopt;
    }
  }
}

}  // namespace

net::Endpoint search_group() {
  return {net::Address::v4(239, 255, 255, 250), kSearchPort};
}

std::string search_request(unsigned version) {
  // MX: they may take a second, so that many of them do not answer at once.
  return "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\n"
         "ST: urn:schemas-upnp-org:device:InternetGatewayDevice:" +
         std::to_string(version) + "\r\n\r\n";
}

std::optional<HttpUrl> parse_search_response(Bytes packet, const net::Address& router) {
  if (packet.size() > kMaxSearchResponse) return std::nullopt;
  const std::vector<std::string_view> lines = split(as_text(packet), '\n');
  const std::string_view status = trim(lines.front());
  if (!status.starts_with("HTTP/1.") || status.size() < 12 || status.substr(9, 3) != "200") {
    return std::nullopt;
  }
  for (const std::string_view line : lines) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    if (!equals_ignoring_case(trim(line.substr(0, colon)), "location")) continue;
    std::optional<HttpUrl> url = HttpUrl::parse(line.substr(colon + 1));
    if (!url || url->server.address != router) return std::nullopt;
    return url;
  }
  return std::nullopt;
}

Result<Service> parse_description(std::string_view description, const HttpUrl& location) {
  const std::optional<Found> found = find_service(description);
  if (!found) return fail(Errc::kMalformed, "describes itself in broken XML");
  if (found->rank == kServiceTypes.size()) {
    return fail(Errc::kUnsupported, "has no service that maps ports");
  }
  std::optional<HttpUrl> control = location.resolve(found->control);
  if (!control || control->server.address != location.server.address) {
    return fail(Errc::kMalformed,
                "names a control address that is not its own: " + quoted(found->control));
  }
  return Service{std::string(kServiceTypes[found->rank]), std::move(*control)};
}

HttpRequest get_external_address(const Service& service) {
  return call(service, "GetExternalIPAddress", {});
}

HttpRequest add_port_mapping(const Service& service, const Request& request,
                             std::uint16_t external_port, std::uint32_t lease) {
  return call(service, "AddPortMapping",
              {{"NewRemoteHost", ""},
               {"NewExternalPort", std::to_string(external_port)},
               {"NewProtocol", name_of(request.protocol)},
               {"NewInternalPort", std::to_string(request.internal.port)},
               {"NewInternalClient", request.internal.address.to_string()},
               {"NewEnabled", "1"},
               {"NewPortMappingDescription", std::string(kDescriptionOfMappings)},
               {"NewLeaseDuration", std::to_string(lease)}});
}

HttpRequest delete_port_mapping(const Service& service, Protocol protocol,
                                std::uint16_t external_port) {
  return call(service, "DeletePortMapping",
              {{"NewRemoteHost", ""},
               {"NewExternalPort", std::to_string(external_port)},
               {"NewProtocol", name_of(protocol)}});
}

std::optional<net::Address> parse_external_address(std::string_view body) {
  const std::optional<std::string> text = xml_text(body, "NewExternalIPAddress");
  if (!text) return std::nullopt;
  const std::optional<net::Address> address = net::Address::parse(*text);
  if (!address || !address->is_v4() || address->is_unspecified()) return std::nullopt;
  return address;
}

unsigned error_code(const HttpResponse& response) {
  const std::optional<std::string> text = xml_text(response.body, "errorCode");
  return text ? parse_decimal<unsigned>(*text).value_or(0) : 0;
}

std::string describe_error(const HttpResponse& response) {
  const unsigned code = error_code(response);
  if (code == 0) return "answered HTTP " + std::to_string(response.status);
  const std::string words = xml_text(response.body, "errorDescription").value_or("");
  return "answered " + std::to_string(code) + " " + quoted(words);
}

}  // namespace floe::port_mapping::upnp
