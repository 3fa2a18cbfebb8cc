#include "floe/capi/rtp_codec.h"

#include <string>
#include <utility>

#include "floe/capi/internal/rtp_codecs_handle.h"
#include "floe/capi/internal/sized_struct.h"
#include "floe/capi/internal/words.h"

using floe::Result;

namespace floe::c {
namespace {

constexpr const char* kKinds[] = {"audio", "video"};

floe_rtp_codec show(const RtpCodecParameters& codec, bool has_payload_type) {
  return {.size = sizeof(floe_rtp_codec),
          .mime_type = codec.mime_type.c_str(),
          .clock_rate = codec.clock_rate,
          .channels = codec.channels.value_or(0),
          .payload_type = has_payload_type ? static_cast<std::int16_t>(codec.payload_type)
                                           : static_cast<std::int16_t>(-1),
          .sdp_fmtp_line = codec.sdp_fmtp_line.empty() ? nullptr : codec.sdp_fmtp_line.c_str()};
}

}  // namespace

Result<MediaKind> media_kind_of(floe_media_kind kind) {
  if (kind == FLOE_MEDIA_KIND_AUDIO) return MediaKind::kAudio;
  if (kind == FLOE_MEDIA_KIND_VIDEO) return MediaKind::kVideo;
  return fail(Errc::kInvalidArgument, "there is no kind of media " + std::to_string(kind));
}

floe_media_kind shown(MediaKind kind) {
  return enumerator(kKinds, to_string(kind), FLOE_MEDIA_KIND_AUDIO);
}

Result<std::vector<RtpCodec>> read_codecs(const floe_rtp_codec* const* given, std::size_t count) {
  if (given == nullptr && count > 0) return is_null("codecs");
  std::vector<RtpCodec> codecs;
  for (std::size_t i = 0; i < count; ++i) {
    const auto read = read_struct(given[i], "floe_rtp_codec");
    if (!read) return forward(read);
    const auto mime_type = text(read->mime_type, "mime_type");
    if (!mime_type) return forward(mime_type);
    RtpCodec codec;
    codec.mime_type = *mime_type;
    codec.clock_rate = read->clock_rate;
    if (read->channels != 0) codec.channels = read->channels;
    codec.sdp_fmtp_line = text_or_empty(read->sdp_fmtp_line);
    codecs.push_back(std::move(codec));
  }
  return codecs;
}

}  // namespace floe::c

floe_rtp_codecs::floe_rtp_codecs(std::vector<floe::RtpCodecParameters> of) : codecs(std::move(of)) {
  for (const auto& codec : codecs) shown.push_back(floe::c::show(codec, true));
}

floe_rtp_codecs::floe_rtp_codecs(const std::vector<floe::RtpCodec>& of) {
  for (const floe::RtpCodec& codec : of) {
    codecs.emplace_back();
    static_cast<floe::RtpCodec&>(codecs.back()) = codec;
  }
  for (const auto& codec : codecs) shown.push_back(floe::c::show(codec, false));
}

floe_rtp_codecs* floe_rtp_codecs_supported(floe_media_kind kind) {
  return floe::c::call_for<floe_rtp_codecs*>(nullptr, [&]() -> Result<floe_rtp_codecs*> {
    const auto read = floe::c::media_kind_of(kind);
    if (!read) return forward(read);
    return new floe_rtp_codecs(floe::capabilities(*read).codecs);
  });
}

void floe_rtp_codecs_free(floe_rtp_codecs* codecs) {
  delete codecs;
}

size_t floe_rtp_codecs_count(const floe_rtp_codecs* codecs) {
  return floe::c::call_for<size_t>(0, [&]() -> Result<size_t> {
    if (codecs == nullptr) return floe::c::is_null("codecs");
    return codecs->shown.size();
  });
}

const floe_rtp_codec* floe_rtp_codecs_at(const floe_rtp_codecs* codecs, size_t index) {
  return floe::c::call_for<const floe_rtp_codec*>(nullptr, [&]() -> Result<const floe_rtp_codec*> {
    if (codecs == nullptr) return floe::c::is_null("codecs");
    if (index >= codecs->shown.size()) {
      return fail(floe::Errc::kNotFound, "there is no codec number " + std::to_string(index));
    }
    return &codecs->shown[index];
  });
}

const char* floe_media_kind_text(floe_media_kind kind) {
  return floe::c::word(floe::c::kKinds, kind);
}
