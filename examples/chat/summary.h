#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "floe/core/result.h"
#include "floe/core/time.h"

namespace chat {

/// How long each phase took. Gathering and ICE run side by side, from the moment the peers know of
/// each other; every other phase begins when the one before it ends.
struct Phases {
  std::optional<floe::Duration> signaling;  ///< From the start until in the room.
  std::optional<floe::Duration> gathering;
  std::optional<floe::Duration> ice;
  std::optional<floe::Duration> dtls;
  std::optional<floe::Duration> channel;  ///< From DTLS until the first data channel is open.
};

/// One end of the path in use.
struct PathEnd {
  std::string type;     ///< "host", "srflx", "prflx" or "relay"
  std::string address;  ///< "192.0.2.1:80"
};

struct SelectedPair {
  PathEnd local;
  PathEnd remote;
  floe::Duration round_trip{};
};

/// Who is to blame for a transfer that failed: a disk of ours, or anything beyond.
enum class Fault { kNone, kOurs, kTheirs };

/// How the transfer of one file ended.
struct TransferReport {
  bool sent = false;  ///< Else received.
  std::string name;
  std::uint64_t bytes = 0;
  double seconds = 0;
  bool sha256_ok = false;
  std::string sha256;  ///< Hexadecimal.
  std::string error;   ///< Empty if it succeeded.
  Fault fault = Fault::kNone;
};

/// What --summary writes.
struct Summary {
  std::string peer;
  int exit_code = 0;
  Phases phases;
  std::optional<SelectedPair> selected_pair;
  std::vector<TransferReport> files;
};

[[nodiscard]] floe::Result<> write_summary(const Summary& summary, const std::string& path);

}  // namespace chat
