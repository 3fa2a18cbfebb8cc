#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "floe/peer/peer_connection.h"
#include "members.h"
#include "output.h"

namespace peer_stdio {

/// The audio and video sections of the peer, by the numbers that lines call them: the commands for
/// them. floe negotiates media and does not carry it.
class Transceivers {
 public:
  /// The connection they belong to has ended; the next one's are counted from 1 again.
  void forget() { seen_.clear(); }
  /// The number of `transceiver`; it gets the next one if it is new.
  std::uint64_t number_of(const std::shared_ptr<floe::RtpTransceiver>& transceiver);
  Json describe(const std::shared_ptr<floe::RtpTransceiver>& transceiver);

  // The commands.
  floe::Result<Json> add(floe::PeerConnection& connection, Members& members);
  floe::Result<Json> list(const floe::PeerConnection& connection, Members& members);
  floe::Result<Json> set_direction(Members& members);
  floe::Result<Json> stop(Members& members);

 private:
  /// nullptr, and `members` complains, if there is no such transceiver.
  std::shared_ptr<floe::RtpTransceiver> find(Members& members);

  std::vector<std::shared_ptr<floe::RtpTransceiver>> seen_;
};

}  // namespace peer_stdio
