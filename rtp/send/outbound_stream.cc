#include "floe/rtp/send/outbound_stream.h"

#include <algorithm>

#include "floe/core/check.h"
#include "floe/rtp/rtx.h"

namespace floe::rtp {
namespace {

// A header with all extensions that floe writes, and a payload worth the packet.
constexpr std::size_t kMinPacket = 256;

/// Extensions that belong to this stream or to this hop, which a forwarder must not pass on.
bool is_own(ExtensionType type) {
  switch (type) {
    case ExtensionType::kMid:
    case ExtensionType::kRid:
    case ExtensionType::kRepairedRid:
    case ExtensionType::kAbsSendTime:
    case ExtensionType::kTransportSequenceNumber:
      return true;
    case ExtensionType::kAudioLevel:
    case ExtensionType::kVideoOrientation:
    case ExtensionType::kPlayoutDelay:
    case ExtensionType::kDependencyDescriptor:
      return false;
  }
  return false;
}

}  // namespace

Result<std::unique_ptr<OutboundStream>> OutboundStream::create(Config config, Random& random) {
  if (config.max_packet < kMinPacket || config.max_packet > kMaxUdpPayload) {
    return fail(Errc::kInvalidArgument, "max_packet is " + std::to_string(config.max_packet) +
                                            "; it must be 256 to 65,507 bytes");
  }
  if (config.payload_type > 127 || (config.repair && config.repair->payload_type > 127)) {
    return fail(Errc::kInvalidArgument, "a payload type is above 127");
  }
  return std::unique_ptr<OutboundStream>(new OutboundStream(std::move(config), random));
}

OutboundStream::OutboundStream(Config config, Random& random)
    : config_(std::move(config)),
      packetizer_(make_packetizer(config_.format)),
      // Below the middle, so that no wrap comes early: SRTP takes a lost first packet for one of
      // the last round otherwise (RFC 3711 section 3.3.1).
      first_sequence_(static_cast<std::uint16_t>(random.u32() & 0x7fff)),
      next_sequence_(first_sequence_),
      next_repair_sequence_(static_cast<std::uint16_t>(random.u32() & 0x7fff)),
      first_timestamp_(random.u32()),
      scratch_(config_.max_packet) {}

void OutboundStream::write_extensions(PacketBuilder& builder,
                                      const FrameExtensions& extensions) const {
  const ExtensionMap& map = config_.extensions;
  // Those of fixed size first; what is not agreed on is left out.
  map.add(builder, AbsSendTime{});
  map.add(builder, TransportSequenceNumber{});
  if (!config_.mid.empty()) map.add(builder, Mid{config_.mid});
  if (!config_.rid.empty()) map.add(builder, Rid{config_.rid});
  if (extensions.audio_level) map.add(builder, *extensions.audio_level);
  if (extensions.video_orientation) map.add(builder, *extensions.video_orientation);
  if (extensions.playout_delay) map.add(builder, *extensions.playout_delay);
}

std::size_t OutboundStream::header_size(const FrameExtensions& extensions) const {
  std::array<std::uint8_t, kMinPacket * 4> space;
  PacketBuilder builder(space, {}, config_.extensions.mixed());
  write_extensions(builder, extensions);
  return space.size() - builder.payload_space().size();
}

Result<> OutboundStream::send_frame(Time now, const FrameView& frame,
                                    const FrameExtensions& extensions) {
  if (queued_bytes_ > 0 && queued_bytes_ + frame.payload.size() > kMaxQueuedBytes) {
    return fail(Errc::kWouldBlock,
                "more than 1 MiB waits to be sent; encode less than the target bitrate");
  }
  // A repeat of the largest packet must fit too.
  const std::size_t overhead = header_size(extensions) + (config_.repair ? kRtxOverhead : 0);
  if (overhead + Packetizer::kMinPayload > config_.max_packet) {
    return fail(Errc::kInvalidArgument, "max_packet leaves no room behind the header extensions");
  }
  const auto started = packetizer_->start(frame, config_.max_packet - overhead);
  if (!started) return forward(started);
  const std::uint32_t timestamp = first_timestamp_ + frame.timestamp;
  while (true) {
    PacketBuilder builder(scratch_,
                          {.payload_type = config_.payload_type,
                           .sequence_number = next_sequence_,
                           .timestamp = timestamp,
                           .ssrc = config_.ssrc},
                          config_.extensions.mixed());
    write_extensions(builder, extensions);
    const auto piece = packetizer_->next(builder.payload_space());
    if (!piece) break;
    const std::size_t size = builder.finish(piece->size);
    auto packet = Packet::parse(MutableBytes(scratch_).first(size));
    FLOE_CHECK(packet);
    packet->set_marker(piece->marker);
    packet->set_timestamp(timestamp + piece->timestamp_offset);
    ++next_sequence_;
    enqueue(now, packet->bytes());
  }
  anchor_ = Anchor{now, timestamp};
  ++stats_.frames_sent;
  if (is_video(config_.format.codec) && is_key_frame(config_.format.codec, frame.payload)) {
    ++stats_.key_frames_sent;
  }
  return {};
}

Result<> OutboundStream::send_packet(Time now, const Packet& packet, const ExtensionMap& its_map,
                                     std::uint16_t sequence, std::uint32_t timestamp) {
  if (queued_bytes_ > 0 && queued_bytes_ + packet.bytes().size() > kMaxQueuedBytes) {
    return fail(Errc::kWouldBlock, "more than 1 MiB waits to be sent");
  }
  PacketBuilder builder(scratch_,
                        {.marker = packet.marker(),
                         .payload_type = config_.payload_type,
                         .sequence_number = static_cast<std::uint16_t>(first_sequence_ + sequence),
                         .timestamp = first_timestamp_ + timestamp,
                         .ssrc = config_.ssrc},
                        config_.extensions.mixed());
  write_extensions(builder, {});
  ExtensionReader reader = packet.extensions();
  while (const auto element = reader.next()) {
    const std::string_view uri = its_map.uri_of(element->id);
    const auto type = extension_type(uri);
    const auto id = config_.extensions.id_of(uri);
    if (id && !(type && is_own(*type))) builder.add_extension(*id, element->value);
  }
  const Bytes payload = packet.payload();
  const MutableBytes room = builder.payload_space();
  const std::size_t reserved = config_.repair ? kRtxOverhead : 0;
  if (payload.size() + reserved > room.size()) {
    return fail(Errc::kLimitExceeded, "a payload of " + std::to_string(payload.size()) +
                                          " bytes does not fit a packet of " +
                                          std::to_string(config_.max_packet));
  }
  std::copy(payload.begin(), payload.end(), room.begin());
  const std::size_t size = builder.finish(payload.size());
  FLOE_CHECK(size != 0);
  enqueue(now, Bytes(scratch_).first(size));
  const std::uint32_t sent_timestamp = first_timestamp_ + timestamp;
  if (!anchor_ || is_newer(sent_timestamp, anchor_->timestamp)) {
    anchor_ = Anchor{now, sent_timestamp};
  }
  if (packet.marker()) ++stats_.frames_sent;
  return {};
}

void OutboundStream::enqueue(Time now, Bytes packet) {
  queue_.push_back({to_vector(packet), now});
  queued_bytes_ += packet.size();
}

std::optional<Time> OutboundStream::queued_since() const {
  if (queue_.empty()) return std::nullopt;
  return queue_.front().queued;
}

void OutboundStream::clear_queue() {
  // Numbers that never left must not look lost to the receiver.
  if (!queue_.empty()) {
    next_sequence_ = Packet::parse(queue_.front().packet)->sequence_number();
  }
  queue_.clear();
  queued_bytes_ = 0;
}

OutboundStream::Polled OutboundStream::finish(Time now, MutableBytes bytes, Kind kind) const {
  const auto packet = Packet::parse(bytes);
  FLOE_CHECK(packet);
  config_.extensions.replace(*packet, AbsSendTime::at(now));
  return {bytes.size(), kind};
}

std::optional<OutboundStream::Polled> OutboundStream::poll_packet(Time now, MutableBytes space) {
  if (const auto polled = poll_repeat(now, space)) return polled;
  if (queue_.empty()) return std::nullopt;
  const Queued& queued = queue_.front();
  FLOE_CHECK(space.size() >= queued.packet.size());
  std::copy(queued.packet.begin(), queued.packet.end(), space.begin());
  const MutableBytes bytes = space.first(queued.packet.size());
  const Polled polled = finish(now, bytes, Kind::kMedia);
  const auto packet = Packet::parse(bytes);
  if (config_.repair) history_.add(now, packet->sequence_number(), bytes);
  ++stats_.packets_sent;
  stats_.bytes_sent += packet->payload().size();
  stats_.header_bytes_sent += packet->header_size();
  stats_.total_packet_send_delay += now - queued.queued;
  queued_bytes_ -= queued.packet.size();
  queue_.pop_front();
  return polled;
}

std::optional<OutboundStream::Polled> OutboundStream::poll_repeat(Time now, MutableBytes space) {
  while (!repeats_.empty()) {
    const Repeat next = repeats_.front();
    repeats_.pop_front();
    queued_repeat_bytes_ -= next.size;
    const auto original = history_.repeat(now, next.sequence, round_trip_);
    if (!original) continue;
    if (const auto polled = repeat(now, *original, space)) {
      ++stats_.retransmitted_packets_sent;
      stats_.retransmitted_bytes_sent += polled->size;
      return polled;
    }
  }
  return std::nullopt;
}

std::optional<OutboundStream::Polled> OutboundStream::repeat(Time now, MutableBytes original,
                                                             MutableBytes space) {
  const auto packet = Packet::parse(original);
  FLOE_CHECK(packet && config_.repair);
  const std::size_t size = write_rtx(*packet, config_.repair->ssrc, config_.repair->payload_type,
                                     next_repair_sequence_, space);
  if (size == 0) return std::nullopt;
  ++next_repair_sequence_;
  const auto rtx = Packet::parse(space.first(size));
  // RFC 8852 section 3.3: on this stream the encoding's rid is the repaired one.
  const auto rid = config_.extensions.id_of(ExtensionType::kRid);
  const auto repaired = config_.extensions.id_of(ExtensionType::kRepairedRid);
  const auto element = rid ? rtx->extension(*rid) : std::nullopt;
  if (element && repaired) {
    if (is_two_byte_profile(rtx->extension_profile())) {
      *(element->data() - 2) = *repaired;
    } else if (*repaired <= 14) {
      std::uint8_t& head = *(element->data() - 1);
      head = static_cast<std::uint8_t>(*repaired << 4 | (head & 0x0f));
    }
  }
  return finish(now, space.first(size), Kind::kRepair);
}

std::optional<OutboundStream::Polled> OutboundStream::poll_padding(Time now, MutableBytes space,
                                                                   std::size_t size) {
  // RFC 4588 has sequence numbers of its own, so padding there looks like no loss of media.
  if (!config_.repair || stats_.packets_sent == 0) return std::nullopt;
  constexpr std::size_t kWorthRepeating = 300;
  if (size >= kWorthRepeating) {
    if (const auto original = history_.newest(std::min(size, config_.max_packet))) {
      if (const auto polled = repeat(now, *original, space)) {
        ++stats_.padding_packets_sent;
        stats_.padding_bytes_sent += polled->size;
        return Polled{polled->size, Kind::kPadding};
      }
    }
  }
  PacketBuilder builder(space,
                        {.payload_type = config_.repair->payload_type,
                         .sequence_number = next_repair_sequence_,
                         .timestamp = anchor_ ? anchor_->timestamp : first_timestamp_,
                         .ssrc = config_.repair->ssrc},
                        config_.extensions.mixed());
  write_extensions(builder, {});
  constexpr std::size_t kMaxPadding = 255;
  const std::size_t whole = builder.finish(0, std::clamp<std::size_t>(size, 1, kMaxPadding));
  if (whole == 0) return std::nullopt;
  ++next_repair_sequence_;
  ++stats_.padding_packets_sent;
  stats_.padding_bytes_sent += whole;
  return finish(now, space.first(whole), Kind::kPadding);
}

void OutboundStream::handle_nack(Time now, const Nack& nack) {
  ++stats_.nack_count;
  if (!config_.repair) return;
  nack.for_each([&](std::uint16_t sequence) {
    if (repeats_.size() == kMaxQueuedRepeats) return;
    const auto waits = [&](const Repeat& one) { return one.sequence == sequence; };
    if (std::any_of(repeats_.begin(), repeats_.end(), waits)) return;
    const auto size = history_.repeatable(now, sequence, round_trip_);
    if (!size) return;
    repeats_.push_back({sequence, *size});
    queued_repeat_bytes_ += *size;
  });
}

bool OutboundStream::handle_picture_loss() {
  ++stats_.pli_count;
  return true;
}

bool OutboundStream::handle_full_intra_request(std::uint8_t sequence) {
  ++stats_.fir_count;
  if (last_fir_ == sequence) return false;
  last_fir_ = sequence;
  return true;
}

void OutboundStream::handle_report(Time now, NtpTime ntp_now, const ReportBlock& block) {
  Stats::Remote remote = stats_.remote.value_or(Stats::Remote{});
  remote.reported = now;
  remote.highest_sequence = block.highest_sequence;
  remote.packets_lost = block.cumulative_lost;
  remote.fraction_lost = block.fraction_lost / 256.0;
  if (config_.clock_rate != 0) {
    remote.jitter = std::chrono::duration_cast<Duration>(
        std::chrono::duration<double>(static_cast<double>(block.jitter) / config_.clock_rate));
  }
  if (const auto measured = round_trip(ntp_now, block.last_report, block.delay)) {
    remote.round_trip = *measured;
    remote.total_round_trip += *measured;
    ++remote.round_trip_measurements;
    round_trip_ = *measured;
  }
  stats_.remote = remote;
}

std::optional<SenderReport> OutboundStream::sender_report(Time now, NtpTime ntp_now) const {
  if (!anchor_ || stats_.packets_sent == 0) return std::nullopt;
  SenderReport report;
  report.sender = config_.ssrc;
  report.ntp = ntp_now;
  // RFC 3550 section 6.4.1: the timestamp of this instant, not of the last packet.
  const double ticks =
      std::chrono::duration<double>(now - anchor_->captured).count() * config_.clock_rate;
  report.timestamp =
      anchor_->timestamp + static_cast<std::uint32_t>(static_cast<std::int64_t>(ticks));
  report.packets = static_cast<std::uint32_t>(stats_.packets_sent);
  report.octets = static_cast<std::uint32_t>(stats_.bytes_sent);
  return report;
}

}  // namespace floe::rtp
