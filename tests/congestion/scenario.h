#pragma once

#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "floe/net/sim/link.h"
#include "floe/rtp/congestion/bitrate.h"

namespace floe::rtp {

/// What is on the same link besides the call.
enum class Rival { kNone, kTcp, kMedia };

/// What must come true. Rates are parts of the capacity at that time.
struct Bounds {
  double least_use = 0.6;     ///< On average once settled, of what is sent,
  double most_use = 1;        ///< (more would be a queue that grows),
  double worst_second = 0.3;  ///< and in no second less: no collapse.
  Duration queue{};           ///< 95 of 100 packets wait no longer on the way, once settled.
  Duration settled{};         ///< `least_use` is reached by then, over a second.
  Duration recovered{};       ///< Likewise, after the capacity came back.
  Duration drained{};         ///< How long after a drop packets wait kLongWait and more.
  double rival = 0;           ///< The other flow has that part of the capacity at least.
};

/// A network, and what a call does on it.
struct Scenario {
  std::string name{};   ///< Of the test.
  std::string title{};  ///< For people.
  std::string group{};  ///< What kind of network it is.
  Bitrate capacity{};
  Duration round_trip{};
  double loss = 0;  ///< In each direction.
  std::optional<net::sim::BurstLoss> bursts{};
  /// The bottleneck's queue holds that much of what it carries; more is dropped.
  Duration queue = std::chrono::milliseconds(500);
  Rival rival = Rival::kNone;
  bool drops = false;  ///< To a third of the capacity, between kDropAt and kBackAt.
  Bounds bounds{};

  static constexpr Duration kLength = std::chrono::seconds(60);
  /// What is judged once settled begins then: after half of the time, or of what follows a drop.
  static constexpr Duration kSettled = std::chrono::seconds(30);
  static constexpr Duration kRivalAt = std::chrono::seconds(10);
  static constexpr Duration kDropAt = std::chrono::seconds(20);
  static constexpr Duration kBackAt = std::chrono::seconds(35);
  static constexpr Duration kLongWait = std::chrono::milliseconds(150);

  Bitrate capacity_at(Duration at) const;
};

/// The figures that the bounds are about, and the curves.
struct Result {
  double use = 0;
  double worst_second = 0;
  Duration queue{};
  Duration longest_queue{};
  std::optional<Duration> settled;
  std::optional<Duration> recovered;
  Duration drained{};
  double rival = 0;
  double loss = 0;
  std::size_t packets = 0;

  struct Sample {
    double capacity = 0;  // kbit/s, here and below
    double target = 0;
    double sent = 0;
    double rival = 0;
    double queue = 0;  // ms
    double loss = 0;   // Percent, as the controller takes it.
  };
  static constexpr Duration kSampleTime = std::chrono::milliseconds(200);
  std::vector<Sample> samples;
};

/// The one table of what is run, and of what is promised.
const std::vector<Scenario>& scenarios();
Result run(const Scenario& scenario, std::uint64_t seed);
/// For the page of curves.
std::string to_json(const Scenario& scenario, const Result& result);

void PrintTo(const Scenario& scenario, std::ostream* out);

}  // namespace floe::rtp
