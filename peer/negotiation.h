#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "floe/core/result.h"
#include "floe/peer/session_description.h"
#include "floe/peer/states.h"
#include "floe/sdp/data_section.h"
#include "floe/sdp/description.h"
#include "floe/sdp/offer_answer.h"

namespace floe {

/// The offer/answer state machine (RFC 8829 section 3.2 and 5) for one data section: which
/// descriptions there are, and whether a new one may follow. It changes nothing unless it succeeds.
class Negotiation {
 public:
  /// What our side puts into its descriptions.
  struct Local {
    sdp::TransportParameters transport;  ///< `setup` and `candidates` are filled in here.
    std::uint64_t max_message_size = sdp::kDefaultMaxMessageSize;
  };

  explicit Negotiation(std::uint64_t session_id) : session_{session_id, 0} {}

  SignalingState state() const { return state_; }
  void close() { state_ = SignalingState::kClosed; }

  [[nodiscard]] Result<SessionDescription> create_offer(const Local& local);
  [[nodiscard]] Result<SessionDescription> create_answer(const Local& local);
  /// `description` must be the one created last; floe's own descriptions cannot be edited.
  [[nodiscard]] Result<> set_local(const SessionDescription& description);
  /// Checks everything that can be checked without an ICE agent, and returns what the peer's data
  /// section says; nullopt if it has none. Nothing is changed until `commit_remote`.
  struct Remote {
    SdpType type;
    sdp::Description description;
    std::optional<sdp::RemoteData> data;
  };
  [[nodiscard]] Result<Remote> read_remote(const SessionDescription& description) const;
  void commit_remote(Remote remote);

  /// The mid of the data section both sides speak of; empty before a description is set.
  std::string data_mid() const;
  /// True once an answer accepted the data section.
  bool data_accepted() const { return data_accepted_; }
  /// Whether we are the DTLS client, once an answer was made.
  std::optional<sdp::DtlsRole> dtls_role() const { return dtls_role_; }
  /// What the peer's last description said of its data section.
  const std::optional<sdp::RemoteData>& remote_data() const { return remote_data_; }
  /// Whether the peer's description has a section by this name or number.
  bool remote_has_section(const std::optional<std::string>& mid,
                          std::optional<std::uint16_t> index) const;
  bool is_data_section(const std::optional<std::string>& mid,
                       std::optional<std::uint16_t> index) const;

  struct Typed {
    SdpType type;
    sdp::Description description;
  };
  const std::optional<Typed>& pending_local() const { return pending_local_; }
  const std::optional<Typed>& current_local() const { return current_local_; }
  const std::optional<Typed>& pending_remote() const { return pending_remote_; }
  const std::optional<Typed>& current_remote() const { return current_remote_; }
  /// The pending one, else the current one.
  const std::optional<Typed>& remote() const {
    return pending_remote_ ? pending_remote_ : current_remote_;
  }

 private:
  void settle_role(sdp::Setup answer_setup, bool answer_is_ours);

  SignalingState state_ = SignalingState::kStable;
  sdp::Session session_;
  std::optional<Typed> created_;  ///< The last description created, not yet set.
  std::string created_text_;
  std::optional<Typed> pending_local_;
  std::optional<Typed> current_local_;
  std::optional<Typed> pending_remote_;
  std::optional<Typed> current_remote_;
  std::optional<sdp::RemoteData> remote_data_;
  std::optional<sdp::DtlsRole> dtls_role_;
  bool data_accepted_ = false;
};

}  // namespace floe
