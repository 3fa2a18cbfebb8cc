#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "floe/core/bytes.h"
#include "floe/net/endpoint.h"
#include "floe/net/send_batch.h"
#include "floe/net/uv/network.h"
#include "floe/net/uv/udp_calls.h"

namespace floe::net::uv {

/// Packets of one run that have yet to leave: all of `segment_size` bytes, only the last may be
/// shorter.
struct Train {
  const Route* route = nullptr;  ///< Of the batch it came from.
  Endpoint destination;
  Bytes bytes;
  std::uint32_t segment_size = 0;
  std::uint32_t packets = 0;
  bool one_by_one = false;  ///< The kernel refused it as a whole.

  void drop_front(std::uint32_t count);
};

/// Hands trains to the Linux kernel: many per call, each in one piece (UDP_SEGMENT) where the
/// kernel and the route can do that.
class TrainSender {
 public:
  enum class Outcome {
    kSent,       ///< All have left or were refused.
    kNoRoom,     ///< The socket's buffer is full; poll for it.
    kNoBuffers,  ///< The kernel or the device is out of buffers, which cannot be polled for.
  };
  using Refused = std::function<void(const Train& train, int error)>;

  TrainSender(int fd, UdpCalls& calls, Stats& stats) : fd_(fd), calls_(calls), stats_(stats) {}

  /// Moves the front of `trains` past what is done with. `refused` gets a train that the system
  /// refuses, with the value of errno.
  Outcome send(std::span<Train>& trains, const Refused& refused);

 private:
  struct Messages;

  void compose(std::span<const Train> trains, Messages& messages) const;
  void count_sent(std::span<Train>& trains, const Messages& messages, unsigned sent);

  int fd_;
  UdpCalls& calls_;
  Stats& stats_;
  bool segments_ = true;  ///< Use UDP_SEGMENT.
};

}  // namespace floe::net::uv
