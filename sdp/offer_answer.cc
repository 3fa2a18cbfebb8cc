#include "floe/sdp/offer_answer.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

#include "floe/core/text.h"
#include "floe/sdp/grammar.h"

namespace floe::sdp {
namespace {

/// What `a=sctpmap` says of ourselves when the older form leaves it open: browsers' 1,024.
constexpr std::uint32_t kSctpmapStreams = 1'024;

Result<> check_local(const TransportParameters& local) {
  if (auto checked = check(local); !checked) {
    return fail(Errc::kInvalidArgument,
                "the local transport parameters: " + checked.error().message);
  }
  return {};
}

/// The lines before the sections. ICE options stand here because RFC 8829 section 5.2.1 puts them
/// here; everything else that may stand at either level goes into its section.
Description new_description(const Session& session, const TransportParameters& local,
                            std::vector<std::string> ice_options) {
  Description description;
  description.origin.session_id = session.id;
  description.origin.session_version = session.version;
  description.ice_lite = local.ice_lite;
  description.ice_options = std::move(ice_options);
  return description;
}

/// The refusal of `media` (RFC 3264 section 6): the same line with port 0, and nothing to say.
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

/// An accepted data section in the form of RFC 8841. Port 9 at 0.0.0.0 stands for "no default
/// candidate", whether or not candidates are listed (RFC 8839 section 4.3.1).
Media data_section(const TransportParameters& local, Setup setup, const DataSection& data) {
  Media media;
  media.protocol = "UDP/DTLS/SCTP";
  media.formats = {"webrtc-datachannel"};
  media.connections = {Connection{}};
  media.mid = data.mid;
  media.ice_ufrag = local.ufrag;
  media.ice_pwd = local.pwd;
  media.fingerprints = local.fingerprints;
  media.setup = setup;
  media.tls_id = local.tls_id;
  media.candidates = local.candidates;
  media.end_of_candidates = local.end_of_candidates;
  media.sctp_port = data.sctp_port;
  media.max_message_size = data.max_message_size;
  return media;
}

/// Where the data section goes among the sections of an earlier description: into its old place,
/// else into the first refused one (RFC 8829 section 5.2.2), else behind the last.
std::size_t place_for(const std::string& mid, const std::vector<Media>& media) {
  const auto same = std::find_if(media.begin(), media.end(),
                                 [&](const Media& section) { return section.mid == mid; });
  if (same != media.end()) return static_cast<std::size_t>(same - media.begin());
  const auto refused = std::find_if(media.begin(), media.end(),
                                    [](const Media& section) { return section.rejected(); });
  return static_cast<std::size_t>(refused - media.begin());
}

std::vector<std::string> intersection(const std::vector<std::string>& ours,
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

/// True when the section has no transport but that of another one, which we would refuse.
bool depends_on_another(const Description& offer, const Media& media) {
  return media.port == 0 || effective_ufrag(offer, media).empty() ||
         effective_fingerprints(offer, media).empty();
}

/// The data section of `offer` to accept; absent when it has none but refused ones.
Result<std::optional<RemoteData>> find_acceptable(const Description& offer) {
  auto remote = read_data_section(offer, Type::kOffer);
  if (!remote) {
    if (remote.error().code == Errc::kNotFound) return std::nullopt;
    return forward(remote);
  }
  if (remote->rejected) return std::nullopt;
  if (depends_on_another(offer, offer.media[remote->index])) {
    return fail(Errc::kUnsupported,
                section_name(offer, remote->index) +
                    " is bundled into a section that is refused here; offer data in a section with "
                    "a transport of its own (bundle policy \"balanced\" or \"max-compat\")");
  }
  return std::optional(std::move(*remote));
}

}  // namespace

Result<Description> create_data_offer(const Session& session, const TransportParameters& transport,
                                      const DataSection& data, const Description* previous) {
  if (auto checked = check_local(transport); !checked) return forward(checked);
  if (!is_token(data.mid)) {
    return fail(Errc::kInvalidArgument, "the mid " + quoted(data.mid) + " is not a token");
  }
  if (transport.setup == Setup::kHoldconn) {
    return fail(Errc::kInvalidArgument, "a=setup:holdconn cannot be used with DTLS");
  }
  Description offer = new_description(session, transport, transport.ice_options);
  if (previous != nullptr) {
    for (const Media& media : previous->media) offer.media.push_back(refusal(media));
  }
  const std::size_t place = place_for(data.mid, offer.media);
  if (place == offer.media.size()) {
    offer.media.emplace_back();
  } else if (offer.media[place].mid == data.mid && !previous->media[place].is_data() &&
             !previous->media[place].rejected()) {
    return fail(Errc::kInvalidArgument, "the mid " + quoted(data.mid) + " is that of " +
                                            section_name(*previous, place) +
                                            "; choose another for the data section");
  }
  offer.media[place] = data_section(transport, transport.setup, data);
  offer.groups = {Group{"BUNDLE", {data.mid}}};
  return offer;
}

Result<Description> create_answer(const Description& offer, const Session& session,
                                  const TransportParameters& local, const DataSection& data) {
  if (auto checked = check_local(local); !checked) return forward(checked);
  const auto accepted = find_acceptable(offer);
  if (!accepted) return forward(accepted);

  Description answer = new_description(session, local, {});
  for (const Media& media : offer.media) answer.media.push_back(refusal(media));
  if (!*accepted) return answer;

  const RemoteData& remote = **accepted;
  const auto setup = answer_setup(remote.transport.setup, local.setup);
  if (!setup) return forward(setup);
  DataSection ours = data;
  ours.mid = remote.data.mid;
  if (remote.data.sctp_port == 0) ours.sctp_port = 0;
  Media media = data_section(local, *setup, ours);
  speak_like(offer.media[remote.index], media);
  // RFC 8842 section 5.3: no tls-id in an answer to an offer without one.
  if (remote.transport.tls_id.empty()) media.tls_id.clear();
  answer.ice_options = intersection(local.ice_options, remote.transport.ice_options);
  // Every other section is refused and so leaves the group, which makes this one the tagged one
  // (RFC 9143 section 7.3.1).
  if (find_bundle(offer, ours.mid) != nullptr) answer.groups = {Group{"BUNDLE", {ours.mid}}};
  answer.media[remote.index] = std::move(media);
  return answer;
}

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

Result<> check_subsequent_offer(const Description& previous, const Description& offer) {
  if (auto checked = check(offer); !checked) return checked;
  for (std::size_t i = 0; i < previous.media.size(); ++i) {
    const std::string name = section_name(previous, i);
    if (i >= offer.media.size()) {
      return fail(Errc::kMalformed,
                  name + " is missing in the new offer; a section that ends stays, with port 0");
    }
    const Media& before = previous.media[i];
    if (before.rejected()) continue;
    if (before.media != offer.media[i].media || before.mid != offer.media[i].mid) {
      return fail(Errc::kMalformed, name + " has become " + section_name(offer, i) +
                                        "; only a section at port 0 may be used anew");
    }
  }
  return {};
}

}  // namespace floe::sdp
