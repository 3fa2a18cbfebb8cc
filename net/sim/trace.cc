#include "floe/net/sim/trace.h"

#include <cstdio>
#include <fstream>

namespace floe::net::sim {
namespace {

std::uint64_t mix(std::uint64_t digest, std::uint64_t word) {
  digest = (digest ^ word) * 0x9e3779b97f4a7c15;
  return digest ^ digest >> 32;
}

std::uint64_t mix(std::uint64_t digest, Bytes bytes) {
  ByteReader reader(bytes);
  digest = mix(digest, bytes.size());
  while (reader.remaining() >= 8) digest = mix(digest, reader.u64());
  while (reader.remaining() > 0) digest = mix(digest, reader.u8());
  return digest;
}

std::uint64_t mix(std::uint64_t digest, const Endpoint& endpoint) {
  return mix(mix(digest, endpoint.address.bytes()), endpoint.port);
}

}  // namespace

void Trace::start(const Options& options) {
  on_ = true;
  options_ = options;
  records_.clear();
  payloads_.clear();
  records_lost_ = 0;
  digest_ = 0;
  shape_digest_ = 0;
}

std::uint32_t Trace::add_place(const std::string& name) {
  places_.push_back(name);
  return static_cast<std::uint32_t>(places_.size() - 1);
}

Bytes Trace::payload(const Record& record) const {
  if (!record.has_payload) return {};
  return Bytes(payloads_).subspan(record.payload_at, record.payload_size);
}

void Trace::record(Time now, std::uint32_t place, const Packet& packet, Verdict verdict) {
  const auto kind =
      static_cast<std::uint64_t>(verdict) << 8 | static_cast<std::uint64_t>(packet.protocol);
  std::uint64_t shape =
      mix(shape_digest_, static_cast<std::uint64_t>(now.time_since_epoch().count()));
  shape = mix(mix(shape, std::uint64_t{place} << 32 | kind), packet.payload.size());
  shape_digest_ = mix(mix(shape, packet.source), packet.destination);

  digest_ = mix(mix(digest_, shape_digest_), Bytes(packet.payload));
  digest_ = mix(mix(digest_, packet.tcp.sequence), packet.tcp.acknowledgment);
  digest_ = mix(digest_, std::uint64_t{packet.tcp.window} << 8 | packet.tcp.flags);

  if (!options_.records) return;
  const std::size_t kept = options_.payloads ? packet.payload.size() : 0;
  if (records_.size() >= kMaxRecords || payloads_.size() + kept > kMaxPayloadBytes) {
    ++records_lost_;
    return;
  }
  records_.push_back({now, verdict, packet.protocol, options_.payloads, place, packet.source,
                      packet.destination, packet.tcp,
                      static_cast<std::uint32_t>(packet.payload.size()), payloads_.size()});
  if (kept > 0) payloads_.insert(payloads_.end(), packet.payload.begin(), packet.payload.end());
}

std::string Trace::text() const {
  std::string text;
  for (const Record& record : records_) {
    const auto nanoseconds = record.time.time_since_epoch().count();
    char time[32];
    std::snprintf(time, sizeof time, "%lld.%09lld",
                  static_cast<long long>(nanoseconds / 1'000'000'000),
                  static_cast<long long>(nanoseconds % 1'000'000'000));
    text += std::string(time) + ' ' + place_name(record) +
            (record.protocol == Protocol::kUdp ? " UDP " : " TCP ") + record.source.to_string() +
            " > " + record.destination.to_string() + ' ' + std::to_string(record.payload_size) +
            ' ';
    text += to_string(record.verdict);
    text += '\n';
  }
  return text;
}

Result<> Trace::write_pcapng(const std::string& path) const {
  const std::vector<std::uint8_t> capture = pcapng();
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(capture.data()),
             static_cast<std::streamsize>(capture.size()));
  file.close();
  if (!file) return fail(Errc::kPermissionDenied, "cannot write " + path);
  return {};
}

}  // namespace floe::net::sim
