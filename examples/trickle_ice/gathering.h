#pragma once

#include <memory>
#include <set>
#include <string>

#include "floe/core/result.h"
#include "floe/ice/transport.h"
#include "floe/net/network.h"
#include "options.h"
#include "results.h"

namespace trickle_ice {

/// One run: an ICE transport that gathers and never meets a peer.
class Gathering {
 public:
  /// Begins; everything that is found goes to `results`, which must outlive the run. Errors: what
  /// is wrong with the request, or with the file of certificate authorities.
  [[nodiscard]] static floe::Result<std::unique_ptr<Gathering>> start(floe::net::Network& network,
                                                                      const Options& options,
                                                                      const Request& request,
                                                                      Results& results);

 private:
  Gathering(floe::net::Network& network, const Request& request, Results& results);
  floe::Result<> begin(const Options& options, const Request& request);
  floe::Duration elapsed() const { return network_.now() - started_; }
  void finish(bool timed_out);

  floe::net::Network& network_;
  Results& results_;
  floe::Time started_;
  std::set<std::string> fruitless_;
  std::unique_ptr<floe::net::Timer> deadline_;
  std::unique_ptr<floe::ice::Transport> transport_;
};

}  // namespace trickle_ice
