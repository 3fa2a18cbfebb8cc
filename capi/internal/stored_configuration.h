#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "floe/capi/internal/certificate_handle.h"
#include "floe/capi/internal/ice_mux_handles.h"
#include "floe/capi/peer_connection.h"
#include "floe/peer/configuration.h"
#include "floe/tls/trust.h"

namespace floe::c {

/// A configuration as it was set, with all that it points to: what a program is shown later, when
/// its own texts and handles may be gone.
class StoredConfiguration {
 public:
  /// `given` may be NULL, or of an older program; it was read without an error before.
  StoredConfiguration(const floe_configuration* given, const Configuration& read,
                      floe_network& network);
  StoredConfiguration(const StoredConfiguration&) = delete;
  StoredConfiguration& operator=(const StoredConfiguration&) = delete;

  const floe_configuration* get() const { return &shown_; }
  /// The same authorities are the same trust.
  std::shared_ptr<const tls::Trust> trust(const char* authorities) const;

 private:
  const char* keep(const char* text);
  void keep_ice(const floe_ice_configuration& given, const Configuration& read,
                floe_network& network);

  floe_configuration shown_{};
  floe_ice_configuration ice_{};
  std::vector<floe_ice_server> servers_;
  std::vector<floe_ice_address_rewrite> rewrites_;
  std::deque<std::string> texts_;
  std::optional<floe_certificate> certificate_;
  std::optional<floe_udp_mux> udp_mux_;
  std::optional<floe_tcp_mux> tcp_mux_;
  std::shared_ptr<const tls::Trust> trust_;
};

}  // namespace floe::c
