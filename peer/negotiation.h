#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "floe/core/random.h"
#include "floe/core/result.h"
#include "floe/peer/session_description.h"
#include "floe/peer/states.h"
#include "floe/peer/transceivers.h"
#include "floe/sdp/data_section.h"
#include "floe/sdp/description.h"
#include "floe/sdp/offer_answer.h"

namespace floe {

/// The offer/answer state machine (RFC 8829 sections 3.2, 4.1 and 5): which descriptions there are,
/// whether a new one may follow, and what it changes. It knows no engine. A description is first
/// read, which may fail and changes nothing, and then committed, which does not fail.
class Negotiation {
 public:
  /// Candidates kept for a description that is not agreed on yet: more than the ICE agent takes.
  static constexpr std::size_t kMaxCandidates = 512;

  /// What our side puts into its descriptions.
  struct Local {
    sdp::TransportParameters transport;  ///< `setup` and `candidates` are filled in here.
    std::uint64_t max_message_size = sdp::kDefaultMaxMessageSize;
  };

  struct Typed {
    SdpType type;
    sdp::Description description;
  };

  /// What an answer, provisional or not, settles about the one transport.
  struct Agreement {
    std::size_t index = 0;  ///< Of the section whose transport it is.
    sdp::TransportParameters remote;
    sdp::TransportParameters local;
    sdp::DtlsRole role = sdp::DtlsRole::kClient;  ///< Ours.
    std::optional<sdp::RemoteData> data;          ///< Absent: no data channels.
  };

  /// A description that was read and fits.
  struct Change {
    SdpType type = SdpType::kOffer;
    bool is_local = false;
    sdp::Description description;
    bool rolls_back = false;             ///< Our own offer gives way to it first.
    std::optional<Agreement> agreement;  ///< For answers that accept anything.
  };

  Negotiation(std::uint64_t session_id, Random& random, TransceiverOwner& owner,
              sdp::BundlePolicy bundle_policy)
      : session_{session_id, 0}, bundle_policy_(bundle_policy), transceivers_(random, owner) {}

  SignalingState state() const { return state_; }
  void close();

  Transceivers& transceivers() { return transceivers_; }
  const Transceivers& transceivers() const { return transceivers_; }
  /// A data channel was created, so offers have a data section.
  void want_data();
  /// An answer refused the data section that another had accepted: the association has ended, and
  /// there is no second one.
  bool data_ended() const { return data_ended_; }
  /// W3C "check if negotiation is needed", without ICE restarts.
  bool negotiation_needed() const;

  [[nodiscard]] Result<SessionDescription> create_offer(const Local& local);
  [[nodiscard]] Result<SessionDescription> create_answer(const Local& local);

  /// `description` is the one created last, or that with edits (see `check_edits`); an empty text
  /// stands for it.
  [[nodiscard]] Result<Change> read_local(const SessionDescription& description) const;
  [[nodiscard]] Result<Change> read_remote(const SessionDescription& description) const;
  /// Returns the tracks that the peer has begun to send.
  std::vector<TrackEvent> commit(Change change);
  /// Back to "stable" (RFC 8829 section 4.1.10.2). kInvalidState where there is nothing to take
  /// back.
  [[nodiscard]] Result<> roll_back(bool is_local);

  /// Keeps a candidate in the remote description it belongs to, in section `index` of the pending
  /// or of the current one. An empty text ends them.
  void keep_candidate(bool in_pending, std::size_t index, const std::string& candidate);

  /// Whether we are the DTLS client, once an answer was made.
  std::optional<sdp::DtlsRole> dtls_role() const {
    return agreement_ ? std::optional(agreement_->role) : std::nullopt;
  }
  /// What the last answer settled; absent before there is one that accepts anything.
  const std::optional<Agreement>& agreement() const { return agreement_; }
  /// The section that our candidates belong to: that of the agreement, or of our offer's tag.
  std::size_t transport_index() const;
  /// Its mid; empty before there is a description of ours.
  std::string transport_mid() const;
  /// Why sections of the remote offer are refused, in the last answer created.
  const std::vector<sdp::Refusal>& refusals() const { return refusals_; }

  const std::optional<Typed>& pending_local() const { return pending_local_; }
  const std::optional<Typed>& current_local() const { return current_local_; }
  const std::optional<Typed>& pending_remote() const { return pending_remote_; }
  const std::optional<Typed>& current_remote() const { return current_remote_; }
  /// The pending one, else the current one.
  const std::optional<Typed>& local() const {
    return pending_local_ ? pending_local_ : current_local_;
  }
  const std::optional<Typed>& remote() const {
    return pending_remote_ ? pending_remote_ : current_remote_;
  }

 private:
  SessionDescription remember(SdpType type, sdp::Description description);
  Result<> check_local_state(SdpType type) const;
  Result<> check_remote_state(SdpType type) const;
  Result<std::optional<Agreement>> agree(const sdp::Description& local,
                                         const sdp::Description& remote, bool ours) const;
  Result<> check_association(const Agreement& agreement) const;
  Result<> check_remote_offer(const sdp::Description& offer) const;
  std::vector<TrackEvent> commit_offer(Change& change);
  std::vector<TrackEvent> commit_answer(Change& change);
  std::string new_mid();
  void learn_mids(const sdp::Description& description);
  std::string known_data_mid() const;

  SignalingState state_ = SignalingState::kStable;
  sdp::Session session_;
  sdp::BundlePolicy bundle_policy_;
  Transceivers transceivers_;
  bool wants_data_ = false;
  bool data_ended_ = false;
  std::string proposed_data_mid_;
  std::set<std::string> mids_;  ///< All that were ever used; none comes back for something else.
  std::uint64_t next_mid_ = 0;
  /// The last description created: its numbers, and what may be set. Null once it was set.
  std::optional<Typed> created_;
  std::string created_text_;
  std::optional<sdp::Description> last_created_;
  std::vector<sdp::Refusal> refusals_;
  std::optional<Typed> pending_local_;
  std::optional<Typed> current_local_;
  std::optional<Typed> pending_remote_;
  std::optional<Typed> current_remote_;
  std::optional<Agreement> agreement_;
};

}  // namespace floe
