#include "tests/network_conformance/stage.h"

#include <utility>

namespace floe::net::conformance {

INSTANTIATE_TEST_SUITE_P(Every, NetworkConformance, testing::ValuesIn(implementations()),
                         [](const auto& test) { return std::string(test.param.name); });

void Stage::run_for(Duration duration) {
  bool over = false;
  const std::unique_ptr<Timer> timer = alice().create_timer([&] { over = true; });
  timer->arm(alice().now() + duration);
  EXPECT_TRUE(run_until([&] { return over; }));
}

std::unique_ptr<UdpSocket> NetworkConformance::open_udp(Network& network, const Address& address,
                                                        UdpHandler& handler) {
  UdpOptions options;
  options.bind.address = address;
  Result<std::unique_ptr<UdpSocket>> socket = network.open_udp(options, handler);
  EXPECT_TRUE(socket) << socket.error().message;
  return socket ? std::move(*socket) : nullptr;
}

std::vector<Errc> NetworkConformance::send(Network& network, SendBatch& batch) {
  network.send(batch);
  std::vector<Errc> codes;
  for (const SendBatch::Failure& failure : batch.failures()) codes.push_back(failure.error.code);
  return codes;
}

void Inbox::on_datagrams(std::span<Datagram> datagrams) {
  for (const Datagram& datagram : datagrams) {
    packets.push_back({to_vector(datagram.payload), datagram.source, datagram.socket});
    bytes += datagram.payload.size();
    // A receiver decrypts in place: the view must be writable and nobody else's.
    for (std::uint8_t& byte : datagram.payload) byte = 0xee;
  }
  if (then) then();
}

void Ear::on_connected() {
  ++connected;
  if (closed > 0) ++calls_after_closed;
  if (when_connected) when_connected();
}

void Ear::on_data(MutableBytes bytes) {
  data.insert(data.end(), bytes.begin(), bytes.end());
  if (closed > 0) ++calls_after_closed;
  if (when_data) when_data();
}

void Ear::on_closed(const Error& error) {
  if (closed > 0) ++calls_after_closed;
  ++closed;
  reason = error.code;
  if (when_closed) when_closed();
}

void Ear::on_drained() {
  ++drained;
  if (closed > 0) ++calls_after_closed;
  if (when_drained) when_drained();
}

void Door::on_accept(std::unique_ptr<Stream> stream) {
  streams.push_back(std::move(stream));
  if (then) then();
}

std::vector<std::uint8_t> pattern(std::size_t size, std::size_t seed) {
  std::vector<std::uint8_t> bytes(size);
  for (std::size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<std::uint8_t>((i * 31 + i / 251 + seed * 7 + 1) & 0xff);
  }
  return bytes;
}

}  // namespace floe::net::conformance
