#include <algorithm>
#include <string>

#include "floe/core/text.h"
#include "floe/sdp/attribute_reader.h"
#include "floe/sdp/grammar.h"
#include "floe/sdp/parser.h"

namespace floe::sdp {
namespace {

using Row = AttributeRow<Media>;

/// The codec of this payload type, made if need be; null when there are too many.
Codec* find_codec(Media& media, std::uint16_t payload_type) {
  for (Codec& codec : media.codecs) {
    if (codec.payload_type == payload_type) return &codec;
  }
  if (media.codecs.size() == kMaxItems) return nullptr;
  media.codecs.push_back({payload_type, {}, {}, {}});
  return &media.codecs.back();
}

// RFC 8866 section 6.6: <payload type> <encoding name>/<clock rate>[/<encoding parameters>]; the
// parameters are defined for audio alone, as its number of channels.
Outcome read_rtpmap(std::string_view value, Media& media) {
  Words words(value);
  const auto payload_type = parse_decimal<std::uint16_t>(words.next());
  const std::vector<std::string_view> parts = split(words.next(), '/');
  if (!payload_type || !words.done() || parts.size() < 2 || parts.size() > 3 || parts[0].empty()) {
    return Outcome::kMalformed;
  }
  const auto clock_rate = parse_decimal<std::uint32_t>(parts[1]);
  if (!clock_rate) return Outcome::kMalformed;
  Rtpmap rtpmap{std::string(parts[0]), *clock_rate, {}};
  if (parts.size() == 3) {
    rtpmap.channels = parse_decimal<std::uint16_t>(parts[2]);
    if (!rtpmap.channels) return Outcome::kMalformed;
  }
  Codec* codec = find_codec(media, *payload_type);
  return codec ? set_once(codec->rtpmap, std::move(rtpmap)) : Outcome::kTooMany;
}

// RFC 8866 section 6.15. A format need not be a payload type; such lines are kept as they are.
Outcome read_fmtp(std::string_view value, Media& media) {
  Words words(value);
  const std::string_view format = words.next();
  if (format.empty()) return Outcome::kMalformed;
  const auto payload_type = parse_decimal<std::uint16_t>(format);
  if (!payload_type) return Outcome::kUnknown;
  Codec* codec = find_codec(media, *payload_type);
  return codec ? set_once(codec->fmtp, std::string(words.rest())) : Outcome::kTooMany;
}

// RFC 4585 section 4.2.
Outcome read_rtcp_fb(std::string_view value, Media& media) {
  Words words(value);
  const std::string_view format = words.next();
  const std::string_view feedback = words.rest();
  if (feedback.empty()) return Outcome::kMalformed;
  if (format == "*") {
    media.rtcp_fb.emplace_back(feedback);
    return Outcome::kRead;
  }
  const auto payload_type = parse_decimal<std::uint16_t>(format);
  if (!payload_type) return Outcome::kUnknown;
  Codec* codec = find_codec(media, *payload_type);
  if (codec == nullptr) return Outcome::kTooMany;
  codec->rtcp_fb.emplace_back(feedback);
  return Outcome::kRead;
}

Outcome read_rtcp(std::string_view value, Media& media) {
  Words words(value);
  const auto port = parse_decimal<std::uint16_t>(words.next());
  if (!port) return Outcome::kMalformed;
  Rtcp rtcp{*port, {}};
  if (!words.done()) {
    rtcp.connection = parse_connection(words.rest());
    if (!rtcp.connection) return Outcome::kMalformed;
  }
  return set_once(media.rtcp, std::move(rtcp));
}

Outcome read_msid(std::string_view value, Media& media) {
  Words words(value);
  Msid msid{std::string(words.next()), {}};
  msid.appdata = words.rest();
  if (msid.id.empty()) return Outcome::kMalformed;
  media.msids.push_back(std::move(msid));
  return Outcome::kRead;
}

// RFC 8851 section 10.
Outcome read_rid(std::string_view value, Media& media) {
  Words words(value);
  Rid rid;
  rid.id = words.next();
  const std::string_view direction = words.next();
  if (direction != "send" && direction != "recv") return Outcome::kMalformed;
  rid.direction = direction == "send" ? Rid::Direction::kSend : Rid::Direction::kRecv;
  rid.restrictions = words.rest();
  media.rids.push_back(std::move(rid));
  return Outcome::kRead;
}

// RFC 8853 section 5.1: streams are separated by semicolons, their alternatives by commas, and a
// tilde marks a paused one.
Outcome read_streams(std::string_view list, std::vector<Simulcast::Stream>& streams) {
  if (!streams.empty()) return Outcome::kMalformed;
  std::size_t count = 0;
  for (const std::string_view alternatives : split(list, ';')) {
    Simulcast::Stream& stream = streams.emplace_back();
    for (std::string_view rid : split(alternatives, ',')) {
      if (++count > kMaxItems) return Outcome::kTooMany;
      const bool paused = rid.starts_with('~');
      rid.remove_prefix(paused ? 1 : 0);
      if (!is_token(rid)) return Outcome::kMalformed;
      stream.push_back({std::string(rid), paused});
    }
  }
  return Outcome::kRead;
}

Outcome read_simulcast(std::string_view value, Media& media) {
  Simulcast simulcast;
  Words words(value);
  do {
    const std::string_view direction = words.next();
    if (direction != "send" && direction != "recv") return Outcome::kMalformed;
    const Outcome outcome =
        read_streams(words.next(), direction == "send" ? simulcast.send : simulcast.recv);
    if (outcome != Outcome::kRead) return outcome;
  } while (!words.done());
  return set_once(media.simulcast, std::move(simulcast));
}

Outcome read_ssrc_group(std::string_view value, Media& media) {
  Words words(value);
  SsrcGroup group{std::string(words.next()), {}};
  if (group.semantics.empty()) return Outcome::kMalformed;
  while (!words.done()) {
    const auto ssrc = parse_decimal<std::uint32_t>(words.next());
    if (!ssrc) return Outcome::kMalformed;
    if (group.ssrcs.size() == kMaxItems) return Outcome::kTooMany;
    group.ssrcs.push_back(*ssrc);
  }
  media.ssrc_groups.push_back(std::move(group));
  return Outcome::kRead;
}

Outcome read_ssrc(std::string_view value, Media& media) {
  Words words(value);
  const auto id = parse_decimal<std::uint32_t>(words.next());
  auto attribute = parse_attribute(words.rest());
  if (!id || !attribute) return Outcome::kMalformed;
  auto ssrc = std::find_if(media.ssrcs.begin(), media.ssrcs.end(),
                           [&](const Ssrc& known) { return known.id == *id; });
  if (ssrc == media.ssrcs.end()) {
    if (media.ssrcs.size() == kMaxItems) return Outcome::kTooMany;
    ssrc = media.ssrcs.insert(ssrc, Ssrc{*id, {}});
  }
  ssrc->attributes.push_back(std::move(*attribute));
  return Outcome::kRead;
}

constexpr Row kTable[] = {
    {"rtpmap", "a=rtpmap:<payload type> <name>/<clock rate>[/<channels>]", true, read_rtpmap},
    {"fmtp", "a=fmtp:<format> <parameters>", true, read_fmtp},
    {"rtcp-fb", "a=rtcp-fb:<payload type or *> <feedback>", true, read_rtcp_fb},
    {"ssrc", "a=ssrc:<number> <attribute>[:<value>]", true, read_ssrc},
    {"ssrc-group", "a=ssrc-group:<semantics> <number> ...", true, read_ssrc_group},
    {"msid", "a=msid:<stream> [<track>]", true, read_msid},
    {"rid", "a=rid:<id> send or recv [<restrictions>]", true, read_rid},
    {"simulcast", "a=simulcast:send or recv <rid>[,<rid>][;<rid>] ...", true, read_simulcast},
    {"rtcp", "a=rtcp:<port> [IN <address type> <address>]", true, read_rtcp},
    {"rtcp-mux", "a=rtcp-mux", false, read_flag<Media, &Media::rtcp_mux>},
    {"rtcp-mux-only", "a=rtcp-mux-only", false, read_flag<Media, &Media::rtcp_mux_only>},
    {"rtcp-rsize", "a=rtcp-rsize", false, read_flag<Media, &Media::rtcp_rsize>},
};

}  // namespace

Reading read_rtp_attribute(std::string_view name, std::optional<std::string_view> value,
                           Media& media) {
  return read_attribute<Media>(kTable, name, value, media);
}

}  // namespace floe::sdp
