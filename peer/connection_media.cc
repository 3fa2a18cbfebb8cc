// Audio and video: what descriptions settle, frames and packets in and out.
#include <algorithm>
#include <utility>

#include "floe/peer/connection.h"

namespace floe {

/// After an answer: what may flow now.
void Connection::configure_media() {
  const Transceivers& transceivers = negotiation_.transceivers();
  std::vector<rtp::Section> sections = transceivers.sections();
  if (transport_.media() == nullptr) {
    if (sections.empty()) return;
    rtp::Session::Config config;
    config.cname = transceivers.cname();
    config.wall_clock = pump_.network().wall_clock().time_since_epoch();
    config.bitrate = configuration_.media_bitrate;
    if (configuration_.congestion_control) {
      config.congestion_control = configuration_.congestion_control(pump_.now());
    }
    transport_.enable_media(pump_.now(), std::move(config));
  }
  rtp::Session& rtp = transport_.media()->rtp();
  // The descriptions were checked; sections() leaves out what clashes.
  static_cast<void>(rtp.set_sections(pump_.now(), std::move(sections)));
  for (const auto& transceiver : transceivers.all()) {
    const RtpReceiver& receiver = *transceiver->receiver();
    rtp.want_packets(receiver.number_, receiver.packet_ != nullptr);
  }
  update_encodings();
}

/// The limits that senders' encodings have, for the allocation of the bitrate.
void Connection::update_encodings() {
  MediaTransport* media = transport_.media();
  if (media == nullptr) return;
  for (const auto& transceiver : negotiation_.transceivers().all()) {
    const RtpSender& sender = *transceiver->sender();
    for (const RtpEncodingParameters& layer : sender.encodings_) {
      media->rtp().set_limits(pump_.now(), sender.number_, layer.rid, layer.active,
                              layer.max_bitrate);
    }
  }
  pump_.wake();
}

Result<> Connection::send_frame(std::uint32_t number, std::string_view rid,
                                const rtp::FrameView& frame) {
  MediaTransport* media = transport_.media();
  if (media == nullptr) return fail(Errc::kWouldBlock, "there is no path to the peer");
  pump_.wake();
  return media->rtp().send_frame(pump_.now(), number, rid, frame);
}

Result<> Connection::send_packet(std::uint32_t number, std::string_view rid,
                                 const ReceivedPacket& packet) {
  MediaTransport* media = transport_.media();
  if (media == nullptr) return fail(Errc::kWouldBlock, "there is no path to the peer");
  pump_.wake();
  return media->rtp().send_packet(pump_.now(), number, rid, packet.packet, packet.extensions);
}

void Connection::want_packets(std::uint32_t number, bool wanted) {
  if (MediaTransport* media = transport_.media()) media->rtp().want_packets(number, wanted);
}

void Connection::request_key_frame(std::uint32_t number) {
  MediaTransport* media = transport_.media();
  if (media == nullptr) return;
  media->rtp().request_key_frame(number);
  pump_.wake();
}

void Connection::deliver(rtp::Session::Event&& event) {
  std::visit([this](auto&& one) { deliver(std::move(one)); }, std::move(event));
}

// The handler may replace itself, stop the transceiver and end the connection: it is held here.

void Connection::deliver(rtp::Session::FrameReceived&& event) {
  const auto transceiver = negotiation_.transceivers().with_number(event.section);
  if (transceiver == nullptr) return;
  const auto handler = transceiver->receiver()->frame_;
  if (!handler) return;
  (*handler)({std::move(event.frame), event.codec.format.codec, event.codec.payload_type,
              event.codec.clock_rate, std::move(event.rid), event.captured});
}

void Connection::deliver(rtp::Session::PacketReceived&& event) {
  const auto transceiver = negotiation_.transceivers().with_number(event.section);
  if (transceiver == nullptr) return;
  const auto handler = transceiver->receiver()->packet_;
  const auto packet = rtp::Packet::parse(event.bytes);
  if (!handler || !packet) return;
  (*handler)({*packet, *event.extensions, event.codec.format.codec, std::move(event.rid)});
}

void Connection::deliver(rtp::Session::KeyFrameRequested&& event) {
  const auto transceiver = negotiation_.transceivers().with_number(event.section);
  if (transceiver == nullptr) return;
  if (const auto handler = transceiver->sender()->key_frame_request_) (*handler)(event.rid);
}

void Connection::deliver(rtp::Session::TargetBitrateChanged&& event) {
  const auto transceiver = negotiation_.transceivers().with_number(event.section);
  if (transceiver == nullptr) return;
  if (const auto handler = transceiver->sender()->target_bitrate_) {
    (*handler)(event.rid, static_cast<std::uint64_t>(event.bitrate.bps()));
  }
}

}  // namespace floe
