#include "floe/sdp/description.h"

#include <algorithm>
#include <array>
#include <utility>

#include "floe/core/text.h"

namespace floe::sdp {
namespace {

bool is_number(std::string_view text) {
  return parse_decimal<std::uint16_t>(text).has_value();
}

}  // namespace

MediaType Media::type() const {
  constexpr std::pair<std::string_view, MediaType> kTypes[] = {
      {"audio", MediaType::kAudio}, {"video", MediaType::kVideo},
      {"text", MediaType::kText},   {"application", MediaType::kApplication},
      {"image", MediaType::kImage}, {"message", MediaType::kMessage},
  };
  for (const auto& [name, type] : kTypes) {
    if (name == media) return type;
  }
  return MediaType::kOther;
}

bool Media::is_data() const {
  constexpr std::array<std::string_view, 3> kProtocols = {"UDP/DTLS/SCTP", "TCP/DTLS/SCTP",
                                                          "DTLS/SCTP"};
  const bool is_sctp =
      std::any_of(kProtocols.begin(), kProtocols.end(),
                  [&](std::string_view known) { return equals_ignoring_case(protocol, known); });
  if (type() != MediaType::kApplication || !is_sctp) return false;
  // Whoever refuses a section may write any format there (RFC 3264 section 6).
  if (rejected()) return true;
  if (formats.size() != 1) return false;
  if (formats.front() == "webrtc-datachannel") return true;
  return is_number(formats.front()) && (!sctpmap || sctpmap->application == "webrtc-datachannel");
}

const std::string& effective_ufrag(const Description& description, const Media& media) {
  return media.ice_ufrag.empty() ? description.ice_ufrag : media.ice_ufrag;
}

const std::string& effective_pwd(const Description& description, const Media& media) {
  return media.ice_pwd.empty() ? description.ice_pwd : media.ice_pwd;
}

const std::vector<std::string>& effective_ice_options(const Description& description,
                                                      const Media& media) {
  return media.ice_options.empty() ? description.ice_options : media.ice_options;
}

const std::vector<Fingerprint>& effective_fingerprints(const Description& description,
                                                       const Media& media) {
  return media.fingerprints.empty() ? description.fingerprints : media.fingerprints;
}

std::optional<Setup> effective_setup(const Description& description, const Media& media) {
  return media.setup ? media.setup : description.setup;
}

const std::string& effective_tls_id(const Description& description, const Media& media) {
  return media.tls_id.empty() ? description.tls_id : media.tls_id;
}

Direction effective_direction(const Description& description, const Media& media) {
  return media.direction.value_or(description.direction.value_or(Direction::kSendrecv));
}

std::optional<Connection> effective_connection(const Description& description, const Media& media) {
  return media.connections.empty() ? description.connection : media.connections.front();
}

const Media* find_media(const Description& description, std::string_view mid) {
  if (mid.empty()) return nullptr;
  for (const Media& media : description.media) {
    if (media.mid == mid) return &media;
  }
  return nullptr;
}

const Group* find_bundle(const Description& description, std::string_view mid) {
  if (mid.empty()) return nullptr;
  for (const Group& group : description.groups) {
    if (group.semantics != "BUNDLE") continue;
    if (std::find(group.mids.begin(), group.mids.end(), mid) != group.mids.end()) return &group;
  }
  return nullptr;
}

std::optional<std::string_view> find_attribute(const std::vector<Attribute>& attributes,
                                               std::string_view name) {
  for (const Attribute& attribute : attributes) {
    if (attribute.name != name) continue;
    return attribute.value ? std::string_view(*attribute.value) : std::string_view{};
  }
  return std::nullopt;
}

std::string section_name(const Description& description, std::size_t index) {
  const Media& media = description.media.at(index);
  std::string name = "section " + std::to_string(index + 1) + " (m=" + media.media;
  if (!media.mid.empty()) name += ", mid " + quoted(media.mid);
  return name + ")";
}

}  // namespace floe::sdp
