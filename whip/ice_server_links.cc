#include "floe/whip/ice_server_links.h"

#include <string>
#include <utility>

#include "floe/http/link.h"

namespace floe::whip {
namespace {

constexpr std::string_view kRelation = "ice-server";

}  // namespace

void add_links(const std::vector<IceServer>& servers, http::Headers& headers) {
  for (const IceServer& server : servers) {
    for (const std::string& url : server.urls) {
      http::Link link{url, {{"rel", std::string(kRelation)}}};
      if (!server.username.empty()) {
        link.parameters.insert(link.parameters.end(), {{"username", server.username},
                                                       {"credential", server.credential},
                                                       {"credential-type", "password"}});
      }
      headers.add("Link", link.to_string());
    }
  }
}

std::vector<IceServer> read_ice_servers(const http::Headers& headers) {
  std::vector<IceServer> servers;
  for (const http::Link& link : http::read_links(headers)) {
    if (!link.has_relation(kRelation)) continue;
    IceServer server{{link.target}, {}, {}};
    if (link.parameter("credential-type").value_or("password") != "password") continue;
    server.username = link.parameter("username").value_or("");
    server.credential = link.parameter("credential").value_or("");
    if (ice::parse_servers({&server, 1})) servers.push_back(std::move(server));
  }
  return servers;
}

}  // namespace floe::whip
