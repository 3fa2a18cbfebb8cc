// echo: what a browser sends comes back to it, encoded frame by encoded frame.
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "examples/media/host.h"
#include "floe/rtp/congestion/fixed_rate.h"

namespace {

using floe::MediaKind;
using floe::Result;

constexpr const char* kAbout =
    "echo: what a browser sends comes back to it.\n"
    "\n"
    "Start floe-signal --www examples/web, then this, and open the page that it names.\n";

/// Sound and pictures of one page, there and back.
class Mirror final : public media::Visit {
 public:
  Result<> offer(floe::PeerConnection& connection, MediaKind kind, const std::string& mime_type) {
    const auto added = connection.add_transceiver(kind, {.streams = {"echo"}});
    if (!added) return floe::forward(added);
    floe::RtpTransceiver& transceiver = **added;
    // Of one codec, so that what comes is what is sent.
    if (auto ok = transceiver.set_codec_preferences(media::codecs_named(kind, {mime_type})); !ok) {
      return ok;
    }
    // They live as long as the connection, and their handlers with them.
    floe::RtpSender* sender = transceiver.sender().get();
    floe::RtpReceiver* receiver = transceiver.receiver().get();
    receiver->on_frame([=, whole = true](const floe::ReceivedFrame& received) mutable {
      // After one that was left out the others cannot be decoded.
      if (!whole && !received.frame.key_frame) return;
      const auto sent = sender->send_frame(received.frame.view());
      whole = sent.has_value();
      if (whole) return;
      spdlog::debug("a frame is left out: {}", sent.error().message);
      receiver->request_key_frame();
    });
    sender->on_key_frame_request([receiver](const std::string&) { receiver->request_key_frame(); });
    return {};
  }
};

class Echo final : public media::Programme {
 public:
  Echo(std::string video, unsigned kilobits)
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
                                                floe::PeerConnection& connection) override {
    if (wish != media::Wish::kEcho) {
      return floe::fail(floe::Errc::kUnsupported,
                        "echo sends back what it gets: open the page echo");
    }
    spdlog::info("{} wants an echo", name);
    auto mirror = std::make_unique<Mirror>();
    if (auto ok = mirror->offer(connection, MediaKind::kAudio, "audio/opus"); !ok) {
      return floe::forward(ok);
    }
    if (auto ok = mirror->offer(connection, MediaKind::kVideo, video_); !ok) {
      return floe::forward(ok);
    }
    return mirror;
  }

 private:
  const std::string video_;
  const std::int64_t bits_per_second_;
};

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
  media::Host host("echo", "echo", options);
  if (const auto opened = host.open(); !opened) {
    std::fprintf(stderr, "echo: %s\n", opened.error().message.c_str());
    return media::kFailed;
  }
  Echo echo(video, kilobits);
  return host.run(echo);
}
