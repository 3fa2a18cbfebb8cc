#include "floe/sdp/rtp_section.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "floe/core/text.h"
#include "floe/sdp/data_section.h"

namespace floe::sdp {
namespace {

/// RFC 8285 section 4.2 and 4.3; 15 is reserved in one-byte headers.
constexpr std::uint16_t kMaxOneByteId = 14;
constexpr std::uint16_t kMaxTwoByteId = 255;

std::string_view media_word(MediaType type) {
  return type == MediaType::kVideo ? "video" : "audio";
}

void set_codecs(Media& media, std::vector<Codec> codecs) {
  media.formats.clear();
  for (const Codec& codec : codecs) media.formats.push_back(std::to_string(codec.payload_type));
  media.codecs = std::move(codecs);
}

void set_sending(Media& media, const RtpSection& section) {
  if (!sends(*media.direction)) return;
  media.msids = section.msids;
  media.ssrcs = section.ssrcs;
  media.ssrc_groups = section.ssrc_groups;
}

/// RFC 8853 section 5.3.1: one simulcast stream for each rid, in the order of the lines.
std::vector<Simulcast::Stream> streams_of(const std::vector<Rid>& rids) {
  std::vector<Simulcast::Stream> streams;
  for (const Rid& rid : rids) streams.push_back({{rid.id, false}});
  return streams;
}

Media new_section(const RtpSection& section, Direction direction) {
  Media media;
  media.media = media_word(section.type);
  media.protocol = "UDP/TLS/RTP/SAVPF";
  media.connections = {Connection{}};
  media.mid = section.mid;
  media.direction = direction;
  media.rtcp_mux = true;
  media.rtcp_rsize = true;
  return media;
}

/// The payload types that the restrictions of a rid allow (RFC 8851 section 10); absent for all.
std::optional<std::vector<std::string_view>> rid_formats(const Rid& rid) {
  for (const std::string_view part : split(rid.restrictions, ';')) {
    const std::string_view pair = trim(part);
    if (pair.starts_with("pt=")) return split(pair.substr(3), ',');
  }
  return std::nullopt;
}

/// RFC 8851 section 6.3: a rid whose formats were all refused is left out.
bool is_possible(const Rid& rid, const Media& answer) {
  const auto formats = rid_formats(rid);
  return !formats || std::any_of(formats->begin(), formats->end(), [&](std::string_view format) {
    return std::find(answer.formats.begin(), answer.formats.end(), trim(format)) !=
           answer.formats.end();
  });
}

/// RFC 8853 section 5.3.2: the answer turns the direction around and may leave streams and
/// alternatives out, not add any.
void answer_simulcast(const RtpSection& section, const Media& offered, Media& answer) {
  if (!offered.simulcast) return;
  Simulcast simulcast;
  const auto take = [&](const std::vector<Simulcast::Stream>& theirs, Rid::Direction ours,
                        std::vector<Simulcast::Stream>& out) {
    const auto their_direction =
        ours == Rid::Direction::kSend ? Rid::Direction::kRecv : Rid::Direction::kSend;
    for (const Simulcast::Stream& stream : theirs) {
      Simulcast::Stream accepted;
      for (const Simulcast::Format& format : stream) {
        const auto rid =
            std::find_if(offered.rids.begin(), offered.rids.end(), [&](const Rid& known) {
              return known.id == format.rid && known.direction == their_direction;
            });
        if (rid == offered.rids.end() || !is_possible(*rid, answer)) continue;
        const bool wanted = ours == Rid::Direction::kRecv ||
                            std::any_of(section.rids.begin(), section.rids.end(),
                                        [&](const Rid& known) { return known.id == format.rid; });
        if (!wanted) continue;
        answer.rids.push_back({rid->id, ours, rid->restrictions});
        accepted.push_back(format);
      }
      if (!accepted.empty()) out.push_back(std::move(accepted));
    }
  };
  if (sends(*answer.direction)) {
    take(offered.simulcast->recv, Rid::Direction::kSend, simulcast.send);
  }
  if (receives(*answer.direction)) {
    take(offered.simulcast->send, Rid::Direction::kRecv, simulcast.recv);
  }
  if (!simulcast.send.empty() || !simulcast.recv.empty()) answer.simulcast = std::move(simulcast);
}

std::vector<Extmap> common_extensions(const std::vector<Extmap>& ours,
                                      const std::vector<Extmap>& theirs) {
  std::vector<Extmap> common;
  for (const Extmap& their : theirs) {
    const bool known = std::any_of(ours.begin(), ours.end(),
                                   [&](const Extmap& our) { return our.uri == their.uri; });
    if (!known) continue;
    Extmap extmap{their.id, {}, their.uri, {}};
    // RFC 8285 section 6: sendonly there is recvonly here.
    if (their.direction) extmap.direction = reversed(*their.direction);
    common.push_back(std::move(extmap));
  }
  return common;
}

}  // namespace

bool sends(Direction direction) {
  return direction == Direction::kSendrecv || direction == Direction::kSendonly;
}

bool receives(Direction direction) {
  return direction == Direction::kSendrecv || direction == Direction::kRecvonly;
}

Direction make_direction(bool sends, bool receives) {
  if (sends) return receives ? Direction::kSendrecv : Direction::kSendonly;
  return receives ? Direction::kRecvonly : Direction::kInactive;
}

Direction reversed(Direction direction) {
  return make_direction(receives(direction), sends(direction));
}

Direction intersection(Direction direction, Direction limit) {
  return make_direction(sends(direction) && sends(limit), receives(direction) && receives(limit));
}

bool is_rtp_protocol(std::string_view protocol) {
  constexpr std::array<std::string_view, 9> kProtocols = {
      "UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP", "TCP/DTLS/RTP/SAVPF",
      "TCP/DTLS/RTP/SAVP", "RTP/SAVPF",        "RTP/SAVP",
      "RTP/AVPF",          "RTP/AVP",          "TCP/TLS/RTP/SAVPF"};
  return std::any_of(kProtocols.begin(), kProtocols.end(),
                     [&](std::string_view known) { return equals_ignoring_case(known, protocol); });
}

Media offer_rtp(const RtpSection& section) {
  Media media = new_section(section, section.direction);
  set_codecs(media, section.codecs);
  media.extmaps = section.extensions;
  set_sending(media, section);
  if (sends(section.direction) && !section.rids.empty()) {
    media.rids = section.rids;
    media.simulcast = Simulcast{streams_of(section.rids), {}};
  }
  return media;
}

Result<Media> answer_rtp(const RtpSection& section, const Description& offer,
                         const Media& offered) {
  if (offered.type() != section.type || !is_rtp_protocol(offered.protocol)) {
    return fail(Errc::kUnsupported, "m=" + offered.media + " over " + quoted(offered.protocol) +
                                        " is not something floe answers");
  }
  if (!multiplexes_rtcp(offer, offered)) {
    return fail(Errc::kUnsupported, "it has no a=rtcp-mux; floe has no second port for RTCP");
  }
  // RFC 3264 section 6.1.
  const Direction direction =
      intersection(section.direction, reversed(effective_direction(offer, offered)));
  Media answer = new_section(section, direction);
  set_codecs(answer, common_codecs(section.codecs, usable_codecs(offered), section.order));
  if (answer.codecs.empty()) {
    return fail(Errc::kUnsupported, "it offers no codec that is wanted here");
  }
  answer.protocol = offered.protocol;
  answer.mid = offered.mid;
  answer.rtcp_rsize = offered.rtcp_rsize;
  const bool allow_mixed = offer.extmap_allow_mixed || offered.extmap_allow_mixed;
  answer.extmaps = common_extensions(section.extensions, usable_extensions(offered, allow_mixed));
  set_sending(answer, section);
  answer_simulcast(section, offered, answer);
  return answer;
}

std::vector<Extmap> usable_extensions(const Media& media, bool allow_mixed) {
  std::vector<Extmap> usable;
  const std::uint16_t max = allow_mixed ? kMaxTwoByteId : kMaxOneByteId;
  for (const Extmap& extmap : media.extmaps) {
    if (extmap.id == 0 || extmap.id > max) continue;
    const bool taken = std::any_of(usable.begin(), usable.end(), [&](const Extmap& known) {
      return known.id == extmap.id || known.uri == extmap.uri;
    });
    if (!taken) usable.push_back(extmap);
  }
  return usable;
}

}  // namespace floe::sdp
