#include "floe/whip/internal/directions.h"

namespace floe::whip {
namespace {

using Direction = RtpTransceiverDirection;

bool sends(Direction direction) {
  return direction == Direction::kSendrecv || direction == Direction::kSendonly;
}

bool receives(Direction direction) {
  return direction == Direction::kSendrecv || direction == Direction::kRecvonly;
}

}  // namespace

void limit_directions(PeerConnection& connection, Flow flow) {
  for (const auto& transceiver : connection.transceivers()) {
    if (transceiver->stopping()) continue;
    const Direction wanted =
        flow == Flow::kOut
            ? (sends(transceiver->direction()) ? Direction::kSendonly : Direction::kInactive)
            : (receives(transceiver->direction()) ? Direction::kRecvonly : Direction::kInactive);
    // It is not stopped and the connection is open: nothing else is refused.
    static_cast<void>(transceiver->set_direction(wanted));
  }
}

std::optional<std::string> useless_transceiver(const PeerConnection& connection, Flow flow) {
  for (const auto& transceiver : connection.transceivers()) {
    const Direction direction = transceiver->direction();
    if (transceiver->stopping() || (flow == Flow::kOut ? sends(direction) : receives(direction))) {
      continue;
    }
    return "a transceiver for " + std::string(to_string(transceiver->kind())) + " is " +
           std::string(to_string(direction)) + "; it has to be " +
           (flow == Flow::kOut ? "sendonly" : "recvonly");
  }
  return std::nullopt;
}

}  // namespace floe::whip
