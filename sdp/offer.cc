#include "floe/sdp/offer.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <set>
#include <utility>

#include "floe/core/text.h"
#include "floe/sdp/grammar.h"
#include "floe/sdp/numbering.h"

namespace floe::sdp {
namespace {

MediaType type_of(const Section& section) {
  const auto* rtp = std::get_if<RtpSection>(&section);
  return rtp != nullptr ? rtp->type : MediaType::kApplication;
}

Result<> check_mids(const std::vector<Section>& sections) {
  std::set<std::string> mids;
  for (const Section& section : sections) {
    const std::string& mid = mid_of(section);
    if (!is_token(mid)) {
      return fail(Errc::kInvalidArgument, "the mid " + quoted(mid) + " is not a token");
    }
    if (!mids.insert(mid).second) {
      return fail(Errc::kInvalidArgument, "two sections have the mid " + quoted(mid));
    }
  }
  return {};
}

/// Where each section of the plan goes among those of before (RFC 8829 section 5.2.2).
class Places {
 public:
  explicit Places(const OfferPlan& plan) : plan_(plan) {
    if (plan.local != nullptr) taken_.resize(plan.local->media.size());
  }

  Result<> assign() {
    for (const Section& section : plan_.sections) {
      const auto old = place_of(mid_of(section));
      if (!old) continue;
      const Media& media = plan_.local->media[*old];
      if (media.type() != type_of(section) && !media.rejected()) {
        return fail(Errc::kInvalidArgument, "the mid " + quoted(mid_of(section)) + " is that of " +
                                                section_name(*plan_.local, *old) +
                                                "; choose another");
      }
      taken_[*old] = &section;
    }
    for (const Section& section : plan_.sections) {
      if (place_of(mid_of(section))) continue;
      const auto free = free_place();
      if (free) {
        taken_[*free] = &section;
      } else {
        taken_.push_back(&section);
      }
    }
    return {};
  }

  /// Null where a section of before has ended.
  const std::vector<const Section*>& sections() const { return taken_; }
  /// Both sides knew this section before.
  bool is_established(std::size_t place) const {
    return plan_.local != nullptr && place < plan_.local->media.size() &&
           taken_[place] != nullptr && plan_.local->media[place].mid == mid_of(*taken_[place]) &&
           !was_refused(place);
  }

 private:
  std::optional<std::size_t> place_of(const std::string& mid) const {
    if (plan_.local == nullptr) return std::nullopt;
    const Media* media = find_media(*plan_.local, mid);
    if (media == nullptr) return std::nullopt;
    return static_cast<std::size_t>(media - plan_.local->media.data());
  }
  bool was_refused(std::size_t place) const {
    if (plan_.local->media[place].rejected()) return true;
    return plan_.remote != nullptr && place < plan_.remote->media.size() &&
           plan_.remote->media[place].rejected();
  }
  std::optional<std::size_t> free_place() const {
    if (plan_.local == nullptr) return std::nullopt;
    for (std::size_t i = 0; i < plan_.local->media.size(); ++i) {
      if (taken_[i] == nullptr && was_refused(i)) return i;
    }
    return std::nullopt;
  }

  const OfferPlan& plan_;
  std::vector<const Section*> taken_;
};

/// All living mids, those of the present group first and in its order: the tag stays where it is,
/// because a newcomer might be refused (RFC 9143 section 7.2.2).
Group bundle_of(const Description& offer, const Description* before) {
  Group group{"BUNDLE", {}};
  const auto add = [&](const std::string& mid) {
    const Media* media = find_media(offer, mid);
    if (media == nullptr || media->rejected()) return;
    if (std::find(group.mids.begin(), group.mids.end(), mid) == group.mids.end()) {
      group.mids.push_back(mid);
    }
  };
  if (before != nullptr) {
    for (const Group& known : before->groups) {
      if (known.semantics != "BUNDLE") continue;
      for (const std::string& mid : known.mids) add(mid);
    }
  }
  // RFC 9143 section 7.2.1: a section at port 0 cannot be the suggested tag.
  for (const Media& media : offer.media) {
    if (!media.bundle_only) add(media.mid);
  }
  for (const Media& media : offer.media) add(media.mid);
  return group;
}

/// RFC 9143 section 7.2.1 and RFC 8829 section 5.2.1: a new section that may not stand alone.
void make_bundle_only(const OfferPlan& plan, const Places& places, Description& offer) {
  if (plan.bundle_policy == BundlePolicy::kMaxCompat) return;
  std::set<MediaType> seen;
  for (std::size_t i = 0; i < offer.media.size(); ++i) {
    Media& media = offer.media[i];
    if (media.rejected()) continue;
    const bool first_of_type = seen.insert(media.type()).second;
    const bool stands_alone = plan.bundle_policy == BundlePolicy::kBalanced
                                  ? first_of_type
                                  : first_of_type && seen.size() == 1;
    if (stands_alone || places.is_established(i)) continue;
    media.bundle_only = true;
    media.port = 0;
  }
}

}  // namespace

const std::string& mid_of(const Section& section) {
  return std::visit([](const auto& part) -> const std::string& { return part.mid; }, section);
}

Result<> check_local(const TransportParameters& local) {
  if (auto checked = check(local); !checked) {
    return fail(Errc::kInvalidArgument,
                "the local transport parameters: " + checked.error().message);
  }
  return {};
}

// ICE options stand at session level because RFC 8829 section 5.2.1 puts them there; everything
// else that may stand at either level goes into its section.
Description new_description(const Session& session, const TransportParameters& local,
                            std::vector<std::string> ice_options) {
  Description description;
  description.origin.session_id = session.id;
  description.origin.session_version = session.version;
  description.ice_lite = local.ice_lite;
  description.ice_options = std::move(ice_options);
  return description;
}

Media refusal(const Media& media) {
  Media refused;
  refused.media = media.media;
  refused.port = 0;
  refused.protocol = media.protocol;
  refused.formats = media.formats;
  refused.connections = {Connection{}};
  refused.mid = media.mid;
  // RFC 8841 section 9.2: direction attributes mean nothing for SCTP.
  if (!media.is_data()) refused.direction = Direction::kInactive;
  return refused;
}

// Port 9 at 0.0.0.0 stands for "no default candidate", whether or not candidates are listed (RFC
// 8839 section 4.3.1).
Media data_media(const DataSection& data) {
  Media media;
  media.protocol = "UDP/DTLS/SCTP";
  media.formats = {"webrtc-datachannel"};
  media.connections = {Connection{}};
  media.mid = data.mid;
  media.sctp_port = data.sctp_port;
  media.max_message_size = data.max_message_size;
  return media;
}

// RFC 9143 section 7.1.3 has the parameters in the tagged section alone. They are repeated in all,
// as browsers do: who follows that section ignores the others, who does not needs them.
void set_transport(Media& media, const TransportParameters& local, Setup setup,
                   bool with_candidates) {
  media.ice_ufrag = local.ufrag;
  media.ice_pwd = local.pwd;
  media.fingerprints = local.fingerprints;
  media.setup = setup;
  media.tls_id = local.tls_id;
  if (!with_candidates) return;
  media.candidates = local.candidates;
  media.end_of_candidates = local.end_of_candidates;
}

Result<Description> create_offer(const OfferPlan& plan) {
  const TransportParameters& transport = plan.transport;
  if (auto checked = check_local(transport); !checked) return forward(checked);
  if (auto checked = check_mids(plan.sections); !checked) return forward(checked);
  if (transport.setup == Setup::kHoldconn) {
    return fail(Errc::kInvalidArgument, "a=setup:holdconn cannot be used with DTLS");
  }
  Places places(plan);
  if (auto placed = places.assign(); !placed) return forward(placed);

  Numbering numbering;
  if (plan.remote != nullptr) numbering.learn(*plan.remote);
  if (plan.local != nullptr) numbering.learn(*plan.local);
  Description offer = new_description(plan.session, transport, transport.ice_options);
  for (std::size_t i = 0; i < places.sections().size(); ++i) {
    const Section* section = places.sections()[i];
    if (section == nullptr) {
      offer.media.push_back(refusal(plan.local->media[i]));
      continue;
    }
    if (const auto* data = std::get_if<DataSection>(section)) {
      offer.media.push_back(data_media(*data));
    } else {
      RtpSection rtp = std::get<RtpSection>(*section);
      numbering.assign(rtp);
      offer.media.push_back(offer_rtp(rtp));
      offer.extmap_allow_mixed = true;
    }
  }
  make_bundle_only(plan, places, offer);
  Group group = bundle_of(offer, plan.local);
  for (Media& media : offer.media) {
    if (media.rejected()) continue;
    const bool is_tag = !group.mids.empty() && group.mids.front() == media.mid;
    set_transport(media, transport, transport.setup, is_tag);
  }
  if (!group.mids.empty()) offer.groups = {std::move(group)};
  return offer;
}

}  // namespace floe::sdp
