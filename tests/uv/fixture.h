#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "floe/net/uv/network.h"

namespace floe::net::uv {

inline constexpr Duration kPatience = std::chrono::seconds(10);

/// Turns the loop of `network` until `done`; says whether it came to that.
inline bool run_until(Network& network, const std::function<bool()>& done) {
  bool expired = false;
  const auto timer = network.create_timer([&] { expired = true; });
  timer->arm(network.now() + kPatience);
  while (!done() && !expired) network.run_once();
  return done();
}

inline void run_for(Network& network, Duration duration) {
  bool over = false;
  const auto timer = network.create_timer([&] { over = true; });
  timer->arm(network.now() + duration);
  EXPECT_TRUE(run_until(network, [&] { return over; }));
}

inline Address loopback(Family family = Family::kIpv4) {
  return family == Family::kIpv4 ? Address::v4(127, 0, 0, 1) : *Address::parse("::1");
}

inline bool has_ipv6(Network& network) {
  for (const Interface& each : network.interfaces()) {
    if (each.address == loopback(Family::kIpv6)) return true;
  }
  return false;
}

/// Keeps the payloads that arrive.
class Inbox final : public UdpHandler {
 public:
  void on_datagrams(std::span<Datagram> datagrams) override {
    ++deliveries;
    for (const Datagram& datagram : datagrams) packets.push_back(to_vector(datagram.payload));
    if (then) then();
  }
  std::vector<std::vector<std::uint8_t>> packets;
  std::size_t deliveries = 0;
  std::function<void()> then;
};

inline std::unique_ptr<UdpSocket> open_udp(Network& network, UdpHandler& handler,
                                           const Address& address = loopback()) {
  UdpOptions options;
  options.bind.address = address;
  auto socket = network.open_udp(options, handler);
  EXPECT_TRUE(socket) << socket.error().message;
  return socket ? std::move(*socket) : nullptr;
}

/// A packet that can be told from its neighbours.
inline std::vector<std::uint8_t> numbered(std::size_t number, std::size_t size) {
  std::vector<std::uint8_t> packet(size, 0x55);
  for (std::size_t i = 0; i < 4 && i < size; ++i) {
    packet[i] = static_cast<std::uint8_t>(number >> (8 * i));
  }
  return packet;
}

}  // namespace floe::net::uv
