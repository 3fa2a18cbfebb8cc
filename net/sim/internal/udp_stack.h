#pragma once

#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "floe/net/network.h"
#include "floe/net/sim/event_queue.h"
#include "floe/net/sim/packet.h"

namespace floe::net::sim {

class Host;

/// One open UDP socket, as the system sees it. As an event it hands over what has arrived.
class UdpPort final : public Event, public std::enable_shared_from_this<UdpPort> {
 public:
  UdpPort(Host& host, const Endpoint& local, bool reuse, SocketId id, UdpHandler& handler)
      : host_(host), local_(local), reuse_(reuse), id_(id), handler_(&handler) {}

  const Endpoint& local() const { return local_; }
  bool reuse() const { return reuse_; }
  SocketId id() const { return id_; }
  /// False if the packet does not fit into `room` bytes with those that wait.
  bool has_room(const Packet& packet, std::size_t room) const {
    return waiting_bytes_ + packet.payload.size() <= room;
  }
  void take(PacketPtr packet, const Endpoint& source);
  /// The handler is not called again.
  void close();

 private:
  /// Datagrams handed over in one call at most; a GRO train of the Linux kernel is as long.
  static constexpr std::size_t kMaxTrain = 64;
  struct Arrived {
    PacketPtr packet;
    Endpoint source;
  };
  void fire() override;

  Host& host_;
  Endpoint local_;
  bool reuse_;
  SocketId id_;
  UdpHandler* handler_;
  std::vector<Arrived> waiting_;
  std::size_t waiting_bytes_ = 0;
};

/// The UDP sockets of one host.
class UdpStack {
 public:
  explicit UdpStack(Host& host) : host_(host) {}

  Result<std::unique_ptr<UdpSocket>> open(const UdpOptions& options, UdpHandler& handler);
  void close(UdpPort& port);
  /// Why the run could not be sent; nullopt also if it is for no UDP socket.
  std::optional<Error> send(const SendBatch& batch, const SendBatch::Run& run);
  void receive(PacketPtr packet);
  void set_receive_buffer(std::size_t bytes) { receive_buffer_ = bytes; }

 private:
  /// What Linux grants a socket that asks for much (net.core.rmem_max of servers).
  static constexpr std::size_t kReceiveBuffer = std::size_t{4} << 20;

  bool is_free(const Endpoint& local, bool reuse) const;
  UdpPort* find(const Packet& packet) const;

  Host& host_;
  std::size_t receive_buffer_ = kReceiveBuffer;
  std::unordered_map<SocketId, std::shared_ptr<UdpPort>> by_id_;
  std::unordered_map<Endpoint, std::vector<UdpPort*>> by_local_;
  std::unordered_map<std::uint16_t, std::vector<UdpPort*>> by_port_;
};

}  // namespace floe::net::sim
