#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "floe/core/result.h"
#include "floe/sdp/codec_match.h"
#include "floe/sdp/description.h"

namespace floe::sdp {

/// One side's part of an audio or video section, before it is offered or answered.
struct RtpSection {
  std::string mid;
  MediaType type = MediaType::kAudio;
  Direction direction = Direction::kSendrecv;
  std::vector<Codec> codecs;  ///< In order of preference.
  /// In an answer: list codecs in the order above, rather than in the offer's.
  CodecOrder order = CodecOrder::kTheirs;
  std::vector<Extmap> extensions;
  // What we send; left out of the description while the direction has no sending in it.
  std::vector<Msid> msids;
  std::vector<Rid> rids;  ///< `kSend` ones: simulcast layers, best first as the application says.
  std::vector<Ssrc> ssrcs;
  std::vector<SsrcGroup> ssrc_groups;
  bool operator==(const RtpSection&) const = default;
};

bool sends(Direction direction);
bool receives(Direction direction);
Direction make_direction(bool sends, bool receives);
/// The same as the other side sees it.
Direction reversed(Direction direction);
/// What is left of `direction` when only what `limit` has is allowed.
Direction intersection(Direction direction, Direction limit);

/// Whether the protocol is one of RTP's that floe answers (RFC 8829 section 5.1.2): any profile,
/// over whatever transport. The keys come from DTLS in each case.
bool is_rtp_protocol(std::string_view protocol);

/// An "m=" section with the RTP lines of `section`; the transport's lines are the caller's.
Media offer_rtp(const RtpSection& section);

/// The RTP lines of the answer of `section` to `offered` (RFC 8829 section 5.3.1): common codecs,
/// extensions and directions, simulcast streams. Its protocol and mid are the offer's.
/// `Errc::kUnsupported` says why the section cannot be accepted.
[[nodiscard]] Result<Media> answer_rtp(const RtpSection& section, const Description& offer,
                                       const Media& offered);

/// The header extensions of `media` that RTP can carry: ids 1 to 14, or to 255 with two-byte
/// headers allowed (RFC 8285 section 4), each id and URI once.
std::vector<Extmap> usable_extensions(const Media& media, bool allow_mixed);

}  // namespace floe::sdp
