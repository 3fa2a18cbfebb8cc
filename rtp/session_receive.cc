// Packets in, frames out.
#include <algorithm>
#include <utility>

#include "floe/rtp/rtx.h"
#include "floe/rtp/session.h"

namespace floe::rtp {

void Session::handle_rtp(Time now, MutableBytes bytes) {
  const auto packet = Packet::parse(bytes);
  if (!packet) {
    ++stats_.malformed_rtp;
    return;
  }
  // The whole transport's counter: packets that belong to nobody were sent all the same.
  if (const auto number = extensions_->get<TransportSequenceNumber>(*packet)) {
    feedback_.handle_packet(now, number->value, packet->ssrc());
  }
  const auto key = demux_.route(now, *packet, *extensions_);
  const Section* of_it = key ? section(key->section) : nullptr;
  if (of_it == nullptr) return;
  if (key->repair) {
    handle_repair(now, *of_it, *key, *packet);
  } else {
    handle_media(now, *of_it, *key, *packet);
  }
}

void Session::handle_media(Time now, const Section& section, const StreamKey& key,
                           const Packet& packet) {
  Receiver& receiver = receiver_for(section, key);
  receiver.last_packet = now;
  receiver.payload_type = packet.payload_type();
  receiver.stream.handle_packet(now, packet);
  if (wants_packets(section.id)) deliver_packet(section, receiver, packet);
  take(now, receiver);
}

/// RFC 4588 section 5.3: the stream that is repeated is told by signalling or by its rid; where a
/// section has one stream, it is that one.
void Session::handle_repair(Time now, const Section& section, const StreamKey& key,
                            const Packet& packet) {
  Receiver* repaired = nullptr;
  std::size_t candidates = 0;
  for (const auto& [ssrc, receiver] : receivers_) {
    if (receiver->section != section.id) continue;
    if (key.repaired ? ssrc == *key.repaired : receiver->rid == key.rid) {
      repaired = receiver.get();
      ++candidates;
    }
  }
  const CodecParameters* codec = section.repaired_by(packet.payload_type());
  if (candidates != 1 || codec == nullptr) return;
  InboundStream& stream = repaired->stream;
  if (!wants_packets(section.id)) {
    stream.handle_repair(now, packet);
  } else {
    std::vector<std::uint8_t> copy = to_vector(packet.bytes());
    const std::uint64_t before = stream.stats().retransmitted_packets_received;
    stream.handle_repair(now, packet);
    const auto again = Packet::parse(copy);
    const auto original = unwrap_rtx(*again, stream.ssrc(), codec->payload_type);
    const bool was_missing = stream.stats().retransmitted_packets_received != before;
    if (original && was_missing) deliver_packet(section, *repaired, *original);
  }
  take(now, *repaired);
}

Session::Receiver& Session::receiver_for(const Section& section, const StreamKey& key) {
  const auto known = receivers_.find(key.ssrc);
  if (known != receivers_.end() && known->second->section == section.id) return *known->second;
  if (known == receivers_.end() && receivers_.size() >= kMaxReceiveStreams) {
    receivers_.erase(
        std::min_element(receivers_.begin(), receivers_.end(), [](const auto& a, const auto& b) {
          return a.second->last_packet < b.second->last_packet;
        }));
  }
  const bool packets = wants_packets(section.id);
  InboundStream::Config config;
  config.ssrc = key.ssrc;
  config.clock_rate = section.codecs.front().clock_rate;
  // Who wants packets puts frames together himself, if at all.
  config.video = !section.is_audio && !packets;
  config.nack = false;
  for (const CodecParameters& codec : section.codecs) {
    config.formats.push_back({codec.payload_type, packets ? PayloadFormat{} : codec.format, {}});
    if (codec.rtx) config.repairs.push_back({*codec.rtx, codec.payload_type});
    config.nack = config.nack || codec.nack;
  }
  for (const Demux::Section::Source& source : section.sources) {
    if (source.repairs == key.ssrc) config.repair_ssrc = source.ssrc;
  }
  const TimestampClock clock(config.clock_rate);
  auto receiver = std::make_unique<Receiver>(
      Receiver{section.id, std::string(key.rid), InboundStream(std::move(config)), clock});
  if (round_trip_) receiver->stream.set_round_trip(*round_trip_);
  return *(receivers_[key.ssrc] = std::move(receiver));
}

void Session::deliver_packet(const Section& section, const Receiver& receiver,
                             const Packet& packet) {
  const CodecParameters* codec = section.codec(packet.payload_type());
  if (codec == nullptr) return;
  emit(PacketReceived{section.id, receiver.rid, to_vector(packet.bytes()), *codec, extensions_});
}

/// What the stream has for us since the last packet, or since time went on.
void Session::take(Time now, Receiver& receiver) {
  const Section* of_it = section(receiver.section);
  while (auto received = receiver.stream.poll_frame(now)) {
    const CodecParameters* codec =
        of_it != nullptr ? of_it->codec(received->payload_type) : nullptr;
    if (codec == nullptr || wants_packets(receiver.section)) continue;
    const auto captured = receiver.clock.at(received->frame.timestamp);
    emit(FrameReceived{receiver.section, receiver.rid, std::move(received->frame), *codec,
                       captured ? std::optional(captured->to_unix()) : std::nullopt});
  }
  const auto nacks = receiver.stream.take_nacks();
  receiver.nacks.insert(receiver.nacks.end(), nacks.begin(), nacks.end());
  if (receiver.stream.take_key_frame_request()) receiver.wants_key_frame = true;
}

bool Session::wants_packets(std::uint32_t section) const {
  return std::find(packet_sections_.begin(), packet_sections_.end(), section) !=
         packet_sections_.end();
}

void Session::want_packets(std::uint32_t section, bool wanted) {
  if (wants_packets(section) == wanted) return;
  if (wanted) {
    packet_sections_.push_back(section);
  } else {
    std::erase(packet_sections_, section);
  }
  // What was half put together is of no use in the other form.
  std::erase_if(receivers_,
                [&](const auto& receiver) { return receiver.second->section == section; });
}

void Session::request_key_frame(std::uint32_t section) {
  for (const auto& [ssrc, receiver] : receivers_) {
    if (receiver->section == section) receiver->wants_key_frame = true;
  }
}

std::vector<Session::Receiving> Session::receiving(std::uint32_t section) const {
  std::vector<Receiving> streams;
  for (const auto& [ssrc, receiver] : receivers_) {
    if (receiver->section != section) continue;
    streams.push_back(
        {receiver->rid, &receiver->stream, receiver->payload_type, receiver->counted});
  }
  return streams;
}

}  // namespace floe::rtp
