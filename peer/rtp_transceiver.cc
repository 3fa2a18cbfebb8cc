#include "floe/peer/rtp_transceiver.h"

#include <algorithm>
#include <utility>

#include "floe/core/text.h"
#include "floe/sdp/codec_table.h"
#include "floe/sdp/grammar.h"

namespace floe {
namespace {

tl::unexpected<Error> closed() {
  return fail(Errc::kInvalidState, "the connection of this transceiver is closed");
}

std::string media_type(MediaKind kind, const sdp::Codec& codec) {
  return std::string(to_string(kind)) + "/" + codec.rtpmap->name;
}

/// Whether `codec` is the one that `wanted` names. Resilience codecs are named by type alone.
bool matches(MediaKind kind, const sdp::Codec& codec, const RtpCodec& wanted) {
  const RtpCodec ours = to_parameters(kind, codec);
  if (!equals_ignoring_case(media_type(kind, codec), wanted.mime_type)) return false;
  if (ours.clock_rate != wanted.clock_rate) return false;
  if (is_resilience(wanted)) return true;
  return ours.channels.value_or(1) == wanted.channels.value_or(1) &&
         ours.sdp_fmtp_line == wanted.sdp_fmtp_line;
}

/// A handler that outlives its own replacement while it runs; null for an empty one.
template <typename Handler>
std::shared_ptr<const Handler> shared(Handler handler) {
  return handler ? std::make_shared<const Handler>(std::move(handler)) : nullptr;
}

}  // namespace

Result<> RtpSender::replace_track(std::shared_ptr<MediaStreamTrack> track) {
  if (stopped_) return fail(Errc::kInvalidState, "the sender's transceiver is stopped");
  if (track != nullptr && track->kind() != kind_) {
    return fail(Errc::kInvalidArgument, "a sender of " + std::string(to_string(kind_)) +
                                            " takes no track of " +
                                            std::string(to_string(track->kind())));
  }
  track_ = std::move(track);
  return {};
}

Result<> RtpSender::set_streams(std::vector<std::string> streams) {
  if (owner_ == nullptr) return closed();
  if (streams.size() > kMaxStreams) {
    return fail(Errc::kInvalidArgument,
                "a track is in at most " + std::to_string(kMaxStreams) + " streams");
  }
  for (const std::string& id : streams) {
    // RFC 8830 section 2: 1 to 64 token characters.
    if (!sdp::is_token(id) || id.size() > 64) {
      return fail(Errc::kInvalidArgument,
                  "the stream id " + quoted(id) + " is not 1 to 64 token characters");
    }
  }
  streams_.clear();
  for (std::string& id : streams) {
    if (std::find(streams_.begin(), streams_.end(), id) == streams_.end()) {
      streams_.push_back(std::move(id));
    }
  }
  owner_->update_negotiation_needed();
  return {};
}

Result<> RtpSender::set_parameters(const RtpParameters& parameters) {
  if (stopped_) return fail(Errc::kInvalidState, "the sender's transceiver is stopped");
  if (parameters.encodings.size() != encodings_.size()) {
    return fail(Errc::kInvalidModification, "the sender has " + std::to_string(encodings_.size()) +
                                                " encodings, not " +
                                                std::to_string(parameters.encodings.size()));
  }
  for (std::size_t i = 0; i < encodings_.size(); ++i) {
    const RtpEncodingParameters& layer = parameters.encodings[i];
    const std::string name = "encodings[" + std::to_string(i) + "]";
    if (layer.rid != encodings_[i].rid) {
      return fail(Errc::kInvalidModification, name + ".rid cannot be changed");
    }
    if (auto ok = check_limits(layer, name); !ok) return ok;
  }
  encodings_ = parameters.encodings;
  if (owner_ != nullptr) owner_->update_encodings();
  return {};
}

Result<> RtpSender::check_sending(std::string_view rid) const {
  if (owner_ == nullptr || stopped_) {
    return fail(Errc::kInvalidState,
                "the sender's transceiver is stopped, or its connection closed");
  }
  if (!sending_) {
    return fail(Errc::kInvalidState, "the descriptions do not let this side send " +
                                         std::string(to_string(kind_)) + " (yet)");
  }
  for (const RtpEncodingParameters& layer : encodings_) {
    if (layer.rid != rid) continue;
    if (layer.active) return {};
    return fail(Errc::kInvalidState, "the encoding " + quoted(rid) + " is not active");
  }
  return fail(Errc::kNotFound, "the sender has no encoding " + quoted(rid));
}

Result<> RtpSender::send_frame(const rtp::FrameView& frame, std::string_view rid) {
  if (auto ok = check_sending(rid); !ok) return ok;
  return owner_->send_frame(number_, rid, frame);
}

Result<> RtpSender::send_packet(const ReceivedPacket& packet, std::string_view rid) {
  if (auto ok = check_sending(rid); !ok) return ok;
  return owner_->send_packet(number_, rid, packet);
}

void RtpSender::on_key_frame_request(std::function<void(const std::string&)> handler) {
  key_frame_request_ = shared(std::move(handler));
}

void RtpSender::on_target_bitrate(std::function<void(const std::string&, std::uint64_t)> handler) {
  target_bitrate_ = shared(std::move(handler));
}

void RtpReceiver::on_frame(std::function<void(const ReceivedFrame&)> handler) {
  frame_ = shared(std::move(handler));
}

void RtpReceiver::on_packet(std::function<void(const ReceivedPacket&)> handler) {
  packet_ = shared(std::move(handler));
  if (owner_ != nullptr) owner_->want_packets(number_, packet_ != nullptr);
}

void RtpReceiver::request_key_frame() {
  if (owner_ != nullptr) owner_->request_key_frame(number_);
}

RtpParameters RtpSender::parameters() const {
  RtpParameters parameters = negotiated_;
  parameters.encodings = encodings_;
  parameters.cname = cname_;
  return parameters;
}

RtpTransceiverDirection RtpTransceiver::direction() const {
  if (stopping_) return RtpTransceiverDirection::kStopped;
  return static_cast<RtpTransceiverDirection>(direction_);
}

Result<> RtpTransceiver::set_direction(RtpTransceiverDirection direction) {
  if (owner_ == nullptr) return closed();
  if (stopping_) return fail(Errc::kInvalidState, "the transceiver is stopped");
  if (direction == RtpTransceiverDirection::kStopped) {
    return fail(Errc::kInvalidArgument, "a direction cannot be set to stopped: call stop()");
  }
  const auto wanted = static_cast<sdp::Direction>(direction);
  if (std::exchange(direction_, wanted) != wanted) owner_->update_negotiation_needed();
  return {};
}

std::optional<RtpTransceiverDirection> RtpTransceiver::current_direction() const {
  if (negotiated_.stopped) return RtpTransceiverDirection::kStopped;
  if (!negotiated_.current) return std::nullopt;
  return static_cast<RtpTransceiverDirection>(*negotiated_.current);
}

Result<> RtpTransceiver::stop() {
  if (owner_ == nullptr && !stopping_) return closed();
  if (std::exchange(stopping_, true)) return {};
  sender_->stopped_ = true;
  receiver_->track()->ended_ = true;
  owner_->update_negotiation_needed();
  return {};
}

void RtpTransceiver::end() {
  stopping_ = true;
  negotiated_.stopped = true;
  negotiated_.current.reset();
  sender_->stopped_ = true;
  sender_->owner_ = nullptr;
  sender_->sending_ = false;
  receiver_->owner_ = nullptr;
  receiver_->track()->ended_ = true;
  owner_ = nullptr;
}

Result<> RtpTransceiver::set_codec_preferences(const std::vector<RtpCodec>& codecs) {
  const sdp::MediaType type =
      kind_ == MediaKind::kAudio ? sdp::MediaType::kAudio : sdp::MediaType::kVideo;
  const std::vector<sdp::Codec>& known = sdp::default_codecs(type);
  std::vector<sdp::Codec> preferences;
  const auto has = [&](std::uint16_t number) {
    return std::any_of(preferences.begin(), preferences.end(),
                       [&](const sdp::Codec& codec) { return codec.payload_type == number; });
  };
  for (const RtpCodec& wanted : codecs) {
    bool found = false;
    for (const sdp::Codec& codec : known) {
      if (!matches(kind_, codec, wanted)) continue;
      found = true;
      if (!has(codec.payload_type)) preferences.push_back(codec);
    }
    if (!found) {
      return fail(Errc::kInvalidModification,
                  "the codec " + quoted(wanted.mime_type) + " " + quoted(wanted.sdp_fmtp_line) +
                      " is none of RtpSender::capabilities(" + std::string(to_string(kind_)) + ")");
    }
  }
  // The rtx of a codec that is not wanted is not wanted either.
  std::erase_if(preferences, [&](const sdp::Codec& codec) {
    const auto needed = sdp::references(codec);
    return std::any_of(needed.begin(), needed.end(),
                       [&](std::uint16_t number) { return !has(number); });
  });
  const bool plays = std::any_of(preferences.begin(), preferences.end(),
                                 [](const sdp::Codec& codec) { return !sdp::is_auxiliary(codec); });
  if (!codecs.empty() && !plays) {
    return fail(Errc::kInvalidModification, "no codec that carries media is left");
  }
  preferences_ = std::move(preferences);
  return {};
}

}  // namespace floe
