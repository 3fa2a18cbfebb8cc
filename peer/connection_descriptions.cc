// Descriptions and candidates: what they change in the engines. The rule throughout: what may fail
// is asked first, then everything is changed.
#include <algorithm>
#include <utility>

#include "floe/core/text.h"
#include "floe/peer/connection.h"

namespace floe {
namespace {

tl::unexpected<Error> closed() {
  return fail(Errc::kInvalidState, "the connection is closed");
}

bool names_ufrag(const sdp::Description& description, std::string_view ufrag) {
  return std::any_of(description.media.begin(), description.media.end(), [&](const auto& media) {
    return sdp::effective_ufrag(description, media) == ufrag;
  });
}

ice::Credentials credentials_of(const sdp::TransportParameters& transport) {
  return {transport.ufrag, transport.pwd};
}

}  // namespace

// ------------------------------------------------------------------------------- creating

const ice::Credentials& Connection::next_credentials() {
  // A generation that nobody was told of in the end, and that began with other servers.
  const bool outdated = next_begun_ && gathered_version_ != configuration_version_ &&
                        negotiation_.state() == SignalingState::kStable;
  if (!next_credentials_ || outdated) {
    next_credentials_ = ice::Credentials::generate(pump_.network().random());
    next_begun_ = false;
  }
  return *next_credentials_;
}

/// The next offer restarts ICE, whether or not the application asks for it. There is nothing to
/// restart before the first answer.
bool Connection::must_restart() const {
  return agreed_local_ && (restart_wanted_ || configuration_version_ != agreed_version_);
}

/// RFC 8839 section 4.4.1.1.1: other credentials than those agreed on restart ICE.
bool Connection::remote_offer_restarts() const {
  const auto& offer = negotiation_.pending_remote();
  if (!offer || !agreed_remote_) return false;
  const auto index = sdp::transport_index(offer->description);
  if (!index) return false;
  const auto transport = sdp::read_transport(offer->description, *index, sdp::Type::kOffer);
  return transport && credentials_of(*transport) != *agreed_remote_;
}

Negotiation::Local Connection::local_parameters(bool restarts) {
  Negotiation::Local local;
  const ice::Credentials& credentials = restarts        ? next_credentials()
                                        : agreed_local_ ? *agreed_local_
                                                        : transport_.ice().local_credentials();
  local.transport.ufrag = credentials.ufrag;
  local.transport.pwd = credentials.pwd;
  local.transport.ice_options = {"trickle", "ice2"};
  local.transport.fingerprints = {{fingerprint_.algorithm, fingerprint_.value()}};
  local.max_message_size = configuration_.max_message_size;
  return local;
}

Result<SessionDescription> Connection::create_offer(bool ice_restart) {
  if (closed_) return closed();
  const bool restarts = must_restart() || (ice_restart && agreed_local_);
  return negotiation_.create_offer(local_parameters(restarts));
}

Result<SessionDescription> Connection::create_answer() {
  if (closed_) return closed();
  return negotiation_.create_answer(local_parameters(remote_offer_restarts()));
}

// -------------------------------------------------------------------------------- setting

Result<> Connection::set_local_description() {
  const bool answers = negotiation_.state() == SignalingState::kHaveRemoteOffer ||
                       negotiation_.state() == SignalingState::kHaveLocalPranswer;
  auto description = answers ? create_answer() : create_offer(false);
  if (!description) return forward(description);
  return set_local_description(*description);
}

Result<> Connection::set_local_description(const SessionDescription& description) {
  if (closed_) return closed();
  if (description.type == SdpType::kRollback) return roll_back(true);
  auto change = negotiation_.read_local(description);
  if (!change) return forward(change);
  return commit(std::move(*change));
}

Result<> Connection::set_remote_description(const SessionDescription& description) {
  if (closed_) return closed();
  if (description.type == SdpType::kRollback) return roll_back(false);
  auto change = negotiation_.read_remote(description);
  if (!change) return forward(change);
  return commit(std::move(*change));
}

Result<> Connection::roll_back(bool is_local) {
  const SignalingState before = negotiation_.state();
  if (auto ok = negotiation_.roll_back(is_local); !ok) return ok;
  told_in_vain_ = told_in_vain_ || before == SignalingState::kHaveLocalOffer;
  after_description(before, {});
  return {};
}

Result<PeerTransport::Remote> Connection::check_agreement(const Negotiation::Change& change) const {
  PeerTransport::Remote remote;
  if (!change.agreement) return remote;
  const Negotiation::Agreement& agreement = *change.agreement;
  const ice::Credentials theirs = credentials_of(agreement.remote);
  if (auto ok = ice::validate(theirs); !ok) return forward(ok);
  const ice::Credentials ours = credentials_of(agreement.local);
  if (theirs.ufrag == ours.ufrag && theirs.pwd == ours.pwd) {
    return fail(Errc::kInvalidArgument,
                "the peer's ICE credentials are our own: signalling reflects our descriptions");
  }
  // RFC 8839 section 4.4.1.1.1: only an offer begins an ICE restart.
  const bool peer_restarts = agreed_remote_ && *agreed_remote_ != theirs;
  const bool we_restart = agreed_local_ && *agreed_local_ != ours;
  if (peer_restarts && !we_restart) {
    return fail(Errc::kInvalidArgument,
                "the answer restarts ICE (a=ice-ufrag changed), though the offer did not");
  }
  remote.role =
      agreement.role == sdp::DtlsRole::kClient ? dtls::Role::kClient : dtls::Role::kServer;
  std::string unusable;
  for (const sdp::Fingerprint& fingerprint : agreement.remote.fingerprints) {
    auto parsed = dtls::Fingerprint::parse(fingerprint.algorithm + ' ' + fingerprint.value);
    if (parsed) {
      remote.fingerprints.push_back(std::move(*parsed));
    } else {
      unusable = parsed.error().message;
    }
  }
  if (remote.fingerprints.empty()) {
    return fail(Errc::kUnsupported,
                "the peer's description has no usable fingerprint: " + unusable);
  }
  if (agreement.data) {
    remote.sctp =
        PeerTransport::RemoteSctp{agreement.data->data.sctp_port,
                                  static_cast<std::size_t>(agreement.data->data.max_message_size)};
  }
  return remote;
}

Result<> Connection::commit(Negotiation::Change change) {
  auto remote = check_agreement(change);
  if (!remote) return forward(remote);
  const SignalingState before = negotiation_.state();
  const bool is_local = change.is_local;
  const bool agrees = change.agreement.has_value();
  const std::string old_mid = negotiation_.transport_mid();
  const bool answers = is_answer(change.type);
  told_in_vain_ = told_in_vain_ || change.rolls_back;
  if (is_local) begin_generation(change.description);
  const bool has_transport = sdp::transport_index(change.description).has_value();
  const bool speaks_of_present_generation =
      names_ufrag(change.description, transport_.ice().local_credentials().ufrag);
  auto tracks = negotiation_.commit(std::move(change));
  if (agrees) {
    apply_agreement(is_local, std::move(*remote), is_local ? std::string() : old_mid);
    configure_media();
  }
  if (negotiation_.data_ended() && !std::exchange(data_ended_, true)) {
    transport_.channels().lose_transport(pump_.now(), std::nullopt);
  }
  // After the peer's candidates: so the first check goes before the first query to a server, and
  // does not wait a Ta for it.
  if (is_local && has_transport) start_gathering(answers);
  if (is_local && told_in_vain_ && speaks_of_present_generation) {
    told_in_vain_ = false;
    tell_candidates_again();
  }
  after_description(before, std::move(tracks));
  return {};
}

/// A description of ours that announces an ICE restart begins it.
void Connection::begin_generation(const sdp::Description& description) {
  const bool announces =
      next_credentials_ && !next_begun_ && names_ufrag(description, next_credentials_->ufrag);
  if (!announces) return;
  // The credentials are new and were made by us: there is nothing to refuse.
  static_cast<void>(transport_.ice().restart(pump_.now(), *next_credentials_));
  next_begun_ = true;
  gathered_version_ = configuration_version_;
}

/// With the first description of ours that has a transport.
void Connection::start_gathering(bool answers) {
  if (std::exchange(gathered_, true)) return;
  // RFC 8445 section 6.1.1: the offerer controls, unless the peer is lite.
  if (!transport_.ice().remote_lite()) {
    transport_.ice().set_role(answers ? ice::Role::kControlled : ice::Role::kControlling);
  }
  if (pooled_) return;
  gathered_version_ = configuration_version_;
  agent_network_.gather();
}

/// An answer was set, by either side: the transport knows all it needs. `told_mid` is the section
/// that the peer was told candidates for.
void Connection::apply_agreement(bool answer_is_ours, PeerTransport::Remote remote,
                                 const std::string& told_mid) {
  const Negotiation::Agreement& agreement = *negotiation_.agreement();
  const ice::Credentials theirs = credentials_of(agreement.remote);
  const ice::Credentials ours = credentials_of(agreement.local);
  ice::Agent& ice = transport_.ice();
  const bool is_first = !agreed_remote_.has_value();
  const bool restarts = next_credentials_ && *next_credentials_ == ours;
  if (restarts) {
    next_credentials_.reset();
    next_begun_ = false;
    restart_wanted_ = false;
  }
  if (is_first || restarts) agreed_version_ = gathered_version_;
  agreed_local_ = ours;
  agreed_remote_ = theirs;
  if (is_first || restarts) {
    if (is_first) {
      // A rollback may have turned the offerer into the answerer.
      ice.set_role(answer_is_ours ? ice::Role::kControlled : ice::Role::kControlling);
      ice.set_remote_lite(agreement.remote.ice_lite);
    }
    // Checked before; what is left are our own bugs.
    static_cast<void>(ice.set_remote_credentials(pump_.now(), theirs));
  }
  feed_candidates();
  if (!told_mid.empty() && told_mid != negotiation_.transport_mid()) {
    tell_candidates_again();
  }
  // The identity and the fingerprints were parsed before.
  static_cast<void>(transport_.connect(pump_.now(), remote));
}

/// Hands the agent the candidates of the description that was agreed on.
void Connection::feed_candidates() {
  // A rolled-back restart has the agent wait for the next generation's.
  if (next_begun_) return;
  const sdp::TransportParameters& remote = negotiation_.agreement()->remote;
  // A candidate in a description that nobody can use is no reason to refuse the description.
  for (const std::string& candidate : remote.candidates) {
    static_cast<void>(add_candidate_text(candidate));
  }
  if (remote.end_of_candidates) transport_.ice().set_remote_end_of_candidates(pump_.now());
}

/// The peer refused the section that our candidates were told for (RFC 9143 section 7.3.1), or
/// ignored the offer that we took back: it may have dropped them with it.
void Connection::tell_candidates_again() {
  IceCandidate told{"", negotiation_.transport_mid(),
                    static_cast<std::uint16_t>(negotiation_.transport_index()),
                    transport_.ice().local_credentials().ufrag};
  for (const ice::LocalCandidate& found : transport_.ice().local_candidates()) {
    if (!found.announced || found.withdrawn) continue;
    told.candidate = found.candidate.to_string();
    events_.push_back(CandidateToldAgain{told});
  }
  if (shown_gathering_ != IceGatheringState::kComplete) return;
  told.candidate.clear();
  events_.push_back(CandidateToldAgain{told});
}

void Connection::after_description(SignalingState before, std::vector<TrackEvent> tracks) {
  if (negotiation_.state() != before) {
    events_.push_back(SignalingStateChanged{negotiation_.state()});
  }
  for (TrackEvent& track : tracks) events_.push_back(std::move(track));
  if (negotiation_.state() == SignalingState::kStable) {
    negotiation_needed_ = false;
    update_negotiation_needed();
  }
  pump_.wake();
}

// ---------------------------------------------------------------- whether to negotiate again

/// W3C restartIce(): the next offer has new credentials.
void Connection::restart_ice() {
  if (closed_ || !gathered_) return;  // nothing to restart: the first generation is still to come
  restart_wanted_ = true;
  update_negotiation_needed();
}

bool Connection::negotiation_needed() const {
  return (restart_wanted_ && agreed_local_) || negotiation_.negotiation_needed();
}

/// W3C "update the negotiation-needed flag": the check itself waits for a turn of its own, so that
/// any number of changes make one event.
void Connection::update_negotiation_needed() {
  if (closed_ || std::exchange(negotiation_check_queued_, true)) return;
  events_.push_back(NegotiationNeeded{});
  pump_.wake();
}

// ------------------------------------------------------------------------------ candidates

std::optional<bool> Connection::can_trickle_ice_candidates() const {
  const auto& remote = negotiation_.remote();
  if (!remote) return std::nullopt;
  const auto has = [](const std::vector<std::string>& options) {
    return std::find(options.begin(), options.end(), "trickle") != options.end();
  };
  const auto& media = remote->description.media;
  return has(remote->description.ice_options) ||
         std::any_of(media.begin(), media.end(),
                     [&](const sdp::Media& section) { return has(section.ice_options); });
}

/// The section of the remote description that `candidate` names; nothing when it names none.
Result<std::optional<std::size_t>> Connection::section_for(const IceCandidate& candidate) const {
  const auto& media = negotiation_.remote()->description.media;
  if (candidate.sdp_mid) {
    const auto found = std::find_if(media.begin(), media.end(), [&](const sdp::Media& section) {
      return section.mid == *candidate.sdp_mid;
    });
    if (found != media.end()) return std::optional(std::size_t(found - media.begin()));
    return fail(Errc::kNotFound, "the candidate is for section " + quoted(*candidate.sdp_mid) +
                                     ", which the remote description does not have");
  }
  if (!candidate.sdp_mline_index) return std::optional<std::size_t>();
  if (*candidate.sdp_mline_index < media.size()) {
    return std::optional<std::size_t>(*candidate.sdp_mline_index);
  }
  return fail(Errc::kNotFound,
              "the candidate is for section " + std::to_string(*candidate.sdp_mline_index) +
                  ", but the remote description has " + std::to_string(media.size()) + " sections");
}

Result<> Connection::add_ice_candidate(const IceCandidate& candidate) {
  if (closed_) return closed();
  if (!negotiation_.remote()) {
    return fail(Errc::kInvalidState, "a candidate came before the remote description was set");
  }
  const auto named = section_for(candidate);
  if (!named) return forward(named);
  const std::string text(trim(candidate.candidate));
  if (!*named && !text.empty()) {
    return fail(Errc::kInvalidArgument,
                "a candidate needs sdp_mid or sdp_mline_index, to say which section it is for");
  }
  // W3C: an end of candidates that names no section is that of all, and all share one transport.
  const std::size_t section =
      named->value_or(negotiation_.agreement() ? negotiation_.agreement()->index : 0);
  if (!text.empty()) {
    const auto parsed = ice::Candidate::parse(text);
    if (!parsed && parsed.error().code != Errc::kUnsupported) return forward(parsed);
  }
  // W3C: the fragment says which description it is for; an offer that was not answered yet and
  // restarts ICE stands beside the one that is in force.
  const auto& pending = negotiation_.pending_remote();
  const auto ufrag_in = [&](const Negotiation::Typed& typed) {
    const auto& media = typed.description.media;
    if (section >= media.size()) return std::string();
    const auto transport = sdp::read_transport(
        typed.description, section, is_answer(typed.type) ? sdp::Type::kAnswer : sdp::Type::kOffer);
    return transport ? transport->ufrag : std::string();
  };
  const auto& fragment = candidate.username_fragment;
  const bool for_pending =
      pending && !is_answer(pending->type) && (!fragment || ufrag_in(*pending) == *fragment);
  const bool for_agreed = agreed_remote_ && (!fragment || *fragment == agreed_remote_->ufrag);
  if (!for_pending && !for_agreed) {
    return fail(Errc::kNotFound, "the candidate belongs to another ICE generation (ufrag " +
                                     quoted(fragment.value_or("")) + ")");
  }
  const std::string value =
      text.starts_with("candidate:") ? text.substr(sizeof "candidate:" - 1) : text;
  negotiation_.keep_candidate(for_pending || !negotiation_.current_remote(), section, value);
  const bool is_transports = negotiation_.agreement() && negotiation_.agreement()->index == section;
  // For the offer it waits in the description; of other sections it is of no use (RFC 9143 section
  // 7.1.3).
  if (!for_agreed || !is_transports || next_begun_) return {};
  if (for_pending && remote_offer_restarts()) return {};
  pump_.wake();
  if (text.empty()) {
    transport_.ice().set_remote_end_of_candidates(pump_.now());
    return {};
  }
  auto added = add_candidate_text(text);
  if (!added && added.error().code == Errc::kUnsupported) return {};
  return added;
}

Result<> Connection::add_candidate_text(std::string_view text) {
  const auto candidate = ice::Candidate::parse(text);
  if (!candidate) return forward(candidate);
  return transport_.ice().add_remote_candidate(pump_.now(), *candidate);
}

}  // namespace floe
