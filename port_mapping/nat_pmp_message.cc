#include "floe/port_mapping/nat_pmp_message.h"

namespace floe::port_mapping::nat_pmp {
namespace {

constexpr std::uint8_t kMapUdp = 1;
constexpr std::uint8_t kMapTcp = 2;
constexpr std::uint8_t kResponseBit = 0x80;
constexpr std::size_t kMaxMessage = 1'100;  // RFC 6887 section 7 speaks for both.

}  // namespace

std::vector<std::uint8_t> address_request() {
  return {kVersion, kAddressOpcode};
}

std::vector<std::uint8_t> map_request(const Request& request, std::uint16_t suggested_port,
                                      std::uint32_t lifetime) {
  std::vector<std::uint8_t> space(12);
  ByteWriter out(space);
  out.u8(kVersion);
  out.u8(request.protocol == Protocol::kUdp ? kMapUdp : kMapTcp);
  out.u16(0);
  out.u16(request.internal.port);
  out.u16(suggested_port);
  out.u32(lifetime);
  return space;
}

std::optional<Response> Response::parse(Bytes bytes) {
  if (bytes.size() > kMaxMessage) return std::nullopt;
  ByteReader in(bytes);
  if (in.u8() != kVersion) return std::nullopt;
  const std::uint8_t opcode = in.u8();
  Response response;
  response.opcode = opcode & ~kResponseBit;
  response.result = in.u16();
  response.epoch = in.u32();
  if (!in.ok() || (opcode & kResponseBit) == 0) return std::nullopt;
  if (response.result != kSuccess) return response;
  if (response.opcode == kAddressOpcode) {
    const Bytes address = in.bytes(4);
    if (!in.ok()) return std::nullopt;
    response.address = net::Address::v4(address.first<4>());
  } else if (response.opcode == kMapUdp || response.opcode == kMapTcp) {
    Map map;
    map.protocol = response.opcode == kMapUdp ? Protocol::kUdp : Protocol::kTcp;
    map.internal_port = in.u16();
    map.external_port = in.u16();
    map.lifetime = in.u32();
    if (!in.ok()) return std::nullopt;
    response.map = map;
  }
  return response;
}

std::string describe_result(std::uint16_t result) {
  switch (result) {
    case 1:
      return "does not know this version";
    case 2:
      return "does not permit mappings";
    case 3:
      return "has no connection outside itself";
    case 4:
      return "has no ports or memory left";
    case 5:
      return "cannot map ports (unsupported opcode)";
    default:
      return "answered with the unknown code " + std::to_string(result);
  }
}

}  // namespace floe::port_mapping::nat_pmp
