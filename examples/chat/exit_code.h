#pragma once

#include <string>

namespace chat {

/// What the program tells its caller. The numbers are part of its interface.
enum class ExitCode : int {
  kDone = 0,
  kInternal = 1,          ///< The machine gave no socket, no memory and the like.
  kUsage = 2,             ///< The command line is wrong.
  kSignaling = 3,         ///< No signalling server, or it ended before the peers were connected.
  kRoomFull = 4,          ///< The room takes nobody else.
  kTimedOut = 5,          ///< No connection within --timeout.
  kConnectionFailed = 6,  ///< ICE or DTLS failed.
  kPeerVanished = 7,      ///< The peer went away without saying goodbye.
  kFile = 8,              ///< A file of ours could not be read or written.
  kTransferFailed = 9,    ///< A file did not get across.
  kInterrupted = 130,     ///< SIGINT or SIGTERM before the conversation, or during a transfer.
};

/// Why the program ends badly.
struct Failure {
  ExitCode code = ExitCode::kInternal;
  std::string message;  ///< For a person: names the thing and says what to do.
};

}  // namespace chat
