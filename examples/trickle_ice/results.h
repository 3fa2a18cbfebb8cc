#pragma once

#include <optional>
#include <string>

#include "floe/core/time.h"
#include "floe/ice/candidate.h"
#include "floe/ice/gatherer.h"

namespace trickle_ice {

/// A candidate, when it was found and who yielded it.
struct Found {
  floe::Duration after{};
  floe::ice::Candidate candidate;
  std::string url;  ///< Empty for the machine's own addresses.
};

struct Failed {
  floe::Duration after{};
  floe::ice::Gatherer::ServerFailed server;
};

/// The end of a run.
struct Outcome {
  floe::Duration after{};
  bool timed_out = false;
  std::vector<std::string> fruitless;  ///< Servers that yielded no candidate.
};

/// Told what a run finds, while it finds it.
class Results {
 public:
  virtual ~Results() = default;
  virtual void on_found(const Found& found) = 0;
  virtual void on_failed(const Failed& failed) = 0;
  /// The last call. The run may be destroyed within it.
  virtual void on_outcome(const Outcome& outcome) = 0;
};

}  // namespace trickle_ice
