#pragma once

#include <array>
#include <memory>
#include <vector>

#include "floe/net/sim/world.h"
#include "floe/stun_client/message.h"

namespace floe::stun {

/// A STUN server with two addresses and two ports (RFC 5780 section 6) on a simulated host.
class BehaviorServer final : private net::UdpHandler {
 public:
  struct Options {
    bool has_other_address = true;
    bool knows_response_port = true;
  };
  static constexpr std::array<std::uint16_t, 2> kPorts{3478, 3479};

  explicit BehaviorServer(net::sim::Host& host) : BehaviorServer(host, Options{}) {}
  BehaviorServer(net::sim::Host& host, Options options) : host_(host), options_(options) {
    for (const net::Address& address : host.interface().addresses()) {
      for (const std::uint16_t port : kPorts) {
        sockets_.push_back(std::move(host.open_udp({.bind = {address, port}}, *this).value()));
      }
    }
  }

  net::Endpoint primary() const { return sockets_.front()->local(); }
  std::uint64_t requests = 0;

 private:
  void on_datagrams(std::span<net::Datagram> datagrams) override {
    for (const net::Datagram& datagram : datagrams) answer(datagram);
  }
  std::size_t index_of(net::SocketId id) const {
    std::size_t i = 0;
    while (sockets_[i]->id() != id) ++i;
    return i;
  }
  void answer(const net::Datagram& datagram) {
    const Result<Message> request = Message::parse(datagram.payload);
    if (!request || !request->is_request(Method::kBinding)) return;
    ++requests;
    const std::size_t at = index_of(datagram.socket);
    const auto change = request->change_request().value_or(ChangeRequest{});
    const bool has_other = options_.has_other_address && sockets_.size() == 4;
    const bool refused = (request->has(AttributeType::kChangeRequest) && !has_other) ||
                         (request->response_port() && !options_.knows_response_port);
    std::size_t from = at;
    if (!refused && change.address) from ^= 2;
    if (!refused && change.port) from ^= 1;
    net::Endpoint to = datagram.source;
    if (!refused) to.port = request->response_port().value_or(to.port);

    std::vector<std::uint8_t> space(4096);
    MessageBuilder response(space, refused ? Class::kError : Class::kSuccess, *request);
    if (refused) {
      response.add_error(kUnknownAttribute, "Unknown Attribute");
    } else {
      response.add_xor_address(AttributeType::kXorMappedAddress, datagram.source);
      response.add_address(AttributeType::kMappedAddress, datagram.source);
      response.add_address(AttributeType::kResponseOrigin, sockets_[from]->local());
      if (has_other) {
        response.add_address(AttributeType::kOtherAddress, sockets_[at ^ 3]->local());
      }
    }
    net::SendBatch batch;
    batch.add({sockets_[from]->id(), to, {}}, response.bytes());
    host_.send(batch);
  }

  net::sim::Host& host_;
  Options options_;
  std::vector<std::unique_ptr<net::UdpSocket>> sockets_;
};

}  // namespace floe::stun
