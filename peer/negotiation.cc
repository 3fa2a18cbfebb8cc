#include "floe/peer/negotiation.h"

#include <algorithm>
#include <utility>

#include "floe/sdp/parser.h"
#include "floe/sdp/writer.h"

namespace floe {
namespace {

tl::unexpected<Error> wrong_state(std::string_view call, SignalingState state) {
  return fail(Errc::kInvalidState, std::string(call) + " does not fit the signaling state " +
                                       std::string(to_string(state)));
}

/// The data section of a description of our own making; null if it was refused.
const sdp::Media* accepted_data(const sdp::Description& description) {
  const auto it =
      std::find_if(description.media.begin(), description.media.end(),
                   [](const sdp::Media& media) { return media.is_data() && !media.rejected(); });
  return it == description.media.end() ? nullptr : &*it;
}

}  // namespace

Result<SessionDescription> Negotiation::create_offer(const Local& local) {
  if (state_ != SignalingState::kStable && state_ != SignalingState::kHaveLocalOffer) {
    return wrong_state("create_offer", state_);
  }
  Local ours = local;
  ours.transport.setup = sdp::Setup::kActpass;
  sdp::DataSection data;
  if (const std::string mid = data_mid(); !mid.empty()) data.mid = mid;
  data.max_message_size = ours.max_message_size;
  const sdp::Description* previous = current_local_ ? &current_local_->description : nullptr;
  sdp::Session session{session_.id, session_.version + 1};
  auto offer = sdp::create_data_offer(session, ours.transport, data, previous);
  if (!offer) return forward(offer);
  session_ = session;
  created_ = Typed{SdpType::kOffer, std::move(*offer)};
  created_text_ = sdp::write(created_->description);
  return SessionDescription{SdpType::kOffer, created_text_};
}

Result<SessionDescription> Negotiation::create_answer(const Local& local) {
  if (state_ != SignalingState::kHaveRemoteOffer) return wrong_state("create_answer", state_);
  Local ours = local;
  // RFC 8842 section 5.5: within one DTLS association the roles stay. Before there is one, no
  // preference becomes "active", which saves a flight: our ClientHello leaves with our first valid
  // pair.
  ours.transport.setup = sdp::Setup::kActpass;
  if (dtls_role_) {
    const bool serve = *dtls_role_ == sdp::DtlsRole::kServer;
    ours.transport.setup = serve ? sdp::Setup::kPassive : sdp::Setup::kActive;
  }
  sdp::DataSection data;
  data.max_message_size = ours.max_message_size;
  sdp::Session session{session_.id, session_.version + 1};
  auto answer = sdp::create_answer(pending_remote_->description, session, ours.transport, data);
  if (!answer) return forward(answer);
  session_ = session;
  created_ = Typed{SdpType::kAnswer, std::move(*answer)};
  created_text_ = sdp::write(created_->description);
  return SessionDescription{SdpType::kAnswer, created_text_};
}

Result<> Negotiation::set_local(const SessionDescription& description) {
  const bool is_offer = description.type == SdpType::kOffer;
  const bool fits =
      is_offer ? state_ == SignalingState::kStable || state_ == SignalingState::kHaveLocalOffer
               : state_ == SignalingState::kHaveRemoteOffer;
  if (!fits) {
    return wrong_state("a local " + std::string(to_string(description.type)), state_);
  }
  if (!created_ || created_->type != description.type || created_text_ != description.sdp) {
    return fail(Errc::kInvalidArgument,
                "the local " + std::string(to_string(description.type)) +
                    " is not the one created last: floe's own descriptions cannot be edited");
  }
  Typed ours = std::move(*created_);
  created_.reset();
  if (is_offer) {
    pending_local_ = std::move(ours);
    state_ = SignalingState::kHaveLocalOffer;
    return {};
  }
  const sdp::Media* data = accepted_data(ours.description);
  if (data != nullptr) settle_role(*data->setup, true);
  data_accepted_ = data != nullptr;
  current_local_ = std::move(ours);
  current_remote_ = std::exchange(pending_remote_, std::nullopt);
  pending_local_.reset();
  state_ = SignalingState::kStable;
  return {};
}

Result<Negotiation::Remote> Negotiation::read_remote(const SessionDescription& description) const {
  const bool is_offer = description.type == SdpType::kOffer;
  const bool fits =
      is_offer ? state_ == SignalingState::kStable || state_ == SignalingState::kHaveRemoteOffer
               : state_ == SignalingState::kHaveLocalOffer;
  if (!fits) {
    return wrong_state("a remote " + std::string(to_string(description.type)), state_);
  }
  auto parsed = sdp::parse(description.sdp);
  if (!parsed) return forward(parsed);
  if (is_offer) {
    if (current_remote_) {
      if (auto ok = sdp::check_subsequent_offer(current_remote_->description, *parsed); !ok) {
        return forward(ok);
      }
    }
  } else if (auto ok = sdp::check_answer(pending_local_->description, *parsed); !ok) {
    return forward(ok);
  }
  Remote remote{description.type, std::move(*parsed), std::nullopt};
  auto data =
      sdp::read_data_section(remote.description, is_offer ? sdp::Type::kOffer : sdp::Type::kAnswer);
  if (data) {
    remote.data = std::move(*data);
  } else if (data.error().code != Errc::kNotFound) {
    return forward(data);
  }
  return remote;
}

void Negotiation::commit_remote(Remote remote) {
  if (remote.data && !remote.data->rejected) remote_data_ = remote.data;
  if (remote.type == SdpType::kOffer) {
    pending_remote_ = Typed{SdpType::kOffer, std::move(remote.description)};
    state_ = SignalingState::kHaveRemoteOffer;
    return;
  }
  data_accepted_ = remote.data && !remote.data->rejected;
  if (data_accepted_) settle_role(remote.data->transport.setup, false);
  current_remote_ = Typed{SdpType::kAnswer, std::move(remote.description)};
  current_local_ = std::exchange(pending_local_, std::nullopt);
  pending_remote_.reset();
  state_ = SignalingState::kStable;
}

/// RFC 8842 section 5: the answer decides; whoever is active is the DTLS client.
void Negotiation::settle_role(sdp::Setup answer_setup, bool answer_is_ours) {
  const bool answerer_is_client = answer_setup == sdp::Setup::kActive;
  dtls_role_ =
      answerer_is_client == answer_is_ours ? sdp::DtlsRole::kClient : sdp::DtlsRole::kServer;
}

std::string Negotiation::data_mid() const {
  for (const auto* typed : {&pending_local_, &current_local_}) {
    if (!*typed) continue;
    if (const sdp::Media* data = accepted_data((*typed)->description)) return data->mid;
  }
  return {};
}

bool Negotiation::remote_has_section(const std::optional<std::string>& mid,
                                     std::optional<std::uint16_t> index) const {
  if (!remote()) return false;
  const auto& media = remote()->description.media;
  if (mid) {
    return std::any_of(media.begin(), media.end(),
                       [&mid](const sdp::Media& section) { return section.mid == *mid; });
  }
  return index && *index < media.size();
}

bool Negotiation::is_data_section(const std::optional<std::string>& mid,
                                  std::optional<std::uint16_t> index) const {
  if (!remote_data_) return false;
  if (mid) return *mid == remote_data_->data.mid;
  return index && *index == remote_data_->index;
}

}  // namespace floe
