#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "floe/core/result.h"
#include "floe/peer/received_media.h"
#include "floe/peer/rtp_parameters.h"
#include "floe/sdp/rtp_section.h"

namespace floe {

/// MediaStreamTrack, as far as descriptions speak of it: floe neither captures nor plays, so a
/// track is a name. Frames go into an `RtpSender` and come out of an `RtpReceiver`.
class MediaStreamTrack {
 public:
  MediaStreamTrack(MediaKind kind, std::string id) : kind_(kind), id_(std::move(id)) {}

  MediaKind kind() const { return kind_; }
  const std::string& id() const { return id_; }
  /// A receiver's track ends when its transceiver stops.
  bool ended() const { return ended_; }

 private:
  friend class RtpTransceiver;
  MediaKind kind_;
  std::string id_;
  bool ended_ = false;
};

/// RTCRtpTransceiverInit
struct RtpTransceiverInit {
  RtpTransceiverDirection direction = RtpTransceiverDirection::kSendrecv;
  std::vector<std::string>
      streams{};  ///< Ids of the media streams that the track is told to be in.
  /// Layers of simulcast with a `rid` each, at most `kMaxEncodings`; empty: one encoding.
  std::vector<RtpEncodingParameters> send_encodings{};
};

/// Simulcast layers of one sender: more than browsers' three or four serves nobody.
inline constexpr std::size_t kMaxEncodings = 8;
/// Media streams one track is told to be in; each is a line of the description.
inline constexpr std::size_t kMaxStreams = 64;

/// What a transceiver asks of the connection it belongs to. `number` is the transceiver's.
class TransceiverOwner {
 public:
  virtual ~TransceiverOwner() = default;
  virtual void update_negotiation_needed() = 0;
  virtual Result<> send_frame(std::uint32_t number, std::string_view rid,
                              const rtp::FrameView& frame) = 0;
  virtual Result<> send_packet(std::uint32_t number, std::string_view rid,
                               const ReceivedPacket& packet) = 0;
  virtual void update_encodings() = 0;
  virtual void want_packets(std::uint32_t number, bool wanted) = 0;
  virtual void request_key_frame(std::uint32_t number) = 0;
};

/// RTCRtpSender
class RtpSender {
 public:
  explicit RtpSender(MediaKind kind) : kind_(kind) {}

  /// Null when there is nothing to send.
  const std::shared_ptr<MediaStreamTrack>& track() const { return track_; }
  /// W3C replaceTrack: no negotiation. Errors: kInvalidArgument for a track of the other kind,
  /// kInvalidState when the transceiver is stopped.
  [[nodiscard]] Result<> replace_track(std::shared_ptr<MediaStreamTrack> track);
  /// W3C setStreams: the next description says so. Errors: kInvalidState when the connection is
  /// closed, kInvalidArgument for ids that no description can hold.
  [[nodiscard]] Result<> set_streams(std::vector<std::string> streams);
  const std::vector<std::string>& streams() const { return streams_; }
  RtpParameters parameters() const;
  /// W3C setParameters: of the encodings `active` and the limits may change. Errors: kInvalidState
  /// when stopped, kInvalidModification when there are others than in `parameters()`,
  /// kInvalidArgument for a value out of range.
  [[nodiscard]] Result<> set_parameters(const RtpParameters& parameters);
  static RtpCapabilities capabilities(MediaKind kind) { return floe::capabilities(kind); }

  /// Sends one encoded frame of the codec that stands first in `parameters().codecs`; with
  /// simulcast of the layer `rid`. Timestamps count in the codec's clock rate, from any origin.
  /// Errors: kInvalidState before the descriptions let this side send, and when the encoding is not
  /// active; kNotFound for an unknown layer; kWouldBlock while there is no path, and when more
  /// waits than the path takes (drop the frame, and encode less); kMalformed for bytes that are not
  /// the codec's; kLimitExceeded for a frame of more than `rtp::kMaxFrameSize`.
  [[nodiscard]] Result<> send_frame(const rtp::FrameView& frame, std::string_view rid = {});
  /// Forwards a packet of somebody else's stream as one of this, as a server between many peers
  /// does: SSRC, numbers, payload type and header extensions become ours, the payload stays.
  /// Errors as above, and kMessageTooLong.
  [[nodiscard]] Result<> send_packet(const ReceivedPacket& packet, std::string_view rid = {});

  /// The peer cannot go on without a key frame (PLI, FIR): encode one soon. The handler is given
  /// the layer's rid.
  void on_key_frame_request(std::function<void(const std::string& rid)> handler);
  /// What congestion control lets a layer have from now on, in bits per second; 0: pause it. Called
  /// when it changes.
  void on_target_bitrate(
      std::function<void(const std::string& rid, std::uint64_t bits_per_second)> handler);

 private:
  friend class Connection;
  friend class RtpTransceiver;
  friend class Transceivers;

  struct Ssrcs {
    std::uint32_t media = 0;
    std::uint32_t rtx = 0;
  };

  Result<> check_sending(std::string_view rid) const;

  MediaKind kind_;
  std::uint32_t number_ = 0;
  std::shared_ptr<MediaStreamTrack> track_;
  std::vector<std::string> streams_;
  std::vector<RtpEncodingParameters> encodings_ = {{}};
  RtpParameters negotiated_;
  std::vector<Ssrcs> ssrcs_;  // of each encoding
  bool sending_ = false;      // as both sides agreed
  std::shared_ptr<const std::function<void(const std::string&)>> key_frame_request_;
  std::shared_ptr<const std::function<void(const std::string&, std::uint64_t)>> target_bitrate_;
  std::string cname_;
  bool stopped_ = false;
  TransceiverOwner* owner_ = nullptr;
};

/// RTCRtpReceiver
class RtpReceiver {
 public:
  explicit RtpReceiver(std::shared_ptr<MediaStreamTrack> track) : track_(std::move(track)) {}

  /// Never null.
  const std::shared_ptr<MediaStreamTrack>& track() const { return track_; }
  /// The ids of the media streams that the peer says the track is in.
  const std::vector<std::string>& streams() const { return streams_; }
  RtpParameters parameters() const { return negotiated_; }
  static RtpCapabilities capabilities(MediaKind kind) { return floe::capabilities(kind); }

  /// Each frame that came whole, in the order of decoding. Where frames are missing, a key frame is
  /// asked for, and those that cannot be decoded before it do not come.
  void on_frame(std::function<void(const ReceivedFrame&)> handler);
  /// Each packet that came, in the order of their coming, instead of frames.
  void on_packet(std::function<void(const ReceivedPacket&)> handler);
  /// Asks the peer for a key frame, as somebody does who begins to watch or record.
  void request_key_frame();

 private:
  friend class Connection;
  friend class RtpTransceiver;
  friend class Transceivers;
  std::shared_ptr<MediaStreamTrack> track_;
  std::uint32_t number_ = 0;
  std::vector<std::string> streams_;
  RtpParameters negotiated_;
  std::shared_ptr<const std::function<void(const ReceivedFrame&)>> frame_;
  std::shared_ptr<const std::function<void(const ReceivedPacket&)>> packet_;
  TransceiverOwner* owner_ = nullptr;
};

/// RTCRtpTransceiver: one audio or video section of the descriptions. It lives as long as the
/// application or its connection holds it. Used on the connection's thread.
class RtpTransceiver {
 public:
  RtpTransceiver(MediaKind kind, std::shared_ptr<RtpSender> sender,
                 std::shared_ptr<RtpReceiver> receiver)
      : kind_(kind), sender_(std::move(sender)), receiver_(std::move(receiver)) {}
  RtpTransceiver(const RtpTransceiver&) = delete;
  RtpTransceiver& operator=(const RtpTransceiver&) = delete;

  MediaKind kind() const { return kind_; }
  /// Absent until a description names the section, and after a rollback of that one.
  const std::optional<std::string>& mid() const { return negotiated_.mid; }
  const std::shared_ptr<RtpSender>& sender() const { return sender_; }
  const std::shared_ptr<RtpReceiver>& receiver() const { return receiver_; }

  /// What the next description will say; kStopped once `stop` was called.
  RtpTransceiverDirection direction() const;
  /// Errors: kInvalidArgument for kStopped, kInvalidState when stopped or closed.
  [[nodiscard]] Result<> set_direction(RtpTransceiverDirection direction);
  /// What both sides agreed on last; absent before, kStopped afterwards.
  std::optional<RtpTransceiverDirection> current_direction() const;

  /// Ends the section: the next offer refuses it. Idempotent. Errors: kInvalidState when closed.
  [[nodiscard]] Result<> stop();
  /// `stop` was called, or the peer refused the section.
  bool stopping() const { return stopping_; }
  /// Both sides know that it has ended.
  bool stopped() const { return negotiated_.stopped; }

  /// The codecs to offer, or to accept, in this order; of rtx and the like one entry stands for
  /// all, and without it they are left out. Empty: the default. Errors: kInvalidModification names
  /// the codec that `capabilities` does not have, or says that none but auxiliary ones are left.
  [[nodiscard]] Result<> set_codec_preferences(const std::vector<RtpCodec>& codecs);

 private:
  friend class Connection;
  friend class Transceivers;

  /// What descriptions decide, and a rollback restores.
  struct Negotiated {
    std::optional<std::string> mid;
    std::optional<std::size_t> index;  ///< Of the "m=" section.
    std::optional<sdp::Direction> current;
    std::optional<sdp::Direction> fired;  ///< What `on_track` knows of the peer's sending.
    std::vector<std::string> remote_streams;
    bool stopped = false;
  };

  /// What the last answer settled, for RTP.
  struct Agreed {
    std::vector<sdp::Codec> codecs;
    std::vector<sdp::Extmap> extensions;
    bool mixed_extensions = false;
    std::vector<std::string> remote_rids;
    std::vector<sdp::Ssrc> remote_ssrcs;
    std::vector<sdp::SsrcGroup> remote_groups;
  };

  void end();  ///< The section has ended on both sides, or the connection is closed.

  MediaKind kind_;
  std::shared_ptr<RtpSender> sender_;
  std::shared_ptr<RtpReceiver> receiver_;
  sdp::Direction direction_ = sdp::Direction::kSendrecv;
  bool stopping_ = false;
  std::vector<sdp::Codec> preferences_;
  bool created_by_add_track_ = false;  ///< A remote offer may take it over.
  bool created_by_peer_ = false;       ///< A rollback may take it away.
  bool has_sent_ = false;              ///< `add_track` does not use it again.
  std::string proposed_mid_;           ///< What our next offer would call it.
  Negotiated negotiated_;
  Agreed agreed_;
  Negotiated stable_;  ///< `negotiated_` when the signaling state was "stable" last.
  TransceiverOwner* owner_ = nullptr;
};

/// RTCTrackEvent
struct TrackEvent {
  std::shared_ptr<RtpTransceiver> transceiver;
  std::shared_ptr<RtpReceiver> receiver;
  std::shared_ptr<MediaStreamTrack> track;
  std::vector<std::string> streams;
};

}  // namespace floe
