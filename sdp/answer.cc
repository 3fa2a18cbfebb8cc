#include "floe/sdp/answer.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "floe/core/text.h"

namespace floe::sdp {
namespace {

/// What `a=sctpmap` says of ourselves when the older form leaves it open: browsers' 1,024.
constexpr std::uint32_t kSctpmapStreams = 1'024;

std::vector<std::string> common_options(const std::vector<std::string>& ours,
                                        const std::vector<std::string>& theirs) {
  std::vector<std::string> both;
  std::copy_if(ours.begin(), ours.end(), std::back_inserter(both), [&](const std::string& option) {
    return std::find(theirs.begin(), theirs.end(), option) != theirs.end();
  });
  return both;
}

/// Makes `answer`, a section in today's form, speak the form of `offered`: its protocol must match
/// exactly (RFC 8829 section 5.3.1), and the older form has the SCTP port elsewhere.
void speak_like(const Media& offered, Media& answer) {
  answer.protocol = offered.protocol;
  if (offered.sctp_port) {
    answer.formats = offered.formats;
    return;
  }
  // The format is the port of the side that writes it. RFC 8829 wants the offer's repeated; with
  // the port 5000 of every implementation that is the same, and otherwise a wrong port would break
  // what a strange format would not.
  const std::uint16_t port = answer.sctp_port.value_or(kDefaultSctpPort);
  const auto streams = offered.sctpmap ? offered.sctpmap->streams : std::nullopt;
  answer.sctp_port.reset();
  answer.formats = {std::to_string(port)};
  answer.sctpmap = Sctpmap{port, "webrtc-datachannel", streams.value_or(kSctpmapStreams)};
}

Result<Media> answer_data(const DataSection& ours, const Media& offered) {
  if (!offered.is_data()) return fail(Errc::kUnsupported, "it does not describe data channels");
  if (!offered.sctp_port && !parse_decimal<std::uint16_t>(offered.formats.front())) {
    return fail(Errc::kMalformed, "missing a=sctp-port");
  }
  DataSection data = ours;
  data.mid = offered.mid;
  if (offered.sctp_port == std::uint16_t{0}) data.sctp_port = 0;
  Media media = data_media(data);
  speak_like(offered, media);
  return media;
}

/// Decides which sections of one offer are accepted.
class Answerer {
 public:
  Answerer(const Description& offer, const AnswerPlan& plan) : offer_(offer), plan_(plan) {}

  Result<Answer> answer() {
    for (std::size_t i = 0; i < offer_.media.size(); ++i) consider(i);
    choose_transport();
    answer_.description =
        new_description(plan_.session, plan_.transport,
                        common_options(plan_.transport.ice_options, offer_.ice_options));
    for (std::size_t i = 0; i < offer_.media.size(); ++i) {
      answer_.description.media.push_back(accepted_[i] ? std::move(*accepted_[i])
                                                       : refusal(offer_.media[i]));
    }
    if (tag_) {
      if (auto written = write_transport(); !written) return forward(written);
    }
    return std::move(answer_);
  }

 private:
  void refuse(std::size_t index, std::string reason) {
    accepted_[index].reset();
    answer_.refusals.push_back({index, section_name(offer_, index) + " is refused: " + reason});
  }

  void consider(std::size_t index) {
    accepted_.emplace_back();
    const Media& offered = offer_.media[index];
    const bool is_planned = index < plan_.sections.size() && plan_.sections[index].has_value();
    if (offered.rejected() || !is_planned) return;
    const Section& section = *plan_.sections[index];
    auto media = std::holds_alternative<DataSection>(section)
                     ? answer_data(std::get<DataSection>(section), offered)
                     : answer_rtp(std::get<RtpSection>(section), offer_, offered);
    if (media) {
      accepted_[index] = std::move(*media);
    } else {
      refuse(index, media.error().message);
    }
  }

  bool stands_alone(std::size_t index) const {
    const Media& media = offer_.media[index];
    return media.port != 0;
  }

  /// floe has one transport. Data goes first, because without it the others have nothing.
  void choose_transport() {
    std::optional<std::size_t> chosen;
    for (std::size_t i = 0; i < accepted_.size(); ++i) {
      if (!accepted_[i]) continue;
      if (!chosen || (offer_.media[i].is_data() && !offer_.media[*chosen].is_data())) chosen = i;
    }
    if (!chosen) return;
    const Group* group = find_bundle(offer_, offer_.media[*chosen].mid);
    for (std::size_t i = 0; i < accepted_.size(); ++i) {
      if (!accepted_[i] || i == *chosen) continue;
      if (group != nullptr && find_bundle(offer_, offer_.media[i].mid) == group) continue;
      refuse(i, "it is not bundled with " + section_name(offer_, *chosen) +
                    ", and floe has one transport for all");
    }
    tag_ = group == nullptr ? chosen : tag_of(*group);
    if (tag_ && stands_alone(*tag_)) return;
    tag_.reset();
    for (std::size_t i = 0; i < accepted_.size(); ++i) {
      if (accepted_[i]) refuse(i, "it is bundled into a section that is refused");
    }
  }

  std::optional<std::size_t> tag_of(const Group& group) const {
    for (const std::string& mid : group.mids) {
      const Media* media = find_media(offer_, mid);
      if (media == nullptr) continue;
      const auto index = static_cast<std::size_t>(media - offer_.media.data());
      if (accepted_[index] && stands_alone(index)) return index;
    }
    return std::nullopt;
  }

  Result<> write_transport() {
    const auto remote = read_transport(offer_, *tag_, Type::kOffer);
    if (!remote) return forward(remote);
    const auto setup = answer_setup(remote->setup, plan_.transport.setup);
    if (!setup) {
      return fail(setup.error().code, section_name(offer_, *tag_) + ": " + setup.error().message);
    }
    Description& answer = answer_.description;
    TransportParameters ours = plan_.transport;
    // RFC 8842 section 5.3: no tls-id in an answer to an offer without one.
    if (remote->tls_id.empty()) ours.tls_id.clear();
    answer.ice_options = common_options(ours.ice_options, remote->ice_options);
    Group group{"BUNDLE", {}};
    const auto add = [&](std::size_t index) {
      Media& media = answer.media[index];
      if (media.port == 0) return;
      if (media.media != "application") answer.extmap_allow_mixed = offer_.extmap_allow_mixed;
      set_transport(media, ours, *setup, index == *tag_);
      group.mids.push_back(media.mid);
    };
    add(*tag_);
    for (std::size_t i = 0; i < answer.media.size(); ++i) {
      if (i != *tag_) add(i);
    }
    if (find_bundle(offer_, offer_.media[*tag_].mid) != nullptr) {
      answer.groups = {std::move(group)};
    }
    return {};
  }

  const Description& offer_;
  const AnswerPlan& plan_;
  std::vector<std::optional<Media>> accepted_;
  std::optional<std::size_t> tag_;  ///< The section whose transport is used.
  Answer answer_;
};

}  // namespace

Result<Answer> create_answer(const Description& offer, const AnswerPlan& plan) {
  if (auto checked = check_local(plan.transport); !checked) return forward(checked);
  if (auto checked = check(offer); !checked) return forward(checked);
  return Answerer(offer, plan).answer();
}

}  // namespace floe::sdp
