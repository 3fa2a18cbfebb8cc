#include "floe/rtp/rtcp_reader.h"

namespace floe::rtp {
namespace {

constexpr std::uint32_t kRembName = 0x52454d42;  // "REMB"

bool read_reports(ByteReader& reader, std::uint8_t count, Records<ReportBlock>& reports) {
  // What follows the blocks is an extension of a profile, which is none of ours.
  reports = Records<ReportBlock>(reader.bytes(count * ReportBlock::kSize));
  return reader.ok();
}

bool read(ByteReader reader, std::uint8_t count, SenderReport& report) {
  report.sender = reader.u32();
  report.ntp = {reader.u64()};
  report.timestamp = reader.u32();
  report.packets = reader.u32();
  report.octets = reader.u32();
  return read_reports(reader, count, report.reports);
}

bool read(ByteReader reader, std::uint8_t count, ReceiverReport& report) {
  report.sender = reader.u32();
  return read_reports(reader, count, report.reports);
}

bool read(ByteReader reader, std::uint8_t count, Bye& bye) {
  bye.sources = Records<Ssrc>(reader.bytes(count * Ssrc::kSize));
  if (reader.ok() && reader.remaining() > 0) bye.reason = as_text(reader.bytes(reader.u8()));
  return reader.ok();
}

bool read(ByteReader reader, std::uint8_t subtype, App& app) {
  app.subtype = subtype;
  app.sender = reader.u32();
  app.name = as_text(reader.bytes(4));
  app.content = reader.rest();
  return reader.ok();
}

bool read(ByteReader reader, ExtendedReport& report) {
  report.sender = reader.u32();
  report.blocks_bytes = reader.rest();
  return reader.ok();
}

bool read(ByteReader reader, Nack& nack) {
  nack.sender = reader.u32();
  nack.media = reader.u32();
  nack.pairs = Records<NackPair>(reader.rest());
  return reader.ok() && !nack.pairs.empty();
}

bool read(ByteReader reader, PictureLossIndication& indication) {
  indication.sender = reader.u32();
  indication.media = reader.u32();
  return reader.ok();
}

bool read(ByteReader reader, FullIntraRequest& request) {
  request.sender = reader.u32();
  reader.skip(4);  // RFC 5104 section 4.3.1.2: the media source is in the entries.
  request.entries = Records<FirEntry>(reader.rest());
  return reader.ok() && !request.entries.empty();
}

bool read(ByteReader reader, Remb& remb) {
  remb.sender = reader.u32();
  reader.skip(8);  // The media source, which is 0, and the name.
  const std::size_t count = reader.u8();
  const std::uint32_t bitrate = reader.u24();
  const unsigned exponent = bitrate >> 18;
  const std::uint64_t mantissa = bitrate & 0x3'ffff;
  remb.bitrate = mantissa << exponent;
  remb.sources = Records<Ssrc>(reader.bytes(count * Ssrc::kSize));
  return reader.ok() && remb.bitrate >> exponent == mantissa;
}

bool is_remb(Bytes body) {
  ByteReader reader(body);
  reader.skip(8);
  return reader.u32() == kRembName;
}

}  // namespace

std::optional<RtcpPacket> RtcpReader::next() {
  while (reader_.ok() && reader_.remaining() > 0) {
    const std::uint8_t first = reader_.u8();
    const std::uint8_t type = reader_.u8();
    Bytes body = reader_.bytes(4 * std::size_t{reader_.u16()});
    bool whole = reader_.ok() && first >> 6 == 2;
    if (whole && (first & 0x20) != 0) {
      // RFC 3550 section 6.4.1 wants it in the last packet alone, and a multiple of four bytes.
      // libwebrtc pads every transport-wide feedback, by one to three bytes.
      const std::size_t padding = body.empty() ? 0 : body.back();
      whole = padding != 0 && padding <= body.size();
      if (whole) body = body.first(body.size() - padding);
    }
    if (!whole) {
      ++malformed_;
      reader_.rest();
      return std::nullopt;
    }
    RtcpPacket packet;
    switch (read(first & 0x1f, type, body, packet)) {
      case Outcome::kRead:
        return packet;
      case Outcome::kUnknown:
        ++unknown_;
        break;
      case Outcome::kMalformed:
        ++malformed_;
        break;
    }
  }
  return std::nullopt;
}

RtcpReader::Outcome RtcpReader::read(std::uint8_t count, std::uint8_t type, Bytes body,
                                     RtcpPacket& packet) {
  const auto outcome = [](bool ok) { return ok ? Outcome::kRead : Outcome::kMalformed; };
  const ByteReader reader(body);
  switch (static_cast<RtcpType>(type)) {
    case RtcpType::kSenderReport:
      return outcome(rtp::read(reader, count, packet.emplace<SenderReport>()));
    case RtcpType::kReceiverReport:
      return outcome(rtp::read(reader, count, packet.emplace<ReceiverReport>()));
    case RtcpType::kSourceDescription:
      packet.emplace<SourceDescription>().chunks = body;
      return Outcome::kRead;
    case RtcpType::kBye:
      return outcome(rtp::read(reader, count, packet.emplace<Bye>()));
    case RtcpType::kApp:
      return outcome(rtp::read(reader, count, packet.emplace<App>()));
    case RtcpType::kExtendedReport:
      return outcome(rtp::read(reader, packet.emplace<ExtendedReport>()));
    case RtcpType::kTransportFeedback:
      if (count == kFormatNack) return outcome(rtp::read(reader, packet.emplace<Nack>()));
      if (count == kFormatTransportWide) {
        const auto feedback = TransportFeedback::parse(body);
        if (feedback) packet = *feedback;
        return outcome(feedback.has_value());
      }
      return Outcome::kUnknown;
    case RtcpType::kPayloadFeedback:
      if (count == kFormatPictureLoss) {
        return outcome(rtp::read(reader, packet.emplace<PictureLossIndication>()));
      }
      if (count == kFormatFullIntra) {
        return outcome(rtp::read(reader, packet.emplace<FullIntraRequest>()));
      }
      if (count == kFormatApplicationLayer && is_remb(body)) {
        return outcome(rtp::read(reader, packet.emplace<Remb>()));
      }
      return Outcome::kUnknown;
  }
  return Outcome::kUnknown;
}

}  // namespace floe::rtp
