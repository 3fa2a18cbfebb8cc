#pragma once

#include <cstdint>
#include <string>

#include "tests/nat_matrix/oracle.h"
#include "tests/nat_matrix/trouble.h"

namespace floe::nat_matrix {

/// What a seed came to.
struct ChaosResult {
  /// What broke, in a sentence; empty if all was as it must be.
  std::string complaint;
  Cell cell;
  /// From the end of the last trouble until messages flowed both ways.
  Duration recovered{};
  /// Over every packet of the run: the same seed gives the same.
  std::uint64_t digest = 0;
  /// Everything that happened, a line each, with its time.
  std::string story;
};

/// What the two sides run.
enum class Layers {
  kIce,    ///< ICE alone. Each packet of the run repeats with the seed.
  kPeers,  ///< Whole peers with a data channel. Times, ways and sizes of all packets repeat.
};

/// After the last trouble messages flow again within this time wherever the oracle says that there
/// is a way. It is what this may take: consent expires 30 s after the last answer (RFC 7675 section
/// 5.1), the applications wait up to 5 s between restarts, and a restart takes a signalled round
/// trip, gathering and checks; or, when the last restart came a moment too soon, 12.7 s until all
/// its checks have been given up, and then another one.
inline constexpr Duration kRecovery = std::chrono::seconds(45);
/// Then it must last.
inline constexpr Duration kCalm = std::chrono::seconds(5);

/// Draws two sides and a schedule of troubles from `seed`, lets them connect and the troubles come,
/// and sees whether they are connected again in time when all is well.
ChaosResult run_chaos(std::uint64_t seed, Layers layers);

}  // namespace floe::nat_matrix
