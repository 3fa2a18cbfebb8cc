#pragma once

#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "floe/net/uv/internal/reactor.h"
#include "floe/net/uv/internal/train_sender.h"
#include "floe/net/uv/internal/udp_socket.h"

namespace floe::net::uv {

/// A UDP socket of floe's own under a uv_poll_t: libuv 1.44 knows neither UDP_SEGMENT nor UDP_GRO.
class LinuxUdpSocket final : public UdpSocket, private Attachment, private Outlet {
 public:
  /// Owns `fd`, which is bound to `local`.
  static Result<std::unique_ptr<UdpSocket>> create(std::shared_ptr<Reactor> reactor,
                                                   UdpCalls& calls, int fd, const Endpoint& local,
                                                   UdpHandler& handler);
  LinuxUdpSocket(std::shared_ptr<Reactor> reactor, UdpCalls& calls, int fd, const Endpoint& local,
                 UdpHandler& handler);
  ~LinuxUdpSocket() override;

  SocketId id() const override { return id_; }
  Endpoint local() const override { return local_; }

 private:
  struct Handle;
  /// A train that the system had no room for, with its bytes.
  struct Kept {
    Train train;
    std::unique_ptr<std::uint8_t[]> bytes;
    std::size_t charge = 0;
  };

  void detach() override;
  void send(SendBatch& batch, std::span<const SendBatch::Run> runs) override;
  void keep(const Train& train);
  void flush();
  void wait_for_room(TrainSender::Outcome outcome);
  void receive();
  void clear_error();
  void poll();

  std::shared_ptr<Reactor> reactor_;
  UdpCalls& calls_;
  int fd_;
  SocketId id_ = kNoSocket;
  Endpoint local_;
  UdpHandler& handler_;
  Handle* handle_ = nullptr;  ///< libuv's; frees itself once libuv has closed it.
  TrainSender sender_;
  std::vector<Train> trains_;  ///< Scratch of `send`, kept for its memory.
  std::deque<Kept> kept_;
  std::size_t kept_size_ = 0;
  bool wants_room_ = false;
  std::unique_ptr<Timer> retry_;
};

}  // namespace floe::net::uv
