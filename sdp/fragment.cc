#include "floe/sdp/fragment.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "floe/core/text.h"
#include "floe/sdp/parser.h"

namespace floe::sdp {
namespace {

constexpr std::string_view kCandidate = "candidate";

std::string media_line(const Media& media) {
  std::string text = media.media + " " + std::to_string(media.port) + " " + media.protocol;
  for (const std::string& format : media.formats) text += " " + format;
  return text;
}

/// One value, wherever it stands. False if another stood before.
bool agree(std::string& value, const std::string& other) {
  if (!other.empty() && !value.empty() && value != other) return false;
  if (!other.empty()) value = other;
  return true;
}

void add_line(std::string& text, std::string_view start, std::string_view value = {}) {
  text.append(start);
  std::copy_if(value.begin(), value.end(), std::back_inserter(text),
               [](char c) { return c != '\r' && c != '\n' && c != '\0'; });
  text += "\r\n";
}

void add_list(std::string& text, std::string_view start, const std::vector<std::string>& words) {
  if (words.empty()) return;
  std::string list;
  for (const std::string& word : words) list += (list.empty() ? "" : " ") + word;
  add_line(text, start, list);
}

}  // namespace

Result<Fragment> Fragment::parse(std::string_view text) {
  if (text.size() > kMaxFragmentSize) {
    return fail(Errc::kLimitExceeded, "the SDP fragment has " + std::to_string(text.size()) +
                                          " bytes, more than " + std::to_string(kMaxFragmentSize));
  }
  const Result<Description> read = parse_rest(text);
  if (!read) return fail(read.error().code, "in the SDP fragment, " + read.error().message);
  Fragment fragment;
  fragment.ice_lite = read->ice_lite;
  fragment.ice_options = read->ice_options;
  fragment.ice_ufrag = read->ice_ufrag;
  fragment.ice_pwd = read->ice_pwd;
  for (const Group& group : read->groups) {
    if (group.semantics == "BUNDLE") fragment.bundle = group.mids;
  }
  Section loose;
  loose.end_of_candidates = read->end_of_candidates;
  for (const Attribute& attribute : read->attributes) {
    if (attribute.name == kCandidate && attribute.value) {
      loose.candidates.push_back(*attribute.value);
    }
  }
  if (!loose.candidates.empty() || (loose.end_of_candidates && read->media.empty())) {
    fragment.sections.push_back(std::move(loose));
  }
  for (const Media& media : read->media) {
    if (!agree(fragment.ice_ufrag, media.ice_ufrag) || !agree(fragment.ice_pwd, media.ice_pwd)) {
      return fail(Errc::kMalformed,
                  "the sections of the SDP fragment have different ICE credentials");
    }
    if (fragment.ice_options.empty()) fragment.ice_options = media.ice_options;
    // RFC 8840 section 9.2: at session level it is for every section.
    fragment.sections.push_back({media_line(media), media.mid, media.candidates,
                                 media.end_of_candidates || read->end_of_candidates});
  }
  if (fragment.ice_ufrag.empty() != fragment.ice_pwd.empty()) {
    return fail(Errc::kMalformed, "the SDP fragment has only one of a=ice-ufrag and a=ice-pwd");
  }
  return fragment;
}

Fragment Fragment::of(const Description& description) {
  Fragment fragment;
  fragment.ice_lite = description.ice_lite;
  const auto& media = description.media;
  auto tagged = std::find_if(media.begin(), media.end(),
                             [](const Media& section) { return !section.rejected(); });
  for (const Group& group : description.groups) {
    if (group.semantics != "BUNDLE" || group.mids.empty()) continue;
    fragment.bundle = group.mids;
    tagged = std::find_if(media.begin(), media.end(),
                          [&](const Media& section) { return section.mid == group.mids.front(); });
    break;
  }
  if (tagged == media.end()) return fragment;
  fragment.ice_ufrag = effective_ufrag(description, *tagged);
  fragment.ice_pwd = effective_pwd(description, *tagged);
  fragment.ice_options = effective_ice_options(description, *tagged);
  fragment.sections.push_back({media_line(*tagged), tagged->mid, tagged->candidates,
                               tagged->end_of_candidates || description.end_of_candidates});
  return fragment;
}

std::string Fragment::to_string() const {
  std::string text;
  if (ice_lite) add_line(text, "a=ice-lite");
  add_list(text, "a=ice-options:", ice_options);
  add_list(text, "a=group:BUNDLE ", bundle);
  const auto add_credentials = [&] {
    if (ice_ufrag.empty()) return;
    add_line(text, "a=ice-ufrag:", ice_ufrag);
    add_line(text, "a=ice-pwd:", ice_pwd);
  };
  if (sections.empty()) add_credentials();
  for (const Section& section : sections) {
    add_line(text, "m=", section.media);
    if (!section.mid.empty()) add_line(text, "a=mid:", section.mid);
    add_credentials();
    for (const std::string& candidate : section.candidates) {
      add_line(text, "a=candidate:", candidate);
    }
    if (section.end_of_candidates) add_line(text, "a=end-of-candidates");
  }
  return text;
}

void Fragment::apply_to(Description& description) const {
  const auto replace_credentials = [this](InheritableLines& level) {
    // Sections that are bundled into another one may have none (RFC 9143 section 7.1.3).
    if (level.ice_ufrag.empty()) return;
    level.ice_ufrag = ice_ufrag;
    level.ice_pwd = ice_pwd;
  };
  replace_credentials(description);
  description.end_of_candidates = false;
  for (Media& media : description.media) {
    replace_credentials(media);
    media.candidates.clear();
    media.end_of_candidates = false;
    for (const Section& section : sections) {
      const bool is_meant =
          section.mid.empty() ? &media == &description.media.front() : section.mid == media.mid;
      if (!is_meant) continue;
      media.candidates.insert(media.candidates.end(), section.candidates.begin(),
                              section.candidates.end());
      media.end_of_candidates = media.end_of_candidates || section.end_of_candidates;
    }
  }
}

}  // namespace floe::sdp
