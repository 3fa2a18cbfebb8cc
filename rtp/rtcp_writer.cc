#include "floe/rtp/rtcp_writer.h"

#include <algorithm>
#include <bit>

#include "floe/core/check.h"

namespace floe::rtp {
namespace {

constexpr std::size_t kHeader = 4;
constexpr std::uint8_t kXrReferenceTime = 4;
constexpr std::uint8_t kXrDlrr = 5;

void write_all(ByteWriter& writer, std::span<const ReportBlock> blocks) {
  for (const ReportBlock& block : blocks) block.write(writer);
}

void pad(ByteWriter& writer) {
  writer.zeros((4 - writer.size() % 4) % 4);
}

}  // namespace

template <typename F>
bool RtcpWriter::packet(std::uint8_t count, RtcpType type, F&& body) {
  ByteWriter writer(space_.subspan(size_));
  writer.u8(static_cast<std::uint8_t>(0x80 | count));
  writer.u8(static_cast<std::uint8_t>(type));
  writer.u16(0);
  body(writer);
  if (!writer.ok()) return false;
  FLOE_CHECK(writer.size() % 4 == 0);
  // RFC 3550 section 6.4.1: in 32-bit words minus one.
  writer.patch_u16(2, static_cast<std::uint16_t>(writer.size() / 4 - 1));
  size_ += writer.size();
  return true;
}

bool RtcpWriter::sender_report(const SenderReport& report, std::span<const ReportBlock> blocks) {
  FLOE_CHECK(blocks.size() <= kMaxReportBlocks);
  return packet(static_cast<std::uint8_t>(blocks.size()), RtcpType::kSenderReport,
                [&](ByteWriter& writer) {
                  writer.u32(report.sender);
                  writer.u64(report.ntp.value);
                  writer.u32(report.timestamp);
                  writer.u32(report.packets);
                  writer.u32(report.octets);
                  write_all(writer, blocks);
                });
}

bool RtcpWriter::receiver_report(std::uint32_t sender, std::span<const ReportBlock> blocks) {
  FLOE_CHECK(blocks.size() <= kMaxReportBlocks);
  return packet(static_cast<std::uint8_t>(blocks.size()), RtcpType::kReceiverReport,
                [&](ByteWriter& writer) {
                  writer.u32(sender);
                  write_all(writer, blocks);
                });
}

bool RtcpWriter::cname(std::uint32_t ssrc, std::string_view cname) {
  FLOE_CHECK(cname.size() <= 255);
  return packet(1, RtcpType::kSourceDescription, [&](ByteWriter& writer) {
    writer.u32(ssrc);
    writer.u8(static_cast<std::uint8_t>(SdesType::kCname));
    writer.u8(static_cast<std::uint8_t>(cname.size()));
    writer.bytes(as_bytes(cname));
    writer.u8(0);  // RFC 3550 section 6.5: at least one null ends the chunk.
    pad(writer);
  });
}

bool RtcpWriter::bye(std::span<const std::uint32_t> sources, std::string_view reason) {
  FLOE_CHECK(sources.size() <= 31 && reason.size() <= 255);
  return packet(static_cast<std::uint8_t>(sources.size()), RtcpType::kBye, [&](ByteWriter& writer) {
    for (const std::uint32_t source : sources) writer.u32(source);
    if (reason.empty()) return;
    writer.u8(static_cast<std::uint8_t>(reason.size()));
    writer.bytes(as_bytes(reason));
    pad(writer);
  });
}

bool RtcpWriter::app(const App& app) {
  FLOE_CHECK(app.name.size() == 4 && app.subtype < 32 && app.content.size() % 4 == 0);
  return packet(app.subtype, RtcpType::kApp, [&](ByteWriter& writer) {
    writer.u32(app.sender);
    writer.bytes(as_bytes(app.name));
    writer.bytes(app.content);
  });
}

bool RtcpWriter::reference_time(std::uint32_t sender, NtpTime now) {
  return packet(0, RtcpType::kExtendedReport, [&](ByteWriter& writer) {
    writer.u32(sender);
    writer.u8(kXrReferenceTime);
    writer.u8(0);
    writer.u16(2);
    writer.u64(now.value);
  });
}

bool RtcpWriter::dlrr(std::uint32_t sender, std::span<const DlrrRecord> records) {
  return packet(0, RtcpType::kExtendedReport, [&](ByteWriter& writer) {
    writer.u32(sender);
    writer.u8(kXrDlrr);
    writer.u8(0);
    writer.u16(static_cast<std::uint16_t>(records.size() * 3));
    for (const DlrrRecord& record : records) {
      writer.u32(record.ssrc);
      writer.u32(record.last_report);
      writer.u32(record.delay);
    }
  });
}

std::size_t RtcpWriter::nack(std::uint32_t sender, std::uint32_t media,
                             std::span<const std::uint16_t> sequences) {
  const std::size_t overhead = kHeader + 8;
  if (sequences.empty() || space_left() < overhead + NackPair::kSize) return 0;
  std::size_t pairs_left = (space_left() - overhead) / NackPair::kSize;
  std::size_t done = 0;
  packet(kFormatNack, RtcpType::kTransportFeedback, [&](ByteWriter& writer) {
    writer.u32(sender);
    writer.u32(media);
    for (; done < sequences.size() && pairs_left > 0; --pairs_left) {
      const std::uint16_t first = sequences[done++];
      std::uint16_t following = 0;
      while (done < sequences.size()) {
        const auto ahead = static_cast<std::uint16_t>(sequences[done] - first);
        if (ahead == 0 || ahead > 16) break;
        following = static_cast<std::uint16_t>(following | 1u << (ahead - 1));
        ++done;
      }
      writer.u16(first);
      writer.u16(following);
    }
  });
  return done;
}

bool RtcpWriter::picture_loss_indication(std::uint32_t sender, std::uint32_t media) {
  return packet(kFormatPictureLoss, RtcpType::kPayloadFeedback, [&](ByteWriter& writer) {
    writer.u32(sender);
    writer.u32(media);
  });
}

bool RtcpWriter::full_intra_request(std::uint32_t sender, std::span<const FirEntry> entries) {
  return packet(kFormatFullIntra, RtcpType::kPayloadFeedback, [&](ByteWriter& writer) {
    writer.u32(sender);
    writer.u32(0);  // RFC 5104 section 4.3.1.2
    for (const FirEntry& entry : entries) {
      writer.u32(entry.ssrc);
      writer.u8(entry.sequence);
      writer.u24(0);
    }
  });
}

bool RtcpWriter::remb(std::uint32_t sender, std::uint64_t bitrate,
                      std::span<const std::uint32_t> sources) {
  FLOE_CHECK(sources.size() <= 255);
  const unsigned bits = static_cast<unsigned>(std::bit_width(bitrate));
  const unsigned exponent = bits > 18 ? bits - 18 : 0;
  return packet(kFormatApplicationLayer, RtcpType::kPayloadFeedback, [&](ByteWriter& writer) {
    writer.u32(sender);
    writer.u32(0);
    writer.bytes(as_bytes("REMB"));
    writer.u8(static_cast<std::uint8_t>(sources.size()));
    writer.u24(exponent << 18 | static_cast<std::uint32_t>(bitrate >> exponent));
    for (const std::uint32_t source : sources) writer.u32(source);
  });
}

bool RtcpWriter::transport_feedback(Bytes body) {
  return packet(kFormatTransportWide, RtcpType::kTransportFeedback,
                [&](ByteWriter& writer) { writer.bytes(body); });
}

}  // namespace floe::rtp
