#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "floe/net/endpoint.h"

namespace floe::server {

/// A block of addresses: "10.0.0.0/8", "2001:db8::/32", or one address.
struct AddressRange {
  net::Address first;
  std::uint8_t prefix_length = 0;

  /// nullopt unless `text` is an address, or an address, "/" and a prefix
  /// length that fits it.
  static std::optional<AddressRange> parse(std::string_view text);
  bool contains(const net::Address& address) const;
};

/// Which addresses a TURN server's clients may exchange packets with. A relay
/// stands inside somebody's network and sends what strangers tell it to, so
/// what only a neighbour could reach is refused unless it is asked for (RFC
/// 8656 sections 21.1.6, 21.3 and 21.4).
class PeerPolicy {
 public:
  struct Configuration {
    std::vector<AddressRange> deny;   ///< Never; goes before everything else.
    std::vector<AddressRange> allow;  ///< Even what is refused by default.
    bool allow_private = false;       ///< RFC 1918, RFC 6598 and RFC 4193 addresses.
  };

  /// `own` are the machine's own addresses: services may listen there for
  /// nobody else.
  explicit PeerPolicy(Configuration configuration, std::vector<net::Address> own = {});

  bool allows(const net::Address& peer) const;
  /// Named by `Configuration::allow` and not by `deny`.
  bool allows_explicitly(const net::Address& peer) const;
  bool denies_explicitly(const net::Address& peer) const;

 private:
  bool is_refused_by_default(const net::Address& peer) const;

  Configuration configuration_;
  std::vector<net::Address> own_;
};

}  // namespace floe::server
