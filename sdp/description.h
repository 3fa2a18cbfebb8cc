#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "floe/sdp/attributes.h"

namespace floe::sdp {

/// Lines that may stand in a media section or, as the default of all sections, at session level.
/// Strings are empty when the line is absent. Ask the `effective_...` functions below for the value
/// that counts for a section.
struct InheritableLines {
  std::optional<std::string> information;  ///< "i="
  std::vector<Bandwidth> bandwidths;       ///< "b="
  std::optional<std::string> key;          ///< "k=", obsolete.
  std::string ice_ufrag;
  std::string ice_pwd;
  std::vector<std::string> ice_options;
  std::vector<Fingerprint> fingerprints;
  std::optional<Setup> setup;
  std::string tls_id;
  std::optional<Direction> direction;
  std::vector<Extmap> extmaps;
  bool extmap_allow_mixed = false;
  bool end_of_candidates = false;
  /// Every other "a=" line of this level, in the order it was read.
  std::vector<Attribute> attributes;
  bool operator==(const InheritableLines&) const = default;
};

enum class MediaType : std::uint8_t {
  kAudio,
  kVideo,
  kText,
  kApplication,
  kMessage,
  kImage,
  kOther,
};

/// A media section: an "m=" line and what follows it.
struct Media : InheritableLines {
  std::string media = "application";  ///< The <media> word itself; see `type()`.
  std::uint16_t port = 9;             ///< 9 ("discard") while no candidate is known; 0: see below.
  std::uint32_t port_count = 1;       ///< The "/n" after a port.
  std::string protocol;               ///< "UDP/DTLS/SCTP", "UDP/TLS/RTP/SAVPF", ...
  std::vector<std::string> formats;   ///< Payload types in order of preference, or other formats.
  std::vector<Connection> connections;

  std::string mid;
  bool bundle_only = false;
  /// The values of the `a=candidate` lines: what follows "candidate:". They are not looked into
  /// here, because a candidate that an ICE agent does not understand must be ignored, not refused.
  std::vector<std::string> candidates;

  std::optional<Rtcp> rtcp;
  bool rtcp_mux = false;
  bool rtcp_mux_only = false;
  bool rtcp_rsize = false;
  std::vector<Codec> codecs;         ///< In the order in which lines first speak of them.
  std::vector<std::string> rtcp_fb;  ///< `a=rtcp-fb:*`, for all payload types.
  std::vector<Msid> msids;
  std::vector<Rid> rids;
  std::optional<Simulcast> simulcast;
  std::vector<SsrcGroup> ssrc_groups;
  std::vector<Ssrc> ssrcs;

  std::optional<std::uint16_t> sctp_port;
  std::optional<std::uint64_t> max_message_size;  ///< Bytes; 0: any size.
  std::optional<Sctpmap> sctpmap;
  std::string sctp_init;  ///< The value of `a=sctp-init`, as it came.

  bool operator==(const Media&) const = default;

  MediaType type() const;
  /// Refused, stopped or disabled: port 0 without `bundle_only`.
  bool rejected() const { return port == 0 && !bundle_only; }
  /// True for an `m=application` section that describes WebRTC data channels over SCTP, in the form
  /// of RFC 8841 or in the older form `DTLS/SCTP 5000`. Rejected ones too.
  bool is_data() const;
};

/// A session description (RFC 8866): what an SDP text says, line by line. It may be inconsistent
/// when it came from outside; `check` and `read_data_section` look for that.
struct Description : InheritableLines {
  Origin origin;
  std::string session_name = "-";
  std::optional<std::string> uri;
  std::vector<std::string> emails;
  std::vector<std::string> phones;
  std::optional<Connection> connection;
  std::vector<Timing> timings = {Timing{}};
  std::vector<Group> groups;
  bool ice_lite = false;
  std::vector<MsidSemantic> msid_semantics;
  std::vector<Media> media;

  bool operator==(const Description&) const = default;
};

// The value that counts for `media`, a section of `description`: its own or else the session's.
// References live as long as the description.
const std::string& effective_ufrag(const Description& description, const Media& media);
const std::string& effective_pwd(const Description& description, const Media& media);
const std::vector<std::string>& effective_ice_options(const Description& description,
                                                      const Media& media);
const std::vector<Fingerprint>& effective_fingerprints(const Description& description,
                                                       const Media& media);
std::optional<Setup> effective_setup(const Description& description, const Media& media);
const std::string& effective_tls_id(const Description& description, const Media& media);
/// `kSendrecv` when nobody says anything (RFC 8866 section 6.7).
Direction effective_direction(const Description& description, const Media& media);
std::optional<Connection> effective_connection(const Description& description, const Media& media);

/// The section with this mid, or null. An empty mid is nobody's.
const Media* find_media(const Description& description, std::string_view mid);
/// The BUNDLE group that holds this mid, or null.
const Group* find_bundle(const Description& description, std::string_view mid);
/// The value of the first attribute of this name, empty text for a bare flag; absent if there is
/// none.
std::optional<std::string_view> find_attribute(const std::vector<Attribute>& attributes,
                                               std::string_view name);

/// "section 2 (m=audio, mid "a1")", for messages; sections count from 1.
std::string section_name(const Description& description, std::size_t index);

}  // namespace floe::sdp
