#include "configuration.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace peer_stdio {
namespace {

using floe::Result;

template <typename Value>
struct Word {
  std::string_view word;
  Value value;
};

constexpr Word<floe::ice::Policy> kPolicies[] = {{"all", floe::ice::Policy::kAll},
                                                 {"relay", floe::ice::Policy::kRelay}};
constexpr Word<floe::sdp::BundlePolicy> kBundlePolicies[] = {
    {"balanced", floe::sdp::BundlePolicy::kBalanced},
    {"max-compat", floe::sdp::BundlePolicy::kMaxCompat},
    {"max-bundle", floe::sdp::BundlePolicy::kMaxBundle}};

template <typename Value, std::size_t n>
void read_word(Members& members, const char* name, const Word<Value> (&words)[n],
               std::string_view expected, Value& to) {
  const auto given = members.optional_text(name);
  if (!given) return;
  const auto found = std::find_if(std::begin(words), std::end(words),
                                  [&](const auto& word) { return word.word == *given; });
  if (found == std::end(words)) return members.complain(name, expected);
  to = found->value;
}

template <typename Value, std::size_t n>
std::string_view word_of(const Word<Value> (&words)[n], Value value) {
  return std::find_if(std::begin(words), std::end(words) - 1,
                      [value](const auto& word) { return word.value == value; })
      ->word;
}

/// RTCIceServer, whose "urls" is one string or a list of them.
Result<floe::IceServer> read_server(const Json& object) {
  if (!object.is_object()) {
    return floe::fail(floe::Errc::kInvalidArgument, "each of \"iceServers\" must be an object");
  }
  Members members(object);
  floe::IceServer server;
  const Json* urls = members.find("urls");
  if (urls != nullptr && urls->is_string()) server.urls = {urls->get<std::string>()};
  if (urls != nullptr && urls->is_array()) {
    for (const Json& url : *urls) {
      if (!url.is_string()) members.complain("urls", "strings");
      if (url.is_string()) server.urls.push_back(url.get<std::string>());
    }
  }
  if (server.urls.empty()) members.complain("urls", "there, one string or several");
  server.username = members.optional_text("username").value_or("");
  server.credential = members.optional_text("credential").value_or("");
  if (auto right = members.check(); !right) return floe::forward(right);
  return server;
}

}  // namespace

Result<> read_configuration(Members& members, floe::Configuration& configuration) {
  if (const Json* servers = members.find("iceServers"); servers != nullptr) {
    if (!servers->is_array()) members.complain("iceServers", "a list");
    configuration.ice_servers.clear();
    for (const Json& object : *servers) {
      auto server = read_server(object);
      if (!server) return floe::forward(server);
      configuration.ice_servers.push_back(std::move(*server));
    }
  }
  read_word(members, "iceTransportPolicy", kPolicies, "\"all\" or \"relay\"",
            configuration.ice_transport_policy);
  read_word(members, "bundlePolicy", kBundlePolicies,
            "\"balanced\", \"max-compat\" or \"max-bundle\"", configuration.bundle_policy);
  if (members.optional_text("rtcpMuxPolicy").value_or("require") != "require") {
    members.complain("rtcpMuxPolicy", "\"require\"");
  }
  if (const auto size = members.optional_number("iceCandidatePoolSize", 255)) {
    configuration.ice_candidate_pool_size = static_cast<std::uint8_t>(*size);
  }
  return members.check();
}

void reset_configuration(floe::Configuration& configuration) {
  const floe::Configuration defaults;
  configuration.ice_servers = defaults.ice_servers;
  configuration.ice_transport_policy = defaults.ice_transport_policy;
  configuration.bundle_policy = defaults.bundle_policy;
  configuration.ice_candidate_pool_size = defaults.ice_candidate_pool_size;
}

Json to_json(const floe::Configuration& configuration) {
  Json servers = Json::array();
  for (const floe::IceServer& server : configuration.ice_servers) {
    Json one{{"urls", server.urls}};
    if (!server.username.empty()) one["username"] = server.username;
    if (!server.credential.empty()) one["credential"] = server.credential;
    servers.push_back(std::move(one));
  }
  return Json{{"iceServers", std::move(servers)},
              {"iceTransportPolicy", word_of(kPolicies, configuration.ice_transport_policy)},
              {"bundlePolicy", word_of(kBundlePolicies, configuration.bundle_policy)},
              {"rtcpMuxPolicy", "require"},
              {"iceCandidatePoolSize", configuration.ice_candidate_pool_size}};
}

}  // namespace peer_stdio
