#include "tests/nat_matrix/servers.h"

#include <array>
#include <utility>

#include "floe/core/check.h"
#include "floe/stun_client/message.h"

namespace floe::nat_matrix {

using net::Family;

std::string_view to_string(Conduct conduct) {
  switch (conduct) {
    case Conduct::kHonest:
      return "honest";
    case Conduct::kSilent:
      return "silent";
    case Conduct::kWrongAddress:
      return "tells a wrong address";
    case Conduct::kStaleForEver:
      return "answers 438 for ever";
    case Conduct::kServerError:
      return "answers 500";
    case Conduct::kOtherRequest:
      return "answers other requests";
    case Conduct::kEcho:
      return "echoes";
  }
  return "";
}

/// Takes a server's place on one UDP endpoint.
class LyingServer final : private net::UdpHandler {
 public:
  LyingServer(net::sim::Host& host, const net::Endpoint& at, Conduct conduct)
      : host_(host), conduct_(conduct) {
    net::UdpOptions options;
    options.bind = at;
    auto socket = host.open_udp(options, *this);
    FLOE_CHECK(socket.has_value());
    socket_ = std::move(*socket);
  }

 private:
  void on_datagrams(std::span<net::Datagram> datagrams) override {
    net::SendBatch batch;
    for (const net::Datagram& datagram : datagrams) {
      const auto request = stun::Message::parse(datagram.payload);
      if (!request || request->cls() != stun::Class::kRequest) continue;
      answer(*request, datagram, batch);
    }
    host_.send(batch);
  }

  void answer(const stun::Message& request, const net::Datagram& datagram, net::SendBatch& batch) {
    const net::Route route{datagram.socket, datagram.source, {}};
    std::array<std::uint8_t, 512> space;
    const auto add = [&](const stun::MessageBuilder& response) {
      static_cast<void>(batch.add(route, response.bytes()));
    };
    switch (conduct_) {
      case Conduct::kHonest:
      case Conduct::kSilent:
        return;
      case Conduct::kWrongAddress: {
        stun::MessageBuilder response(space, stun::Class::kSuccess, request);
        response.add_xor_address(stun::AttributeType::kXorMappedAddress,
                                 *net::Endpoint::parse("192.0.2.99:9999"));
        return add(response);
      }
      case Conduct::kStaleForEver: {
        stun::MessageBuilder response(space, stun::Class::kError, request);
        response.add_error(stun::kStaleNonce, "Stale Nonce");
        response.add_text(stun::AttributeType::kRealm, "example");
        response.add_text(stun::AttributeType::kNonce, "nonce" + std::to_string(++nonces_));
        return add(response);
      }
      case Conduct::kServerError: {
        stun::MessageBuilder response(space, stun::Class::kError, request);
        response.add_error(stun::kServerError, "Server Error");
        return add(response);
      }
      case Conduct::kOtherRequest: {
        stun::MessageBuilder response(space, stun::Class::kSuccess, request.method(),
                                      stun::random_transaction_id(host_.random()));
        response.add_xor_address(stun::AttributeType::kXorMappedAddress, datagram.source);
        return add(response);
      }
      case Conduct::kEcho:
        static_cast<void>(batch.add(route, datagram.payload));
        return;
    }
  }

  net::sim::Host& host_;
  Conduct conduct_;
  std::uint64_t nonces_ = 0;
  std::unique_ptr<net::UdpSocket> socket_;
};

Servers::Servers(net::sim::World& world, Duration latency)
    : world_(world),
      stun_(
          world.add_host("stun", {.stack = net::sim::Stack::kDual, .link = {.latency = latency}})) {
  world_.dns().add("stun.example", {stun_.address(Family::kIpv6), stun_.address(Family::kIpv4)});
  start();
}

Servers::~Servers() = default;

void Servers::stop() {
  stun_servers_.clear();
  liars_.clear();
}

void Servers::start(Conduct conduct) {
  stop();
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    const net::Endpoint at{stun_.address(family), server::StunServer::kPort};
    if (conduct != Conduct::kHonest) {
      liars_.push_back(std::make_unique<LyingServer>(stun_, at, conduct));
      continue;
    }
    auto server = server::StunServer::create(stun_, {.bind = at});
    FLOE_CHECK(server.has_value());
    stun_servers_.push_back(std::move(*server));
  }
}

std::vector<ice::ServerConfig> Servers::configuration() const {
  return {{.urls = {"stun:stun.example"}}};
}

}  // namespace floe::nat_matrix
