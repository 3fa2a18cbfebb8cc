#include "floe/sdp/numbering.h"

#include <utility>
#include <vector>

#include "floe/core/text.h"

namespace floe::sdp {
namespace {

/// Dynamic payload types in the order in which they are given away: 96 to 127, and when those are
/// used up 35 to 63 (RFC 5761 section 4, RFC 3551 section 3).
constexpr std::pair<std::uint16_t, std::uint16_t> kDynamic[] = {{96, 127}, {35, 63}};
/// Only ids that fit a one-byte header are given away (RFC 8285 section 4.2).
constexpr std::uint16_t kMaxExtension = 14;

bool same_codec(const Codec& a, const Codec& b) {
  return same_format(a, b) && references(a) == references(b);
}

/// Replaces the payload types that `codec` builds on; false when one of them is gone.
bool renumber_references(Codec& codec, const std::map<std::uint16_t, std::uint16_t>& numbers) {
  std::string text;
  for (const std::uint16_t number : references(codec)) {
    const auto it = numbers.find(number);
    if (it == numbers.end()) return false;
    if (!text.empty()) text += '/';
    text += std::to_string(it->second);
  }
  codec.fmtp = equals_ignoring_case(codec.rtpmap->name, "rtx") ? "apt=" + text : text;
  return true;
}

}  // namespace

void Numbering::note(MediaType type, const Codec& codec) {
  codecs_.try_emplace(codec.payload_type, Known{type, codec});
}

void Numbering::learn(const Description& description) {
  for (const Media& media : description.media) {
    if (media.rejected() || media.is_data()) continue;
    for (const Codec& codec : usable_codecs(media)) note(media.type(), codec);
    for (const Extmap& extmap : usable_extensions(media, true)) {
      extensions_.try_emplace(extmap.id, extmap.uri);
    }
  }
}

void Numbering::assign(RtpSection& section) {
  std::map<std::uint16_t, std::uint16_t> numbers;
  std::vector<std::optional<std::uint16_t>> assigned(section.codecs.size());
  // Codecs that build on others come second, when those have their numbers.
  for (const bool building : {false, true}) {
    for (std::size_t i = 0; i < section.codecs.size(); ++i) {
      Codec& codec = section.codecs[i];
      if (references(codec).empty() == building) continue;
      if (building && !renumber_references(codec, numbers)) continue;
      assigned[i] = payload_type_for(section.type, codec);
      if (!assigned[i]) continue;
      if (!building) numbers[codec.payload_type] = *assigned[i];
      codec.payload_type = *assigned[i];
      note(section.type, codec);
    }
  }
  std::vector<Codec> codecs;
  for (std::size_t i = 0; i < assigned.size(); ++i) {
    if (assigned[i]) codecs.push_back(std::move(section.codecs[i]));
  }
  section.codecs = std::move(codecs);

  std::vector<Extmap> extensions;
  for (Extmap& extmap : section.extensions) {
    const auto id = extension_id_for(extmap);
    if (!id) continue;
    extmap.id = *id;
    extensions_.try_emplace(*id, extmap.uri);
    extensions.push_back(std::move(extmap));
  }
  section.extensions = std::move(extensions);
}

std::optional<std::uint16_t> Numbering::payload_type_for(MediaType type, const Codec& codec) const {
  for (const auto& [number, known] : codecs_) {
    if (known.type == type && same_codec(known.codec, codec)) return number;
  }
  if (!codecs_.contains(codec.payload_type)) return codec.payload_type;
  for (const auto& [first, last] : kDynamic) {
    for (std::uint16_t number = first; number <= last; ++number) {
      if (!codecs_.contains(number)) return number;
    }
  }
  return std::nullopt;
}

std::optional<std::uint16_t> Numbering::extension_id_for(const Extmap& extmap) const {
  for (const auto& [id, uri] : extensions_) {
    if (uri == extmap.uri) return id;
  }
  if (!extensions_.contains(extmap.id)) return extmap.id;
  for (std::uint16_t id = 1; id <= kMaxExtension; ++id) {
    if (!extensions_.contains(id)) return id;
  }
  return std::nullopt;
}

}  // namespace floe::sdp
