#pragma once

#include <memory>
#include <string>

#include "examples/media/host.h"
#include "track.h"

namespace media_send {

/// Plays its tracks to everybody who wants to watch, and stands still while nobody does.
class Broadcast final : public media::Programme {
 public:
  /// Either track may be absent. All of them outlive it. `max_bitrate`: of everything to one who
  /// watches, in bits per second.
  Broadcast(media::Host& host, Track* video, Track* audio, std::uint64_t max_bitrate);

  void configure(floe::Configuration& configuration) const override;
  [[nodiscard]] floe::Result<std::unique_ptr<media::Visit>> welcome(
      const std::string& name, media::Wish wish, floe::PeerConnection& connection) override;

 private:
  class Viewer;

  void play();
  void report();
  template <typename Do>
  void each_track(Do action);

  media::Host& host_;
  Track* video_;
  Track* audio_;
  const std::uint64_t max_bitrate_;
  std::unique_ptr<floe::net::Timer> timer_;
  std::unique_ptr<floe::net::Timer> report_timer_;
  int viewers_ = 0;  ///< Who are connected.
  floe::Time began_{};
  floe::Time paused_{};  ///< When the last viewer left.
};

}  // namespace media_send
