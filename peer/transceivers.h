#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "floe/core/random.h"
#include "floe/core/result.h"
#include "floe/peer/rtp_transceiver.h"
#include "floe/rtp/section.h"
#include "floe/sdp/offer_answer.h"

namespace floe {

/// The transceivers of one connection, and what descriptions do to them (RFC 8829 sections 5.2.1,
/// 5.3.1, 5.9 to 5.11; W3C "set the RTCSessionDescription"). Calls that apply a description do not
/// fail: it was checked before.
class Transceivers {
 public:
  /// Each is an "m=" section for ever, if only a refused one; no call has as many parties.
  static constexpr std::size_t kMax = 512;

  Transceivers(Random& random, TransceiverOwner& owner) : random_(random), owner_(owner) {}

  const std::vector<std::shared_ptr<RtpTransceiver>>& all() const { return all_; }

  Result<std::shared_ptr<RtpTransceiver>> add(MediaKind kind,
                                              std::shared_ptr<MediaStreamTrack> track,
                                              const RtpTransceiverInit& init);
  Result<std::shared_ptr<RtpSender>> add_track(const std::shared_ptr<MediaStreamTrack>& track,
                                               std::vector<std::string> streams);
  Result<> remove_track(const std::shared_ptr<RtpSender>& sender);

  /// What to offer. `new_mid` names what has no name yet.
  std::vector<sdp::Section> offered(const std::function<std::string()>& new_mid);
  /// What to answer to section `index` of a remote offer that was applied; nothing refuses it.
  std::optional<sdp::Section> answered(const sdp::Description& offer, std::size_t index) const;

  void apply_local_offer(const sdp::Description& offer);
  std::vector<TrackEvent> apply_remote_offer(const sdp::Description& offer);
  /// An answer of either side; `final` for one that is not provisional.
  std::vector<TrackEvent> apply_answer(const sdp::Description& local,
                                       const sdp::Description& remote, bool answer_is_ours,
                                       bool final);
  /// Back to where everything was in "stable".
  void roll_back();
  /// W3C "check if negotiation is needed", the part about transceivers. The descriptions are the
  /// current ones; null before there are any.
  bool need_negotiation(const sdp::Description* local, bool local_is_offer,
                        const sdp::Description* remote) const;
  /// What RTP has to know of all that may flow now, by the transceivers' numbers.
  std::vector<rtp::Section> sections() const;
  std::shared_ptr<RtpTransceiver> with_number(std::uint32_t number) const;
  const std::string& cname() const { return cname_; }
  /// Ends all: the connection is closed.
  void close();

 private:
  std::shared_ptr<RtpTransceiver> create(MediaKind kind);
  std::shared_ptr<RtpTransceiver> find(std::size_t index) const;
  std::shared_ptr<RtpTransceiver> take_unassociated(MediaKind kind, sdp::Direction offered);
  sdp::RtpSection section_of(const RtpTransceiver& transceiver) const;
  std::optional<TrackEvent> take_remote(const std::shared_ptr<RtpTransceiver>& transceiver,
                                        const sdp::Description& remote, std::size_t index);
  static RtpTransceiver::Agreed agreed(const sdp::Description& answer,
                                       const sdp::Description& remote, std::size_t index);
  void add_ssrcs(RtpSender& sender, std::size_t count);
  void settle(RtpTransceiver& transceiver, const sdp::Media& answer, bool answer_is_ours);
  void forget_replaced(const sdp::Description& offer);
  void forget_proposals();
  void remember();

  Random& random_;
  TransceiverOwner& owner_;
  std::vector<std::shared_ptr<RtpTransceiver>> all_;
  std::string cname_;
  std::uint32_t next_number_ = 1;
};

}  // namespace floe
