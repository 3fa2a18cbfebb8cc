#include "floe/sdp/codec_table.h"

#include <optional>
#include <string>
#include <utility>

namespace floe::sdp {
namespace {

Codec audio(std::uint16_t number, const char* name, std::uint32_t clock,
            std::optional<std::uint16_t> channels = {}, std::optional<std::string> fmtp = {}) {
  return {number, Rtpmap{name, clock, channels}, std::move(fmtp), {}};
}

/// A video codec and its rtx, which takes the next payload type.
void add_video(std::vector<Codec>& codecs, std::uint16_t number, const char* name,
               std::optional<std::string> fmtp = {}) {
  codecs.push_back({number,
                    Rtpmap{name, 90'000, {}},
                    std::move(fmtp),
                    {"goog-remb", "transport-cc", "ccm fir", "nack", "nack pli"}});
  codecs.push_back({static_cast<std::uint16_t>(number + 1),
                    Rtpmap{"rtx", 90'000, {}},
                    "apt=" + std::to_string(number),
                    {}});
}

std::vector<Codec> audio_codecs() {
  std::vector<Codec> codecs;
  codecs.push_back(audio(111, "opus", 48'000, 2, "minptime=10;useinbandfec=1"));
  codecs.back().rtcp_fb = {"transport-cc"};
  codecs.push_back(audio(9, "G722", 8'000));
  codecs.push_back(audio(0, "PCMU", 8'000));
  codecs.push_back(audio(8, "PCMA", 8'000));
  codecs.push_back(audio(110, "telephone-event", 48'000, {}, "0-15"));
  codecs.push_back(audio(126, "telephone-event", 8'000, {}, "0-15"));
  return codecs;
}

std::vector<Codec> video_codecs() {
  std::vector<Codec> codecs;
  const auto h264 = [](const char* profile, const char* mode) {
    return "level-asymmetry-allowed=1;packetization-mode=" + std::string(mode) +
           ";profile-level-id=" + profile;
  };
  add_video(codecs, 96, "VP8");
  add_video(codecs, 98, "VP9", "profile-id=0");
  add_video(codecs, 100, "VP9", "profile-id=2");
  add_video(codecs, 102, "H264", h264("42001f", "1"));
  add_video(codecs, 104, "H264", h264("42001f", "0"));
  add_video(codecs, 106, "H264", h264("42e01f", "1"));
  add_video(codecs, 108, "H264", h264("42e01f", "0"));
  add_video(codecs, 116, "H264", h264("4d001f", "1"));
  add_video(codecs, 118, "H264", h264("64001f", "1"));
  add_video(codecs, 49, "H265", "level-id=93;profile-id=1;tier-flag=0;tx-mode=SRST");
  add_video(codecs, 45, "AV1", "level-idx=5;profile=0;tier=0");
  return codecs;
}

Extmap extension(std::uint16_t id, const char* uri) {
  return {id, {}, uri, {}};
}

std::vector<Extmap> audio_extensions() {
  return {
      extension(1, "urn:ietf:params:rtp-hdrext:ssrc-audio-level"),
      extension(2, "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"),
      extension(3, "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"),
      extension(4, "urn:ietf:params:rtp-hdrext:sdes:mid"),
  };
}

std::vector<Extmap> video_extensions() {
  return {
      extension(14, "urn:ietf:params:rtp-hdrext:toffset"),
      extension(2, "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"),
      extension(13, "urn:3gpp:video-orientation"),
      extension(3, "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"),
      extension(5, "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"),
      extension(6, "http://www.webrtc.org/experiments/rtp-hdrext/video-content-type"),
      extension(7, "http://www.webrtc.org/experiments/rtp-hdrext/video-timing"),
      extension(8, "http://www.webrtc.org/experiments/rtp-hdrext/color-space"),
      extension(4, "urn:ietf:params:rtp-hdrext:sdes:mid"),
      extension(10, "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"),
      extension(11, "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"),
      extension(12,
                "https://aomediacodec.github.io/av1-rtp-spec/"
                "#dependency-descriptor-rtp-header-extension"),
  };
}

}  // namespace

const std::vector<Codec>& default_codecs(MediaType type) {
  static const std::vector<Codec> kAudio = audio_codecs();
  static const std::vector<Codec> kVideo = video_codecs();
  static const std::vector<Codec> kNone;
  if (type == MediaType::kAudio) return kAudio;
  return type == MediaType::kVideo ? kVideo : kNone;
}

const std::vector<Extmap>& default_extensions(MediaType type) {
  static const std::vector<Extmap> kAudio = audio_extensions();
  static const std::vector<Extmap> kVideo = video_extensions();
  static const std::vector<Extmap> kNone;
  if (type == MediaType::kAudio) return kAudio;
  return type == MediaType::kVideo ? kVideo : kNone;
}

}  // namespace floe::sdp
