#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "floe/core/bytes.h"
#include "floe/core/result.h"
#include "floe/core/time.h"
#include "floe/net/endpoint.h"
#include "floe/net/sim/packet.h"
#include "floe/net/sim/verdict.h"

namespace floe::net::sim {

/// Records what every packet met: once at each attachment it left from ("sent"), and once where it
/// ended ("delivered", or why it was dropped). Off until started, and then costs nothing.
class Trace {
 public:
  struct Options {
    bool records = true;  ///< False: only the digests are kept.
    bool payloads = true;
  };
  struct Record {
    Time time;
    Verdict verdict = Verdict::kSent;
    Protocol protocol = Protocol::kUdp;
    bool has_payload = true;
    std::uint32_t place = 0;  ///< See `place_name`.
    Endpoint source;
    Endpoint destination;
    TcpHeader tcp;
    std::uint32_t payload_size = 0;
    std::uint64_t payload_at = 0;  ///< For `payload`.
  };
  /// Enough for a long run, small enough not to exhaust a test machine; later records only enter
  /// the digests.
  static constexpr std::size_t kMaxRecords = 1 << 21;
  static constexpr std::size_t kMaxPayloadBytes = std::size_t{512} << 20;

  bool on() const { return on_; }
  void start(const Options& options = {true, true});
  void stop() { on_ = false; }

  std::span<const Record> records() const { return records_; }
  /// The attachment's name, "alice/eth0".
  const std::string& place_name(const Record& record) const { return places_[record.place]; }
  /// Empty when payloads are not kept.
  Bytes payload(const Record& record) const;
  /// Records that came after a bound was reached.
  std::uint64_t records_lost() const { return records_lost_; }

  /// Over everything since `start`: times, places, verdicts, headers and payloads.
  std::uint64_t digest() const { return digest_; }
  /// The same without payloads and TCP numbers: times, places, verdicts, endpoints, sizes. For runs
  /// with libraries that draw randomness of their own.
  std::uint64_t shape_digest() const { return shape_digest_; }
  /// One line a record.
  std::string text() const;
  /// A capture for Wireshark: one interface per attachment, raw IP with right checksums, and a
  /// comment on each packet that was dropped.
  std::vector<std::uint8_t> pcapng() const;
  [[nodiscard]] Result<> write_pcapng(const std::string& path) const;

 private:
  friend class Fabric;
  std::uint32_t add_place(const std::string& name);
  void record(Time now, std::uint32_t place, const Packet& packet, Verdict verdict);

  bool on_ = false;
  Options options_;
  std::vector<std::string> places_;
  std::vector<Record> records_;
  std::vector<std::uint8_t> payloads_;
  std::uint64_t records_lost_ = 0;
  std::uint64_t digest_ = 0;
  std::uint64_t shape_digest_ = 0;
};

}  // namespace floe::net::sim
