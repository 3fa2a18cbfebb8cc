#include "floe/peer/negotiation.h"

#include <algorithm>
#include <utility>

#include "floe/peer/local_edits.h"
#include "floe/sdp/parser.h"
#include "floe/sdp/writer.h"

namespace floe {
namespace {

tl::unexpected<Error> wrong_state(std::string_view call, SignalingState state) {
  return fail(Errc::kInvalidState, std::string(call) + " does not fit the signaling state " +
                                       std::string(to_string(state)));
}

/// The first data section that is not refused; null if there is none.
const sdp::Media* living_data(const sdp::Description& description) {
  const auto it =
      std::find_if(description.media.begin(), description.media.end(),
                   [](const sdp::Media& media) { return media.is_data() && !media.rejected(); });
  return it == description.media.end() ? nullptr : &*it;
}

const sdp::Description* description_of(const std::optional<Negotiation::Typed>& typed) {
  return typed ? &typed->description : nullptr;
}

}  // namespace

void Negotiation::close() {
  state_ = SignalingState::kClosed;
  transceivers_.close();
}

// ------------------------------------------------------------------------- what is wanted

void Negotiation::want_data() {
  wants_data_ = true;
}

bool Negotiation::negotiation_needed() const {
  const sdp::Description* local = description_of(current_local_);
  const sdp::Description* remote = description_of(current_remote_);
  if (wants_data_ && !data_ended_) {
    // A peer that refused data is not asked again and again: a section of it, refused or not, will
    // do. W3C: "no m= section has been negotiated yet for data".
    const bool was_offered =
        local != nullptr && std::any_of(local->media.begin(), local->media.end(),
                                        [](const sdp::Media& media) { return media.is_data(); });
    if (!was_offered) return true;
  }
  return transceivers_.need_negotiation(
      local, current_local_ && current_local_->type == SdpType::kOffer, remote);
}

std::string Negotiation::new_mid() {
  std::string mid;
  do {
    mid = std::to_string(next_mid_++);
  } while (!mids_.insert(mid).second);
  return mid;
}

void Negotiation::learn_mids(const sdp::Description& description) {
  for (const sdp::Media& media : description.media) mids_.insert(media.mid);
}

/// The mid of the data section in the descriptions agreed on; empty if there is none.
std::string Negotiation::known_data_mid() const {
  if (!current_local_) return {};
  const sdp::Media* data = living_data(current_local_->description);
  return data == nullptr ? std::string() : data->mid;
}

// ----------------------------------------------------------------------------- creating

/// Numbers the description (RFC 8829 section 5.2.2: a new version when it says anything new) and
/// keeps it, so that it can be set.
SessionDescription Negotiation::remember(SdpType type, sdp::Description description) {
  if (last_created_) {
    description.origin.session_version = last_created_->origin.session_version;
    if (description != *last_created_) ++description.origin.session_version;
  } else {
    description.origin.session_version = 1;
  }
  last_created_ = description;
  created_ = Typed{type, std::move(description)};
  created_text_ = sdp::write(created_->description);
  return {type, created_text_};
}

Result<SessionDescription> Negotiation::create_offer(const Local& local) {
  if (state_ != SignalingState::kStable && state_ != SignalingState::kHaveLocalOffer) {
    return wrong_state("create_offer", state_);
  }
  sdp::OfferPlan plan;
  plan.session = session_;
  plan.transport = local.transport;
  plan.transport.setup = sdp::Setup::kActpass;
  plan.bundle_policy = bundle_policy_;
  plan.local = description_of(current_local_);
  plan.remote = description_of(current_remote_);
  plan.sections = transceivers_.offered([this] { return new_mid(); });
  if (!data_ended_ && (wants_data_ || !known_data_mid().empty())) {
    sdp::DataSection data;
    data.mid = known_data_mid();
    if (data.mid.empty()) {
      if (proposed_data_mid_.empty()) proposed_data_mid_ = new_mid();
      data.mid = proposed_data_mid_;
    }
    data.max_message_size = local.max_message_size;
    plan.sections.emplace_back(std::move(data));
  }
  auto offer = sdp::create_offer(plan);
  if (!offer) return forward(offer);
  return remember(SdpType::kOffer, std::move(*offer));
}

Result<SessionDescription> Negotiation::create_answer(const Local& local) {
  if (state_ != SignalingState::kHaveRemoteOffer && state_ != SignalingState::kHaveLocalPranswer) {
    return wrong_state("create_answer", state_);
  }
  const sdp::Description& offer = pending_remote_->description;
  sdp::AnswerPlan plan;
  plan.session = session_;
  plan.transport = local.transport;
  // RFC 8842 section 5.5: within one DTLS association the roles stay. Before there is one, no
  // preference becomes "active", which saves a flight: our ClientHello leaves with our first valid
  // pair.
  plan.transport.setup = sdp::Setup::kActpass;
  if (agreement_) {
    const bool serve = agreement_->role == sdp::DtlsRole::kServer;
    plan.transport.setup = serve ? sdp::Setup::kPassive : sdp::Setup::kActive;
  }
  const sdp::Media* data = living_data(offer);
  for (std::size_t i = 0; i < offer.media.size(); ++i) {
    if (&offer.media[i] == data && data_ended_) {
      plan.sections.emplace_back();
    } else if (&offer.media[i] == data) {
      sdp::DataSection section;
      section.max_message_size = local.max_message_size;
      plan.sections.emplace_back(std::move(section));
    } else {
      plan.sections.push_back(transceivers_.answered(offer, i));
    }
  }
  auto answer = sdp::create_answer(offer, plan);
  if (!answer) return forward(answer);
  refusals_ = std::move(answer->refusals);
  return remember(SdpType::kAnswer, std::move(answer->description));
}

// ------------------------------------------------------------------------------ reading

Result<> Negotiation::check_local_state(SdpType type) const {
  using State = SignalingState;
  const bool fits = is_answer(type)
                        ? state_ == State::kHaveRemoteOffer || state_ == State::kHaveLocalPranswer
                        : state_ == State::kStable || state_ == State::kHaveLocalOffer;
  if (fits) return {};
  return wrong_state("a local " + std::string(to_string(type)), state_);
}

Result<> Negotiation::check_remote_state(SdpType type) const {
  using State = SignalingState;
  // An offer that meets ours makes ours give way (W3C: the implicit rollback).
  const bool fits = is_answer(type)
                        ? state_ == State::kHaveLocalOffer || state_ == State::kHaveRemotePranswer
                        : state_ == State::kStable || state_ == State::kHaveRemoteOffer ||
                              state_ == State::kHaveLocalOffer;
  if (fits) return {};
  return wrong_state("a remote " + std::string(to_string(type)), state_);
}

Result<Negotiation::Change> Negotiation::read_local(const SessionDescription& description) const {
  if (auto ok = check_local_state(description.type); !ok) return forward(ok);
  const std::string word(to_string(description.type));
  const bool fits = created_ && is_answer(created_->type) == is_answer(description.type);
  if (!fits) {
    return fail(Errc::kInvalidModification,
                "there is no local " + word + " to set: it must be the one created last");
  }
  Change change;
  change.type = description.type;
  change.is_local = true;
  if (description.sdp.empty() || description.sdp == created_text_) {
    change.description = created_->description;
  } else {
    auto parsed = sdp::parse(description.sdp);
    if (!parsed) return forward(parsed);
    if (auto ok = sdp::check(*parsed); !ok) return forward(ok);
    if (auto ok = check_edits(created_->description, *parsed); !ok) return forward(ok);
    change.description = std::move(*parsed);
    // They are told as they are found.
    for (sdp::Media& media : change.description.media) {
      media.candidates.clear();
      media.end_of_candidates = false;
    }
    change.description.end_of_candidates = false;
  }
  if (is_answer(description.type)) {
    auto agreement = agree(change.description, pending_remote_->description, true);
    if (!agreement) return forward(agreement);
    change.agreement = std::move(*agreement);
  }
  return change;
}

Result<Negotiation::Change> Negotiation::read_remote(const SessionDescription& description) const {
  if (auto ok = check_remote_state(description.type); !ok) return forward(ok);
  auto parsed = sdp::parse(description.sdp);
  if (!parsed) return forward(parsed);
  Change change;
  change.type = description.type;
  change.description = std::move(*parsed);
  if (!is_answer(description.type)) {
    change.rolls_back = state_ == SignalingState::kHaveLocalOffer;
    if (auto ok = check_remote_offer(change.description); !ok) return forward(ok);
    return change;
  }
  const sdp::Description& ours = pending_local_->description;
  if (auto ok = sdp::check_answer(ours, change.description); !ok) return forward(ok);
  if (auto ok = sdp::check_one_transport(change.description); !ok) return forward(ok);
  auto agreement = agree(ours, change.description, false);
  if (!agreement) return forward(agreement);
  change.agreement = std::move(*agreement);
  return change;
}

/// An offer must be whole where we would accept it; what we refuse may look as it likes.
Result<> Negotiation::check_remote_offer(const sdp::Description& offer) const {
  if (auto ok = sdp::check(offer); !ok) return ok;
  if (current_remote_) {
    auto ok = sdp::check_subsequent_offer(current_remote_->description, offer,
                                          description_of(current_local_));
    if (!ok) return ok;
  }
  const auto data = sdp::read_data_section(offer, sdp::Type::kOffer);
  if (!data && data.error().code != Errc::kNotFound) return forward(data);
  for (std::size_t i = 0; i < offer.media.size(); ++i) {
    const sdp::Media& media = offer.media[i];
    const bool is_media =
        sdp::is_rtp_protocol(media.protocol) && !sdp::effective_fingerprints(offer, media).empty();
    if (media.rejected() || !is_media) continue;
    const auto transport = sdp::read_transport(offer, i, sdp::Type::kOffer);
    if (!transport) return forward(transport);
  }
  return {};
}

Result<std::optional<Negotiation::Agreement>> Negotiation::agree(const sdp::Description& local,
                                                                 const sdp::Description& remote,
                                                                 bool ours) const {
  const sdp::Description& answer = ours ? local : remote;
  const auto index = sdp::transport_index(answer);
  if (!index) return std::nullopt;
  const sdp::Type their_type = ours ? sdp::Type::kOffer : sdp::Type::kAnswer;
  const sdp::Type our_type = ours ? sdp::Type::kAnswer : sdp::Type::kOffer;
  Agreement agreement;
  agreement.index = *index;
  auto their_transport = sdp::read_transport(remote, *index, their_type);
  if (!their_transport) return forward(their_transport);
  auto our_transport = sdp::read_transport(local, *index, our_type);
  if (!our_transport) return forward(our_transport);
  const auto role = sdp::dtls_role(our_transport->setup, their_transport->setup);
  if (!role) return forward(role);
  agreement.remote = std::move(*their_transport);
  agreement.local = std::move(*our_transport);
  // Firefox answers "active" to every later offer, whatever it is: with the same certificate it
  // means to go on with the association that there is, and with its roles.
  agreement.role = agreement_ ? agreement_->role : *role;
  const sdp::Media* data = living_data(answer);
  if (data != nullptr) {
    auto read = sdp::read_data_section(remote, their_type);
    if (!read) return forward(read);
    agreement.data = std::move(*read);
  }
  if (auto ok = check_association(agreement); !ok) return forward(ok);
  return std::optional(std::move(agreement));
}

/// RFC 8842 section 5.5: another certificate means another DTLS association, and floe makes one for
/// each connection.
Result<> Negotiation::check_association(const Agreement& agreement) const {
  if (!agreement_) return {};
  const auto& known = agreement_->remote.fingerprints;
  const bool is_same = std::any_of(known.begin(), known.end(), [&](const auto& fingerprint) {
    return std::find(agreement.remote.fingerprints.begin(), agreement.remote.fingerprints.end(),
                     fingerprint) != agreement.remote.fingerprints.end();
  });
  if (is_same) return {};
  return fail(Errc::kUnsupported,
              "a=fingerprint names another certificate, which would need a new DTLS association; "
              "floe has one for each connection");
}

// --------------------------------------------------------------------------- committing

std::vector<TrackEvent> Negotiation::commit(Change change) {
  learn_mids(change.description);
  if (change.rolls_back) static_cast<void>(roll_back(true));
  if (change.is_local) created_.reset();
  return is_answer(change.type) ? commit_answer(change) : commit_offer(change);
}

std::vector<TrackEvent> Negotiation::commit_offer(Change& change) {
  if (change.is_local) {
    transceivers_.apply_local_offer(change.description);
    pending_local_ = Typed{change.type, std::move(change.description)};
    state_ = SignalingState::kHaveLocalOffer;
    return {};
  }
  created_.reset();
  proposed_data_mid_.clear();
  auto events = transceivers_.apply_remote_offer(change.description);
  pending_remote_ = Typed{change.type, std::move(change.description)};
  state_ = SignalingState::kHaveRemoteOffer;
  return events;
}

std::vector<TrackEvent> Negotiation::commit_answer(Change& change) {
  const bool ours = change.is_local;
  const bool final = change.type == SdpType::kAnswer;
  const bool had_data = agreement_ && agreement_->data;
  const bool has_data = change.agreement && change.agreement->data;
  data_ended_ = data_ended_ || (final && had_data && !has_data);
  if (change.agreement) {
    agreement_ = std::move(change.agreement);
  } else if (final && agreement_) {
    agreement_->data.reset();
  }
  (ours ? pending_local_ : pending_remote_) = Typed{change.type, std::move(change.description)};
  auto events = transceivers_.apply_answer(pending_local_->description,
                                           pending_remote_->description, ours, final);
  if (!final) {
    state_ = ours ? SignalingState::kHaveLocalPranswer : SignalingState::kHaveRemotePranswer;
    return events;
  }
  current_local_ = std::exchange(pending_local_, std::nullopt);
  current_remote_ = std::exchange(pending_remote_, std::nullopt);
  created_.reset();
  proposed_data_mid_.clear();
  state_ = SignalingState::kStable;
  return events;
}

Result<> Negotiation::roll_back(bool is_local) {
  const bool fits =
      state_ == SignalingState::kHaveLocalOffer || state_ == SignalingState::kHaveRemoteOffer;
  if (!fits) {
    return wrong_state(is_local ? "a local rollback" : "a remote rollback", state_);
  }
  transceivers_.roll_back();
  pending_local_.reset();
  pending_remote_.reset();
  created_.reset();
  proposed_data_mid_.clear();
  refusals_.clear();
  state_ = SignalingState::kStable;
  return {};
}

void Negotiation::keep_candidate(bool in_pending, std::size_t index, const std::string& candidate) {
  auto& typed = in_pending ? pending_remote_ : current_remote_;
  if (!typed || index >= typed->description.media.size()) return;
  sdp::Media& media = typed->description.media[index];
  if (candidate.empty()) {
    media.end_of_candidates = true;
  } else if (media.candidates.size() < kMaxCandidates) {
    media.candidates.push_back(candidate);
  }
}

std::size_t Negotiation::transport_index() const {
  if (pending_local_ && pending_local_->type == SdpType::kOffer) {
    return sdp::transport_index(pending_local_->description).value_or(0);
  }
  return agreement_ ? agreement_->index : 0;
}

std::string Negotiation::transport_mid() const {
  const auto& typed = local();
  const std::size_t index = transport_index();
  if (!typed || index >= typed->description.media.size()) return {};
  return typed->description.media[index].mid;
}

}  // namespace floe
