#pragma once

#include <memory>
#include <span>

#include "floe/net/uv/internal/reactor.h"
#include "floe/net/uv/internal/udp_socket.h"

namespace floe::net::uv {

/// A UDP socket over libuv's own handle, one packet per call, wherever libuv runs.
class PortableUdpSocket final : public UdpSocket, private Attachment, private Outlet {
 public:
  static Result<std::unique_ptr<UdpSocket>> create(std::shared_ptr<Reactor> reactor,
                                                   std::size_t buffer, const UdpOptions& options,
                                                   UdpHandler& handler);
  PortableUdpSocket(std::shared_ptr<Reactor> reactor, UdpHandler& handler);
  ~PortableUdpSocket() override;

  SocketId id() const override { return id_; }
  Endpoint local() const override { return local_; }

 private:
  struct Handle;
  struct Pending;

  Result<> open(std::size_t buffer, const UdpOptions& options);
  void detach() override;
  void send(SendBatch& batch, std::span<const SendBatch::Run> runs) override;
  /// 0 or libuv's error code.
  int send_packet(Bytes packet, const Endpoint& destination);
  int keep(Bytes packet, const Endpoint& destination);
  void receive(MutableBytes packet, const Endpoint& source);

  std::shared_ptr<Reactor> reactor_;
  UdpHandler& handler_;
  SocketId id_ = kNoSocket;
  Endpoint local_;
  Handle* handle_ = nullptr;  ///< libuv's; frees itself once libuv has closed it.
};

}  // namespace floe::net::uv
