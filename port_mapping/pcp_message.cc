#include "floe/port_mapping/pcp_message.h"

namespace floe::port_mapping::pcp {
namespace {

constexpr std::size_t kHeader = 24;
constexpr std::size_t kMapSize = 36;
constexpr std::size_t kMaxMessage = 1'100;  // RFC 6887 section 7
constexpr std::uint8_t kResponseBit = 0x80;

/// RFC 6887 section 5: IPv4 addresses in IPv4-mapped form; unspecified ones too.
void write_address(ByteWriter& out, const net::Address& address) {
  if (address.is_v4()) {
    out.zeros(10);
    out.u16(0xffff);
  }
  out.bytes(address.bytes());
}

net::Address read_address(ByteReader& in) {
  const Bytes bytes = in.bytes(16);
  if (bytes.size() != 16) return {};
  const net::Address address = net::Address::v6(bytes.first<16>());
  return address.is_v4_mapped() ? net::Address::v4(bytes.last<4>()) : address;
}

}  // namespace

std::vector<std::uint8_t> MapRequest::write() const {
  std::vector<std::uint8_t> space(kHeader + kMapSize);
  ByteWriter out(space);
  out.u8(kVersion);
  out.u8(kMap);
  out.u16(0);
  out.u32(lifetime);
  write_address(out, request.internal.address);
  out.bytes(nonce);
  out.u8(static_cast<std::uint8_t>(request.protocol));
  out.u24(0);
  out.u16(request.internal.port);
  out.u16(suggested_external.port);
  write_address(out, suggested_external.address);
  return space;
}

std::optional<Response> Response::parse(Bytes bytes) {
  if (bytes.size() < kHeader || bytes.size() > kMaxMessage || bytes.size() % 4 != 0) return {};
  ByteReader in(bytes);
  if (in.u8() != kVersion) return std::nullopt;
  const std::uint8_t opcode = in.u8();
  if ((opcode & kResponseBit) == 0) return std::nullopt;
  Response response;
  response.opcode = opcode & ~kResponseBit;
  in.skip(1);
  response.result = in.u8();
  response.lifetime = in.u32();
  response.epoch = in.u32();
  in.skip(12);
  if (response.opcode == kMap && in.remaining() >= kMapSize) {
    Map map;
    const Bytes nonce = in.bytes(map.nonce.size());
    std::copy(nonce.begin(), nonce.end(), map.nonce.begin());
    map.protocol = in.u8();
    in.skip(3);
    map.internal_port = in.u16();
    map.external.port = in.u16();
    map.external.address = read_address(in);
    response.map = map;
  }
  return response;
}

std::string describe_result(std::uint8_t result) {
  switch (result) {
    case 1:
      return "does not know this version";
    case 2:
      return "does not permit mappings";
    case 3:
      return "found the request malformed";
    case 4:
      return "cannot map ports (unsupported opcode)";
    case 5:
    case 6:
      return "does not understand an option";
    case 7:
      return "has no connection outside itself";
    case 8:
      return "has no ports or memory left";
    case 9:
      return "cannot map this protocol";
    case 10:
      return "has granted this host all it may have";
    case 11:
      return "cannot provide the external address asked for";
    case 12:
      return "sees another source address: there is a NAT before it";
    case 13:
      return "cannot filter so many peers";
    default:
      return "answered with the unknown code " + std::to_string(result);
  }
}

}  // namespace floe::port_mapping::pcp
