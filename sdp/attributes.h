#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// The values that lines of a session description carry. Where the grammar gives a line more detail
// than floe needs, the rest of the line is kept as text, so that nothing is lost when it is
// written.
namespace floe::sdp {

/// One "a=" line: `a=name` when `value` is absent, else `a=name:value`.
struct Attribute {
  std::string name;
  std::optional<std::string> value;
  bool operator==(const Attribute&) const = default;
};

/// The "o=" line (RFC 8866 section 5.2).
struct Origin {
  std::string username = "-";
  std::uint64_t session_id = 0;       ///< JSEP wants less than 2^63 - 1.
  std::uint64_t session_version = 0;  ///< Grows with every changed description.
  std::string network_type = "IN";
  std::string address_type = "IP4";
  std::string address = "0.0.0.0";
  bool operator==(const Origin&) const = default;
};

/// A "c=" line (RFC 8866 section 5.7).
struct Connection {
  std::string network_type = "IN";
  std::string address_type = "IP4";
  std::string address = "0.0.0.0";
  bool operator==(const Connection&) const = default;
};

/// A "b=" line, e.g. {"AS", 128} (RFC 8866 section 5.8).
struct Bandwidth {
  std::string type;
  std::uint64_t value = 0;
  bool operator==(const Bandwidth&) const = default;
};

/// A "t=" line with the "r=" and "z=" lines that follow it, those as text (RFC 8866 section 5.9).
struct Timing {
  std::uint64_t start = 0;
  std::uint64_t stop = 0;
  std::vector<std::string> repeats;
  std::optional<std::string> zone;
  bool operator==(const Timing&) const = default;
};

/// `a=group` (RFC 5888): semantics "BUNDLE", "LS", ... and the mids it holds, the tagged one first.
struct Group {
  std::string semantics;
  std::vector<std::string> mids;
  bool operator==(const Group&) const = default;
};

/// `a=msid-semantic`, an expired draft's attribute that browsers still send: {"WMS", {"*"}}.
struct MsidSemantic {
  std::string semantic;
  std::vector<std::string> msids;
  bool operator==(const MsidSemantic&) const = default;
};

/// `a=fingerprint` (RFC 8122 section 5), e.g. {"sha-256", "19:E2:..."}. The parser makes the
/// algorithm lower case and the digits upper case.
struct Fingerprint {
  std::string algorithm;
  std::string value;
  bool operator==(const Fingerprint&) const = default;
};

/// `a=setup` (RFC 4145 section 4, RFC 8842 section 5).
enum class Setup : std::uint8_t { kActpass, kActive, kPassive, kHoldconn };

/// The direction attributes (RFC 8866 section 6.7).
enum class Direction : std::uint8_t { kSendrecv, kSendonly, kRecvonly, kInactive };

std::string_view to_string(Setup setup);
std::string_view to_string(Direction direction);

/// `a=rtcp` (RFC 3605).
struct Rtcp {
  std::uint16_t port = 9;
  std::optional<Connection> connection;
  bool operator==(const Rtcp&) const = default;
};

/// `a=rtpmap` (RFC 8866 section 6.6) without its payload type.
struct Rtpmap {
  std::string name;
  std::uint32_t clock_rate = 0;
  std::optional<std::uint16_t> channels;
  bool operator==(const Rtpmap&) const = default;
};

/// What the "a=" lines of a media section say about one payload type.
struct Codec {
  std::uint16_t payload_type = 0;   ///< May exceed 127 in what a peer sends; RTP cannot carry that.
  std::optional<Rtpmap> rtpmap;     ///< Absent for static payload types (RFC 3551).
  std::optional<std::string> fmtp;  ///< The format's parameters, e.g. "apt=96".
  std::vector<std::string> rtcp_fb;  ///< RFC 4585 section 4.2, e.g. "nack pli".
  bool operator==(const Codec&) const = default;

  /// The value of one `name=value` of `fmtp`; empty text for a bare `name`. The view lives as long
  /// as the codec.
  std::optional<std::string_view> parameter(std::string_view name) const;
};

/// `a=extmap` (RFC 8285 section 8).
struct Extmap {
  std::uint16_t id = 0;
  std::optional<Direction> direction;
  std::string uri;
  std::string attributes;  ///< The extension's own attributes; empty when there are none.
  bool operator==(const Extmap&) const = default;
};

/// All `a=ssrc` lines of one SSRC (RFC 5576 section 4.1).
struct Ssrc {
  std::uint32_t id = 0;
  std::vector<Attribute> attributes;
  bool operator==(const Ssrc&) const = default;
};

/// `a=ssrc-group` (RFC 5576 section 4.2), e.g. {"FID", {1, 2}}.
struct SsrcGroup {
  std::string semantics;
  std::vector<std::uint32_t> ssrcs;
  bool operator==(const SsrcGroup&) const = default;
};

/// `a=msid` (RFC 8830): the media stream's id ("-" for none) and, from older peers, the track's.
struct Msid {
  std::string id;
  std::string appdata;
  bool operator==(const Msid&) const = default;
};

/// `a=rid` (RFC 8851 section 10).
struct Rid {
  enum class Direction : std::uint8_t { kSend, kRecv };
  std::string id;
  Direction direction = Direction::kSend;
  std::string restrictions;  ///< "pt=97;max-width=1280"; empty when there are none.
  bool operator==(const Rid&) const = default;
};

/// `a=simulcast` (RFC 8853 section 5.1): for each direction its streams, and for each stream the
/// formats that are alternatives of one another.
struct Simulcast {
  struct Format {
    std::string rid;
    bool paused = false;
    bool operator==(const Format&) const = default;
  };
  using Stream = std::vector<Format>;
  std::vector<Stream> send;
  std::vector<Stream> recv;
  bool operator==(const Simulcast&) const = default;
};

/// `a=sctpmap`, how data channels were described before RFC 8841.
struct Sctpmap {
  std::uint16_t port = 0;
  std::string application;
  std::optional<std::uint32_t> streams;
  bool operator==(const Sctpmap&) const = default;
};

}  // namespace floe::sdp
