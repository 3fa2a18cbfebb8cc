#include <algorithm>
#include <optional>

#include "floe/net/sim/router.h"

// The Port Control Protocol (RFC 6887): MAP and ANNOUNCE.
namespace floe::net::sim {
namespace {

constexpr std::uint8_t kVersion = 2;
constexpr std::uint8_t kIsResponse = 0x80;
constexpr std::uint8_t kAnnounce = 0;
constexpr std::uint8_t kMap = 1;
constexpr std::uint8_t kPreferFailure = 2;          // Option, section 13.2.
constexpr std::uint8_t kFirstOptionalOption = 128;  // Others must be understood (section 7.3).
constexpr std::size_t kMaxPacket = 1100;            // Section 7.
constexpr std::size_t kHeaderSize = 24;
constexpr std::uint8_t kTcpNumber = 6;
constexpr std::uint8_t kUdpNumber = 17;
/// How long an error is likely to last: refusals 30 minutes, want of resources 30 seconds (7.4).
constexpr std::uint32_t kLongError = 1800;
constexpr std::uint32_t kShortError = 30;

// Section 7.4.
enum Result : std::uint8_t {
  kSuccess = 0,
  kUnsupportedVersion = 1,
  kNotAuthorized = 2,
  kMalformedRequest = 3,
  kUnsupportedOpcode = 4,
  kUnsupportedOption = 5,
  kNoResources = 8,
  kUnsupportedProtocol = 9,
  kCannotProvideExternal = 11,
  kAddressMismatch = 12,
};

/// Section 5: IPv4 addresses travel as IPv4-mapped IPv6 ones.
std::array<std::uint8_t, 16> mapped(const Address& address) {
  std::array<std::uint8_t, 16> bytes{};
  bytes[10] = bytes[11] = 0xff;
  std::ranges::copy(address.bytes(), bytes.begin() + 12);
  return bytes;
}

}  // namespace

struct Router::PcpRequest {
  std::uint8_t opcode = 0;
  std::uint32_t lifetime = 0;
  Nonce nonce{};
  std::uint8_t protocol = 0;
  std::uint16_t internal_port = 0;
  std::uint16_t external_port = 0;
  std::array<std::uint8_t, 16> external_address{};
  bool prefer_failure = false;
  Bytes data{};  ///< What follows the header, as it came.
};

void Router::handle_pcp(const Endpoint& client, Bytes packet) {
  ByteReader reader(packet);
  PcpRequest request;
  const std::uint8_t version = reader.u8();
  request.opcode = reader.u8();
  reader.skip(2);
  request.lifetime = reader.u32();
  const Bytes client_address = reader.bytes(16);
  request.data = packet.subspan(reader.position());
  if (version != kVersion) return answer_pcp(client, request, kUnsupportedVersion);
  if (!reader.ok() || packet.size() > kMaxPacket || packet.size() % 4 != 0) {
    return answer_pcp(client, request, kMalformedRequest);
  }
  if (!std::ranges::equal(client_address, mapped(client.address))) {
    return answer_pcp(client, request, kAddressMismatch);
  }
  if (request.opcode == kAnnounce) return answer_pcp(client, request, kSuccess);
  if (request.opcode != kMap) return answer_pcp(client, request, kUnsupportedOpcode);

  std::ranges::copy(reader.bytes(request.nonce.size()), request.nonce.begin());
  request.protocol = reader.u8();
  reader.skip(3);
  request.internal_port = reader.u16();
  request.external_port = reader.u16();
  std::ranges::copy(reader.bytes(request.external_address.size()),
                    request.external_address.begin());
  while (reader.ok() && reader.remaining() >= 4) {
    const std::uint8_t code = reader.u8();
    reader.skip(1);
    const std::uint16_t size = reader.u16();
    reader.skip((size + 3u) / 4 * 4);
    if (code == kPreferFailure) {
      request.prefer_failure = true;
    } else if (code < kFirstOptionalOption) {
      return answer_pcp(client, request, kUnsupportedOption);
    }
  }
  if (!reader.ok()) return answer_pcp(client, request, kMalformedRequest);
  answer_pcp(client, request, map_for_pcp(client, request));
}

std::uint8_t Router::map_for_pcp(const Endpoint& client, PcpRequest& request) {
  if (options_.refuses) return kNotAuthorized;
  if (request.protocol != kUdpNumber && request.protocol != kTcpNumber) {
    // 0 is "all protocols": a NAT that shares its address cannot give that (section 11.1).
    return kUnsupportedProtocol;
  }
  if (request.internal_port == 0) return kNoResources;
  const Protocol protocol = request.protocol == kUdpNumber ? Protocol::kUdp : Protocol::kTcp;
  const Endpoint internal{client.address, request.internal_port};
  const bool is_known = is_mapped(protocol, internal);
  const auto owner = nonces_.find({protocol, internal});
  if (is_known && owner != nonces_.end() && owner->second != request.nonce) return kNotAuthorized;
  if (request.lifetime == 0) return unmap_for_pcp(protocol, internal, request);
  if (is_full() && !is_known) return kNoResources;

  const auto longest = std::chrono::duration_cast<std::chrono::seconds>(options_.max_lifetime);
  request.lifetime =
      static_cast<std::uint32_t>(std::min<std::int64_t>(request.lifetime, longest.count()));
  const auto external = nat_.map_dynamic(protocol, internal, request.external_port,
                                         std::chrono::seconds(request.lifetime));
  if (!external) return kNoResources;
  if (request.prefer_failure && external->port != request.external_port) {
    if (!is_known) nat_.unmap_dynamic(protocol, internal);
    return kCannotProvideExternal;
  }
  nonces_[{protocol, internal}] = request.nonce;
  request.external_port = external->port;
  request.external_address = mapped(external->address);
  return kSuccess;
}

std::uint8_t Router::unmap_for_pcp(Protocol protocol, const Endpoint& internal,
                                   PcpRequest& request) {
  nat_.unmap_dynamic(protocol, internal);
  nonces_.erase({protocol, internal});
  request.external_port = 0;
  request.external_address = {};
  return kSuccess;
}

void Router::answer_pcp(const Endpoint& client, const PcpRequest& request, std::uint8_t result) {
  std::array<std::uint8_t, kMaxPacket> space;
  ByteWriter writer(space);
  std::uint32_t lifetime = request.lifetime;
  if (result == kNoResources) lifetime = kShortError;
  if (result != kSuccess && result != kNoResources) lifetime = kLongError;
  writer.u8(kVersion);
  writer.u8(request.opcode | kIsResponse);
  writer.u8(0);
  writer.u8(result);
  writer.u32(lifetime);
  writer.u32(epoch());
  writer.zeros(12);
  if (result == kSuccess && request.opcode == kMap) {
    writer.bytes(request.nonce);
    writer.u8(request.protocol);
    writer.zeros(3);
    writer.u16(request.internal_port);
    writer.u16(request.external_port);
    writer.bytes(request.external_address);
  } else if (result != kSuccess) {
    // Section 8.2: an error repeats what was asked.
    writer.bytes(request.data.first(std::min(request.data.size(), kMaxPacket - kHeaderSize)));
  }
  answer(client, writer.written());
}

}  // namespace floe::net::sim
