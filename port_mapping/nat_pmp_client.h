#pragma once

#include <optional>
#include <string>

#include "floe/core/random.h"
#include "floe/net/send_batch.h"
#include "floe/port_mapping/epoch.h"
#include "floe/port_mapping/lease_clock.h"
#include "floe/port_mapping/nat_pmp_message.h"
#include "floe/port_mapping/retries.h"

namespace floe::port_mapping {

/// One mapping by NAT-PMP (RFC 6886), in two steps: `start` asks for the external address, which
/// shows whether the router speaks the protocol and changes nothing there; `map` then asks for the
/// mapping and keeps it. An engine; its owner hands it what comes from the router, and only that.
class NatPmpClient {
 public:
  enum class State : std::uint8_t {
    kProbing,
    kReady,  ///< It answers; `map` may be called.
    kMapping,
    kMapped,
    kFailed,
    kReleasing,
    kReleased,
  };

  /// `random` must outlive it.
  NatPmpClient(const Request& request, Random& random);

  void start(Time now);
  void map(Time now);
  void release(Time now);
  void give_up(std::string why);

  /// True if it was a NAT-PMP response.
  bool handle_packet(Time now, Bytes packet);
  void poll_transmit(Time now, const net::Route& route, net::SendBatch& batch);
  Time next_timeout() const;
  void handle_timeout(Time now);

  State state() const { return state_; }
  const std::optional<Lease>& lease() const { return lease_; }
  const std::string& error() const { return error_; }

 private:
  void handle_address(Time now, const nat_pmp::Response& response);
  void handle_map(Time now, const nat_pmp::Response::Map& map);
  void handle_refusal(Time now, const nat_pmp::Response& response);

  Request request_;
  Random& random_;
  State state_ = State::kFailed;
  bool asks_address_ = true;  ///< What the running request is.
  Retries retries_;
  LeaseClock clock_;
  Epoch epoch_;
  net::Address address_;
  std::optional<Lease> lease_;
  std::string error_;
};

}  // namespace floe::port_mapping
