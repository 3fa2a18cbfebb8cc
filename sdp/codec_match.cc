#include "floe/sdp/codec_match.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

#include "floe/core/text.h"

namespace floe::sdp {
namespace {

/// RFC 3551 section 6, the static payload types that somebody may still offer without an rtpmap.
std::optional<Rtpmap> static_rtpmap(std::uint16_t payload_type) {
  switch (payload_type) {
    case 0:
      return Rtpmap{"PCMU", 8'000, {}};
    case 3:
      return Rtpmap{"GSM", 8'000, {}};
    case 4:
      return Rtpmap{"G723", 8'000, {}};
    case 8:
      return Rtpmap{"PCMA", 8'000, {}};
    case 9:
      return Rtpmap{"G722", 8'000, {}};
    case 13:
      return Rtpmap{"CN", 8'000, {}};
    case 15:
      return Rtpmap{"G728", 8'000, {}};
    case 18:
      return Rtpmap{"G729", 8'000, {}};
    case 26:
      return Rtpmap{"JPEG", 90'000, {}};
    case 31:
      return Rtpmap{"H261", 90'000, {}};
    case 34:
      return Rtpmap{"H263", 90'000, {}};
    default:
      return std::nullopt;
  }
}

bool is_usable_number(std::uint16_t payload_type) {
  return payload_type <= 127 && (payload_type < 64 || payload_type > 95);
}

bool is_named(const Codec& codec, std::string_view name) {
  return codec.rtpmap && equals_ignoring_case(codec.rtpmap->name, name);
}

bool holds(const std::vector<Codec>& codecs, std::uint16_t payload_type) {
  return std::any_of(codecs.begin(), codecs.end(),
                     [&](const Codec& codec) { return codec.payload_type == payload_type; });
}

std::string parameter_or(const Codec& codec, std::string_view name, std::string_view fallback) {
  return to_lower(codec.parameter(name).value_or(fallback));
}

/// The profile of H264's profile-level-id (RFC 6184 section 8.1) as browsers tell them apart, with
/// the level left out. 0 when it is not hexadecimal of six digits.
int h264_profile(const Codec& codec) {
  // RFC 6184: absent means Baseline at level 1.
  const auto bytes = from_hex(codec.parameter("profile-level-id").value_or("42000a"));
  if (!bytes || bytes->size() != 3) return 0;
  const std::uint8_t profile = (*bytes)[0];
  const std::uint8_t constraints = (*bytes)[1];
  // Table 5 of section 8.1: constraint set 1 makes Baseline and Extended constrained Baseline.
  const bool constrained = (constraints & 0x40) != 0;
  if ((profile == 0x42 || profile == 0x58) && constrained) return 0x142;
  if (profile == 0x4D && (constraints & 0x80) != 0) return 0x142;
  if (profile == 0x64 && (constraints & 0x0C) == 0x0C) return 0x164;
  return profile;
}

bool same_h264(const Codec& a, const Codec& b) {
  const int profile = h264_profile(a);
  return profile != 0 && profile == h264_profile(b) &&
         parameter_or(a, "packetization-mode", "0") == parameter_or(b, "packetization-mode", "0");
}

/// Each codec's parameters that must be equal, with what counts when they are absent.
struct Distinction {
  std::string_view codec;
  std::string_view parameter;
  std::string_view fallback;
};
constexpr std::array<Distinction, 6> kDistinctions = {{
    {"VP9", "profile-id", "0"},   // RFC 9628 section 7.1
    {"AV1", "profile", "0"},      // the AV1 RTP specification, section 7.2
    {"H265", "profile-id", "1"},  // RFC 7798 section 7.1
    {"H265", "tx-mode", "SRST"},  //
    {"H265", "tier-flag", "0"},   //
    {"multiopus", "channel_mapping", ""},
}};

/// The lower of two levels: RFC 6184 section 8.2.2 without level asymmetry.
std::string lower_level(const Codec& ours, const Codec& theirs) {
  const std::string our_id = parameter_or(ours, "profile-level-id", "42000a");
  const std::string their_id = parameter_or(theirs, "profile-level-id", "42000a");
  const bool theirs_is_lower = their_id.substr(4) < our_id.substr(4);
  return their_id.substr(0, 4) + (theirs_is_lower ? their_id : our_id).substr(4);
}

/// Replaces the value of one parameter, or adds it.
void set_parameter(Codec& codec, std::string_view name, const std::string& value) {
  std::string fmtp;
  bool found = false;
  const std::string before = codec.fmtp.value_or("");
  for (const std::string_view part : split(before, ';')) {
    const std::string_view pair = trim(part);
    if (pair.empty()) continue;
    const bool is_it = equals_ignoring_case(trim(pair.substr(0, pair.find('='))), name);
    found = found || is_it;
    if (!fmtp.empty()) fmtp += ';';
    fmtp += is_it ? std::string(name) + "=" + value : std::string(pair);
  }
  if (!found) fmtp += (fmtp.empty() ? "" : ";") + std::string(name) + "=" + value;
  codec.fmtp = std::move(fmtp);
}

/// What an answer says of a codec that both have: their number, our parameters, common feedback.
Codec agreed(const Codec& ours, const Codec& theirs) {
  Codec codec = ours;
  codec.payload_type = theirs.payload_type;
  codec.rtpmap = theirs.rtpmap;
  if (!references(theirs).empty()) codec.fmtp = theirs.fmtp;
  if (is_named(theirs, "H264")) {
    const bool asymmetric = parameter_or(ours, "level-asymmetry-allowed", "0") == "1" &&
                            parameter_or(theirs, "level-asymmetry-allowed", "0") == "1";
    if (!asymmetric) set_parameter(codec, "profile-level-id", lower_level(ours, theirs));
  }
  std::erase_if(codec.rtcp_fb, [&](const std::string& feedback) {
    return std::find(theirs.rtcp_fb.begin(), theirs.rtcp_fb.end(), feedback) ==
           theirs.rtcp_fb.end();
  });
  return codec;
}

/// `to` if `from` becomes it, by the pairs (their number, our number) matched so far.
using Matches = std::vector<std::pair<std::uint16_t, std::uint16_t>>;

bool same_references(const Codec& ours, const Codec& theirs, const Matches& matches) {
  const auto our_list = references(ours);
  const auto their_list = references(theirs);
  if (our_list.size() != their_list.size()) return false;
  for (std::size_t i = 0; i < our_list.size(); ++i) {
    const std::pair<std::uint16_t, std::uint16_t> wanted{their_list[i], our_list[i]};
    if (std::find(matches.begin(), matches.end(), wanted) == matches.end()) return false;
  }
  return true;
}

}  // namespace

std::vector<Codec> usable_codecs(const Media& media) {
  std::vector<Codec> codecs;
  for (const std::string& format : media.formats) {
    const auto number = parse_decimal<std::uint16_t>(format);
    if (!number || !is_usable_number(*number) || holds(codecs, *number)) continue;
    const auto told =
        std::find_if(media.codecs.begin(), media.codecs.end(),
                     [&](const Codec& codec) { return codec.payload_type == *number; });
    Codec codec = told == media.codecs.end() ? Codec{*number, {}, {}, {}} : *told;
    if (!codec.rtpmap) codec.rtpmap = static_rtpmap(*number);
    if (!codec.rtpmap) continue;
    codec.rtcp_fb.insert(codec.rtcp_fb.end(), media.rtcp_fb.begin(), media.rtcp_fb.end());
    codecs.push_back(std::move(codec));
  }
  // An rtx may stand before its codec, so references are looked at once all are known.
  const std::vector<Codec> all = codecs;
  std::erase_if(codecs, [&](const Codec& codec) {
    if (is_named(codec, "rtx") && references(codec).empty()) return true;
    const auto needed = references(codec);
    return std::any_of(needed.begin(), needed.end(),
                       [&](std::uint16_t number) { return !holds(all, number); });
  });
  return codecs;
}

bool is_auxiliary(const Codec& codec) {
  constexpr std::array<std::string_view, 7> kNames = {
      "rtx", "red", "ulpfec", "flexfec", "flexfec-03", "CN", "telephone-event"};
  return std::any_of(kNames.begin(), kNames.end(),
                     [&](std::string_view name) { return is_named(codec, name); });
}

std::vector<std::uint16_t> references(const Codec& codec) {
  std::vector<std::uint16_t> numbers;
  if (is_named(codec, "rtx")) {
    const auto number = parse_decimal<std::uint16_t>(codec.parameter("apt").value_or(""));
    if (number) numbers.push_back(*number);
  } else if (is_named(codec, "red") && codec.fmtp) {
    for (const std::string_view part : split(*codec.fmtp, '/')) {
      const auto number = parse_decimal<std::uint16_t>(trim(part));
      if (number) numbers.push_back(*number);
    }
  }
  return numbers;
}

bool same_format(const Codec& a, const Codec& b) {
  if (!a.rtpmap || !b.rtpmap || !equals_ignoring_case(a.rtpmap->name, b.rtpmap->name)) return false;
  if (a.rtpmap->clock_rate != b.rtpmap->clock_rate) return false;
  // RFC 8866 section 6.6: one channel when nothing is said.
  if (a.rtpmap->channels.value_or(1) != b.rtpmap->channels.value_or(1)) return false;
  if (is_named(a, "H264")) return same_h264(a, b);
  return std::all_of(kDistinctions.begin(), kDistinctions.end(), [&](const Distinction& known) {
    return !is_named(a, known.codec) || parameter_or(a, known.parameter, known.fallback) ==
                                            parameter_or(b, known.parameter, known.fallback);
  });
}

std::vector<Codec> common_codecs(const std::vector<Codec>& ours, const std::vector<Codec>& theirs,
                                 CodecOrder order) {
  Matches matches;
  std::vector<std::pair<std::size_t, Codec>> found;  // with our place
  const auto match = [&](bool with_references) {
    for (const Codec& their : theirs) {
      if (references(their).empty() == with_references) continue;
      for (std::size_t i = 0; i < ours.size(); ++i) {
        if (!same_format(ours[i], their) || !same_references(ours[i], their, matches)) continue;
        matches.emplace_back(their.payload_type, ours[i].payload_type);
        found.emplace_back(i, agreed(ours[i], their));
        break;
      }
    }
  };
  match(false);
  match(true);
  const auto their_place = [&](const Codec& codec) {
    return std::find_if(theirs.begin(), theirs.end(), [&](const Codec& their) {
      return their.payload_type == codec.payload_type;
    });
  };
  std::stable_sort(found.begin(), found.end(), [&](const auto& a, const auto& b) {
    return order == CodecOrder::kOurs ? a.first < b.first
                                      : their_place(a.second) < their_place(b.second);
  });
  std::vector<Codec> codecs;
  for (auto& [place, codec] : found) codecs.push_back(std::move(codec));
  if (std::all_of(codecs.begin(), codecs.end(), is_auxiliary)) codecs.clear();
  return codecs;
}

}  // namespace floe::sdp
