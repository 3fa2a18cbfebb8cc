#pragma once

#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "floe/net/network.h"
#include "floe/net/sim/event_queue.h"
#include "floe/net/sim/host.h"
#include "floe/net/sim/packet.h"

namespace floe::net::sim {

/// One open UDP socket, as the system sees it. As an event it hands over what has arrived.
class UdpPort final : public Event, public std::enable_shared_from_this<UdpPort> {
 public:
  /// `nic` is the index of the interface that its multicast uses.
  UdpPort(Host& host, const UdpOptions& options, const Endpoint& local, std::uint32_t nic,
          SocketId id, UdpHandler& handler)
      : host_(host), options_(options), local_(local), nic_(nic), id_(id), handler_(&handler) {}

  const Endpoint& local() const { return local_; }
  const UdpOptions& options() const { return options_; }
  std::uint32_t nic() const { return nic_; }
  /// True if what arrives for `group` on the interface of that index is for it.
  bool is_member(const Address& group, std::uint32_t nic) const;
  /// True if a socket with `options` may have the port as well.
  bool shares_with(const UdpOptions& options) const {
    return (options.reuse_port && options_.reuse_port) ||
           (options.reuse_address && options_.reuse_address);
  }
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
  UdpOptions options_;
  Endpoint local_;
  std::uint32_t nic_;
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
  bool has_member(const Endpoint& group, std::uint32_t nic) const;
  void set_receive_buffer(std::size_t bytes) { receive_buffer_ = bytes; }

 private:
  /// What Linux grants a socket that asks for much (net.core.rmem_max of servers).
  static constexpr std::size_t kReceiveBuffer = std::size_t{4} << 20;

  Result<Endpoint> choose_local(const UdpOptions& options);
  bool is_free(const Endpoint& local, const UdpOptions& options) const;
  std::optional<Host::Path> find_path(const UdpPort& port, const Address& destination) const;
  void receive_for_group(PacketPtr packet);
  UdpPort* find(const Packet& packet) const;

  Host& host_;
  std::size_t receive_buffer_ = kReceiveBuffer;
  std::unordered_map<SocketId, std::shared_ptr<UdpPort>> by_id_;
  std::unordered_map<Endpoint, std::vector<UdpPort*>> by_local_;
  std::unordered_map<std::uint16_t, std::vector<UdpPort*>> by_port_;
};

}  // namespace floe::net::sim
