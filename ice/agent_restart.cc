// ICE restarts (RFC 8445 section 9): a new generation begins, the old one carries data meanwhile.
#include <algorithm>

#include "floe/ice/agent.h"

namespace floe::ice {

Result<> Agent::restart(Time now, std::optional<Credentials> credentials) {
  if (state_ == State::kClosed) return fail(Errc::kClosed, "the ICE agent is closed");
  if (credentials) {
    if (auto ok = validate(*credentials); !ok) return ok;
    const bool used = credentials->ufrag == current_.local.ufrag ||
                      (previous_ && credentials->ufrag == previous_->local.ufrag);
    if (used) {
      return fail(Errc::kInvalidArgument,
                  "an ICE restart needs a username fragment other than the one in use "
                  "(RFC 8445 section 9)");
    }
  }
  now_ = now;
  // What carries data is kept. A generation that never got that far is forgotten with all its
  // candidates, however many restarts come before the peer answers one.
  const bool keep_previous = previous_ && &carrier() == &*previous_;
  const Credentials former = current_.local;
  const std::uint32_t next_id = current_.check_list.next_id();
  Generation next(credentials ? *credentials : Credentials::generate(random_), config_.policy,
                  CheckList(config_.max_pairs, next_id), config_.consent);
  if (!keep_previous) {
    previous_.reset();
    if (current_.path_pair() != nullptr && state_ != State::kFailed) {
      previous_ = std::move(current_);
    }
  }
  previous_ends_.reset();
  former_ = former;
  current_ = std::move(next);
  // Checks of the old generation would only find pairs for it; its consent requests go on.
  checks_.clear_connectivity();
  early_checks_.clear();
  nominating_.reset();
  nomination_due_.reset();
  patience_ends_.reset();
  reprieve_ends_ = Time();
  revoked_ = false;
  was_connected_ = false;
  if (slot_) pacer_.give_back(*slot_);
  slot_.reset();
  note(Timeline::Topic::kRestart, "new generation, ufrag " + current_.local.ufrag);
  forget_events_of_the_old_generation();

  if (state_ == State::kFailed) {
    set_state(State::kChecking);
  } else if (state_ == State::kCompleted) {
    state_ = State::kConnected;  // no longer complete: `set_state` keeps late pairs from undoing it
    emit(StateChanged{state_});
  }
  if (gathering_state_ != GatheringState::kNew) {
    // Said again also when it is gathering already: its "complete" may have been forgotten above.
    gathering_state_ = GatheringState::kGathering;
    emit(GatheringStateChanged{gathering_state_});
    gatherer_.reconfigure(config_.gathering.servers, current_.policy == Policy::kRelay);
    gatherer_.restart(now);
    release_replaced_servers(now);
    drain_gatherer();
  }
  after_change(now);
  return {};
}

/// What the application has not taken yet must not be signalled as the new generation's.
void Agent::forget_events_of_the_old_generation() {
  std::erase_if(events_, [](const Event& event) {
    return std::holds_alternative<CandidateGathered>(event) ||
           std::holds_alternative<CandidateRemoved>(event) ||
           std::holds_alternative<GatheringStateChanged>(event);
  });
}

Generation* Agent::generation_of(PairId pair) {
  if (current_.check_list.find(pair) != nullptr) return &current_;
  if (previous_ && previous_->check_list.find(pair) != nullptr) return &*previous_;
  return nullptr;
}

const Credentials* Agent::credentials_of(std::string_view local_ufrag) const {
  if (current_.local.ufrag == local_ufrag) return &current_.local;
  if (previous_ && previous_->local.ufrag == local_ufrag) return &previous_->local;
  return former_ && former_->ufrag == local_ufrag ? &*former_ : nullptr;
}

/// The old generation goes when its path is lost, or some time after the new one took over: the
/// peer may nominate a little later than we do, and packets are on their way.
void Agent::retire_previous(Time now) {
  if (!previous_) return;
  if (previous_ends_ && now >= *previous_ends_) {
    drop_previous();
    return;
  }
  if (previous_->path_pair() == nullptr) {
    drop_previous();
  } else if (!previous_ends_ && current_.path_nominated) {
    previous_ends_ = now + config_.linger;
  }
}

void Agent::drop_previous() {
  previous_ends_.reset();
  if (!previous_) return;
  for (const auto& pair : previous_->check_list.pairs()) checks_.remove_all(pair->id);
  previous_.reset();
  release_replaced_servers(now_);
  note(Timeline::Topic::kRestart, "the old generation is gone");
}

/// What the old generation's packets pass stays as long as it does.
void Agent::release_replaced_servers(Time now) {
  gatherer_.release_replaced(now, [this](net::SocketId base) {
    return previous_ && previous_->base_candidate(base) < previous_->locals.size();
  });
}

}  // namespace floe::ice
