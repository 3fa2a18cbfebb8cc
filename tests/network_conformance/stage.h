#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "floe/net/network.h"

namespace floe::net::conformance {

/// Two machines that reach one another, on some implementation of `Network`. They may be the same.
class Stage {
 public:
  virtual ~Stage() = default;
  virtual Network& alice() = 0;
  virtual Network& bob() = 0;
  virtual Address alice_address(Family family) = 0;
  virtual Address bob_address(Family family) = 0;
  /// Address families that both have.
  virtual std::vector<Family> families() = 0;
  /// A name that the resolver refuses.
  virtual std::string failing_name() = 0;
  /// Lets both work until `done`, for ten seconds at most; says whether it came to that.
  virtual bool run_until(const std::function<bool()>& done) = 0;

  void run_for(Duration duration);
};

struct Implementation {
  const char* name;
  std::unique_ptr<Stage> (*open)();

  friend void PrintTo(const Implementation& implementation, std::ostream* out) {
    *out << implementation.name;
  }
};

/// What a program of this suite tests; each defines it for its own implementations.
std::vector<Implementation> implementations();

/// The behaviour that `net/network.h` promises.
class NetworkConformance : public testing::TestWithParam<Implementation> {
 protected:
  Network& alice() { return stage_->alice(); }
  Network& bob() { return stage_->bob(); }
  bool run_until(const std::function<bool()>& done) { return stage_->run_until(done); }
  void run_for(Duration duration) { stage_->run_for(duration); }
  /// Long enough for anything that is going to happen to have happened.
  void settle() { run_for(std::chrono::milliseconds(60)); }

  std::unique_ptr<UdpSocket> open_udp(Network& network, const Address& address,
                                      UdpHandler& handler);
  /// `failures`, as codes, that `batch` has after it was sent by `network`.
  std::vector<Errc> send(Network& network, SendBatch& batch);

  std::unique_ptr<Stage> stage_ = GetParam().open();
};

struct ReceivedPacket {
  std::vector<std::uint8_t> payload;
  Endpoint source;
  SocketId socket = kNoSocket;
};

/// Keeps what a UDP socket receives.
class Inbox final : public UdpHandler {
 public:
  void on_datagrams(std::span<Datagram> datagrams) override;

  std::vector<ReceivedPacket> packets;
  std::size_t bytes = 0;
  std::function<void()> then;  ///< Called after each delivery.
};

/// Keeps what happens on a stream.
class Ear final : public StreamHandler {
 public:
  void on_connected() override;
  void on_data(MutableBytes data) override;
  void on_closed(const Error& error) override;
  void on_drained() override;

  int connected = 0;
  int drained = 0;
  int closed = 0;
  int calls_after_closed = 0;
  std::optional<Errc> reason;
  std::vector<std::uint8_t> data;
  std::function<void()> when_connected;
  std::function<void()> when_data;
  std::function<void()> when_closed;
  std::function<void()> when_drained;
};

/// Keeps the streams that a listener accepts.
class Door final : public ListenerHandler {
 public:
  void on_accept(std::unique_ptr<Stream> stream) override;

  std::vector<std::unique_ptr<Stream>> streams;
  std::function<void()> then;
};

/// `size` bytes that differ from those of another `seed`, and from their neighbours.
std::vector<std::uint8_t> pattern(std::size_t size, std::size_t seed = 0);

}  // namespace floe::net::conformance
