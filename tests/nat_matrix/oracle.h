#pragma once

#include <string_view>
#include <vector>

#include "tests/nat_matrix/side.h"

// What must come of two sides, by rule from their descriptions alone. Nothing of the agent stands
// behind it: the rules are argued from RFC 4787, RFC 8445 and RFC 8656 in oracle.cc.
namespace floe::nat_matrix {

/// The path that two sides end on, by the less direct of its two ends.
enum class Path {
  kHost,           ///< Between addresses of the machines themselves, or advertised as such.
  kReflexive,      ///< Between addresses that a STUN server has seen.
  kPeerReflexive,  ///< One end is an address that only the peer has seen.
  kRelayed,        ///< Over a TURN server.
  kNone,           ///< There is no way: both sides fail.
};

std::string_view to_string(Path path);

/// Every path that works, the best first; `kNone` alone when none does.
std::vector<Path> possible(const Cell& cell);
/// The one that must be found.
inline Path expected(const Cell& cell) {
  return possible(cell).front();
}
/// Whether two agents may end on `path`: on the best one; or, where packets are lost, on another
/// direct one. Nobody waits for ever for a better path whose checks are lost (RFC 8445 section
/// 8.1.1 leaves the time to the agent), but a relay in the place of a direct path is a defect.
bool admits(const Cell& cell, Path path);

}  // namespace floe::nat_matrix
