#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "floe/core/bytes.h"
#include "floe/rtp/rtcp_packets.h"

namespace floe::rtp {

/// RFC 3550 section 6.4.1: the count has five bits.
inline constexpr std::size_t kMaxReportBlocks = 31;

/// Writes RTCP packets behind one another, in place. Each call writes a whole packet and answers
/// true, or, where the space does not suffice, nothing and false; what was written before stands.
///
/// A compound packet (RFC 3550 section 6.1) begins with a report and has a CNAME; reduced-size ones
/// (RFC 5506, a=rtcp-rsize) may have any packets.
class RtcpWriter {
 public:
  explicit RtcpWriter(MutableBytes space) : space_(space) {}

  /// At most `kMaxReportBlocks` blocks in each.
  bool sender_report(const SenderReport& report, std::span<const ReportBlock> blocks);
  bool receiver_report(std::uint32_t sender, std::span<const ReportBlock> blocks);
  /// `cname` has at most 255 bytes.
  bool cname(std::uint32_t ssrc, std::string_view cname);
  /// At most 31 sources; a reason has at most 255 bytes.
  bool bye(std::span<const std::uint32_t> sources, std::string_view reason = {});
  /// `app.name` has four characters, the content a multiple of four bytes.
  bool app(const App& app);
  /// RFC 3611 sections 4.4 and 4.5.
  bool reference_time(std::uint32_t sender, NtpTime now);
  bool dlrr(std::uint32_t sender, std::span<const DlrrRecord> records);

  /// As many of the sequence numbers, which ascend, as fit; returns how many. RFC 4585.
  std::size_t nack(std::uint32_t sender, std::uint32_t media,
                   std::span<const std::uint16_t> sequences);
  bool picture_loss_indication(std::uint32_t sender, std::uint32_t media);
  bool full_intra_request(std::uint32_t sender, std::span<const FirEntry> entries);
  /// At most 255 sources. The bitrate is rounded down to 18 significant bits.
  bool remb(std::uint32_t sender, std::uint64_t bitrate, std::span<const std::uint32_t> sources);
  /// A body from `TransportFeedbackBuilder`, whose size is a multiple of four.
  bool transport_feedback(Bytes body);

  std::size_t size() const { return size_; }
  std::size_t space_left() const { return space_.size() - size_; }
  MutableBytes written() const { return space_.first(size_); }

 private:
  template <typename F>
  bool packet(std::uint8_t count, RtcpType type, F&& body);

  MutableBytes space_;
  std::size_t size_ = 0;
};

}  // namespace floe::rtp
