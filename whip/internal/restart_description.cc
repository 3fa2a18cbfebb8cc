#include "floe/whip/internal/restart_description.h"

#include "floe/sdp/parser.h"
#include "floe/sdp/writer.h"

namespace floe::whip {
namespace {

void replace_setup(sdp::InheritableLines& level, sdp::Setup setup) {
  if (level.setup) level.setup = setup;
}

void replace_setup(sdp::Description& description, sdp::Setup setup) {
  replace_setup(static_cast<sdp::InheritableLines&>(description), setup);
  for (sdp::Media& media : description.media) replace_setup(media, setup);
}

/// What the peer's side of DTLS is, where its description left that to us.
sdp::Setup role_opposite_to(const SessionDescription& ours) {
  const Result<sdp::Description> description = sdp::parse(ours.sdp);
  if (description) {
    for (const sdp::Media& media : description->media) {
      if (sdp::effective_setup(*description, media) == sdp::Setup::kPassive) {
        return sdp::Setup::kActive;
      }
    }
  }
  return sdp::Setup::kPassive;
}

/// WHIP has no renegotiation: what our offer has beyond the sections agreed on is refused.
void refuse_new_sections(sdp::Description& answer, const PeerConnection& connection) {
  const auto offer = connection.pending_local_description();
  const Result<sdp::Description> ours = sdp::parse(offer ? offer->sdp : std::string());
  if (!ours) return;
  for (std::size_t i = answer.media.size(); i < ours->media.size(); ++i) {
    sdp::Media refused;
    refused.media = ours->media[i].media;
    refused.port = 0;
    refused.protocol = ours->media[i].protocol;
    refused.formats = ours->media[i].formats;
    refused.mid = ours->media[i].mid;
    answer.media.push_back(std::move(refused));
  }
}

}  // namespace

Result<SessionDescription> restart_description(const PeerConnection& connection,
                                               const sdp::Fragment& fragment, SdpType type) {
  const auto theirs = connection.current_remote_description();
  const auto ours = connection.current_local_description();
  if (!theirs || !ours) {
    return fail(Errc::kInvalidState, "there is nothing to restart before the first answer");
  }
  Result<sdp::Description> description = sdp::parse(theirs->sdp);
  if (!description) return forward(description);
  fragment.apply_to(*description);
  ++description->origin.session_version;
  // After a counter-offer the sides are the other way round: RFC 8842 section 5.2 wants actpass in
  // an offer, and an answer has to decide.
  if (type == SdpType::kOffer && theirs->type == SdpType::kAnswer) {
    replace_setup(*description, sdp::Setup::kActpass);
  }
  if (type == SdpType::kAnswer) refuse_new_sections(*description, connection);
  if (type == SdpType::kAnswer && theirs->type == SdpType::kOffer) {
    replace_setup(*description, role_opposite_to(*ours));
  }
  return SessionDescription{type, sdp::write(*description)};
}

}  // namespace floe::whip
