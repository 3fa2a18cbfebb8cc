#include "floe/capi/internal/stored_configuration.h"

#include <cstring>

#include "floe/capi/internal/ice_options.h"
#include "floe/capi/internal/sized_struct.h"

namespace floe::c {

StoredConfiguration::StoredConfiguration(const floe_configuration* given, const Configuration& read,
                                         floe_network& network)
    : trust_(read.ice_server_trust) {
  if (given != nullptr) {
    std::memcpy(&shown_, given, std::min(given->size, sizeof shown_));
  }
  shown_.size = sizeof shown_;
  shown_.certificate = keep(shown_.certificate);
  shown_.private_key = keep(shown_.private_key);
  if (shown_.identity != nullptr) {
    shown_.identity = &certificate_.emplace(shown_.identity->identity);
  }
  if (shown_.ice != nullptr) keep_ice(*shown_.ice, read, network);
}

void StoredConfiguration::keep_ice(const floe_ice_configuration& given, const Configuration& read,
                                   floe_network& network) {
  std::memcpy(&ice_, &given, std::min(given.size, sizeof ice_));
  ice_.size = sizeof ice_;
  for (std::size_t i = 0; i < ice_.server_count; ++i) {
    const floe_ice_server& server = ice_.servers[i];
    servers_.push_back({keep(server.url), keep(server.username), keep(server.credential)});
  }
  ice_.servers = servers_.empty() ? nullptr : servers_.data();
  for (std::size_t i = 0; i < ice_.address_rewrite_count; ++i) {
    floe_ice_address_rewrite& rewrite = rewrites_.emplace_back(ice_.address_rewrites[i]);
    rewrite.local = keep(rewrite.local);
    rewrite.external = keep(rewrite.external);
  }
  ice_.address_rewrites = rewrites_.empty() ? nullptr : rewrites_.data();
  ice_.server_authorities = keep(ice_.server_authorities);
  if (ice_.udp_mux != nullptr) ice_.udp_mux = &udp_mux_.emplace(network, read.local.udp_mux);
  if (ice_.tcp_mux != nullptr) ice_.tcp_mux = &tcp_mux_.emplace(network, read.local.tcp_mux);
  shown_.ice = &ice_;
}

const char* StoredConfiguration::keep(const char* text) {
  return text == nullptr ? nullptr : texts_.emplace_back(text).c_str();
}

std::shared_ptr<const tls::Trust> StoredConfiguration::trust(const char* authorities) const {
  const bool is_same = authorities != nullptr && ice_.server_authorities != nullptr &&
                       std::strcmp(authorities, ice_.server_authorities) == 0;
  return is_same ? trust_ : nullptr;
}

}  // namespace floe::c
