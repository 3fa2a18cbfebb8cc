#include "floe/whip/internal/served_session.h"

#include <utility>

#include "floe/sdp/parser.h"
#include "floe/whip/internal/directions.h"
#include "floe/whip/internal/offer_text.h"
#include "floe/whip/internal/restart_description.h"

namespace floe::whip {
namespace {

/// What a description was refused for, as HTTP says it.
Refusal refusal_of(const Error& error) {
  return {error.code == Errc::kUnsupported ? 422U : 400U, error.message};
}

}  // namespace

ServedSession::ServedSession(net::Network& network, Sessions& sessions, SessionId id,
                             const Options& options, std::unique_ptr<PeerConnection> connection,
                             std::function<void(std::optional<PeerConnectionState>)> changed)
    : network_(network),
      sessions_(sessions),
      id_(id),
      options_(options),
      changed_(std::move(changed)),
      timer_(network.create_timer([this] { on_candidates(); })),
      connection_(std::move(connection)) {
  connection_->on_ice_gathering_state_change([this](IceGatheringState state) {
    if (state == IceGatheringState::kComplete) on_candidates();
  });
  connection_->on_ice_failure([this](const ice::Report& report) { failure_ = report.headline(); });
  connection_->on_connection_state_change([this](PeerConnectionState state) {
    if (state == PeerConnectionState::kConnected) sessions_.handle_connected(id_);
    // RFC 9725 section 4.2: the loss of consent ends the session.
    if (state == PeerConnectionState::kFailed) {
      sessions_.end(id_, failure_.empty() ? "the connection failed" : failure_);
    }
    changed_(state);
  });
  connection_->on_dtls_state_change(
      [this](DtlsTransportState state, const std::optional<Error>& error) {
        if (error) failure_ = error->message;
        if (state != DtlsTransportState::kClosed) return;
        sessions_.end(id_, "the client closed the connection");
        changed_(std::nullopt);
      });
}

std::optional<Refusal> ServedSession::take_offer(const std::string& sdp) {
  std::optional<Refusal> refusal = prepare_answer(sdp);
  if (!refusal) {
    if (auto set = connection_->set_local_description(); !set) refusal = refusal_of(set.error());
  }
  const bool counters = refusal && refusal->status == 406 && options_.counter_offers &&
                        options_.protocol == Protocol::kWhep && !make_counter_offer();
  if (refusal && !counters) return refusal;
  await_candidates(counters ? Awaiting::kCounterOffer : Awaiting::kAnswer);
  return std::nullopt;
}

std::optional<Refusal> ServedSession::prepare_answer(const std::string& sdp) {
  if (auto set = connection_->set_remote_description({SdpType::kOffer, sdp}); !set) {
    return refusal_of(set.error());
  }
  limit_directions(*connection_, flow_of(options_.protocol, /*is_client=*/false));
  if (auto answer = connection_->create_answer(); !answer) return refusal_of(answer.error());
  return check_answer();
}

// RFC 9725 section 4.4.3: no answer is better than one that grants a part.
std::optional<Refusal> ServedSession::check_answer() const {
  const std::vector<std::string> refused = connection_->refused_sections();
  if (!refused.empty()) return Refusal{406, refused.front()};
  if (options_.protocol == Protocol::kWhip) return std::nullopt;
  bool is_asked = false;
  bool is_sent = false;
  for (const auto& transceiver : connection_->transceivers()) {
    if (!transceiver->mid()) continue;
    is_asked = true;
    is_sent = is_sent || transceiver->direction() == RtpTransceiverDirection::kSendonly;
  }
  if (is_asked && !is_sent) {
    return Refusal{406, "nothing of what is offered to be received is sent here"};
  }
  return std::nullopt;
}

// draft-ietf-wish-whep section 4.2.2
std::optional<Refusal> ServedSession::make_counter_offer() {
  if (auto back = connection_->set_remote_description({SdpType::kRollback, {}}); !back) {
    return refusal_of(back.error());
  }
  // What had nothing to send would be offered as inactive, which the draft forbids.
  for (const auto& transceiver : connection_->transceivers()) {
    if (transceiver->sender()->track() != nullptr) {
      static_cast<void>(transceiver->set_direction(RtpTransceiverDirection::kSendonly));
    } else {
      static_cast<void>(transceiver->stop());
    }
  }
  auto offer = connection_->create_offer();
  if (!offer) return refusal_of(offer.error());
  if (sdp::parse(offer->sdp).value().media.empty())
    return Refusal{406, "there is nothing to offer"};
  if (auto set = connection_->set_local_description(*offer); !set) return refusal_of(set.error());
  return std::nullopt;
}

void ServedSession::take_answer(const std::string& sdp) {
  std::optional<Refusal> refusal;
  if (auto set = connection_->set_remote_description({SdpType::kAnswer, sdp}); !set) {
    refusal = refusal_of(set.error());
  }
  sessions_.handle_answered(id_, refusal);
}

void ServedSession::take_candidates(const sdp::Fragment& fragment) {
  for (const sdp::Fragment::Section& section : fragment.sections) {
    IceCandidate candidate;
    if (section.mid.empty()) {
      candidate.sdp_mline_index = 0;
    } else {
      candidate.sdp_mid = section.mid;
    }
    if (!fragment.ice_ufrag.empty()) candidate.username_fragment = fragment.ice_ufrag;
    const auto add = [&](const std::string& text) {
      candidate.candidate = text;
      // RFC 9725 section 4.3.2: what is of no use is no reason to refuse the rest.
      if (auto added = connection_->add_ice_candidate(candidate); !added) {
        network_.log(LogLevel::kDebug, "whip", added.error().message);
      }
    };
    for (const std::string& text : section.candidates) add("candidate:" + text);
    if (section.end_of_candidates) add({});
  }
}

void ServedSession::restart(const sdp::Fragment& fragment) {
  const auto offer = restart_description(*connection_, fragment, SdpType::kOffer);
  Result<> done = offer ? connection_->set_remote_description(*offer) : forward(offer);
  if (done) {
    done = connection_->set_local_description();
    if (!done) {
      static_cast<void>(connection_->set_remote_description({SdpType::kRollback, {}}));
    }
  }
  if (!done) return sessions_.refuse_restart(id_, refusal_of(done.error()));
  await_candidates(Awaiting::kRestart);
}

void ServedSession::await_candidates(Awaiting awaiting) {
  awaiting_ = awaiting;
  if (connection_->transport().ice().gathering_state() == IceGatheringState::kComplete) {
    return report_candidates();
  }
  // A STUN or TURN server that does not answer must not cost the client its patience.
  timer_->arm(network_.now() + options_.gathering_timeout);
}

void ServedSession::on_candidates() {
  if (awaiting_ == Awaiting::kNothing) return;
  report_candidates();
  changed_(std::nullopt);
}

void ServedSession::report_candidates() {
  timer_->arm(kNever);
  const std::string sdp = connection_->local_description()->sdp;
  switch (std::exchange(awaiting_, Awaiting::kNothing)) {
    case Awaiting::kNothing:
      return;
    case Awaiting::kAnswer:
      return sessions_.accept(id_, sdp);
    case Awaiting::kCounterOffer:
      return sessions_.counter(id_, offer_text(sdp));
    case Awaiting::kRestart: {
      sdp::Fragment local = sdp::Fragment::of(sdp::parse(sdp).value());
      for (sdp::Fragment::Section& section : local.sections) section.end_of_candidates = true;
      return sessions_.handle_restarted(id_, local);
    }
  }
}

}  // namespace floe::whip
