#include "floe/net/sim/internal/router_upnp.h"

#include <algorithm>
#include <array>
#include <optional>

#include "floe/core/check.h"
#include "floe/core/text.h"

namespace floe::net::sim {
namespace {

const Endpoint kSsdp{Address::v4(239, 255, 255, 250), 1900};
constexpr std::string_view kDevice = "urn:schemas-upnp-org:device:InternetGatewayDevice:1";
constexpr std::string_view kService = "urn:schemas-upnp-org:service:WANIPConnection:1";
constexpr std::string_view kUuid = "uuid:7d3f1c2e-0000-4000-8000-666c6f650001";
/// A request larger than this is no UPnP request, and connections beyond this many are refused.
constexpr std::size_t kMaxRequest = 16 * 1024;
constexpr std::size_t kMaxVisits = 32;
/// A lease of 0 lasts until the router restarts; IGD 2 knows no longer one than a week.
constexpr Duration kPermanent = std::chrono::hours(24 * 7);

// Errors of the UPnP device architecture and of WANIPConnection:1.
constexpr int kInvalidAction = 401;
constexpr int kInvalidArgs = 402;
constexpr int kActionFailed = 501;
constexpr int kNotAuthorized = 606;
constexpr int kNoSuchEntry = 714;
constexpr int kConflict = 718;
constexpr int kOnlyPermanentLeases = 725;

/// The value of an HTTP header; empty if it is not there.
std::string_view header(std::string_view head, std::string_view name) {
  while (!head.empty()) {
    const std::size_t end = std::min(head.find("\r\n"), head.size());
    const std::string_view line = head.substr(0, end);
    head.remove_prefix(std::min(end + 2, head.size()));
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !equals_ignoring_case(line.substr(0, colon), name)) {
      continue;
    }
    std::string_view value = line.substr(colon + 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    while (value.ends_with(' ')) value.remove_suffix(1);
    return value;
  }
  return {};
}

/// What stands between <name> and </name>.
std::string_view element(std::string_view xml, std::string_view name) {
  const std::string open = "<" + std::string(name) + ">";
  const std::string close = "</" + std::string(name) + ">";
  const std::size_t begin = xml.find(open);
  if (begin == std::string_view::npos) return {};
  const std::size_t end = xml.find(close, begin);
  if (end == std::string_view::npos) return {};
  return xml.substr(begin + open.size(), end - begin - open.size());
}

std::string http(std::string_view status, std::string_view body) {
  return "HTTP/1.1 " + std::string(status) +
         "\r\nContent-Type: text/xml; charset=\"utf-8\"\r\nConnection: close\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

std::string envelope(std::string_view content) {
  return "<?xml version=\"1.0\"?>\r\n<s:Envelope "
         "xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" "
         "s:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\"><s:Body>" +
         std::string(content) + "</s:Body></s:Envelope>\r\n";
}

std::string success(std::string_view action, std::string_view results = {}) {
  const std::string name = "u:" + std::string(action) + "Response";
  return http("200 OK", envelope("<" + name + " xmlns:u=\"" + std::string(kService) + "\">" +
                                 std::string(results) + "</" + name + ">"));
}

std::string failure(int code) {
  return http("500 Internal Server Error",
              envelope("<s:Fault><faultcode>s:Client</faultcode><faultstring>UPnPError"
                       "</faultstring><detail><UPnPError "
                       "xmlns=\"urn:schemas-upnp-org:control-1-0\"><errorCode>" +
                       std::to_string(code) +
                       "</errorCode><errorDescription>refused</errorDescription></UPnPError>"
                       "</detail></s:Fault>"));
}

std::string tag(const std::string& name, const std::string& content,
                const std::string& attributes = {}) {
  return "<" + name + attributes + ">" + content + "</" + name + ">";
}

std::string device(const std::string& type, const std::string& content) {
  return tag("device", tag("deviceType", "urn:schemas-upnp-org:device:" + type + ":1") +
                           tag("friendlyName", "simulated") + tag("manufacturer", "floe") +
                           tag("modelName", "sim") + tag("UDN", std::string(kUuid)) + content);
}

std::string description() {
  const std::string service =
      tag("service", tag("serviceType", std::string(kService)) +
                         tag("serviceId", "urn:upnp-org:serviceId:WANIPConn1") +
                         tag("SCPDURL", "/scpd.xml") + tag("controlURL", "/control") +
                         tag("eventSubURL", "/events"));
  const std::string connection = device("WANConnectionDevice", tag("serviceList", service));
  const std::string wan = device("WANDevice", tag("deviceList", connection));
  return "<?xml version=\"1.0\"?>\r\n" +
         tag("root",
             tag("specVersion", tag("major", "1") + tag("minor", "0")) +
                 device("InternetGatewayDevice", tag("deviceList", wan)),
             " xmlns=\"urn:schemas-upnp-org:device-1-0\"") +
         "\r\n";
}

std::optional<Protocol> parse_protocol(std::string_view text) {
  if (text == "UDP") return Protocol::kUdp;
  if (text == "TCP") return Protocol::kTcp;
  return std::nullopt;
}

}  // namespace

/// One HTTP connection: one request, one response.
class Router::Upnp::Visit final : public StreamHandler {
 public:
  Visit(Upnp& upnp, std::unique_ptr<Stream> stream) : upnp_(upnp), stream_(std::move(stream)) {
    stream_->set_handler(*this);
  }
  void on_data(MutableBytes data) override {
    request_ += as_text(data);
    if (request_.size() > kMaxRequest) return upnp_.forget(*this);
    const std::size_t end = request_.find("\r\n\r\n");
    if (is_answered_ || end == std::string::npos) return;
    const std::string_view head = std::string_view(request_).substr(0, end);
    const std::string_view body = std::string_view(request_).substr(end + 4);
    const auto size = parse_decimal<std::uint32_t>(header(head, "Content-Length")).value_or(0);
    if (body.size() < size) return;
    is_answered_ = true;
    const std::string response = upnp_.respond(stream_->remote(), head, body);
    // Far below what a stream takes.
    FLOE_CHECK(stream_->write(as_bytes(response)));
    stream_->shutdown();
  }
  void on_closed(const Error&) override { upnp_.forget(*this); }

 private:
  Upnp& upnp_;
  std::unique_ptr<Stream> stream_;
  std::string request_;
  bool is_answered_ = false;
};

Router::Upnp::Upnp(Host& host, Nat& nat, const RouterOptions& options)
    : host_(host), nat_(nat), options_(options) {
  UdpOptions ssdp;
  ssdp.bind = {Address::v4(0, 0, 0, 0), kSsdp.port};
  ssdp.multicast = Multicast{.groups = {kSsdp.address}};
  auto socket = host_.open_udp(ssdp, *this);
  auto listener = host_.listen({host_.address(), kHttpPort}, *this);
  FLOE_CHECK(socket && listener);  // A machine of its own: nobody else has the ports.
  ssdp_ = std::move(*socket);
  listener_ = std::move(*listener);
}

Router::Upnp::~Upnp() = default;

void Router::Upnp::on_datagrams(std::span<Datagram> datagrams) {
  for (const Datagram& datagram : datagrams) {
    const std::string_view search = as_text(datagram.payload);
    const std::string_view target = header(search, "ST");
    const bool is_for_us = target == "ssdp:all" || target == "upnp:rootdevice" ||
                           target == kDevice || target == kService;
    if (!options_.upnp || !search.starts_with("M-SEARCH * HTTP/1.1\r\n") || !is_for_us ||
        header(search, "MAN") != "\"ssdp:discover\"") {
      continue;
    }
    const std::string_view type = target == kService ? kService : kDevice;
    const std::string response =
        "HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=1800\r\nEXT:\r\nLOCATION: http://" +
        Endpoint{host_.address(), kHttpPort}.to_string() +
        "/description.xml\r\nSERVER: floe UPnP/1.1 sim/1\r\nST: " + std::string(type) +
        "\r\nUSN: " + std::string(kUuid) + "::" + std::string(type) + "\r\n\r\n";
    SendBatch batch;
    batch.add({ssdp_->id(), datagram.source, {}}, as_bytes(response));
    host_.send(batch);
  }
}

void Router::Upnp::on_accept(std::unique_ptr<Stream> stream) {
  gone_.clear();
  if (!options_.upnp || visits_.size() >= kMaxVisits) return;
  visits_.push_back(std::make_unique<Visit>(*this, std::move(stream)));
}

void Router::Upnp::forget(Visit& visit) {
  const auto found = std::ranges::find(visits_, &visit, &std::unique_ptr<Visit>::get);
  if (found == visits_.end()) return;
  gone_.push_back(std::move(*found));
  visits_.erase(found);
}

std::string Router::Upnp::respond(const Endpoint& client, std::string_view head,
                                  std::string_view body) {
  if (head.starts_with("GET /description.xml ")) return http("200 OK", description());
  if (!head.starts_with("POST /control ")) return http("404 Not Found", {});
  std::string_view action = header(head, "SOAPAction");
  const std::string prefix = "\"" + std::string(kService) + "#";
  if (!action.starts_with(prefix) || !action.ends_with('"')) return failure(kInvalidAction);
  action.remove_prefix(prefix.size());
  action.remove_suffix(1);
  return act(client, action, body);
}

std::string Router::Upnp::act(const Endpoint& client, std::string_view action,
                              std::string_view body) {
  if (action == "GetExternalIPAddress") {
    return success(action, "<NewExternalIPAddress>" +
                               nat_.external_for(client.address).to_string() +
                               "</NewExternalIPAddress>");
  }
  if (options_.refuses) return failure(kNotAuthorized);
  if (action == "AddPortMapping") return add_mapping(client, body);
  if (action == "DeletePortMapping") return delete_mapping(body);
  return failure(kInvalidAction);
}

std::string Router::Upnp::add_mapping(const Endpoint& client, std::string_view body) {
  const auto protocol = parse_protocol(element(body, "NewProtocol"));
  const auto external_port = parse_decimal<std::uint16_t>(element(body, "NewExternalPort"));
  const auto internal_port = parse_decimal<std::uint16_t>(element(body, "NewInternalPort"));
  const auto internal_address = Address::parse(element(body, "NewInternalClient"));
  const auto lease = parse_decimal<std::uint32_t>(element(body, "NewLeaseDuration"));
  if (!protocol || !external_port || !internal_port || !internal_address || !lease) {
    return failure(kInvalidArgs);
  }
  // Mappings for others are what malware asks for: most routers refuse them.
  if (*internal_address != client.address) return failure(kNotAuthorized);
  if (*lease != 0 && options_.upnp_permanent_only) return failure(kOnlyPermanentLeases);
  const Endpoint internal{*internal_address, *internal_port};
  const auto mappings = nat_.dynamic_mappings();
  const bool is_known = std::ranges::any_of(mappings, [&](const Nat::DynamicMapping& mapping) {
    return mapping.protocol == *protocol && mapping.internal == internal;
  });
  if (mappings.size() >= options_.max_mappings && !is_known) return failure(kActionFailed);
  const Duration lifetime =
      *lease == 0 ? kPermanent
                  : std::min<Duration>(std::chrono::seconds(*lease), options_.max_lifetime);
  const auto external = nat_.map_dynamic(*protocol, internal, *external_port, lifetime);
  if (!external) return failure(kActionFailed);
  if (external->port != *external_port) {
    if (!is_known) nat_.unmap_dynamic(*protocol, internal);
    return failure(kConflict);
  }
  return success("AddPortMapping");
}

std::string Router::Upnp::delete_mapping(std::string_view body) {
  const auto protocol = parse_protocol(element(body, "NewProtocol"));
  const auto external_port = parse_decimal<std::uint16_t>(element(body, "NewExternalPort"));
  if (!protocol || !external_port) return failure(kInvalidArgs);
  for (const Nat::DynamicMapping& mapping : nat_.dynamic_mappings()) {
    if (mapping.protocol != *protocol || mapping.external.port != *external_port) continue;
    nat_.unmap_dynamic(*protocol, mapping.internal);
    return success("DeletePortMapping");
  }
  return failure(kNoSuchEntry);
}

}  // namespace floe::net::sim
