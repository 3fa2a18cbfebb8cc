// A client's open session: trickled candidates, ICE restarts, and the end.
#include <algorithm>
#include <utility>

#include "floe/core/text.h"
#include "floe/sdp/parser.h"
#include "floe/whip/client.h"
#include "floe/whip/internal/restart_description.h"

namespace floe::whip {
namespace {

// A PATCH that got no response is sent again after this, then after twice as long each time. ICE
// may well find a path without these candidates, so their loss does not end the session.
constexpr Duration kRetry = std::chrono::seconds(1);
constexpr std::size_t kMaxTries = 5;
// More candidates than any machine's addresses give with any number of servers.
constexpr std::size_t kMaxCandidates = 256;

}  // namespace

// -------------------------------------------------------------------------------- candidates

void Client::on_candidate(const IceCandidate& candidate) {
  if (!trickles_ || phase_ == Phase::kDeleting || phase_ == Phase::kEnded) return;
  // Of the generation before a restart.
  if (candidate.username_fragment && *candidate.username_fragment != local_fragment().ice_ufrag) {
    return;
  }
  constexpr std::string_view kPrefix = "candidate:";
  std::string_view text = candidate.candidate;
  if (text.empty()) {
    end_of_candidates_ = true;
  } else if (candidates_.size() < kMaxCandidates) {
    if (text.starts_with(kPrefix)) text.remove_prefix(kPrefix.size());
    candidates_.emplace_back(text);
  }
  // What is found in one turn goes in one PATCH.
  if (phase_ == Phase::kOpen && next_patch_ == kNever) {
    next_patch_ = network_.now();
    timer_->arm(next_patch_);
  }
}

void Client::on_timer() {
  const bool waits_for_server = phase_ == Phase::kPosting || phase_ == Phase::kAnswering;
  if (close_wanted_ && !waits_for_server && phase_ != Phase::kDeleting) {
    return end({{Errc::kClosed, "closed before the session began"}});
  }
  if (phase_ == Phase::kStarting) return begin();
  if (phase_ != Phase::kOpen || network_.now() < next_patch_) return;
  next_patch_ = kNever;
  send_candidates();
}

sdp::Fragment Client::local_fragment() const {
  // It is our own, so it can be read.
  return sdp::Fragment::of(sdp::parse(connection_->local_description()->sdp).value());
}

// RFC 9725 section 4.3.2. One PATCH at a time: the next takes along what came meanwhile. During a
// restart candidates wait for the new entity-tag.
void Client::send_candidates() {
  if (patch_ || restarting_ || !trickles_ || (candidates_.empty() && !end_of_candidates_)) return;
  sdp::Fragment fragment = local_fragment();
  sent_ = std::exchange(candidates_, {});
  sent_end_ = std::exchange(end_of_candidates_, false);
  for (sdp::Fragment::Section& section : fragment.sections) {
    section.candidates = sent_;
    section.end_of_candidates = sent_end_;
  }
  http::Request patch = request("PATCH", kFragmentType, fragment.to_string());
  // A server without ICE restarts may have given none (section 4.3.1).
  if (!etag_.empty()) patch.headers.add("If-Match", etag_);
  patch_ = std::make_unique<http::Exchange>(
      network_, *session_, std::move(patch), options_.http,
      [this](const Result<http::Response>& response) { take_trickled(response); });
}

void Client::take_trickled(const Result<http::Response>& response) {
  // The callback's own exchange: it may go from here on.
  const std::unique_ptr<http::Exchange> done = std::move(patch_);
  if (!response) {
    network_.log(LogLevel::kWarning, "whip", response.error().message);
    if (++failed_patches_ == kMaxTries) return;
    candidates_.insert(candidates_.begin(), sent_.begin(), sent_.end());
    end_of_candidates_ = end_of_candidates_ || sent_end_;
    next_patch_ = network_.now() + kRetry * (1U << (failed_patches_ - 1));
    return timer_->arm(next_patch_);
  }
  failed_patches_ = 0;
  if (response->status / 100 != 2) {
    Failure failure = refused("PATCH", *session_, *response);
    if (failure.error.code == Errc::kNotFound) {
      failure.error.message += ": the server has ended the session";
      return end(std::move(failure));
    }
    network_.log(LogLevel::kWarning, "whip", failure.error.message);
    // RFC 9725 section 4.3.1: it knows no trickling, or no PATCH at all.
    trickles_ = response->status != 405 && response->status != 422 && response->status != 501;
  }
  send_candidates();
}

// ------------------------------------------------------------------------------- ICE restarts

Result<> Client::restart_ice() {
  if (phase_ != Phase::kOpen) {
    return fail(Errc::kInvalidState, "there is no open session whose ICE could be restarted");
  }
  if (restarting_) return fail(Errc::kInvalidState, "an ICE restart is under way already");
  connection_->restart_ice();
  if (auto set = connection_->set_local_description(); !set) return set;
  restarting_ = true;
  // They are of the generation that ends, and so is what a PATCH under way may bring.
  candidates_.clear();
  end_of_candidates_ = false;
  patch_.reset();
  http::Request patch = request("PATCH", kFragmentType, local_fragment().to_string());
  patch.headers.add("If-Match", "*");
  exchange_ = std::make_unique<http::Exchange>(
      network_, *session_, std::move(patch), options_.http,
      [this](const Result<http::Response>& response) { take_restarted(response); });
  return {};
}

// RFC 9725 section 4.3.3
void Client::take_restarted(const Result<http::Response>& response) {
  if (!response) return fail_restart({response.error()});
  if (response->status != 200) return fail_restart(refused("PATCH", *session_, *response));
  if (auto applied = apply_restart(*response); !applied) {
    return fail_restart({{applied.error().code, "PATCH " + session_->to_string() +
                                                    ": the response to the ICE restart cannot be "
                                                    "used: " +
                                                    applied.error().message},
                         response->status});
  }
  restarting_ = false;
  etag_ = response->headers.find("etag").value_or("");
  next_patch_ = network_.now();
  timer_->arm(next_patch_);
  handler_.on_restarted();
}

Result<> Client::apply_restart(const http::Response& response) {
  const Result<sdp::Fragment> fragment = sdp::Fragment::parse(response.body);
  if (!fragment) return forward(fragment);
  if (fragment->ice_ufrag.empty()) return fail(Errc::kMalformed, "it has no a=ice-ufrag");
  auto answer = restart_description(*connection_, *fragment, SdpType::kAnswer);
  if (!answer) return forward(answer);
  return connection_->set_remote_description(*answer);
}

void Client::fail_restart(Failure failure) {
  restarting_ = false;
  candidates_.clear();
  end_of_candidates_ = false;
  static_cast<void>(connection_->set_local_description({SdpType::kRollback, {}}));
  if (failure.error.code == Errc::kNotFound && failure.status != 0) return end(std::move(failure));
  handler_.on_restart_failed(failure);
}

// ------------------------------------------------------------------------------------ the end

void Client::close() {
  if (phase_ == Phase::kDeleting || phase_ == Phase::kEnded || close_wanted_) return;
  close_wanted_ = true;
  if (phase_ == Phase::kOpen) return delete_session();
  // A server that was asked has to answer first: before that nobody knows what to delete.
  if (phase_ == Phase::kPosting || phase_ == Phase::kAnswering) return;
  exchange_.reset();
  timer_->arm(network_.now());
}

// RFC 9725 section 4.2
void Client::delete_session() {
  phase_ = Phase::kDeleting;
  patch_.reset();
  exchange_ = std::make_unique<http::Exchange>(
      network_, *session_, request("DELETE"), options_.http,
      [this](const Result<http::Response>& response) {
        if (last_words_) return end(std::move(*last_words_));
        // That it is gone already is what was wanted.
        if (response && (response->status / 100 == 2 || response->status == 404)) {
          return end({{Errc::kClosed, "closed by this client"}});
        }
        Failure failure =
            response ? refused("DELETE", *session_, *response) : Failure{response.error()};
        failure.error.code = Errc::kClosed;
        end(std::move(failure));
      });
}

}  // namespace floe::whip
