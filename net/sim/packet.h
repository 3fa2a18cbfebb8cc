#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "floe/core/bytes.h"
#include "floe/net/endpoint.h"
#include "floe/net/sim/event_queue.h"

namespace floe::net::sim {

class Attachment;
class Host;
class PacketPool;

enum class Protocol : std::uint8_t { kUdp, kTcp };

/// The fields of a TCP header that the simulation uses. Sequence numbers do not wrap here; a trace
/// writes their low 32 bits.
struct TcpHeader {
  static constexpr std::uint8_t kFin = 0x01, kSyn = 0x02, kRst = 0x04, kPsh = 0x08, kAck = 0x10;

  std::uint64_t sequence = 0;
  std::uint64_t acknowledgment = 0;
  std::uint32_t window = 0;
  std::uint16_t mss = 0;  ///< With SYN: the largest segment its sender can receive.
  std::uint8_t flags = 0;
  bool has(std::uint8_t flag) const { return (flags & flag) != 0; }
};

/// One simulated IP packet; as an event it stands for its own arrival.
class Packet final : public Event {
 public:
  Protocol protocol = Protocol::kUdp;
  std::uint8_t hops = 0;
  bool dont_fragment = true;  ///< Not to be sent on by links whose MTU is smaller.
  Endpoint source;
  Endpoint destination;
  TcpHeader tcp;
  std::vector<std::uint8_t> payload;

  /// Bytes with IP and transport header.
  std::size_t size() const { return header_size(destination.family(), protocol) + payload.size(); }
  static constexpr std::size_t ip_header_size(Family family) {
    return family == Family::kIpv4 ? 20u : 40u;
  }
  static constexpr std::size_t header_size(Family family, Protocol protocol) {
    return ip_header_size(family) + (protocol == Protocol::kUdp ? 8u : 20u);
  }

  /// Scheduled after this, the packet arrives at its own sender.
  void loop_back_at(Host& host) {
    host_ = &host;
    leg_ = Leg::kLoopback;
  }

 private:
  friend class PacketPool;
  friend struct RecyclePacket;
  friend class Attachment;
  /// Where the packet is when it fires: at the far end of its sender's cable (on `subnet_`), or at
  /// `attachment_`, where it has arrived.
  enum class Leg : std::uint8_t { kToSubnet, kToNode, kLoopback };
  explicit Packet(PacketPool& pool) : pool_(&pool) {}
  void fire() override;

  PacketPool* pool_;
  Attachment* attachment_ = nullptr;
  Host* host_ = nullptr;
  Leg leg_ = Leg::kToSubnet;
};

/// Makes `reset` the RST that answers `packet`, a segment of no connection (RFC 9293 section
/// 3.10.7.1).
void answer_with_reset(const Packet& packet, Packet& reset);

struct RecyclePacket {
  void operator()(Packet* packet) const;
};
using PacketPtr = std::unique_ptr<Packet, RecyclePacket>;

/// Packets are the one thing allocated per event, so they are used again.
class PacketPool {
 public:
  PacketPtr make();
  PacketPtr copy(const Packet& packet);

 private:
  friend struct RecyclePacket;
  friend class Packet;
  /// A packet that held more goes back without its memory.
  static constexpr std::size_t kKeptCapacity = 2048;
  void recycle(Packet* packet);

  std::vector<std::unique_ptr<Packet>> all_;
  std::vector<Packet*> free_;
};

}  // namespace floe::net::sim
