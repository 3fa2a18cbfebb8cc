#include "floe/net/sim/router.h"

#include <algorithm>
#include <string>

#include "floe/core/check.h"
#include "floe/net/sim/internal/router_upnp.h"

// What it is, and NAT-PMP.
namespace floe::net::sim {
namespace {

const Address kAllHosts = Address::v4(224, 0, 0, 1);
constexpr std::uint8_t kNatPmpVersion = 0;
constexpr std::uint8_t kPcpVersion = 2;
constexpr std::uint8_t kIsResponse = 0x80;
/// RFC 6886 section 3.2.1: ten announcements, the first pause 250 ms, each pause twice the last.
constexpr int kAnnouncements = 10;
constexpr Duration kFirstPause = std::chrono::milliseconds(250);

// RFC 6886 section 3.5.
enum NatPmpResult : std::uint16_t {
  kSuccess = 0,
  kUnsupportedVersion = 1,
  kNotAuthorized = 2,
  kOutOfResources = 4,
  kUnsupportedOpcode = 5,
};

}  // namespace

Router::Router(Host& host, Nat& nat, const RouterOptions& options)
    : host_(host), nat_(nat), options_(options) {
  auto socket = host_.open_udp({.bind = {host_.address(), kPort}}, *this);
  FLOE_CHECK(socket);  // A machine of its own: nobody else has the port.
  socket_ = std::move(*socket);
  announcement_ = host_.create_timer([this] { announce(); });
  nat_.on_restart([this] {
    nonces_.clear();
    announcements_ = 0;
    announcement_->arm(host_.now());
  });
  upnp_ = std::make_unique<Upnp>(host_, nat_, options_);
}

Router::~Router() {
  nat_.on_restart(nullptr);
}

void Router::on_datagrams(std::span<Datagram> datagrams) {
  for (const Datagram& datagram : datagrams) {
    const Bytes packet = datagram.payload;
    if (packet.size() < 2 || (packet[1] & kIsResponse) != 0) continue;
    const bool is_nat_pmp = packet[0] == kNatPmpVersion;
    if (is_nat_pmp ? options_.nat_pmp : !options_.pcp && options_.nat_pmp) {
      handle_nat_pmp(datagram.source, packet);
    } else if (options_.pcp) {
      handle_pcp(datagram.source, packet);
    }
  }
}

void Router::answer(const Endpoint& client, Bytes payload) {
  SendBatch batch;
  batch.add({socket_->id(), client, {}}, payload);
  host_.send(batch);
}

std::uint32_t Router::epoch() const {
  const auto up = std::chrono::duration_cast<std::chrono::seconds>(host_.now() - nat_.up_since());
  return static_cast<std::uint32_t>(up.count());
}

bool Router::is_mapped(Protocol protocol, const Endpoint& internal) const {
  return std::ranges::any_of(nat_.dynamic_mappings(), [&](const Nat::DynamicMapping& mapping) {
    return mapping.protocol == protocol && mapping.internal == internal;
  });
}

void Router::announce() {
  const Endpoint everybody{kAllHosts, kAnnouncementPort};
  std::array<std::uint8_t, 24> space;
  if (options_.nat_pmp) {
    ByteWriter writer(space);
    writer.u8(kNatPmpVersion);
    writer.u8(kIsResponse);
    writer.u16(kSuccess);
    writer.u32(epoch());
    writer.bytes(nat_.address().bytes());
    answer(everybody, writer.written());
  }
  if (options_.pcp) {  // RFC 6887 section 14.1.3: a successful ANNOUNCE response.
    ByteWriter writer(space);
    writer.u8(kPcpVersion);
    writer.u8(kIsResponse);
    writer.zeros(6);
    writer.u32(epoch());
    writer.zeros(12);
    answer(everybody, writer.written());
  }
  if (++announcements_ >= kAnnouncements) return;
  announcement_->arm(host_.now() + kFirstPause * (1 << (announcements_ - 1)));
}

void Router::handle_nat_pmp(const Endpoint& client, Bytes packet) {
  ByteReader reader(packet);
  const std::uint8_t version = reader.u8();
  const std::uint8_t opcode = reader.u8();
  if (version == kNatPmpVersion && (opcode == 1 || opcode == 2)) {
    return handle_nat_pmp_map(client, opcode, reader);
  }
  std::array<std::uint8_t, 12> space;
  ByteWriter writer(space);
  writer.u8(kNatPmpVersion);
  writer.u8(opcode | kIsResponse);
  if (version != kNatPmpVersion) {
    writer.u16(kUnsupportedVersion);
    writer.u32(epoch());
  } else if (opcode != 0) {
    writer.u16(kUnsupportedOpcode);
    writer.u32(epoch());
  } else {
    writer.u16(kSuccess);
    writer.u32(epoch());
    writer.bytes(nat_.external_for(client.address).bytes());
  }
  answer(client, writer.written());
}

void Router::handle_nat_pmp_map(const Endpoint& client, std::uint8_t opcode, ByteReader& reader) {
  reader.skip(2);
  const std::uint16_t internal_port = reader.u16();
  std::uint16_t external_port = reader.u16();
  std::uint32_t lifetime = reader.u32();
  if (!reader.ok()) return;  // RFC 6886 does not say what a short request gets.
  const Protocol protocol = opcode == 1 ? Protocol::kUdp : Protocol::kTcp;
  const Endpoint internal{client.address, internal_port};
  std::uint16_t result = kSuccess;
  if (options_.refuses) {
    result = kNotAuthorized;
  } else if (lifetime == 0) {
    // RFC 6886 section 3.4; port 0 stands for all of the client's.
    external_port = 0;
    for (const Nat::DynamicMapping& mapping : nat_.dynamic_mappings()) {
      const bool is_theirs =
          mapping.protocol == protocol && mapping.internal.address == client.address;
      if (!is_theirs || (internal_port != 0 && mapping.internal != internal)) continue;
      nat_.unmap_dynamic(protocol, mapping.internal);
    }
  } else if (is_full() && !is_mapped(protocol, internal)) {
    result = kOutOfResources;
  } else {
    const auto longest = std::chrono::duration_cast<std::chrono::seconds>(options_.max_lifetime);
    lifetime = static_cast<std::uint32_t>(std::min<std::int64_t>(lifetime, longest.count()));
    const auto external =
        nat_.map_dynamic(protocol, internal, external_port, std::chrono::seconds(lifetime));
    if (!external) result = kOutOfResources;
    external_port = external ? external->port : 0;
  }
  std::array<std::uint8_t, 16> space;
  ByteWriter writer(space);
  writer.u8(kNatPmpVersion);
  writer.u8(opcode | kIsResponse);
  writer.u16(result);
  writer.u32(epoch());
  writer.u16(internal_port);
  writer.u16(result == kSuccess ? external_port : 0);
  writer.u32(result == kSuccess ? lifetime : 0);
  answer(client, writer.written());
}

}  // namespace floe::net::sim
