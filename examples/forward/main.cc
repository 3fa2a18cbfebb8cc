// forward: one browser publishes, many watch. A forwarding server (SFU) decodes nothing: it takes
// each packet out of the publisher's connection and puts it into that of everybody who watches.
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>
#include <memory>
#include <set>
#include <string>

#include "examples/media/host.h"
#include "floe/rtp/congestion/fixed_rate.h"

namespace {

using floe::MediaKind;
using floe::Result;
using floe::RtpTransceiverDirection;

constexpr const char* kAbout =
    "forward: one browser publishes, many watch.\n"
    "\n"
    "Start floe-signal --www examples/web, then this, and open the pages publish and watch.\n";

constexpr std::array kKinds{MediaKind::kAudio, MediaKind::kVideo};

class Forward final : public media::Programme {
 public:
  Forward(std::string video, unsigned kilobits)
      : video_(std::move(video)), bits_per_second_(kilobits * 1000) {}

  std::uint64_t max_incoming_bitrate() const override {
    return static_cast<std::uint64_t>(bits_per_second_);
  }
  /// What comes cannot be made smaller: it goes out as fast as it may come in, with some room for
  /// repairs and the bursts of key frames.
  void configure(floe::Configuration& configuration) const override {
    configuration.congestion_control = [rate = floe::rtp::Bitrate(bits_per_second_) *
                                               1.5](floe::Time) {
      return std::make_unique<floe::rtp::FixedRate>(rate);
    };
  }

  Result<std::unique_ptr<media::Visit>> welcome(const std::string& name, media::Wish wish,
                                                floe::PeerConnection& connection) override;

 private:
  struct Publisher;
  struct Watcher;

  /// Everybody gets the one codec, so that packets fit without a change.
  Result<std::shared_ptr<floe::RtpTransceiver>> add(floe::PeerConnection& connection,
                                                    MediaKind kind,
                                                    RtpTransceiverDirection direction) const {
    const auto added =
        connection.add_transceiver(kind, {.direction = direction, .streams = {"forward"}});
    if (!added) return added;
    const std::string mime_type = kind == MediaKind::kAudio ? "audio/opus" : video_;
    const auto set = (*added)->set_codec_preferences(media::codecs_named(kind, {mime_type}));
    if (!set) return floe::forward(set);
    return added;
  }
  void forward(MediaKind kind, const floe::ReceivedPacket& packet);
  void request_key_frame();

  const std::string video_;
  const std::int64_t bits_per_second_;
  Publisher* publisher_ = nullptr;
  std::set<Watcher*> watchers_;
};

struct Forward::Publisher final : media::Visit {
  explicit Publisher(Forward& server) : server(server) { server.publisher_ = this; }
  ~Publisher() override { server.publisher_ = nullptr; }

  Forward& server;
  std::shared_ptr<floe::RtpReceiver> video;
};

struct Forward::Watcher final : media::Visit {
  explicit Watcher(Forward& server) : server(server) {}
  ~Watcher() override { server.watchers_.erase(this); }
  void on_connected() override {
    server.watchers_.insert(this);
    // Nothing can be decoded before one.
    server.request_key_frame();
  }

  Forward& server;
  std::shared_ptr<floe::RtpSender> audio;
  std::shared_ptr<floe::RtpSender> video;
};

Result<std::unique_ptr<media::Visit>> Forward::welcome(const std::string& name, media::Wish wish,
                                                       floe::PeerConnection& connection) {
  if (wish == media::Wish::kPublish) {
    if (publisher_ != nullptr) {
      return floe::fail(floe::Errc::kInvalidState, "somebody publishes already: watch instead");
    }
    spdlog::info("{} publishes", name);
    auto publisher = std::make_unique<Publisher>(*this);
    for (const MediaKind kind : kKinds) {
      const auto transceiver = add(connection, kind, RtpTransceiverDirection::kRecvonly);
      if (!transceiver) return floe::forward(transceiver);
      (*transceiver)->receiver()->on_packet([this, kind](const floe::ReceivedPacket& packet) {
        forward(kind, packet);
      });
      if (kind == MediaKind::kVideo) publisher->video = (*transceiver)->receiver();
    }
    return publisher;
  }
  if (wish == media::Wish::kWatch) {
    spdlog::info("{} watches", name);
    auto watcher = std::make_unique<Watcher>(*this);
    for (const MediaKind kind : kKinds) {
      const auto transceiver = add(connection, kind, RtpTransceiverDirection::kSendonly);
      if (!transceiver) return floe::forward(transceiver);
      (kind == MediaKind::kAudio ? watcher->audio : watcher->video) = (*transceiver)->sender();
    }
    watcher->video->on_key_frame_request([this](const std::string&) { request_key_frame(); });
    return watcher;
  }
  return floe::fail(floe::Errc::kUnsupported, "forward has no echo: open publish or watch");
}

void Forward::forward(MediaKind kind, const floe::ReceivedPacket& packet) {
  for (const Watcher* watcher : watchers_) {
    const auto& sender = kind == MediaKind::kAudio ? watcher->audio : watcher->video;
    // Where there is no room, or the page refused it, the packet is left out; repairs and key
    // frames do the rest.
    if (const auto sent = sender->send_packet(packet); !sent) {
      spdlog::debug("a packet is left out: {}", sent.error().message);
    }
  }
}

void Forward::request_key_frame() {
  if (publisher_ != nullptr) publisher_->video->request_key_frame();
}

}  // namespace

int main(int argc, char** argv) {
  media::HostOptions options;
  std::string video;
  CLI::App app(kAbout);
  media::add_options(app, options);
  media::add_codec_option(app, video);
  unsigned kilobits = 1200;
  media::add_bitrate_option(app, kilobits);
  if (const auto exit_code = media::parse(app, argc, argv)) return *exit_code;
  media::Host host("forward", "publish", options);
  if (const auto opened = host.open(); !opened) {
    std::fprintf(stderr, "forward: %s\n", opened.error().message.c_str());
    return media::kFailed;
  }
  Forward server(video, kilobits);
  return host.run(server);
}
