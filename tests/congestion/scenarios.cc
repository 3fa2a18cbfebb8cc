#include <string>
#include <string_view>

#include "tests/congestion/scenario.h"

namespace floe::rtp {
namespace {

using namespace std::chrono_literals;

struct Row {
  std::string_view name;
  Bitrate capacity;
  Duration round_trip;
  double loss;
  Bounds bounds;
};

// clang-format off
/// A call alone. Uses are parts of the capacity; the bounds hold for each of many seeds.
//  At 10 % loss and 300 ms it is RFC 8083's circuit breaker, ten times TCP's rate, that is stayed below.
constexpr Row kAlone[] = {
  // name                   capacity   round   loss    least  most  worst   95 % of  settled
  //                                    trip            use    use  second  queues   within
  {"At300KbpsAnd20Ms",       300_kbps,  20ms, 0,      {0.85, 1.00, 0.55, 120ms, 2s}},
  {"At300KbpsAnd100Ms",      300_kbps, 100ms, 0,      {0.85, 1.00, 0.55, 120ms, 2s}},
  {"At300KbpsAnd300Ms",      300_kbps, 300ms, 0,      {0.85, 1.00, 0.55, 130ms, 2s}},
  {"At1MbpsAnd20Ms",        1000_kbps,  20ms, 0,      {0.80, 1.00, 0.55,  80ms, 2s}},
  {"At1MbpsAnd100Ms",       1000_kbps, 100ms, 0,      {0.80, 1.00, 0.55,  90ms, 2s}},
  {"At1MbpsAnd300Ms",       1000_kbps, 300ms, 0,      {0.75, 1.00, 0.55,  80ms, 3s}},
  {"At3MbpsAnd20Ms",        3000_kbps,  20ms, 0,      {0.75, 1.00, 0.50, 170ms, 3s}},
  {"At3MbpsAnd100Ms",       3000_kbps, 100ms, 0,      {0.75, 1.00, 0.50, 170ms, 3s}},
  {"At3MbpsAnd300Ms",       3000_kbps, 300ms, 0,      {0.75, 1.00, 0.50, 170ms, 4s}},

  {"At300KbpsAnd20MsWithLoss",   300_kbps,  20ms, 0.02, {0.80, 1.00, 0.40, 120ms, 3s}},
  {"At300KbpsAnd100MsWithLoss",  300_kbps, 100ms, 0.02, {0.80, 1.00, 0.40, 120ms, 3s}},
  {"At300KbpsAnd300MsWithLoss",  300_kbps, 300ms, 0.02, {0.80, 1.00, 0.40, 120ms, 3s}},
  {"At1MbpsAnd20MsWithLoss",    1000_kbps,  20ms, 0.02, {0.70, 1.00, 0.40,  80ms, 4s}},
  {"At1MbpsAnd100MsWithLoss",   1000_kbps, 100ms, 0.02, {0.70, 1.00, 0.40,  80ms, 4s}},
  {"At1MbpsAnd300MsWithLoss",   1000_kbps, 300ms, 0.02, {0.70, 1.00, 0.40,  80ms, 4s}},
  {"At3MbpsAnd20MsWithLoss",    3000_kbps,  20ms, 0.02, {0.70, 1.00, 0.35, 170ms, 5s}},
  {"At3MbpsAnd100MsWithLoss",   3000_kbps, 100ms, 0.02, {0.70, 1.00, 0.35, 170ms, 5s}},
  {"At3MbpsAnd300MsWithLoss",   3000_kbps, 300ms, 0.02, {0.60, 1.00, 0.35, 170ms, 6s}},

  {"At300KbpsAnd20MsWithMuchLoss",   300_kbps,  20ms, 0.1, {0.60, 1.00, 0.25, 120ms, 4s}},
  {"At300KbpsAnd100MsWithMuchLoss",  300_kbps, 100ms, 0.1, {0.60, 1.00, 0.25, 120ms, 4s}},
  {"At300KbpsAnd300MsWithMuchLoss",  300_kbps, 300ms, 0.1, {0.60, 1.00, 0.25, 120ms, 4s}},
  {"At1MbpsAnd20MsWithMuchLoss",    1000_kbps,  20ms, 0.1, {0.55, 1.00, 0.25,  80ms, 8s}},
  {"At1MbpsAnd100MsWithMuchLoss",   1000_kbps, 100ms, 0.1, {0.55, 1.00, 0.25,  80ms, 8s}},
  {"At1MbpsAnd300MsWithMuchLoss",   1000_kbps, 300ms, 0.1, {0.55, 1.00, 0.25,  80ms, 8s}},
  {"At3MbpsAnd20MsWithMuchLoss",    3000_kbps,  20ms, 0.1, {0.55, 1.00, 0.25, 120ms, 25s}},
  {"At3MbpsAnd100MsWithMuchLoss",   3000_kbps, 100ms, 0.1, {0.55, 1.00, 0.25, 120ms, 25s}},
  {"At3MbpsAnd300MsWithMuchLoss",   3000_kbps, 300ms, 0.1, {0.25, 1.00, 0.15, 120ms, 10s}},
};

/// 2.4 % of the packets are lost, five at a stretch.
constexpr Row kBursts[] = {
  {"At300KbpsWithBursts",    300_kbps, 100ms, 0,      {0.70, 1.00, 0.15, 140ms, 4s}},
  {"At1MbpsWithBursts",     1000_kbps, 100ms, 0,      {0.65, 1.00, 0.30,  80ms, 6s}},
  {"At3MbpsWithBursts",     3000_kbps, 100ms, 0,      {0.65, 1.00, 0.25, 170ms, 20s}},
};

/// A router that drops instead of queueing: 40 ms of its capacity.
constexpr Row kShallow[] = {
  {"At1MbpsWithAShortQueue",  1000_kbps, 100ms, 0,    {0.60, 1.05, 0.30,  60ms, 6s}},
  {"At3MbpsWithAShortQueue",  3000_kbps, 100ms, 0,    {0.60, 1.05, 0.30,  60ms, 6s}},
};

/// A third of the capacity for 15 seconds. The last figure: settled again when it is back.
constexpr Row kDrops[] = {
  {"At300KbpsWithADrop",     300_kbps, 100ms, 0,      {0.75, 1.00, 0.20, 140ms, 2s, 9s}},
  {"At1MbpsWithADrop",      1000_kbps, 100ms, 0,      {0.65, 1.00, 0.20,  80ms, 2s, 12s}},
  {"At3MbpsWithADrop",      3000_kbps, 100ms, 0,      {0.70, 1.00, 0.20, 170ms, 3s, 9s}},
};

/// A call that is joined by a TCP download (Reno), which fills the queue of 500 ms: that wait is not the call's to
/// mend, but its share is. The last figure: what the download has at least.
constexpr Row kTcp[] = {
  {"At300KbpsBesideTcp",     300_kbps, 100ms, 0,      {0.15, 1.20, 0.10, 500ms, 2s, {}, 0.00}},
  {"At1MbpsBesideTcp",      1000_kbps, 100ms, 0,      {0.35, 0.85, 0.04, 500ms, 2s, {}, 0.15}},
  {"At3MbpsBesideTcp",      3000_kbps, 100ms, 0,      {0.20, 0.65, 0.04, 500ms, 3s, {}, 0.30}},
};

/// A call that is joined by another one. The last figure: what that one has at least.
constexpr Row kMedia[] = {
  {"At300KbpsBesideACall",   300_kbps, 100ms, 0,      {0.25, 0.75, 0.15, 170ms, 2s, {}, 0.25}},
  {"At1MbpsBesideACall",    1000_kbps, 100ms, 0,      {0.20, 0.75, 0.10, 200ms, 2s, {}, 0.20}},
  {"At3MbpsBesideACall",    3000_kbps, 100ms, 0,      {0.15, 0.75, 0.10, 170ms, 3s, {}, 0.15}},
};
// clang-format on

std::string rate_text(Bitrate rate) {
  return rate < 1000_kbps ? std::to_string(rate.bps() / 1000) + " kbit/s"
                          : std::to_string(rate.bps() / 1'000'000) + " Mbit/s";
}

template <std::size_t count>
void add(std::vector<Scenario>& all, const Row (&rows)[count], const Scenario& kind) {
  for (const Row& row : rows) {
    Scenario scenario = kind;
    scenario.name = row.name;
    scenario.title = rate_text(row.capacity) + ", " + std::to_string(to_ms(row.round_trip)) + " ms";
    if (row.loss > 0) {
      scenario.title += ", " + std::to_string(static_cast<int>(row.loss * 100)) + " % lost";
    }
    scenario.capacity = row.capacity;
    scenario.round_trip = row.round_trip;
    scenario.loss = row.loss;
    scenario.bounds = row.bounds;
    all.push_back(std::move(scenario));
  }
}

std::vector<Scenario> make() {
  std::vector<Scenario> all;
  add(all, kAlone, {.group = "alone"});
  add(all, kBursts,
      {.group = "bursts", .bursts = net::sim::BurstLoss{.good_to_bad = 0.005, .bad_to_good = 0.2}});
  add(all, kShallow, {.group = "shallow", .queue = 40ms});
  add(all, kDrops, {.group = "drop", .drops = true});
  add(all, kTcp, {.group = "tcp", .rival = Rival::kTcp});
  add(all, kMedia, {.group = "media", .rival = Rival::kMedia});
  return all;
}

}  // namespace

const std::vector<Scenario>& scenarios() {
  static const std::vector<Scenario> kScenarios = make();
  return kScenarios;
}

}  // namespace floe::rtp
