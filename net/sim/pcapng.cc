#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "floe/core/bytes.h"
#include "floe/net/sim/trace.h"
#include "floe/net/sim/virtual_clock.h"

// The capture file format of draft-ietf-opsawg-pcapng. Its blocks are in the byte order of their
// writer, here little-endian throughout; the packets in them are in network order.
namespace floe::net::sim {
namespace {

constexpr std::uint32_t kSectionHeader = 0x0a0d0d0a;
constexpr std::uint32_t kByteOrderMagic = 0x1a2b3c4d;
constexpr std::uint32_t kInterfaceDescription = 1;
constexpr std::uint32_t kEnhancedPacket = 6;
constexpr std::uint16_t kLinkTypeRaw = 101;  // Packets begin with the IPv4 or IPv6 header.
constexpr std::uint16_t kEndOfOptions = 0;
constexpr std::uint16_t kComment = 1;
constexpr std::uint16_t kInterfaceName = 2;
constexpr std::uint16_t kTimeResolution = 9;
constexpr std::uint16_t kPacketFlags = 2;
constexpr std::uint32_t kInbound = 1;
constexpr std::uint32_t kOutbound = 2;

/// One block, closed (its length written at both ends) when it is destroyed.
class Block {
 public:
  Block(std::vector<std::uint8_t>& out, std::uint32_t type) : out_(out), start_(out.size()) {
    u32(type);
    u32(0);
  }
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;
  ~Block() {
    const auto length = static_cast<std::uint32_t>(out_.size() - start_ + 4);
    u32(length);
    for (std::size_t i = 0; i < 4; ++i) {
      out_[start_ + 4 + i] = static_cast<std::uint8_t>(length >> (8 * i));
    }
  }

  void u16(std::uint16_t value) { integer(value, 2); }
  void u32(std::uint32_t value) { integer(value, 4); }
  void padded(Bytes bytes) {
    out_.insert(out_.end(), bytes.begin(), bytes.end());
    while ((out_.size() - start_) % 4 != 0) out_.push_back(0);
  }
  void option(std::uint16_t code, Bytes value) {
    u16(code);
    u16(static_cast<std::uint16_t>(value.size()));
    padded(value);
  }

 private:
  void integer(std::uint64_t value, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) {
      out_.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
    }
  }

  std::vector<std::uint8_t>& out_;
  std::size_t start_;
};

// The Internet checksum (RFC 1071) of what it is fed; pieces but the last are of even size.
class Checksum {
 public:
  void add(Bytes bytes) {
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      sum_ += i % 2 == 0 ? bytes[i] << 8 : bytes[i];
    }
  }
  void add(std::uint64_t value) { sum_ += value; }
  std::uint16_t value() const {
    std::uint64_t sum = sum_;
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
  }

 private:
  std::uint64_t sum_ = 0;
};

constexpr std::uint8_t protocol_number(Protocol protocol) {
  return protocol == Protocol::kUdp ? 17 : 6;
}

void write_ip(ByteWriter& out, const Trace::Record& record, std::size_t transport_size) {
  const Bytes source = record.source.address.bytes();
  const Bytes destination = record.destination.address.bytes();
  if (record.source.address.is_v6()) {
    out.u32(0x6000'0000);
    out.u16(static_cast<std::uint16_t>(transport_size));
    out.u8(protocol_number(record.protocol));
    out.u8(64);
    out.bytes(source);
    out.bytes(destination);
    return;
  }
  out.u16(0x4500);
  out.u16(static_cast<std::uint16_t>(20 + transport_size));
  out.u32(0x0000'4000);  // Don't fragment.
  out.u8(64);
  out.u8(protocol_number(record.protocol));
  out.u16(0);
  out.bytes(source);
  out.bytes(destination);
  Checksum checksum;
  checksum.add(Bytes(out.written()));
  out.patch_u16(10, checksum.value());
}

// RFC 768 and RFC 9293 section 3.1, and the pseudo header of both (RFC 8200 section 8.1).
void write_transport(ByteWriter& out, const Trace::Record& record, Bytes payload) {
  const std::size_t start = out.size();
  const bool is_udp = record.protocol == Protocol::kUdp;
  const std::size_t header_size = is_udp ? 8 : 20;
  out.u16(record.source.port);
  out.u16(record.destination.port);
  if (is_udp) {
    out.u16(static_cast<std::uint16_t>(header_size + record.payload_size));
    out.u16(0);
  } else {
    out.u32(static_cast<std::uint32_t>(record.tcp.sequence));
    out.u32(static_cast<std::uint32_t>(record.tcp.acknowledgment));
    out.u8(0x50);
    out.u8(record.tcp.flags);
    out.u16(static_cast<std::uint16_t>(std::min(record.tcp.window, std::uint32_t{0xffff})));
    out.u32(0);
  }
  Checksum checksum;
  checksum.add(record.source.address.bytes());
  checksum.add(record.destination.address.bytes());
  checksum.add(header_size + record.payload_size);
  checksum.add(protocol_number(record.protocol));
  checksum.add(Bytes(out.written()).subspan(start));
  checksum.add(payload);
  std::uint16_t value = checksum.value();
  if (is_udp && value == 0) value = 0xffff;  // 0 would mean "none".
  out.patch_u16(start + (is_udp ? 6 : 16), value);
}

void write_section(std::vector<std::uint8_t>& out) {
  Block block(out, kSectionHeader);
  block.u32(kByteOrderMagic);
  block.u16(1);  // Version 1.0.
  block.u16(0);
  block.u32(0xffff'ffff);  // The section's length is not given.
  block.u32(0xffff'ffff);
}

void write_interface(std::vector<std::uint8_t>& out, std::string_view name) {
  Block block(out, kInterfaceDescription);
  block.u16(kLinkTypeRaw);
  block.u16(0);
  block.u32(0);  // Packets are not cut.
  block.option(kInterfaceName, as_bytes(name));
  const std::uint8_t nanoseconds = 9;
  block.option(kTimeResolution, Bytes(&nanoseconds, 1));
  block.option(kEndOfOptions, {});
}

void write_packet(std::vector<std::uint8_t>& out, const Trace::Record& record, Bytes payload) {
  std::uint8_t header[40 + 20];
  ByteWriter writer(header);
  const std::size_t transport =
      (record.protocol == Protocol::kUdp ? 8u : 20u) + record.payload_size;
  write_ip(writer, record, transport);
  write_transport(writer, record, payload);
  std::vector<std::uint8_t> packet = to_vector(writer.written());
  packet.insert(packet.end(), payload.begin(), payload.end());

  const auto time =
      static_cast<std::uint64_t>((record.time.time_since_epoch() + VirtualClock::kEpoch).count());
  const std::size_t full_size = writer.size() + record.payload_size;
  Block block(out, kEnhancedPacket);
  block.u32(record.place);
  block.u32(static_cast<std::uint32_t>(time >> 32));
  block.u32(static_cast<std::uint32_t>(time));
  block.u32(static_cast<std::uint32_t>(packet.size()));
  block.u32(static_cast<std::uint32_t>(full_size));
  block.padded(packet);
  if (is_drop(record.verdict)) {
    const std::string comment = "dropped: " + std::string(to_string(record.verdict));
    block.option(kComment, as_bytes(comment));
  } else {
    const std::uint8_t flags[4] = {
        static_cast<std::uint8_t>(record.verdict == Verdict::kSent ? kOutbound : kInbound)};
    block.option(kPacketFlags, flags);
  }
  block.option(kEndOfOptions, {});
}

}  // namespace

std::vector<std::uint8_t> Trace::pcapng() const {
  std::vector<std::uint8_t> capture;
  write_section(capture);
  for (const std::string& place : places_) write_interface(capture, place);
  for (const Record& record : records_) write_packet(capture, record, payload(record));
  return capture;
}

}  // namespace floe::net::sim
