#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

#include "floe/core/bytes.h"
#include "floe/core/time.h"
#include "floe/rtp/ntp_time.h"
#include "floe/rtp/transport_feedback.h"

// What RTCP carries, as views of the bytes that were read. `RtcpReader` makes them, `RtcpWriter`
// writes them.
namespace floe::rtp {

/// Records of a fixed size behind one another; reads each when it is asked for.
/// T has `kSize` and `static T read(ByteReader&)`.
template <typename T>
class Records {
 public:
  class Iterator {
   public:
    Iterator(const Records* records, std::size_t index) : records_(records), index_(index) {}
    T operator*() const { return (*records_)[index_]; }
    Iterator& operator++() {
      ++index_;
      return *this;
    }
    bool operator!=(const Iterator& other) const { return index_ != other.index_; }

   private:
    const Records* records_;
    std::size_t index_;
  };

  Records() = default;
  /// Bytes at the end that make no whole record are left out.
  explicit Records(Bytes bytes) : bytes_(bytes.first(bytes.size() / T::kSize * T::kSize)) {}
  std::size_t size() const { return bytes_.size() / T::kSize; }
  bool empty() const { return bytes_.empty(); }
  /// `index` is less than `size()`.
  T operator[](std::size_t index) const {
    ByteReader reader(bytes_.subspan(index * T::kSize, T::kSize));
    return T::read(reader);
  }
  Iterator begin() const { return {this, 0}; }
  Iterator end() const { return {this, size()}; }

 private:
  Bytes bytes_;
};

/// RFC 3550 section 6.4.1: what a receiver says about one source.
struct ReportBlock {
  static constexpr std::size_t kSize = 24;
  std::uint32_t ssrc = 0;
  std::uint8_t fraction_lost = 0;      ///< Since the last report, in 1/256.
  std::int32_t cumulative_lost = 0;    ///< 24 bits; negative if there were duplicates.
  std::uint32_t highest_sequence = 0;  ///< With the number of wraps in its upper half.
  std::uint32_t jitter = 0;            ///< In units of the RTP timestamp.
  std::uint32_t last_report = 0;       ///< LSR: compact NTP time of the last SR; 0: there was none.
  std::uint32_t delay = 0;             ///< DLSR: since then, in 1/65,536 s.
  static ReportBlock read(ByteReader& reader);
  void write(ByteWriter& writer) const;
  friend bool operator==(const ReportBlock&, const ReportBlock&) = default;
};

struct SenderReport {
  std::uint32_t sender = 0;
  NtpTime ntp{};
  std::uint32_t timestamp = 0;  ///< The RTP timestamp of the same instant.
  std::uint32_t packets = 0;
  std::uint32_t octets = 0;  ///< Of payload, without headers and padding.
  Records<ReportBlock> reports{};
};

struct ReceiverReport {
  std::uint32_t sender = 0;
  Records<ReportBlock> reports{};
};

/// RFC 3550 section 12.2, RFC 8852, RFC 9143.
enum class SdesType : std::uint8_t {
  kCname = 1,
  kRid = 12,
  kRepairedRid = 13,
  kMid = 15,
};
struct SdesItem {
  std::uint32_t ssrc = 0;
  SdesType type = SdesType::kCname;  ///< May be one without a name here.
  std::string_view text{};
};
/// Walks the items of all chunks.
class SdesReader {
 public:
  explicit SdesReader(Bytes chunks) : reader_(chunks) {}
  std::optional<SdesItem> next();

 private:
  ByteReader reader_;
  std::uint32_t ssrc_ = 0;
  bool in_chunk_ = false;
};
struct SourceDescription {
  Bytes chunks{};
  SdesReader items() const { return SdesReader(chunks); }
};

struct Ssrc {
  static constexpr std::size_t kSize = 4;
  std::uint32_t value = 0;
  static Ssrc read(ByteReader& reader) { return {reader.u32()}; }
};

struct Bye {
  Records<Ssrc> sources{};
  std::string_view reason{};
};

struct App {
  std::uint8_t subtype = 0;  ///< 0 to 31.
  std::uint32_t sender = 0;
  std::string_view name{};  ///< Four characters.
  Bytes content{};
};

/// RFC 3611 section 4.5: for each source, what a receiver's reference time has become.
struct DlrrRecord {
  static constexpr std::size_t kSize = 12;
  std::uint32_t ssrc = 0;
  std::uint32_t last_report = 0;  ///< LRR: compact NTP time; 0: there was none.
  std::uint32_t delay = 0;        ///< DLRR, in 1/65,536 s.
  static DlrrRecord read(ByteReader& reader);
};
/// One block of RFC 3611; those without accessors are still walked over.
struct XrBlock {
  std::uint8_t type = 0;
  std::uint8_t type_specific = 0;
  Bytes body{};
  /// Receiver Reference Time Report (section 4.4).
  std::optional<NtpTime> reference_time() const;
  /// DLRR (section 4.5).
  std::optional<Records<DlrrRecord>> dlrr() const;
};
class XrReader {
 public:
  explicit XrReader(Bytes blocks) : reader_(blocks) {}
  std::optional<XrBlock> next();

 private:
  ByteReader reader_;
};
struct ExtendedReport {
  std::uint32_t sender = 0;
  Bytes blocks_bytes{};
  XrReader blocks() const { return XrReader(blocks_bytes); }
};

/// RFC 4585 section 6.2.1.
struct NackPair {
  static constexpr std::size_t kSize = 4;
  std::uint16_t first = 0;
  std::uint16_t following = 0;  ///< Bit i: `first` + i + 1 is lost too.
  static NackPair read(ByteReader& reader);
};
struct Nack {
  std::uint32_t sender = 0;
  std::uint32_t media = 0;
  Records<NackPair> pairs{};
  /// Calls `f(std::uint16_t)` for each sequence number.
  template <typename F>
  void for_each(F&& f) const {
    for (const NackPair pair : pairs) {
      f(pair.first);
      for (unsigned bit = 0; bit < 16; ++bit) {
        if ((pair.following >> bit & 1) != 0) f(static_cast<std::uint16_t>(pair.first + bit + 1));
      }
    }
  }
};

/// RFC 4585 section 6.3.1.
struct PictureLossIndication {
  std::uint32_t sender = 0;
  std::uint32_t media = 0;
};

/// RFC 5104 section 4.3.1.
struct FirEntry {
  static constexpr std::size_t kSize = 8;
  std::uint32_t ssrc = 0;
  std::uint8_t sequence = 0;  ///< A repeated one is the same request.
  static FirEntry read(ByteReader& reader);
};
struct FullIntraRequest {
  std::uint32_t sender = 0;
  Records<FirEntry> entries{};
};

/// draft-alvestrand-rmcat-remb section 2.2.
struct Remb {
  std::uint32_t sender = 0;
  std::uint64_t bitrate = 0;  ///< Bits a second, for all of `sources` together.
  Records<Ssrc> sources{};
};

using RtcpPacket =
    std::variant<SenderReport, ReceiverReport, SourceDescription, Bye, App, ExtendedReport, Nack,
                 PictureLossIndication, FullIntraRequest, Remb, TransportFeedback>;

/// IANA's numbers (RFC 3550 section 12.1, RFC 4585, RFC 3611).
enum class RtcpType : std::uint8_t {
  kSenderReport = 200,
  kReceiverReport = 201,
  kSourceDescription = 202,
  kBye = 203,
  kApp = 204,
  kTransportFeedback = 205,
  kPayloadFeedback = 206,
  kExtendedReport = 207,
};

/// "FMT" of feedback (RFC 4585 section 6.1, RFC 5104 section 4.3).
inline constexpr std::uint8_t kFormatNack = 1;
inline constexpr std::uint8_t kFormatTransportWide = 15;
inline constexpr std::uint8_t kFormatPictureLoss = 1;
inline constexpr std::uint8_t kFormatFullIntra = 4;
inline constexpr std::uint8_t kFormatApplicationLayer = 15;

}  // namespace floe::rtp
