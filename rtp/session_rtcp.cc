// RTCP: what the peer's says, and what ours has to say, and when.
#include <algorithm>
#include <array>
#include <utility>

#include "floe/rtp/rtcp_reader.h"
#include "floe/rtp/rtcp_writer.h"
#include "floe/rtp/session.h"

namespace floe::rtp {
namespace {

// A peer that asks for a key frame again before it can have come wants the same one.
constexpr Duration kKeyFrameInterval = std::chrono::milliseconds(100);

}  // namespace

// ------------------------------------------------------------------------------------ received

void Session::handle_rtcp(Time now, Bytes packet) {
  reporter_.handle_size(packet.size());
  RtcpReader reader(packet);
  while (const auto one = reader.next()) handle(now, *one);
  stats_.malformed_rtcp += reader.malformed();
  stats_.unknown_rtcp += reader.unknown();
  update_rates(now);
}

void Session::handle(Time now, const RtcpPacket& packet) {
  if (const auto* sender_report = std::get_if<SenderReport>(&packet)) {
    const auto found = receivers_.find(sender_report->sender);
    if (found != receivers_.end()) handle_sender_report(now, *found->second, *sender_report);
    for (const ReportBlock block : sender_report->reports) handle_report_block(now, block);
  } else if (const auto* receiver_report = std::get_if<ReceiverReport>(&packet)) {
    for (const ReportBlock block : receiver_report->reports) handle_report_block(now, block);
  } else if (const auto* description = std::get_if<SourceDescription>(&packet)) {
    SdesReader items = description->items();
    while (const auto item = items.next()) {
      if (item->type == SdesType::kMid) demux_.learn_mid(now, item->ssrc, item->text);
    }
  } else if (const auto* bye = std::get_if<Bye>(&packet)) {
    for (const Ssrc source : bye->sources) {
      demux_.forget(source.value);
      receivers_.erase(source.value);
    }
  } else if (const auto* nack = std::get_if<Nack>(&packet)) {
    handle_nack(now, *nack);
  } else if (const auto* loss = std::get_if<PictureLossIndication>(&packet)) {
    Sender* sender = sender_of(loss->media);
    if (sender != nullptr && sender->stream->handle_picture_loss()) {
      handle_key_frame_request(now, *sender);
    }
  } else if (const auto* request = std::get_if<FullIntraRequest>(&packet)) {
    for (const FirEntry entry : request->entries) {
      Sender* sender = sender_of(entry.ssrc);
      if (sender != nullptr && sender->stream->handle_full_intra_request(entry.sequence)) {
        handle_key_frame_request(now, *sender);
      }
    }
  } else if (const auto* remb = std::get_if<Remb>(&packet)) {
    controller_->on_receiver_limit(
        now, Bitrate(static_cast<std::int64_t>(std::min<std::uint64_t>(remb->bitrate, INT64_MAX))));
  } else if (const auto* feedback = std::get_if<TransportFeedback>(&packet)) {
    std::vector<PacketReport> reports;
    reports.reserve(feedback->status_count());
    sequences_.read(*feedback, reports);
    controller_->on_feedback(now, reports);
  } else if (const auto* extended = std::get_if<ExtendedReport>(&packet)) {
    reporter_.handle_packet(now, clock_.at(now), *extended);
    if (reporter_.round_trip()) set_round_trip(now, *reporter_.round_trip());
  }
}

void Session::handle_sender_report(Time now, Receiver& receiver, const SenderReport& report) {
  receiver.stream.handle_sender_report(now, report);
  receiver.clock.handle_sender_report(report.ntp, report.timestamp);
  Received& counted = receiver.counted;
  ++counted.sender_reports;
  counted.sender_packets = report.packets;
  counted.sender_octets = report.octets;
  counted.sender_report_came = now;
  counted.sender_report_time = report.ntp;
}

void Session::handle_report_block(Time now, const ReportBlock& block) {
  Sender* sender = sender_of(block.ssrc);
  if (sender == nullptr || sender->encoding.ssrc != block.ssrc) return;
  sender->stream->handle_report(now, clock_.at(now), block);
  const auto& remote = sender->stream->stats().remote;
  if (remote && remote->round_trip) set_round_trip(now, *remote->round_trip);
}

void Session::handle_key_frame_request(Time now, Sender& sender) {
  if (sender.key_frame_requested && now < *sender.key_frame_requested + kKeyFrameInterval) return;
  sender.key_frame_requested = now;
  emit(KeyFrameRequested{sender.section, sender.encoding.rid});
}

void Session::handle_nack(Time now, const Nack& nack) {
  Sender* sender = sender_of(nack.media);
  if (sender == nullptr || sender->encoding.ssrc != nack.media) return;
  sender->stream->handle_nack(now, nack);
  queue_packets(now, *sender);
}

// ---------------------------------------------------------------------------------------- sent

std::uint32_t Session::own_ssrc() const {
  return senders_.empty() ? ssrc_ : senders_.front()->encoding.ssrc;
}

bool Session::feedback_is_due(Time now) const {
  if (feedback_.next_timeout() <= now) return true;
  return std::any_of(receivers_.begin(), receivers_.end(), [&](const auto& receiver) {
    return receiver.second->wants_key_frame || !receiver.second->nacks.empty();
  });
}

std::size_t Session::poll_rtcp(Time now, MutableBytes space) {
  if (!writable_) return 0;
  const bool reports = reporter_.next_timeout() <= now;
  if (!reports && !feedback_is_due(now)) return 0;
  RtcpWriter writer(space.first(std::min(space.size(), config_.max_packet)));
  if (reports) {
    std::vector<OutboundStream*> outbound;
    for (const auto& sender : senders_) outbound.push_back(sender->stream.get());
    std::vector<InboundStream*> inbound;
    for (const auto& [ssrc, receiver] : receivers_) inbound.push_back(&receiver->stream);
    reporter_.write(now, clock_.at(now), outbound, inbound, writer);
  }
  for (const auto& [ssrc, receiver] : receivers_) write_requests(*receiver, own_ssrc(), writer);
  feedback_.write(now, own_ssrc(), writer);
  return writer.size();
}

/// NACKs and the request for a key frame. What does not fit goes with the next packet.
void Session::write_requests(Receiver& receiver, std::uint32_t ours, RtcpWriter& writer) {
  const std::uint32_t theirs = receiver.stream.ssrc();
  std::vector<std::uint16_t>& nacks = receiver.nacks;
  if (!nacks.empty()) {
    const std::size_t written = writer.nack(ours, theirs, nacks);
    nacks.erase(nacks.begin(), nacks.begin() + static_cast<std::ptrdiff_t>(written));
    if (written != 0) ++receiver.counted.nack_packets;
  }
  if (!receiver.wants_key_frame) return;
  const Section* of_it = section(receiver.section);
  const CodecParameters* codec = of_it != nullptr ? &of_it->codecs.front() : nullptr;
  if (codec == nullptr || (!codec->picture_loss && !codec->full_intra)) {
    receiver.wants_key_frame = false;  // the peer never agreed to be asked
  } else if (codec->picture_loss) {
    if (!writer.picture_loss_indication(ours, theirs)) return;
    ++receiver.counted.picture_loss_packets;
    receiver.wants_key_frame = false;
  } else {
    const std::array<FirEntry, 1> entry = {{{theirs, receiver.full_intra_sequence}}};
    if (!writer.full_intra_request(ours, entry)) return;
    ++receiver.full_intra_sequence;
    ++receiver.counted.full_intra_packets;
    receiver.wants_key_frame = false;
  }
}

std::size_t Session::write_bye(Time now, MutableBytes space) {
  RtcpWriter writer(space.first(std::min(space.size(), config_.max_packet)));
  std::vector<std::uint32_t> sources;
  for (const auto& sender : senders_) {
    if (sender->stream->sender_report(now, clock_.at(now)))
      sources.push_back(sender->encoding.ssrc);
  }
  if (sources.empty() || !reporter_.write_bye(sources, writer)) return 0;
  return writer.size();
}

}  // namespace floe::rtp
