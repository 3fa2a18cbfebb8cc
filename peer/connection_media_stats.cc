// The statistics of audio and video.
#include <algorithm>
#include <map>
#include <utility>

#include "floe/peer/connection.h"

namespace floe {
namespace {

constexpr const char* kTransportId = "T0";

double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

double milliseconds(Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

std::string codec_id(std::uint32_t number, std::uint16_t payload_type) {
  return "C" + std::to_string(number) + '_' + std::to_string(payload_type);
}

}  // namespace

void Connection::add_media_stats(double wall, std::vector<StatsReport::Entry>& entries) const {
  const MediaTransport* media = transport_.media();
  if (media == nullptr) return;
  const Time now = pump_.now();
  const auto when = [now, wall](Time time) { return wall - milliseconds(now - time); };
  const auto add = [&entries, wall](auto stats) {
    stats.timestamp = wall;
    entries.push_back(std::move(stats));
  };
  for (const auto& transceiver : negotiation_.transceivers().all()) {
    const std::uint32_t number = transceiver->sender()->number_;
    const bool is_video = transceiver->kind() == MediaKind::kVideo;
    std::map<std::uint16_t, bool> used;  // payload types
    const auto base = [&](RtpStreamStats& stats, std::string id, std::uint32_t ssrc,
                          std::uint16_t payload_type) {
      used[payload_type] = true;
      stats.id = std::move(id);
      stats.ssrc = ssrc;
      stats.kind = to_string(transceiver->kind());
      stats.transport_id = kTransportId;
      stats.codec_id = codec_id(number, payload_type);
    };

    std::uint32_t index = 0;
    for (const rtp::Session::Sending& sending : media->rtp().sending(number)) {
      const rtp::OutboundStream& stream = *sending.stream;
      const auto& counted = stream.stats();
      const std::string ssrc = std::to_string(stream.ssrc());
      OutboundRtpStats stats;
      base(stats, "OT" + ssrc, stream.ssrc(), sending.payload_type);
      stats.mid = transceiver->mid().value_or("");
      stats.rid = sending.encoding->rid;
      stats.packets_sent = counted.packets_sent + counted.retransmitted_packets_sent;
      stats.bytes_sent = counted.bytes_sent + counted.retransmitted_bytes_sent;
      stats.header_bytes_sent = counted.header_bytes_sent;
      stats.retransmitted_packets_sent = counted.retransmitted_packets_sent;
      stats.retransmitted_bytes_sent = counted.retransmitted_bytes_sent;
      stats.rtx_ssrc = stream.repair_ssrc();
      stats.encoding_index = index++;
      stats.active = sending.active;
      stats.target_bitrate = static_cast<double>(sending.target.bps());
      stats.total_packet_send_delay = seconds(sending.total_send_delay);
      stats.nack_count = counted.nack_count;
      if (is_video) {
        stats.frames_sent = counted.frames_sent;
        stats.pli_count = counted.pli_count;
        stats.fir_count = counted.fir_count;
      }
      if (counted.remote) {
        RemoteInboundRtpStats remote;
        base(remote, "RI" + ssrc, stream.ssrc(), sending.payload_type);
        stats.remote_id = remote.id;
        remote.local_id = stats.id;
        remote.packets_lost = counted.remote->packets_lost;
        remote.fraction_lost = counted.remote->fraction_lost;
        remote.jitter = seconds(counted.remote->jitter);
        if (counted.remote->round_trip) {
          remote.round_trip_time = seconds(*counted.remote->round_trip);
        }
        remote.total_round_trip_time = seconds(counted.remote->total_round_trip);
        remote.round_trip_time_measurements = counted.remote->round_trip_measurements;
        add(std::move(remote));
      }
      add(std::move(stats));
    }

    for (const rtp::Session::Receiving& receiving : media->rtp().receiving(number)) {
      const rtp::InboundStream& stream = *receiving.stream;
      const auto counted = stream.stats();
      const rtp::ReceptionStatistics& reception = stream.reception();
      const std::string ssrc = std::to_string(stream.ssrc());
      InboundRtpStats stats;
      base(stats, "IT" + ssrc, stream.ssrc(), receiving.payload_type);
      stats.track_identifier = transceiver->receiver()->track()->id();
      stats.mid = transceiver->mid().value_or("");
      stats.packets_received = counted.packets_received + counted.retransmitted_packets_received;
      stats.packets_lost = reception.lost();
      stats.jitter = seconds(reception.jitter());
      stats.bytes_received = counted.bytes_received + counted.retransmitted_bytes_received;
      stats.header_bytes_received = counted.header_bytes_received;
      stats.retransmitted_packets_received = counted.retransmitted_packets_received;
      stats.retransmitted_bytes_received = counted.retransmitted_bytes_received;
      if (reception.last_packet()) {
        stats.last_packet_received_timestamp = when(*reception.last_packet());
      }
      stats.nack_count = receiving.counted.nack_packets;
      if (is_video) {
        stats.frames_received = counted.frames_received;
        stats.frames_dropped = counted.frames_dropped;
        stats.pli_count = receiving.counted.picture_loss_packets;
        stats.fir_count = receiving.counted.full_intra_packets;
      }
      if (receiving.counted.sender_reports > 0) {
        RemoteOutboundRtpStats remote;
        base(remote, "RO" + ssrc, stream.ssrc(), receiving.payload_type);
        stats.remote_id = remote.id;
        remote.local_id = stats.id;
        remote.packets_sent = receiving.counted.sender_packets;
        remote.bytes_sent = receiving.counted.sender_octets;
        remote.remote_timestamp = milliseconds(receiving.counted.sender_report_time.to_unix());
        remote.reports_sent = receiving.counted.sender_reports;
        add(std::move(remote));
      }
      add(std::move(stats));
    }

    for (const RtpCodecParameters& codec : transceiver->receiver()->parameters().codecs) {
      if (!used.contains(codec.payload_type)) continue;
      CodecStats stats;
      stats.id = codec_id(number, codec.payload_type);
      stats.payload_type = codec.payload_type;
      stats.transport_id = kTransportId;
      stats.mime_type = codec.mime_type;
      stats.clock_rate = codec.clock_rate;
      if (!is_video) stats.channels = codec.channels;
      stats.sdp_fmtp_line = codec.sdp_fmtp_line;
      add(std::move(stats));
    }
  }
}

}  // namespace floe
