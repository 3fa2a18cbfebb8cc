#include "floe/sdp/offer_answer.h"

#include <cstddef>
#include <optional>
#include <string>

#include "floe/core/text.h"

namespace floe::sdp {
namespace {

/// What RFC 8829 section 5.8.3 wants of an accepted RTP section.
Result<> check_rtp_answer(const Media& offered, const Description& answer, const Media& answered,
                          const std::string& name) {
  if (!multiplexes_rtcp(answer, answered)) {
    return fail(Errc::kMalformed, name + " has no a=rtcp-mux, which the offer requires");
  }
  const auto common =
      common_codecs(usable_codecs(offered), usable_codecs(answered), CodecOrder::kTheirs);
  if (common.empty()) {
    return fail(Errc::kMalformed, name + " has no codec that the offer has");
  }
  return {};
}

}  // namespace

Result<> check_answer(const Description& offer, const Description& answer) {
  if (auto checked = check(answer); !checked) return checked;
  if (offer.media.size() != answer.media.size()) {
    return fail(Errc::kMalformed, "the answer has " + std::to_string(answer.media.size()) +
                                      " sections, the offer " + std::to_string(offer.media.size()));
  }
  for (std::size_t i = 0; i < offer.media.size(); ++i) {
    const Media& offered = offer.media[i];
    const Media& answered = answer.media[i];
    const std::string name = "the answer's " + section_name(answer, i);
    if (answered.media != offered.media) {
      return fail(Errc::kMalformed, name + " was offered as " + section_name(offer, i));
    }
    if (!equals_ignoring_case(answered.protocol, offered.protocol)) {
      return fail(Errc::kMalformed, name + " has the protocol " + quoted(answered.protocol) +
                                        ", the offer " + quoted(offered.protocol));
    }
    // An answerer that does not know mids leaves them out (RFC 5888 section 9.1).
    if (!answered.mid.empty() && answered.mid != offered.mid) {
      return fail(Errc::kMalformed, name + " was offered as " + section_name(offer, i));
    }
    if (offered.rejected() && !answered.rejected()) {
      return fail(Errc::kMalformed, name + " is accepted, but the offer has it at port 0");
    }
    if (!answered.rejected() && is_rtp_protocol(answered.protocol)) {
      if (auto checked = check_rtp_answer(offered, answer, answered, name); !checked)
        return checked;
    }
  }
  for (const Group& group : answer.groups) {
    if (group.semantics != "BUNDLE" || group.mids.empty()) continue;
    const Group* offered = find_bundle(offer, group.mids.front());
    for (const std::string& mid : group.mids) {
      if (offered == nullptr || find_bundle(offer, mid) != offered) {
        return fail(Errc::kMalformed, "the answer bundles mid " + quoted(mid) +
                                          ", which the offer does not bundle in this way");
      }
    }
  }
  return {};
}

Result<> check_subsequent_offer(const Description& previous, const Description& offer,
                                const Description* ours) {
  if (auto checked = check(offer); !checked) return checked;
  for (std::size_t i = 0; i < previous.media.size(); ++i) {
    const std::string name = section_name(previous, i);
    if (i >= offer.media.size()) {
      return fail(Errc::kMalformed,
                  name + " is missing in the new offer; a section that ends stays, with port 0");
    }
    const Media& before = previous.media[i];
    const bool is_over = before.rejected() ||
                         (ours != nullptr && i < ours->media.size() && ours->media[i].rejected());
    if (is_over) continue;
    if (before.media != offer.media[i].media || before.mid != offer.media[i].mid) {
      return fail(Errc::kMalformed, name + " has become " + section_name(offer, i) +
                                        "; only a section at port 0 may be used anew");
    }
  }
  return {};
}

Result<> check_one_transport(const Description& answer) {
  const auto first = transport_index(answer);
  if (!first) return {};
  const Group* group = find_bundle(answer, answer.media[*first].mid);
  for (std::size_t i = 0; i < answer.media.size(); ++i) {
    if (answer.media[i].rejected() || i == *first) continue;
    if (group != nullptr && find_bundle(answer, answer.media[i].mid) == group) continue;
    return fail(Errc::kUnsupported,
                "the answer accepts " + section_name(answer, i) + " without bundling it with " +
                    section_name(answer, *first) +
                    ", and floe has one transport for all: offer "
                    "bundle policy \"max-bundle\", which such a peer refuses section by section");
  }
  return {};
}

}  // namespace floe::sdp
