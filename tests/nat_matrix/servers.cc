#include "tests/nat_matrix/servers.h"

#include <array>
#include <utility>

#include "floe/core/check.h"
#include "floe/dtls/seeded_openssl_random.h"
#include "floe/stun_client/message.h"
#include "tests/tls/certificates.h"

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
    case Conduct::kOtherRealms:
      return "answers 401 with ever other realms";
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
      case Conduct::kOtherRealms:
      case Conduct::kStaleForEver: {
        const bool stale = conduct_ == Conduct::kStaleForEver;
        stun::MessageBuilder response(space, stun::Class::kError, request);
        response.add_error(stale ? stun::kStaleNonce : stun::kUnauthenticated, "Again");
        const std::string number = std::to_string(++answers_);
        response.add_text(stun::AttributeType::kRealm, stale ? "example" : "realm" + number);
        response.add_text(stun::AttributeType::kNonce, "nonce" + number);
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
  std::uint64_t answers_ = 0;
  std::unique_ptr<net::UdpSocket> socket_;
};

namespace {

constexpr const char* kUser = "floe";
constexpr const char* kPassword = "a good password";

/// One authority and one certificate for every world: their clocks begin at the same time.
struct Certificates {
  explicit Certificates(std::chrono::sys_seconds today)
      : authority("an authority", today), turn(authority.issue({.names = {"DNS:turn.example"}})) {}
  tls::testing::Authority authority;
  std::shared_ptr<const dtls::Identity> turn;

  /// The same ones in every process, since the sizes of signatures differ and with them packets.
  static const Certificates& shared() {
    static const auto certificates = [] {
      const dtls::SeededOpensslRandom random(1);
      return std::make_unique<const Certificates>(
          std::chrono::sys_seconds(net::sim::VirtualClock::kEpoch));
    }();
    return *certificates;
  }
};

server::TurnTransport transport_of(Turn turn) {
  switch (turn) {
    case Turn::kTcp:
      return server::TurnTransport::kTcp;
    case Turn::kTls:
      return server::TurnTransport::kTls;
    case Turn::kNone:
    case Turn::kUdp:
      break;
  }
  return server::TurnTransport::kUdp;
}

}  // namespace

Servers::Servers(net::sim::World& world, Duration latency, Turn turn)
    : turn_(turn), stun_host_(add_host(world, "stun", latency)) {
  if (turn_ != Turn::kNone) turn_host_ = &add_host(world, "turn", latency);
  start();
}

Servers::~Servers() = default;

net::sim::Host& Servers::add_host(net::sim::World& world, std::string_view name, Duration latency) {
  net::sim::Host& host =
      world.add_host(name, {.stack = net::sim::Stack::kDual, .link = {.latency = latency}});
  world.dns().add(std::string(name) + ".example",
                  {host.address(Family::kIpv6), host.address(Family::kIpv4)});
  return host;
}

void Servers::stop() {
  stun_servers_.clear();
  turn_server_.reset();
  liars_.clear();
}

void Servers::start(Conduct conduct) {
  stop();
  if (conduct == Conduct::kHonest) {
    start_stun();
    start_turn();
    return;
  }
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    for (net::sim::Host* host : {&stun_host_, turn_host_}) {
      if (host == nullptr) continue;
      const net::Endpoint at{host->address(family), server::StunServer::kPort};
      liars_.push_back(std::make_unique<LyingServer>(*host, at, conduct));
    }
  }
}

void Servers::start_stun() {
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    const net::Endpoint at{stun_host_.address(family), server::StunServer::kPort};
    auto server = server::StunServer::create(stun_host_, {.bind = at});
    FLOE_CHECK(server.has_value());
    stun_servers_.push_back(std::move(*server));
  }
}

void Servers::start_turn() {
  if (turn_ == Turn::kNone) return;
  server::TurnServer::Configuration configuration;
  const std::uint16_t port = turn_ == Turn::kTls ? 443 : server::TurnServer::kPort;
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    const net::Address& address = turn_host_->address(family);
    configuration.listeners.push_back({transport_of(turn_), {address, port}});
    configuration.relay.relay_addresses.push_back({address, std::nullopt});
  }
  configuration.relay.users = {{kUser, kPassword}};
  if (turn_ == Turn::kTls) configuration.identity = Certificates::shared().turn;
  auto server = server::TurnServer::create(*turn_host_, std::move(configuration));
  FLOE_CHECK(server.has_value());
  turn_server_ = std::move(*server);
}

std::vector<ice::ServerConfig> Servers::configuration() const {
  std::vector<ice::ServerConfig> servers = {{.urls = {"stun:stun.example"}}};
  const char* uri = turn_ == Turn::kUdp   ? "turn:turn.example"
                    : turn_ == Turn::kTcp ? "turn:turn.example?transport=tcp"
                    : turn_ == Turn::kTls ? "turns:turn.example:443"
                                          : nullptr;
  if (uri != nullptr) servers.push_back({{uri}, kUser, kPassword});
  return servers;
}

std::shared_ptr<const tls::Trust> Servers::trust() {
  return Certificates::shared().authority.trust();
}

}  // namespace floe::nat_matrix
