#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "floe/core/time.h"
#include "floe/ice/candidate_pair.h"

namespace floe::ice {

/// What happened to an agent and when, for reports and traces. It remembers how everything began
/// and what came last; the middle of a very long story is forgotten.
class Timeline {
 public:
  enum class Topic : std::uint8_t {
    kState,
    kGathering,
    kServer,
    kLocalCandidate,
    kRemoteCandidate,
    kPair,
    kPath,
    kNomination,
    kRole,
    kConsent,
    kRestart,
  };
  static std::string_view to_string(Topic topic);

  struct Entry {
    Time at{};
    Topic topic{};
    /// The pair it is about, or PairId{0}.
    PairId pair{};
    std::string text;
  };

  /// The beginning decides most failures; the end tells what is going on. 64 KiB at the most.
  static constexpr std::size_t kFirst = 128;
  static constexpr std::size_t kLast = 384;

  void add(Time at, Topic topic, std::string text, PairId pair = PairId{0}) {
    if (first_.size() < kFirst) {
      first_.push_back({at, topic, pair, std::move(text)});
      return;
    }
    if (last_.size() >= kLast) {
      last_.pop_front();
      ++forgotten_;
    }
    last_.push_back({at, topic, pair, std::move(text)});
  }

  /// In order of time.
  std::vector<Entry> entries() const {
    std::vector<Entry> all = first_;
    all.insert(all.end(), last_.begin(), last_.end());
    return all;
  }
  std::size_t forgotten() const { return forgotten_; }

 private:
  std::vector<Entry> first_;
  std::deque<Entry> last_;
  std::size_t forgotten_ = 0;
};

inline std::string_view Timeline::to_string(Topic topic) {
  switch (topic) {
    case Topic::kState:
      return "state";
    case Topic::kGathering:
      return "gathering";
    case Topic::kServer:
      return "server";
    case Topic::kLocalCandidate:
      return "local-candidate";
    case Topic::kRemoteCandidate:
      return "remote-candidate";
    case Topic::kPair:
      return "pair";
    case Topic::kPath:
      return "path";
    case Topic::kNomination:
      return "nomination";
    case Topic::kRole:
      return "role";
    case Topic::kConsent:
      return "consent";
    case Topic::kRestart:
      return "restart";
  }
  return "unknown";
}

}  // namespace floe::ice
