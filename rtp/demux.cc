#include "floe/rtp/demux.h"

#include <algorithm>
#include <unordered_set>

#include "floe/core/text.h"

namespace floe::rtp {
namespace {

template <typename T, typename U>
bool contains(const std::vector<T>& all, const U& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

}  // namespace

std::string_view to_string(DemuxDrop reason) {
  switch (reason) {
    case DemuxDrop::kUnknownMid:
      return "unknown mid";
    case DemuxDrop::kUnknownRid:
      return "unknown rid";
    case DemuxDrop::kUnknownPayloadType:
      return "unknown payload type";
    case DemuxDrop::kUnknownStream:
      return "unknown stream";
  }
  return "unknown";
}

Result<> Demux::set_sections(std::vector<Section> sections) {
  std::unordered_set<std::uint32_t> ids;
  std::unordered_set<std::uint32_t> ssrcs;
  std::unordered_map<std::string, std::size_t> by_mid;
  std::size_t ssrc_count = 0;
  for (std::size_t i = 0; i < sections.size(); ++i) {
    const Section& section = sections[i];
    if (!ids.insert(section.id).second) {
      return fail(Errc::kInvalidArgument, "two sections have the id " + std::to_string(section.id));
    }
    if (!section.mid.empty() && !by_mid.emplace(section.mid, i).second) {
      return fail(Errc::kInvalidArgument, "two sections have the mid " + quoted(section.mid));
    }
    for (const Section::Source& source : section.sources) {
      ++ssrc_count;
      if (!ssrcs.insert(source.ssrc).second) {
        return fail(Errc::kInvalidArgument,
                    "SSRC " + std::to_string(source.ssrc) + " is signalled twice");
      }
    }
  }
  if (sections.size() > kMaxSections || ssrc_count > kMaxSources) {
    return fail(Errc::kInvalidArgument,
                "more than " + std::to_string(kMaxSections) + " sections or signalled SSRCs");
  }

  // What was learned stays where its section does; the index may have changed.
  std::unordered_map<std::uint32_t, std::size_t> by_id;
  for (std::size_t i = 0; i < sections.size(); ++i) by_id.emplace(sections[i].id, i);
  for (auto it = sources_.begin(); it != sources_.end();) {
    const auto found = by_id.find(sections_[it->second.section].id);
    if (found == by_id.end() || it->second.signalled) {
      it = sources_.erase(it);
    } else {
      it->second.section = found->second;
      ++it;
    }
  }
  sections_ = std::move(sections);
  by_mid_ = std::move(by_mid);

  by_payload_type_ = filled();
  std::array<bool, 128> seen{};
  for (std::size_t i = 0; i < sections_.size(); ++i) {
    for (const std::uint8_t type : sections_[i].payload_types) {
      if (type >= 128) continue;
      by_payload_type_[type] = seen[type] && by_payload_type_[type] != i ? kNone : i;
      seen[type] = true;
    }
    for (const Section::Source& signalled : sections_[i].sources) {
      Source& source = source_for({}, signalled.ssrc);
      source.section = i;
      source.signalled = true;
      source.repair = signalled.repairs.has_value();
      source.repaired = signalled.repairs;
    }
  }
  return {};
}

std::size_t Demux::section_with_mid(std::string_view mid) const {
  const auto found = by_mid_.find(std::string(mid));
  return found == by_mid_.end() ? kNone : found->second;
}

Demux::Source& Demux::source_for(Time now, std::uint32_t ssrc) {
  if (!sources_.contains(ssrc) && sources_.size() >= kMaxSources) {
    auto oldest = sources_.end();
    for (auto it = sources_.begin(); it != sources_.end(); ++it) {
      if (it->second.signalled) continue;
      if (oldest == sources_.end() || it->second.used < oldest->second.used) oldest = it;
    }
    if (oldest != sources_.end()) sources_.erase(oldest);
  }
  Source& source = sources_[ssrc];
  source.used = std::max(source.used, now);
  return source;
}

std::optional<StreamKey> Demux::drop(DemuxDrop reason) {
  ++dropped_[static_cast<std::size_t>(reason)];
  return std::nullopt;
}

std::optional<StreamKey> Demux::route(Time now, const Packet& packet,
                                      const ExtensionMap& extensions) {
  const std::uint8_t payload_type = packet.payload_type();
  const auto known = sources_.find(packet.ssrc());
  std::size_t section = known == sources_.end() ? kNone : known->second.section;
  std::optional<std::int64_t> sequence;
  bool mid_changes = false;
  if (known != sources_.end()) sequence = known->second.sequence.unwrap(packet.sequence_number());

  if (const auto mid = extensions.get<Mid>(packet)) {
    const std::size_t named = section_with_mid(mid->value);
    if (named == kNone) return drop(DemuxDrop::kUnknownMid);
    // RFC 7941 section 4.2.6: a packet that was overtaken does not take the mid back.
    const bool newer = known == sources_.end() || !known->second.mid_updated ||
                       *sequence > *known->second.mid_updated;
    if (newer) {
      mid_changes = true;
      section = named;
    }
  }
  if (section == kNone) section = by_payload_type_[payload_type];
  if (section == kNone) return drop(DemuxDrop::kUnknownStream);
  if (!contains(sections_[section].payload_types, payload_type)) {
    return drop(DemuxDrop::kUnknownPayloadType);
  }

  // RFC 8852 section 3.3: the rid holds for the stream until another one comes.
  const auto rid = extensions.get<Rid>(packet);
  const auto repaired_rid = extensions.get<RepairedRid>(packet);
  const std::string_view named_rid = repaired_rid ? repaired_rid->value
                                     : rid        ? rid->value
                                                  : std::string_view();
  if (!named_rid.empty() && !sections_[section].rids.empty() &&
      !contains(sections_[section].rids, named_rid)) {
    return drop(DemuxDrop::kUnknownRid);
  }

  Source& source = source_for(now, packet.ssrc());
  if (!sequence) sequence = source.sequence.unwrap(packet.sequence_number());
  if (source.section != section) {
    source.rid.clear();
    source.section = section;
  }
  if (mid_changes) source.mid_updated = sequence;
  if (!named_rid.empty() && !sections_[section].rids.empty()) source.rid = named_rid;
  source.repair = source.repaired || repaired_rid ||
                  contains(sections_[section].repair_payload_types, payload_type);

  StreamKey key;
  key.section = sections_[section].id;
  key.ssrc = packet.ssrc();
  key.rid = source.rid;
  key.repair = source.repair;
  key.repaired = source.repaired;
  return key;
}

std::optional<std::uint32_t> Demux::section_of(std::uint32_t ssrc) const {
  const auto found = sources_.find(ssrc);
  if (found == sources_.end()) return std::nullopt;
  return sections_[found->second.section].id;
}

void Demux::learn_mid(Time now, std::uint32_t ssrc, std::string_view mid) {
  const std::size_t section = section_with_mid(mid);
  if (section == kNone) return;
  Source& source = source_for(now, ssrc);
  if (source.section != section) source.rid.clear();
  source.section = section;
}

}  // namespace floe::rtp
