#include "floe/peer/transceivers.h"

#include <algorithm>
#include <utility>

#include "floe/core/text.h"
#include "floe/sdp/codec_table.h"
#include "floe/sdp/grammar.h"

namespace floe {
namespace {

constexpr std::string_view kIdCharacters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/// 16 of 62 characters are 95 bits: as good as the UUIDs of browsers.
constexpr std::size_t kIdSize = 16;
/// RFC 8851 section 10 has no bound; browsers take 16.
constexpr std::size_t kMaxRid = 16;

bool is_rid(std::string_view text) {
  return !text.empty() && text.size() <= kMaxRid &&
         text.find_first_not_of(kIdCharacters) == std::string_view::npos;
}

Result<> check_encodings(const std::vector<RtpEncodingParameters>& encodings) {
  if (encodings.size() > kMaxEncodings) {
    return fail(Errc::kInvalidArgument,
                "send_encodings has more than " + std::to_string(kMaxEncodings) + " layers");
  }
  for (std::size_t i = 0; i < encodings.size(); ++i) {
    const RtpEncodingParameters& layer = encodings[i];
    const std::string name = "send_encodings[" + std::to_string(i) + "]";
    const bool named = encodings.size() > 1 || !layer.rid.empty();
    if (named && !is_rid(layer.rid)) {
      return fail(Errc::kInvalidArgument,
                  name + ".rid " + quoted(layer.rid) + " is not 1 to 16 letters and digits");
    }
    for (std::size_t k = 0; k < i; ++k) {
      if (named && encodings[k].rid == layer.rid) {
        return fail(Errc::kInvalidArgument, name + ".rid " + quoted(layer.rid) + " stands twice");
      }
    }
    if (auto ok = check_limits(layer, name); !ok) return ok;
  }
  return {};
}

sdp::MediaType type_of(MediaKind kind) {
  return kind == MediaKind::kAudio ? sdp::MediaType::kAudio : sdp::MediaType::kVideo;
}

std::optional<MediaKind> kind_of(const sdp::Media& media) {
  if (!sdp::is_rtp_protocol(media.protocol)) return std::nullopt;
  if (media.type() == sdp::MediaType::kAudio) return MediaKind::kAudio;
  if (media.type() == sdp::MediaType::kVideo) return MediaKind::kVideo;
  return std::nullopt;
}

/// The stream ids of `a=msid` (RFC 8830 section 2); "-" stands for none.
std::vector<std::string> streams_of(const sdp::Media& media) {
  std::vector<std::string> streams;
  for (const sdp::Msid& msid : media.msids) {
    if (msid.id == "-" || streams.size() == kMaxStreams) continue;
    if (std::find(streams.begin(), streams.end(), msid.id) == streams.end()) {
      streams.push_back(msid.id);
    }
  }
  return streams;
}

std::vector<std::string> rids_of(const std::vector<sdp::Simulcast::Stream>& streams) {
  std::vector<std::string> rids;
  for (const auto& stream : streams) {
    if (!stream.empty() && rids.size() < kMaxEncodings) rids.push_back(stream.front().rid);
  }
  return rids;
}

bool is_simulcast(const std::vector<RtpEncodingParameters>& encodings) {
  return encodings.size() > 1 || !encodings.front().rid.empty();
}

}  // namespace

// ---------------------------------------------------------------------------------- the calls

std::shared_ptr<RtpTransceiver> Transceivers::create(MediaKind kind) {
  if (cname_.empty()) cname_ = random_.text(kIdSize, kIdCharacters);
  auto sender = std::make_shared<RtpSender>(kind);
  sender->owner_ = &owner_;
  sender->cname_ = cname_;
  sender->number_ = next_number_++;
  add_ssrcs(*sender, 1);
  auto track = std::make_shared<MediaStreamTrack>(kind, random_.text(kIdSize, kIdCharacters));
  auto transceiver = std::make_shared<RtpTransceiver>(
      kind, std::move(sender), std::make_shared<RtpReceiver>(std::move(track)));
  transceiver->owner_ = &owner_;
  transceiver->receiver_->owner_ = &owner_;
  transceiver->receiver_->number_ = transceiver->sender_->number_;
  all_.push_back(transceiver);
  return transceiver;
}

/// RFC 3550 section 8: random, so that two streams of one session hardly ever share one.
void Transceivers::add_ssrcs(RtpSender& sender, std::size_t count) {
  const auto random = [this] { return static_cast<std::uint32_t>(1 + random_.below(0xFFFFFFFEU)); };
  while (sender.ssrcs_.size() < count) {
    const std::uint32_t media = random();
    sender.ssrcs_.push_back({media, random()});
  }
}

Result<std::shared_ptr<RtpTransceiver>> Transceivers::add(MediaKind kind,
                                                          std::shared_ptr<MediaStreamTrack> track,
                                                          const RtpTransceiverInit& init) {
  if (init.direction == RtpTransceiverDirection::kStopped) {
    return fail(Errc::kInvalidArgument, "a transceiver cannot begin with direction stopped");
  }
  if (track != nullptr && track->kind() != kind) {
    return fail(Errc::kInvalidArgument, "the track is of the other kind");
  }
  if (auto ok = check_encodings(init.send_encodings); !ok) return forward(ok);
  if (all_.size() >= kMax) {
    return fail(Errc::kLimitExceeded,
                "a connection has at most " + std::to_string(kMax) + " transceivers");
  }
  RtpSender probe(kind);
  probe.owner_ = &owner_;
  if (auto ok = probe.set_streams(init.streams); !ok) return forward(ok);
  auto transceiver = create(kind);
  transceiver->direction_ = static_cast<sdp::Direction>(init.direction);
  transceiver->sender_->track_ = std::move(track);
  transceiver->sender_->streams_ = probe.streams_;
  if (!init.send_encodings.empty()) transceiver->sender_->encodings_ = init.send_encodings;
  owner_.update_negotiation_needed();
  return transceiver;
}

// W3C addTrack: a sender that nobody uses and that never sent is taken first.
Result<std::shared_ptr<RtpSender>> Transceivers::add_track(
    const std::shared_ptr<MediaStreamTrack>& track, std::vector<std::string> streams) {
  if (track == nullptr) return fail(Errc::kInvalidArgument, "add_track needs a track");
  for (const auto& transceiver : all_) {
    if (!transceiver->stopping_ && transceiver->sender_->track_ == track) {
      return fail(Errc::kInvalidArgument, "the track " + quoted(track->id()) + " is sent already");
    }
  }
  for (const auto& transceiver : all_) {
    RtpSender& sender = *transceiver->sender_;
    const bool is_free = transceiver->kind_ == track->kind() && sender.track_ == nullptr &&
                         !transceiver->stopping_ && !transceiver->has_sent_;
    if (!is_free) continue;
    if (auto ok = sender.set_streams(std::move(streams)); !ok) return forward(ok);
    sender.track_ = track;
    transceiver->direction_ = sdp::make_direction(true, sdp::receives(transceiver->direction_));
    transceiver->created_by_peer_ = false;
    owner_.update_negotiation_needed();
    return transceiver->sender_;
  }
  RtpTransceiverInit init;
  init.streams = std::move(streams);
  auto transceiver = add(track->kind(), track, init);
  if (!transceiver) return forward(transceiver);
  (*transceiver)->created_by_add_track_ = true;
  return (*transceiver)->sender_;
}

Result<> Transceivers::remove_track(const std::shared_ptr<RtpSender>& sender) {
  const auto found = std::find_if(all_.begin(), all_.end(), [&](const auto& transceiver) {
    return transceiver->sender_ == sender;
  });
  if (found == all_.end()) {
    return fail(Errc::kInvalidArgument, "the sender is none of this connection's");
  }
  RtpTransceiver& transceiver = **found;
  if (transceiver.stopping_ || sender->track_ == nullptr) return {};
  sender->track_ = nullptr;
  transceiver.direction_ = sdp::make_direction(false, sdp::receives(transceiver.direction_));
  owner_.update_negotiation_needed();
  return {};
}

// ------------------------------------------------------------------------------- what we say

sdp::RtpSection Transceivers::section_of(const RtpTransceiver& transceiver) const {
  sdp::RtpSection section;
  section.type = type_of(transceiver.kind_);
  section.direction = transceiver.direction_;
  const bool has_wishes = !transceiver.preferences_.empty();
  section.codecs = has_wishes ? transceiver.preferences_ : sdp::default_codecs(section.type);
  section.order = has_wishes ? sdp::CodecOrder::kOurs : sdp::CodecOrder::kTheirs;
  section.extensions = sdp::default_extensions(section.type);
  const RtpSender& sender = *transceiver.sender_;
  // A name for the track that is not there: RFC 8829 section 5.2.1 wants none, but older versions
  // of libwebrtc take no a=msid without one.
  const std::string track =
      sender.track_ ? sender.track_->id() : std::to_string(sender.ssrcs_.front().media);
  for (const std::string& stream : sender.streams_) section.msids.push_back({stream, track});
  if (section.msids.empty()) section.msids.push_back({"-", track});
  if (is_simulcast(sender.encodings_)) {
    // RFC 8853 section 5.1: layers are known by their rid; their SSRCs come with the packets.
    for (const RtpEncodingParameters& layer : sender.encodings_) {
      section.rids.push_back({layer.rid, sdp::Rid::Direction::kSend, ""});
    }
    return section;
  }
  const auto [media, rtx] = sender.ssrcs_.front();
  section.ssrcs.push_back({media, {{"cname", sender.cname_}}});
  if (transceiver.kind_ == MediaKind::kVideo) {
    section.ssrcs.push_back({rtx, {{"cname", sender.cname_}}});
    section.ssrc_groups = {{"FID", {media, rtx}}};
  }
  return section;
}

std::vector<sdp::Section> Transceivers::offered(const std::function<std::string()>& new_mid) {
  std::vector<sdp::Section> sections;
  for (const auto& transceiver : all_) {
    if (transceiver->stopping_) continue;
    sdp::RtpSection section = section_of(*transceiver);
    if (transceiver->negotiated_.mid) {
      section.mid = *transceiver->negotiated_.mid;
    } else {
      if (transceiver->proposed_mid_.empty()) transceiver->proposed_mid_ = new_mid();
      section.mid = transceiver->proposed_mid_;
    }
    sections.emplace_back(std::move(section));
  }
  return sections;
}

std::optional<sdp::Section> Transceivers::answered(const sdp::Description& offer,
                                                   std::size_t index) const {
  const auto transceiver = find(index);
  if (transceiver == nullptr || transceiver->stopping_) return std::nullopt;
  sdp::RtpSection section = section_of(*transceiver);
  // W3C: who is asked for layers and has only one encoding takes the offer's.
  const sdp::Media& media = offer.media[index];
  if (media.simulcast && section.rids.empty()) {
    for (const std::string& rid : rids_of(media.simulcast->recv)) {
      section.rids.push_back({rid, sdp::Rid::Direction::kSend, ""});
    }
    if (!section.rids.empty()) {
      section.ssrcs.clear();
      section.ssrc_groups.clear();
    }
  }
  return sdp::Section(std::move(section));
}

// -------------------------------------------------------------------------- what is agreed on

std::shared_ptr<RtpTransceiver> Transceivers::find(std::size_t index) const {
  for (const auto& transceiver : all_) {
    if (transceiver->negotiated_.index == index) return transceiver;
  }
  return nullptr;
}

void Transceivers::apply_local_offer(const sdp::Description& offer) {
  for (std::size_t i = 0; i < offer.media.size(); ++i) {
    const std::string& mid = offer.media[i].mid;
    for (const auto& transceiver : all_) {
      if (transceiver->negotiated_.mid || transceiver->proposed_mid_ != mid) continue;
      transceiver->negotiated_.mid = mid;
      transceiver->negotiated_.index = i;
    }
  }
}

/// RFC 8829 section 5.10: a section of the peer's that wants to receive meets a transceiver that
/// `add_track` made.
std::shared_ptr<RtpTransceiver> Transceivers::take_unassociated(MediaKind kind,
                                                                sdp::Direction offered) {
  if (!sdp::receives(offered)) return nullptr;
  for (const auto& transceiver : all_) {
    if (transceiver->created_by_add_track_ && transceiver->kind_ == kind &&
        !transceiver->negotiated_.mid && !transceiver->stopping_) {
      return transceiver;
    }
  }
  return nullptr;
}

std::vector<TrackEvent> Transceivers::apply_remote_offer(const sdp::Description& offer) {
  forget_replaced(offer);
  std::vector<TrackEvent> events;
  for (std::size_t i = 0; i < offer.media.size(); ++i) {
    const sdp::Media& media = offer.media[i];
    const auto kind = kind_of(media);
    if (!kind || media.rejected()) continue;
    auto transceiver = find(i);
    if (transceiver == nullptr) {
      transceiver = take_unassociated(*kind, sdp::effective_direction(offer, media));
    }
    if (transceiver == nullptr) {
      if (all_.size() >= kMax) continue;
      transceiver = create(*kind);
      transceiver->direction_ = sdp::Direction::kRecvonly;
      transceiver->created_by_peer_ = true;
    }
    transceiver->negotiated_.mid = media.mid;
    transceiver->negotiated_.index = i;
    if (auto event = take_remote(transceiver, offer, i)) events.push_back(std::move(*event));
  }
  forget_proposals();
  return events;
}

/// An offer that takes the place of one that nobody answered need not have all its sections.
void Transceivers::forget_replaced(const sdp::Description& offer) {
  std::erase_if(all_, [&](const auto& transceiver) {
    const RtpTransceiver::Negotiated& now = transceiver->negotiated_;
    if (!now.mid || now.mid == transceiver->stable_.mid) return false;
    const bool stays = *now.index < offer.media.size() && !offer.media[*now.index].rejected() &&
                       offer.media[*now.index].mid == *now.mid;
    if (stays) return false;
    transceiver->negotiated_ = transceiver->stable_;
    if (transceiver->created_by_peer_) transceiver->end();
    return transceiver->created_by_peer_;
  });
}

/// What the peer says of its track (W3C "process remote tracks").
std::optional<TrackEvent> Transceivers::take_remote(
    const std::shared_ptr<RtpTransceiver>& transceiver, const sdp::Description& remote,
    std::size_t index) {
  const sdp::Media& media = remote.media[index];
  const bool comes = !media.rejected() && sdp::sends(sdp::effective_direction(remote, media));
  RtpTransceiver::Negotiated& negotiated = transceiver->negotiated_;
  const bool came = negotiated.fired && sdp::receives(*negotiated.fired);
  negotiated.fired = comes ? sdp::Direction::kRecvonly : sdp::Direction::kInactive;
  negotiated.remote_streams = comes ? streams_of(media) : std::vector<std::string>();
  transceiver->receiver_->streams_ = negotiated.remote_streams;
  if (!comes || came || transceiver->stopping_) return std::nullopt;
  return TrackEvent{transceiver, transceiver->receiver_, transceiver->receiver_->track(),
                    negotiated.remote_streams};
}

std::vector<TrackEvent> Transceivers::apply_answer(const sdp::Description& local,
                                                   const sdp::Description& remote,
                                                   bool answer_is_ours, bool final) {
  std::vector<TrackEvent> events;
  const sdp::Description& answer = answer_is_ours ? local : remote;
  for (std::size_t i = 0; i < answer.media.size(); ++i) {
    const auto transceiver = find(i);
    if (transceiver == nullptr) continue;
    if (answer.media[i].rejected()) {
      if (final) transceiver->end();
      continue;
    }
    const sdp::Direction said = sdp::effective_direction(answer, answer.media[i]);
    transceiver->negotiated_.current = answer_is_ours ? said : sdp::reversed(said);
    if (!answer_is_ours) {
      if (auto event = take_remote(transceiver, remote, i)) events.push_back(std::move(*event));
    }
    settle(*transceiver, answer.media[i], answer_is_ours);
    transceiver->agreed_ = agreed(answer, remote, i);
  }
  if (!final) return events;
  // W3C: stopped transceivers leave the set; so do those that were stopped before any description
  // told of them.
  std::erase_if(all_, [](const auto& transceiver) {
    if (transceiver->stopping_ && !transceiver->negotiated_.mid) transceiver->end();
    return transceiver->negotiated_.stopped;
  });
  remember();
  return events;
}

RtpTransceiver::Agreed Transceivers::agreed(const sdp::Description& answer,
                                            const sdp::Description& remote, std::size_t index) {
  const sdp::Media& settled = answer.media[index];
  const sdp::Media& theirs = remote.media[index];
  RtpTransceiver::Agreed agreed;
  agreed.mixed_extensions = answer.extmap_allow_mixed || settled.extmap_allow_mixed;
  agreed.codecs = sdp::usable_codecs(settled);
  agreed.extensions = sdp::usable_extensions(settled, agreed.mixed_extensions);
  for (const sdp::Rid& rid : theirs.rids) {
    if (rid.direction == sdp::Rid::Direction::kSend) agreed.remote_rids.push_back(rid.id);
  }
  agreed.remote_ssrcs = theirs.ssrcs;
  agreed.remote_groups = theirs.ssrc_groups;
  return agreed;
}

void Transceivers::settle(RtpTransceiver& transceiver, const sdp::Media& answer,
                          bool answer_is_ours) {
  RtpParameters parameters;
  for (const sdp::Codec& codec : sdp::usable_codecs(answer)) {
    parameters.codecs.push_back(to_parameters(transceiver.kind_, codec));
  }
  for (const sdp::Extmap& extmap : sdp::usable_extensions(answer, true)) {
    parameters.header_extensions.push_back({extmap.uri, extmap.id});
  }
  RtpSender& sender = *transceiver.sender_;
  sender.negotiated_ = parameters;
  sender.sending_ = sdp::sends(*transceiver.negotiated_.current);
  transceiver.receiver_->negotiated_ = std::move(parameters);
  if (!sender.sending_) return;
  transceiver.has_sent_ = true;

  // RFC 8853 section 5.3.3: the layers that the answer leaves out are not sent.
  std::vector<std::string> rids;
  if (answer.simulcast) {
    rids = rids_of(answer_is_ours ? answer.simulcast->send : answer.simulcast->recv);
  }
  std::vector<RtpEncodingParameters> layers;
  for (const std::string& rid : rids) {
    const auto known =
        std::find_if(sender.encodings_.begin(), sender.encodings_.end(),
                     [&](const RtpEncodingParameters& layer) { return layer.rid == rid; });
    layers.push_back(known != sender.encodings_.end() ? *known : RtpEncodingParameters{});
    layers.back().rid = rid;
  }
  if (layers.empty()) {
    layers = {sender.encodings_.front()};
    layers.front().rid.clear();
  }
  sender.encodings_ = std::move(layers);
  add_ssrcs(sender, sender.encodings_.size());
}

/// Mids that were never said may meanwhile be the peer's.
void Transceivers::forget_proposals() {
  for (const auto& transceiver : all_) transceiver->proposed_mid_.clear();
}

void Transceivers::remember() {
  for (const auto& transceiver : all_) {
    transceiver->stable_ = transceiver->negotiated_;
    transceiver->created_by_peer_ = false;
  }
}

// W3C rollback: what the description associated is free again, what it created goes, unless the
// application has given it a track since.
void Transceivers::roll_back() {
  for (const auto& transceiver : all_) {
    transceiver->negotiated_ = transceiver->stable_;
    transceiver->receiver_->streams_ = transceiver->negotiated_.remote_streams;
    if (transceiver->created_by_peer_) transceiver->end();
  }
  std::erase_if(all_, [](const auto& transceiver) { return transceiver->created_by_peer_; });
  forget_proposals();
}

bool Transceivers::need_negotiation(const sdp::Description* local, bool local_is_offer,
                                    const sdp::Description* remote) const {
  return std::any_of(all_.begin(), all_.end(), [&](const auto& pointer) {
    const RtpTransceiver& transceiver = *pointer;
    if (transceiver.negotiated_.stopped) return false;
    const bool is_known = local != nullptr && transceiver.negotiated_.index &&
                          *transceiver.negotiated_.index < local->media.size();
    // One that was stopped before anybody heard of it needs no words.
    if (transceiver.stopping_) return is_known;
    if (!is_known) return true;
    const std::size_t index = *transceiver.negotiated_.index;
    const sdp::Media& ours = local->media[index];
    const sdp::Direction said = sdp::effective_direction(*local, ours);
    if (sdp::sends(transceiver.direction_)) {
      const bool tells = !sdp::sends(said) || streams_of(ours) == transceiver.sender_->streams_;
      if (!tells) return true;
    }
    if (remote == nullptr || index >= remote->media.size()) return true;
    const sdp::Direction theirs =
        sdp::reversed(sdp::effective_direction(*remote, remote->media[index]));
    if (local_is_offer) return said != transceiver.direction_ && theirs != transceiver.direction_;
    return said != sdp::intersection(transceiver.direction_, theirs);
  });
}

void Transceivers::close() {
  for (const auto& transceiver : all_) transceiver->end();
}

}  // namespace floe
