#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "floe/core/bytes.h"
#include "floe/core/result.h"
#include "floe/net/datagram.h"
#include "floe/net/prefix.h"

namespace floe::net {

/// Where a packet goes: out of which socket, to whom, behind which bytes. On a stream the
/// destination is the stream's remote end and is not looked at.
struct Route {
  SocketId socket = kNoSocket;
  Endpoint destination;
  Prefix prefix;
  friend bool operator==(const Route&, const Route&) = default;
};

/// The packets that leave together. Each is written once, in place, into one buffer: `open` gives
/// the space, `commit` says how much of it was used. Packets of equal size on one route stand
/// together as one `Run`, which a network can hand to the kernel in a single call (UDP GSO).
class SendBatch {
 public:
  /// UDP_MAX_SEGMENTS of the Linux kernel; more in one run would be refused.
  static constexpr std::size_t kMaxSegments = 64;
  /// Bytes one batch holds at most, so that a busy sender shares the loop. Room for 16 full runs.
  static constexpr std::size_t kCapacity = 1 << 20;

  /// Consecutive packets for one route: all of `segment_size` bytes (prefix and padding included),
  /// only the last may be shorter.
  struct Run {
    Route route;
    std::uint32_t offset = 0;
    std::uint32_t size = 0;
    std::uint32_t segment_size = 0;
    std::uint32_t segments = 0;
    bool closed = false;  ///< Its last packet was shorter: no more may join.
  };

  /// A run that the network could not send, with what the system said.
  struct Failure {
    Route route;
    Error error;
  };

  SendBatch() = default;
  SendBatch(const SendBatch&) = delete;
  SendBatch& operator=(const SendBatch&) = delete;

  /// Space for one payload of up to `size_max` bytes (at most kMaxUdpPayload). Empty when the batch
  /// is full: send it, then go on. One packet may be open at a time.
  [[nodiscard]] MutableBytes open(const Route& route, std::size_t size_max);
  /// Ends the open packet with its first `size` bytes as payload; 0 abandons it. What is too long
  /// for the route's prefix is not kept but listed in `failures()` (`Errc::kMessageTooLong`).
  void commit(std::size_t size);
  /// `open` + copy + `commit`; false when the batch is full.
  bool add(const Route& route, Bytes payload);
  /// A datagram without payload, which `commit(0)` cannot express.
  bool add_empty(const Route& route);

  bool empty() const { return runs_.empty(); }
  std::size_t packets() const { return packets_; }
  std::size_t size() const { return used_; }
  std::span<const Run> runs() const { return runs_; }
  Bytes bytes(const Run& run) const { return {buffer_.get() + run.offset, run.size}; }
  /// The `index`th packet of `run` as it goes on the wire.
  Bytes packet(const Run& run, std::size_t index) const;

  /// Filled by `Network::send`; see `commit` too.
  std::vector<Failure>& failures() { return failures_; }

  /// Forgets packets and failures, keeps the memory.
  void clear();

 private:
  void grow(std::size_t needed);
  void append(std::size_t payload_size);

  std::unique_ptr<std::uint8_t[]> buffer_;
  std::size_t allocated_ = 0;
  std::size_t used_ = 0;
  std::size_t packets_ = 0;
  std::vector<Run> runs_;
  std::vector<Failure> failures_;
  std::uint32_t serial_ = 0;  // Of the Send indications.
  Route open_route_;
  std::size_t open_size_ = 0;
  bool is_open_ = false;
};

}  // namespace floe::net
