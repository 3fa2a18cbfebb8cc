// Frames in, packets out.
#include <algorithm>
#include <utility>

#include "floe/core/text.h"
#include "floe/rtp/session.h"

namespace floe::rtp {
namespace {

// What a frame may need more than its size says: parameter sets and layers begin packets of their
// own.
constexpr std::size_t kSparePackets = 16;

// What would leave later than this nobody wants to see any more.
constexpr Duration kMaxWait = std::chrono::seconds(1);

// Opus: intelligible, and at its best for music in stereo (RFC 7587 section 3.1.1), with the
// headers of 50 packets a second.
constexpr Bitrate kLeastAudio(32'000);
constexpr Bitrate kMostAudio(128'000);
// A small picture, now and then.
constexpr Bitrate kLeastVideo(30'000);

// What UDP and IPv4 add to a packet; congestion control counts it, as its feedback's peers do.
constexpr std::size_t kPathOverhead = 28;

}  // namespace

Session::Sender* Session::sender(std::uint32_t section, std::string_view rid) {
  for (const auto& one : senders_) {
    if (one->section == section && one->encoding.rid == rid) return one.get();
  }
  return nullptr;
}

Session::Sender* Session::sender_of(std::uint32_t ssrc) {
  for (const auto& one : senders_) {
    if (one->encoding.ssrc == ssrc || one->encoding.rtx_ssrc == ssrc) return one.get();
  }
  return nullptr;
}

Result<Session::Sender*> Session::writable_sender(std::uint32_t section, std::string_view rid) {
  Sender* found = sender(section, rid);
  if (found == nullptr) {
    return fail(Errc::kNotFound, rid.empty() ? std::string("the section sends nothing")
                                             : "the section sends no encoding " + quoted(rid));
  }
  if (!writable_) return fail(Errc::kWouldBlock, "there is no path to the peer");
  return found;
}

bool Session::is_audio(const Sender& sender) const {
  const Section* of_it = section(sender.section);
  return of_it != nullptr && of_it->is_audio;
}

/// What a stream has to send goes into the pacer, whence it leaves.
void Session::queue_packets(Time now, Sender& sender) {
  const auto media = is_audio(sender) ? PacedSender::Kind::kAudio : PacedSender::Kind::kVideo;
  std::vector<std::uint8_t> space(config_.max_packet);
  while (const auto polled = sender.stream->poll_packet(now, space)) {
    const bool repeats = polled->kind == OutboundStream::Kind::kRepair;
    pacer_.push(now, {repeats ? PacedSender::Kind::kRetransmission : media, sender.track,
                      to_vector(Bytes(space).first(polled->size))});
  }
}

Result<> Session::send_frame(Time now, std::uint32_t section, std::string_view rid,
                             const FrameView& frame) {
  auto found = writable_sender(section, rid);
  if (!found) return forward(found);
  const std::size_t packets = frame.payload.size() / (config_.max_packet / 2) + kSparePackets;
  if (pacer_.queued_packets() + packets > PacedSender::kMaxPackets ||
      pacer_.expected_wait() > kMaxWait) {
    return fail(Errc::kWouldBlock, "the path takes less than is sent: encode less");
  }
  if (auto ok = (*found)->stream->send_frame(now, frame); !ok) return ok;
  queue_packets(now, **found);
  return {};
}

Result<> Session::send_packet(Time now, std::uint32_t section, std::string_view rid,
                              const Packet& packet, const ExtensionMap& extensions) {
  auto found = writable_sender(section, rid);
  if (!found) return forward(found);
  Sender& sender = **found;
  if (pacer_.queued_packets() == PacedSender::kMaxPackets || pacer_.expected_wait() > kMaxWait) {
    return fail(Errc::kWouldBlock, "the path takes less than is sent");
  }
  const auto place = sender.splice.place(now, packet);
  if (!place) return {};  // from before the part of its stream that is forwarded
  if (auto ok =
          sender.stream->send_packet(now, packet, extensions, place->sequence, place->timestamp);
      !ok) {
    return ok;
  }
  queue_packets(now, sender);
  return {};
}

std::size_t Session::poll_rtp(Time now, MutableBytes space) {
  while (auto sending = pacer_.poll(now)) {
    std::size_t size = 0;
    if (!sending->packet) {
      size = write_padding(now, sending->padding, sending->probe_cluster, space);
    } else {
      const auto sender = std::find_if(senders_.begin(), senders_.end(), [&](const auto& one) {
        return one->track == sending->packet->track;
      });
      const std::vector<std::uint8_t>& bytes = sending->packet->bytes;
      if (sender != senders_.end() && bytes.size() <= space.size()) {
        size = bytes.size();
        std::copy(bytes.begin(), bytes.end(), space.begin());
        number_packet(now, **sender, space.first(size), sending->probe_cluster);
        (*sender)->total_send_delay += sending->queued_for;
      }
    }
    pacer_.sent(now, size == 0 ? 0 : size + kPathOverhead);
    if (size != 0) return size;
  }
  return 0;
}

/// On a repair stream, where it looks like no loss: the only padding that every peer bears.
std::size_t Session::write_padding(Time now, std::size_t size, std::uint32_t probe_cluster,
                                   MutableBytes space) {
  for (const auto& sender : senders_) {
    const auto polled =
        sender->stream->poll_padding(now, space.first(std::min(space.size(), config_.max_packet)),
                                     std::min(size, config_.max_packet));
    if (!polled) continue;
    number_packet(now, *sender, space.first(polled->size), probe_cluster);
    return polled->size;
  }
  return 0;
}

/// The packet leaves: now its time and its number in the transport are known.
void Session::number_packet(Time now, const Sender& sender, MutableBytes bytes,
                            std::uint32_t probe_cluster) {
  const auto packet = Packet::parse(bytes);
  if (!packet) return;
  extensions_->replace(*packet, AbsSendTime::at(now));
  if (!extensions_->get<TransportSequenceNumber>(*packet)) return;
  const std::int64_t number = sequences_.next();
  extensions_->replace(*packet, TransportSequenceNumber{static_cast<std::uint16_t>(number)});
  controller_->on_packet_sent(
      {number, now, bytes.size() + kPathOverhead, sender.track, probe_cluster});
}

void Session::update_rates(Time now) {
  while (const auto plan = controller_->poll_probe()) pacer_.probe(now, *plan);
  const Target& target = controller_->target();
  pacer_.set_rates(now, target.pacing, target.padding);
  allocator_.allocate(now, target.bitrate);
  while (const auto change = allocator_.poll_change()) {
    const auto found = std::find_if(senders_.begin(), senders_.end(), [&](const auto& sender) {
      return sender->track == change->track;
    });
    if (found == senders_.end()) continue;
    emit(TargetBitrateChanged{(*found)->section, (*found)->encoding.rid, change->bitrate});
  }
}

/// Audio needs little and is missed most.
void Session::share(const Sender& sender) {
  BitrateAllocator::Track track;
  track.track = sender.track;
  if (is_audio(sender)) {
    track.min = std::min(kLeastAudio, sender.limit);
    track.max = std::min(kMostAudio, sender.limit);
    track.may_pause = false;
  } else {
    track.min = std::min(kLeastVideo, sender.limit);
    track.max = sender.limit;
  }
  // Beyond kMaxTracks encodings have no target; nobody encodes so many.
  if (sender.active) static_cast<void>(allocator_.set_track(track));
  if (!sender.active) allocator_.remove_track(sender.track);
}

void Session::set_limits(Time now, std::uint32_t section, std::string_view rid, bool active,
                         std::optional<std::uint64_t> max_bitrate) {
  Sender* found = sender(section, rid);
  if (found == nullptr) return;
  const Bitrate limit =
      max_bitrate
          ? Bitrate(static_cast<std::int64_t>(std::min<std::uint64_t>(*max_bitrate, INT64_MAX)))
          : Bitrate::unlimited();
  if (std::exchange(found->active, active) && !active) {
    emit(TargetBitrateChanged{section, found->encoding.rid, Bitrate()});
  }
  found->limit = limit;
  share(*found);
  update_rates(now);
}

std::vector<Session::Sending> Session::sending(std::uint32_t section) const {
  std::vector<Sending> streams;
  for (const auto& one : senders_) {
    if (one->section == section)
      streams.push_back({&one->encoding, one->stream.get(), one->codec.payload_type, one->active,
                         allocator_.allocation(one->track), one->total_send_delay});
  }
  return streams;
}

}  // namespace floe::rtp
