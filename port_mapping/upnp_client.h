#pragma once

#include <optional>
#include <string>

#include "floe/core/random.h"
#include "floe/net/send_batch.h"
#include "floe/port_mapping/lease_clock.h"
#include "floe/port_mapping/retries.h"
#include "floe/port_mapping/upnp_message.h"

namespace floe::port_mapping {

/// One mapping by UPnP: `start` searches the router, reads its description and asks for the
/// external address, none of which changes anything there; `map` then makes the mapping and keeps
/// it. An engine: its owner carries the searches and one HTTP exchange at a time.
class UpnpClient {
 public:
  enum class State : std::uint8_t {
    kSearching,
    kDescribing,
    kAskingAddress,
    kReady,  ///< `map` may be called.
    kMapping,
    kMapped,
    kFailed,
    kReleasing,
    kReleased,
  };
  /// External ports tried when others have them.
  static constexpr unsigned kMaxPorts = 5;

  /// `random` must outlive it.
  UpnpClient(const Request& request, const net::Address& router, Random& random);

  void start(Time now);
  void map(Time now);
  void release(Time now);
  void give_up(std::string why);

  /// An answer to a search; the caller has checked that it is the router's.
  void handle_search_response(Time now, Bytes packet);
  /// Writes searches.
  void poll_transmit(Time now, net::SocketId socket, net::SendBatch& batch);
  /// The next HTTP exchange to begin; not while one is under way.
  std::optional<HttpRequest> poll_request();
  /// How that exchange ended.
  void handle_response(Time now, Result<HttpResponse> response);
  Time next_timeout() const;
  void handle_timeout(Time now);

  State state() const { return state_; }
  const std::optional<Lease>& lease() const { return lease_; }
  const std::string& error() const { return error_; }

 private:
  enum class Step : std::uint8_t { kDescription, kAddress, kAdd, kDelete };

  void ask(Step step);
  HttpRequest request_for(Step step) const;
  void handle_address(Time now, const HttpResponse& response);
  void handle_added(Time now, const HttpResponse& response);
  void step_failed(Time now, std::string why);

  Request request_;
  net::Address router_;
  Random& random_;
  State state_ = State::kFailed;
  Retries retries_;  ///< Of the search.
  LeaseClock clock_;
  HttpUrl location_;
  upnp::Service service_;
  net::Address address_;
  std::uint16_t external_port_ = 0;
  unsigned ports_tried_ = 0;
  bool is_permanent_ = false;
  std::optional<Step> wanted_;   ///< To begin.
  std::optional<Step> running_;  ///< Under way.
  std::optional<Lease> lease_;
  std::string error_;
};

}  // namespace floe::port_mapping
