#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "floe/peer/peer_connection.h"
#include "source.h"

namespace media_send {

/// One source, and everybody it goes to.
class Track {
 public:
  /// `max_bitrate`: what one who watches gets at most, in bits per second.
  Track(floe::MediaKind kind, std::unique_ptr<Source> source, std::uint64_t max_bitrate);

  /// What one connection gets of it, as long as it is kept.
  class Outlet {
   public:
    /// Frames may go, from now on.
    void connect();

   private:
    friend class Track;
    explicit Outlet(Track& track) : track_(track) {}
    Track& track_;
    std::shared_ptr<floe::RtpTransceiver> transceiver_;
    std::optional<std::uint64_t> target_;  ///< What congestion control allows.
    bool connected_ = false;
    bool needs_key_frame_ = true;
  };

  /// Offers the track to `connection`'s peer.
  [[nodiscard]] floe::Result<std::shared_ptr<Outlet>> offer(floe::PeerConnection& connection);

  floe::Duration due() const { return source_->due(); }
  /// Takes the next frame of the source and sends it.
  [[nodiscard]] floe::Result<> step();

  /// What happened since the last call.
  struct Count {
    std::uint64_t frames = 0;
    std::uint64_t bytes = 0;
    std::uint64_t dropped = 0;  ///< By senders that had too much to send already.
  };
  Count take_count();
  /// What the source was told last.
  std::uint64_t bitrate() const { return bitrate_; }

 private:
  void send(Outlet& outlet, const media::MediaFrame& frame);
  void request_key_frame() { key_frame_wanted_ = true; }
  void follow_targets();
  void use_bitrate(std::uint64_t bits_per_second);
  template <typename Visit>
  void each_outlet(Visit visit);

  const floe::MediaKind kind_;
  std::unique_ptr<Source> source_;
  const std::uint64_t max_bitrate_;
  std::uint64_t bitrate_;
  std::vector<std::weak_ptr<Outlet>> outlets_;
  bool key_frame_wanted_ = false;
  std::optional<floe::Duration> key_frame_at_;
  Count count_;
};

}  // namespace media_send
