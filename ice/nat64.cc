#include "floe/ice/nat64.h"

#include <algorithm>

namespace floe::ice {

bool Nat64::serves(const net::Address& local) {
  return local.is_v6() && !local.is_loopback() && !local.is_link_local();
}

bool Nat64::start_search(std::span<const LocalSocket> sockets, Time deadline) {
  update(sockets);
  if (!needed_) return false;
  prefix_.reset();
  deadline_ = deadline;
  return true;
}

void Nat64::update(std::span<const LocalSocket> sockets) {
  const auto has_ipv4 = [](const LocalSocket& socket) {
    const net::Address& address = socket.local.address;
    return address.is_v4() && !address.is_loopback() && !address.is_link_local();
  };
  needed_ = std::none_of(sockets.begin(), sockets.end(), has_ipv4) &&
            std::any_of(sockets.begin(), sockets.end(),
                        [](const LocalSocket& socket) { return serves(socket.local.address); });
  if (!needed_) deadline_ = kNever;
}

void Nat64::set_prefix(const std::optional<net::Nat64Prefix>& prefix) {
  prefix_ = prefix;
  deadline_ = kNever;
}

std::optional<net::Address> Nat64::embed(const net::Address& address) const {
  if (!needed_ || !prefix_ || !address.is_v4()) return std::nullopt;
  if (address.is_unspecified() || address.is_loopback() || address.is_link_local()) {
    return std::nullopt;
  }
  // RFC 6052 section 3.1: the well-known prefix stands for no private addresses. Behind a prefix of
  // the network's own there may be some.
  if (address.is_private() && *prefix_ == net::Nat64Prefix::well_known()) return std::nullopt;
  return prefix_->embed(address);
}

std::optional<net::Address> Nat64::extract(const net::Address& address) const {
  if (!needed_ || !prefix_) return std::nullopt;
  const auto extracted = prefix_->extract(address);
  return extracted && embed(*extracted) == address ? extracted : std::nullopt;
}

}  // namespace floe::ice
