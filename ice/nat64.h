#pragma once

#include <optional>
#include <span>

#include "floe/core/time.h"
#include "floe/ice/local_socket.h"
#include "floe/net/nat64_prefix.h"

namespace floe::ice {

/// The way to IPv4 from a host that has IPv6 only, through the NAT64 of its network (RFC 6146):
/// when it is needed, the search for its prefix (RFC 7050), and the addresses that stand for IPv4
/// ones. Hosts with an IPv4 address, also one that a CLAT gives them (RFC 6877), have no need of
/// it.
class Nat64 {
 public:
  /// True if the prefix is to be looked for; `set_prefix` or `deadline` ends the search. Asked anew
  /// whenever addresses come: another network may have another prefix.
  bool start_search(std::span<const LocalSocket> sockets, Time deadline);
  /// The sockets are other ones.
  void update(std::span<const LocalSocket> sockets);
  void set_prefix(const std::optional<net::Nat64Prefix>& prefix);
  bool searching() const { return deadline_ != kNever; }
  Time next_timeout() const { return deadline_; }
  void handle_timeout(Time now) {
    if (now >= deadline_) deadline_ = kNever;
  }

  /// True for addresses whose packets may pass a NAT64.
  static bool serves(const net::Address& local);
  /// The IPv6 address that stands for an IPv4 one; nothing if there is none, or no need.
  std::optional<net::Address> embed(const net::Address& address) const;
  /// The reverse.
  std::optional<net::Address> extract(const net::Address& address) const;

 private:
  std::optional<net::Nat64Prefix> prefix_;
  bool needed_ = false;
  Time deadline_ = kNever;
};

}  // namespace floe::ice
