#pragma once

#include <optional>
#include <string>

#include "floe/core/random.h"
#include "floe/net/send_batch.h"
#include "floe/port_mapping/epoch.h"
#include "floe/port_mapping/lease_clock.h"
#include "floe/port_mapping/pcp_message.h"
#include "floe/port_mapping/retries.h"

namespace floe::port_mapping {

/// One mapping, by PCP's MAP opcode (RFC 6887): asks, renews at half of the lifetime, asks anew
/// when the router has lost its state, takes back. An engine; its owner hands it what comes from
/// the router, and only that.
class PcpClient {
 public:
  enum class State : std::uint8_t { kAsking, kMapped, kFailed, kReleasing, kReleased };

  /// `random` must outlive it.
  PcpClient(const Request& request, Random& random);

  void start(Time now);
  /// Takes the mapping back, if there may be one.
  void release(Time now);
  /// Ends as failed, with what is wrong.
  void give_up(std::string why);

  /// True if it was a PCP response.
  bool handle_packet(Time now, Bytes packet);
  void poll_transmit(Time now, const net::Route& route, net::SendBatch& batch);
  Time next_timeout() const;
  void handle_timeout(Time now);

  State state() const { return state_; }
  const std::optional<Lease>& lease() const { return lease_; }
  /// What went wrong: "does not answer", "does not permit mappings".
  const std::string& error() const { return error_; }

 private:
  void handle_map(Time now, const pcp::Response& response);
  void renew(Time now);

  Request request_;
  Random& random_;
  pcp::Nonce nonce_{};
  State state_ = State::kFailed;
  Retries retries_;
  LeaseClock clock_;
  Epoch epoch_;
  std::optional<Lease> lease_;
  std::string error_;
};

}  // namespace floe::port_mapping
