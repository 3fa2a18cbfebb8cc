#include "floe/rtp/session.h"

#include <algorithm>
#include <utility>

#include "floe/core/text.h"
#include "floe/rtp/congestion/google_congestion_controller.h"

namespace floe::rtp {

Session::Session(Time now, Config config, Random& random)
    : config_(std::move(config)),
      random_(random),
      clock_(now, NtpTime::from_unix(config_.wall_clock)),
      ssrc_(random.u32()),
      extensions_(std::make_shared<const ExtensionMap>()),
      controller_(std::move(config_.congestion_control)),
      reporter_({.ssrc = ssrc_, .cname = config_.cname}, random) {
  if (controller_ == nullptr) {
    controller_ = std::make_unique<GoogleCongestionController>(now, config_.bitrate);
  }
}

const Section* Session::section(std::uint32_t id) const {
  const auto found = std::find_if(sections_.begin(), sections_.end(),
                                  [&](const Section& section) { return section.id == id; });
  return found != sections_.end() ? &*found : nullptr;
}

Result<> Session::set_sections(Time now, std::vector<Section> sections) {
  std::vector<Demux::Section> received;
  ExtensionMap extensions;
  for (const Section& section : sections) {
    for (unsigned id = 1; id <= 255; ++id) {
      const std::string_view uri = section.extensions.uri_of(static_cast<std::uint8_t>(id));
      if (uri.empty()) continue;
      // RFC 8843 section 9.2: within a BUNDLE group an id stands for the same everywhere.
      if (auto ok = extensions.add(static_cast<std::uint8_t>(id), uri); !ok) return ok;
    }
    if (section.extensions.mixed()) extensions.set_mixed(true);
    if (!section.receives) continue;
    Demux::Section one;
    one.id = section.id;
    one.mid = section.mid;
    one.rids = section.rids;
    one.sources = section.sources;
    for (const CodecParameters& codec : section.codecs) {
      one.payload_types.push_back(codec.payload_type);
      if (codec.rtx) one.payload_types.push_back(*codec.rtx);
      if (codec.rtx) one.repair_payload_types.push_back(*codec.rtx);
    }
    received.push_back(std::move(one));
  }
  if (auto ok = demux_.set_sections(std::move(received)); !ok) return ok;
  extensions_ = std::make_shared<const ExtensionMap>(std::move(extensions));
  sections_ = std::move(sections);
  set_senders();
  forget_receivers();
  if (reporter_.next_timeout() == kNever && !sections_.empty()) reporter_.start(now);
  return {};
}

/// Streams that go on keep their numbers and their history.
void Session::set_senders() {
  std::vector<std::unique_ptr<Sender>> before = std::exchange(senders_, {});
  for (const Section& section : sections_) {
    if (section.codecs.empty()) continue;
    const CodecParameters& codec = section.codecs.front();
    for (const Encoding& encoding : section.encodings) {
      const auto known = std::find_if(before.begin(), before.end(), [&](const auto& sender) {
        return sender != nullptr && sender->encoding.ssrc == encoding.ssrc &&
               sender->codec == codec && sender->encoding.rid == encoding.rid;
      });
      if (known != before.end()) {
        (*known)->section = section.id;
        senders_.push_back(std::move(*known));
        continue;
      }
      OutboundStream::Config config;
      config.ssrc = encoding.ssrc;
      config.payload_type = codec.payload_type;
      config.clock_rate = codec.clock_rate;
      config.format = codec.format;
      if (encoding.rtx_ssrc && codec.rtx) {
        config.repair = OutboundStream::Repair{*encoding.rtx_ssrc, *codec.rtx};
      }
      config.extensions = *extensions_;
      config.mid = section.mid;
      config.rid = encoding.rid;
      config.max_packet = config_.max_packet;
      auto stream = OutboundStream::create(std::move(config), random_);
      if (!stream) continue;  // a packet size that the transport does not choose
      senders_.push_back(
          std::make_unique<Sender>(section.id, encoding, codec, std::move(*stream), next_track_++));
    }
  }
  for (const auto& gone : before) {
    if (gone == nullptr) continue;
    pacer_.drop(gone->track);
    allocator_.remove_track(gone->track);
  }
}

void Session::forget_receivers() {
  std::erase_if(receivers_, [this](const auto& receiver) {
    const Section* of_it = section(receiver.second->section);
    return of_it == nullptr || !of_it->receives || of_it->codecs.empty();
  });
}

void Session::set_writable(Time now, bool writable) {
  if (std::exchange(writable_, writable) == writable) return;
  pacer_.set_paused(!writable);
  update_rates(now);
}

void Session::handle_route_change(Time now) {
  controller_->on_network_change(now);
  update_rates(now);
}

void Session::set_round_trip(Time now, Duration round_trip) {
  controller_->on_rtt(now, round_trip);
  for (const auto& sender : senders_) sender->stream->set_round_trip(round_trip);
  for (const auto& [ssrc, receiver] : receivers_) receiver->stream.set_round_trip(round_trip);
  round_trip_ = round_trip;
}

Time Session::next_timeout() const {
  Time next = kNever;
  for (const auto& [ssrc, receiver] : receivers_) {
    next = std::min(next, receiver->stream.next_timeout());
  }
  if (!writable_) return next;
  next = std::min({next, reporter_.next_timeout(), feedback_.next_timeout()});
  return std::min({next, pacer_.next_timeout(), controller_->next_timeout()});
}

void Session::handle_timeout(Time now) {
  for (const auto& [ssrc, receiver] : receivers_) {
    if (receiver->stream.next_timeout() > now) continue;
    receiver->stream.handle_timeout(now);
    take(now, *receiver);
  }
  if (controller_->next_timeout() <= now) controller_->handle_timeout(now);
  update_rates(now);
}

std::optional<Session::Event> Session::poll_event() {
  if (events_.empty()) return std::nullopt;
  Event event = std::move(events_.front());
  events_.pop_front();
  return event;
}

void Session::emit(Event event) {
  if (events_.size() >= kMaxEvents) {
    ++stats_.events_dropped;
    return;
  }
  events_.push_back(std::move(event));
}

}  // namespace floe::rtp
