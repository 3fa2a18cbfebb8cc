#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "floe/net/sim/world.h"

namespace floe::net::sim {

/// A UDP socket that remembers what it got.
class Talker final : public UdpHandler {
 public:
  struct Heard {
    Endpoint source;
    std::string text;
    Time at;
  };

  explicit Talker(Host& host, std::uint16_t port = 0, Address address = Address::v4(0, 0, 0, 0))
      : host_(host) {
    auto socket = host.open_udp({.bind = {address, port}}, *this);
    EXPECT_TRUE(socket) << socket.error().message;
    socket_ = *std::move(socket);
  }

  /// Where others reach it when no NAT stands between.
  Endpoint endpoint(Family family = Family::kIpv4) const {
    return {host_.address(family), socket_->local().port};
  }
  const UdpSocket& socket() const { return *socket_; }
  void close() { socket_.reset(); }

  void say(const Endpoint& to, std::string_view text) {
    batch_.add({socket_->id(), to, {}}, as_bytes(text));
    flush();
  }
  void say_zeros(const Endpoint& to, std::size_t size, std::size_t times = 1) {
    const std::vector<std::uint8_t> zeros(size);
    for (std::size_t i = 0; i < times; ++i) {
      if (batch_.add({socket_->id(), to, {}}, zeros)) continue;
      flush();
      batch_.add({socket_->id(), to, {}}, zeros);
    }
    flush();
  }
  /// What the last `say` failed with.
  std::optional<Errc> failure() const { return failure_; }

  void on_datagrams(std::span<Datagram> datagrams) override {
    ++calls;
    for (const Datagram& datagram : datagrams) {
      EXPECT_EQ(datagram.socket, socket_->id());
      heard.push_back({datagram.source, std::string(as_text(datagram.payload)), host_.now()});
    }
  }

  bool heard_text(std::string_view text) const {
    for (const Heard& one : heard) {
      if (one.text == text) return true;
    }
    return false;
  }

  std::vector<Heard> heard;
  int calls = 0;

 private:
  void flush() {
    host_.send(batch_);
    failure_.reset();
    if (!batch_.failures().empty()) failure_ = batch_.failures().front().error.code;
    batch_.clear();
  }

  Host& host_;
  std::unique_ptr<UdpSocket> socket_;
  SendBatch batch_;
  std::optional<Errc> failure_;
};

inline Address address_of(std::string_view text) {
  return *Address::parse(text);
}

}  // namespace floe::net::sim
