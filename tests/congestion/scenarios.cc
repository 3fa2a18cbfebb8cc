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
/// A call alone. Uses are parts of the capacity. The bounds hold for each of forty seeds, of which the test runs three.
/// At 10 % loss and 300 ms it is RFC 8083's circuit breaker, ten times TCP's rate, that is stayed below.
constexpr Row kAlone[] = {
  // name                   capacity   round   loss    least  most  worst   95 % of  settled
  //                                    trip            use    use  second  queues   within
  {"At300KbpsAnd20Ms",       300_kbps,  20ms, 0,      {0.88, 1.00, 0.65, 110ms, 2s}},
  {"At300KbpsAnd100Ms",      300_kbps, 100ms, 0,      {0.88, 1.00, 0.65, 110ms, 2s}},
  {"At300KbpsAnd300Ms",      300_kbps, 300ms, 0,      {0.88, 1.00, 0.65, 110ms, 2s}},
  {"At1MbpsAnd20Ms",        1000_kbps,  20ms, 0,      {0.83, 1.00, 0.60,  70ms, 2s}},
  {"At1MbpsAnd100Ms",       1000_kbps, 100ms, 0,      {0.82, 1.00, 0.60,  70ms, 2s}},
  {"At1MbpsAnd300Ms",       1000_kbps, 300ms, 0,      {0.78, 1.00, 0.60,  70ms, 7s}},
  {"At3MbpsAnd20Ms",        3000_kbps,  20ms, 0,      {0.78, 1.00, 0.50, 170ms, 5s}},
  {"At3MbpsAnd100Ms",       3000_kbps, 100ms, 0,      {0.75, 1.00, 0.55, 160ms, 4s}},
  {"At3MbpsAnd300Ms",       3000_kbps, 300ms, 0,      {0.78, 1.00, 0.60, 150ms, 6s}},

  {"At300KbpsAnd20MsWithLoss",   300_kbps,  20ms, 0.02, {0.82, 1.00, 0.45, 110ms, 2s}},
  {"At300KbpsAnd100MsWithLoss",  300_kbps, 100ms, 0.02, {0.82, 1.00, 0.45, 110ms, 2s}},
  {"At300KbpsAnd300MsWithLoss",  300_kbps, 300ms, 0.02, {0.80, 1.00, 0.45, 110ms, 2s}},
  {"At1MbpsAnd20MsWithLoss",    1000_kbps,  20ms, 0.02, {0.75, 1.00, 0.40,  70ms, 8s}},
  {"At1MbpsAnd100MsWithLoss",   1000_kbps, 100ms, 0.02, {0.72, 1.00, 0.40,  70ms, 8s}},
  {"At1MbpsAnd300MsWithLoss",   1000_kbps, 300ms, 0.02, {0.68, 1.00, 0.50,  70ms, 4s}},
  {"At3MbpsAnd20MsWithLoss",    3000_kbps,  20ms, 0.02, {0.75, 1.00, 0.45, 150ms, 6s}},
  {"At3MbpsAnd100MsWithLoss",   3000_kbps, 100ms, 0.02, {0.74, 1.00, 0.50, 150ms, 5s}},
  {"At3MbpsAnd300MsWithLoss",   3000_kbps, 300ms, 0.02, {0.62, 1.00, 0.40, 100ms, 8s}},

  {"At300KbpsAnd20MsWithMuchLoss",   300_kbps,  20ms, 0.1, {0.68, 1.00, 0.30, 100ms, 3s}},
  {"At300KbpsAnd100MsWithMuchLoss",  300_kbps, 100ms, 0.1, {0.68, 1.00, 0.30, 100ms, 3s}},
  {"At300KbpsAnd300MsWithMuchLoss",  300_kbps, 300ms, 0.1, {0.66, 1.00, 0.30, 110ms, 3s}},
  {"At1MbpsAnd20MsWithMuchLoss",    1000_kbps,  20ms, 0.1, {0.60, 1.00, 0.28,  60ms, 18s}},
  {"At1MbpsAnd100MsWithMuchLoss",   1000_kbps, 100ms, 0.1, {0.60, 1.00, 0.28,  60ms, 16s}},
  {"At1MbpsAnd300MsWithMuchLoss",   1000_kbps, 300ms, 0.1, {0.58, 1.00, 0.25,  60ms, 18s}},
  {"At3MbpsAnd20MsWithMuchLoss",    3000_kbps,  20ms, 0.1, {0.65, 1.00, 0.10, 110ms, 26s}},
  {"At3MbpsAnd100MsWithMuchLoss",   3000_kbps, 100ms, 0.1, {0.65, 1.00, 0.10,  70ms, 26s}},
  {"At3MbpsAnd300MsWithMuchLoss",   3000_kbps, 300ms, 0.1, {0.28, 1.00, 0.10,  30ms, 18s}},
};

/// 2.4 % of the packets are lost, five at a stretch.
constexpr Row kBursts[] = {
  {"At300KbpsWithBursts",    300_kbps, 100ms, 0,      {0.74, 1.00, 0.25, 100ms, 3s}},
  {"At1MbpsWithBursts",     1000_kbps, 100ms, 0,      {0.65, 1.00, 0.35,  70ms, 3s}},
  {"At3MbpsWithBursts",     3000_kbps, 100ms, 0,      {0.70, 1.00, 0.15, 150ms, 20s}},
};

/// A router that drops instead of queueing: 40 ms of its capacity.
constexpr Row kShallow[] = {
  {"At1MbpsWithAShortQueue",  1000_kbps, 100ms, 0,    {0.84, 1.05, 0.50,  42ms, 2s}},
  {"At3MbpsWithAShortQueue",  3000_kbps, 100ms, 0,    {0.90, 1.08, 0.60,  42ms, 7s}},
};

/// A third of the capacity for 15 seconds. The last figures: settled again when it is back, and how long after the
/// drop packets wait 150 ms and more.
constexpr Row kDrops[] = {
  {"At300KbpsWithADrop",     300_kbps, 100ms, 0,      {0.78, 1.00, 0.22, 110ms, 2s, 11s, 4500ms}},
  {"At1MbpsWithADrop",      1000_kbps, 100ms, 0,      {0.68, 1.00, 0.22,  75ms, 2s, 14s, 2600ms}},
  {"At3MbpsWithADrop",      3000_kbps, 100ms, 0,      {0.70, 1.00, 0.18, 140ms, 4s, 9s, 2400ms}},
};

/// A call that is joined by a TCP download (Reno), which fills the queue of 500 ms: that wait is not the call's to
/// mend, but its share is. The last figure: what the download has at least.
constexpr Row kTcp[] = {
  {"At300KbpsBesideTcp",     300_kbps, 100ms, 0,      {0.18, 0.50, 0.12, 500ms, 2s, {}, {}, 0.45}},
  {"At1MbpsBesideTcp",      1000_kbps, 100ms, 0,      {0.40, 0.85, 0.04, 500ms, 2s, {}, {}, 0.18}},
  {"At3MbpsBesideTcp",      3000_kbps, 100ms, 0,      {0.33, 0.55, 0.03, 500ms, 4s, {}, {}, 0.42}},
};

/// A call that is joined by another one. The last figure: what that one has at least.
constexpr Row kMedia[] = {
  {"At300KbpsBesideACall",   300_kbps, 100ms, 0,      {0.28, 0.65, 0.15, 130ms, 2s, {}, {}, 0.30}},
  {"At1MbpsBesideACall",    1000_kbps, 100ms, 0,      {0.24, 0.65, 0.10, 180ms, 2s, {}, {}, 0.25}},
  {"At3MbpsBesideACall",    3000_kbps, 100ms, 0,      {0.20, 0.75, 0.12, 170ms, 4s, {}, {}, 0.15}},
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
