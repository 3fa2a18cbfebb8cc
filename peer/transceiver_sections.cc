// From what descriptions agreed on to what RTP has to know.
#include <algorithm>
#include <set>
#include <utility>

#include "floe/core/text.h"
#include "floe/peer/transceivers.h"
#include "floe/sdp/codec_match.h"

namespace floe {
namespace {

bool has_feedback(const sdp::Codec& codec, std::string_view feedback) {
  return std::find(codec.rtcp_fb.begin(), codec.rtcp_fb.end(), feedback) != codec.rtcp_fb.end();
}

rtp::PayloadFormat format_of(const sdp::Codec& codec) {
  rtp::PayloadFormat format;
  format.codec = rtp::codec_of(codec.rtpmap->name);
  // RFC 6184 section 8.1: 0 unless it says otherwise.
  format.packetization_mode = codec.parameter("packetization-mode") == "1" ? 1 : 0;
  return format;
}

/// Those that carry media, each with its rtx.
std::vector<rtp::CodecParameters> codecs_of(const std::vector<sdp::Codec>& agreed) {
  std::vector<rtp::CodecParameters> codecs;
  for (const sdp::Codec& codec : agreed) {
    if (sdp::is_auxiliary(codec)) continue;
    rtp::CodecParameters one;
    one.payload_type = static_cast<std::uint8_t>(codec.payload_type);
    one.format = format_of(codec);
    one.clock_rate = codec.rtpmap->clock_rate;
    one.nack = has_feedback(codec, "nack");
    one.picture_loss = has_feedback(codec, "nack pli");
    one.full_intra = has_feedback(codec, "ccm fir");
    const auto rtx = std::find_if(agreed.begin(), agreed.end(), [&](const sdp::Codec& other) {
      return equals_ignoring_case(other.rtpmap->name, "rtx") &&
             other.parameter("apt") == std::to_string(codec.payload_type);
    });
    if (rtx != agreed.end()) one.rtx = static_cast<std::uint8_t>(rtx->payload_type);
    codecs.push_back(one);
  }
  return codecs;
}

}  // namespace

std::vector<rtp::Section> Transceivers::sections() const {
  std::vector<rtp::Section> sections;
  std::set<std::uint32_t> taken;  // a peer may name an SSRC twice: the first one counts
  for (const auto& transceiver : all_) {
    const RtpTransceiver::Negotiated& negotiated = transceiver->negotiated_;
    if (!negotiated.mid || !negotiated.current || negotiated.stopped) continue;
    const RtpTransceiver::Agreed& agreed = transceiver->agreed_;
    const RtpSender& sender = *transceiver->sender_;
    rtp::Section section;
    section.id = sender.number_;
    section.mid = *negotiated.mid;
    section.is_audio = transceiver->kind_ == MediaKind::kAudio;
    section.codecs = codecs_of(agreed.codecs);
    section.extensions.set_mixed(agreed.mixed_extensions);
    for (const sdp::Extmap& extmap : agreed.extensions) {
      // The ids were checked with the description.
      static_cast<void>(section.extensions.add(static_cast<std::uint8_t>(extmap.id), extmap.uri));
    }
    if (sdp::sends(*negotiated.current) && !section.codecs.empty()) {
      const bool repairs = section.codecs.front().rtx.has_value();
      for (std::size_t i = 0; i < sender.encodings_.size(); ++i) {
        rtp::Encoding encoding{sender.encodings_[i].rid, sender.ssrcs_[i].media, {}};
        if (repairs) encoding.rtx_ssrc = sender.ssrcs_[i].rtx;
        section.encodings.push_back(std::move(encoding));
      }
    }
    section.receives = sdp::receives(*negotiated.current);
    section.rids = agreed.remote_rids;
    for (const sdp::Ssrc& ssrc : agreed.remote_ssrcs) {
      if (!taken.insert(ssrc.id).second) continue;
      rtp::Demux::Section::Source source{ssrc.id, {}};
      for (const sdp::SsrcGroup& group : agreed.remote_groups) {
        if (group.semantics == "FID" && group.ssrcs.size() == 2 && group.ssrcs[1] == ssrc.id) {
          source.repairs = group.ssrcs[0];
        }
      }
      section.sources.push_back(source);
    }
    sections.push_back(std::move(section));
  }
  return sections;
}

std::shared_ptr<RtpTransceiver> Transceivers::with_number(std::uint32_t number) const {
  for (const auto& transceiver : all_) {
    if (transceiver->sender_->number_ == number) return transceiver;
  }
  return nullptr;
}

}  // namespace floe
