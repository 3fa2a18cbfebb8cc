// Encoded frames from one peer to the other, over every layer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "floe/core/bytes.h"
#include "tests/peer/call.h"

namespace floe {
namespace {

using testing::ElementsAre;
using testing::Not;

constexpr Duration kFrameTime = milliseconds(33);
constexpr std::uint32_t kTicks = 3000;  // At 90 kHz, of 30 frames a second.

/// A VP8 frame as far as RTP looks: the first bit says that it is no key frame (RFC 6386 section
/// 9.1); its number, and bytes that follow from it.
std::vector<std::uint8_t> picture(std::uint32_t number, bool key_frame, std::size_t size) {
  std::vector<std::uint8_t> bytes(std::max<std::size_t>(size, 14));
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(number + i);
  ByteWriter writer(bytes);
  writer.u24(key_frame ? 0x100000 : 0x110000);
  if (key_frame) writer.u24(0x9d012a);
  if (key_frame) writer.u32(0x40010000 | 0xf0);
  writer.u32(number);
  return bytes;
}

std::uint32_t number_of(const rtp::Frame& frame) {
  ByteReader reader(Bytes(frame.payload).subspan(frame.key_frame ? 10 : 3));
  return reader.u32();
}

/// What one side got.
struct Watched {
  std::vector<std::uint32_t> frames;
  std::size_t damaged = 0;
  std::size_t key_frames = 0;
  std::optional<rtp::Codec> codec;

  void watch(RtpReceiver& receiver) {
    receiver.on_frame([this](const ReceivedFrame& received) {
      codec = received.codec;
      if (received.codec != rtp::Codec::kVp8) {
        frames.push_back(received.frame.timestamp);
        return;
      }
      const std::uint32_t number = number_of(received.frame);
      const auto whole = picture(number, received.frame.key_frame, received.frame.payload.size());
      if (received.frame.payload != whole) ++damaged;
      if (received.frame.key_frame) ++key_frames;
      frames.push_back(number);
    });
  }
};

/// A camera and its encoder: 30 frames a second, key frames when they are asked for.
class Camera {
 public:
  Camera(net::sim::World& world, std::shared_ptr<RtpSender> sender, std::size_t frame_size)
      : world_(world), sender_(std::move(sender)), frame_size_(frame_size) {
    sender_->on_key_frame_request([this](const std::string&) {
      ++requests;
      wants_key_frame_ = true;
    });
    shoot();
  }
  ~Camera() { *alive_ = false; }

  std::uint32_t sent = 0;
  std::size_t refused = 0;
  std::size_t requests = 0;

 private:
  void shoot() {
    const bool key = std::exchange(wants_key_frame_, false);
    const auto frame = picture(sent, key, key ? 5 * frame_size_ : frame_size_);
    rtp::FrameView view;
    view.payload = frame;
    view.timestamp = static_cast<std::uint32_t>((world_.now() - Time{}) / kFrameTime) * kTicks;
    if (sender_->send_frame(view)) {
      ++sent;
    } else {
      ++refused;
      wants_key_frame_ = true;
    }
    world_.after(kFrameTime, [this, alive = alive_] {
      if (*alive) shoot();
    });
  }

  net::sim::World& world_;
  std::shared_ptr<RtpSender> sender_;
  std::size_t frame_size_;
  bool wants_key_frame_ = true;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

/// VP8 alone, so that the test knows what it reads.
std::vector<RtpCodec> vp8_with_rtx() {
  std::vector<RtpCodec> codecs;
  for (const RtpCodec& codec : RtpSender::capabilities(MediaKind::kVideo).codecs) {
    if (codec.mime_type == "video/VP8" || codec.mime_type == "video/rtx") codecs.push_back(codec);
  }
  return codecs;
}

/// A call with one video section, sent by Alice and, with `both`, by Bob as well.
class VideoCall : public Call {
 public:
  explicit VideoCall(Options options, bool both = false) : Call(std::move(options)) {
    create();
    RtpTransceiverInit init;
    if (!both) init.direction = RtpTransceiverDirection::kSendonly;
    auto added = alice.pc->add_transceiver(MediaKind::kVideo, init);
    EXPECT_TRUE(added.has_value());
    EXPECT_TRUE((*added)->set_codec_preferences(vp8_with_rtx()).has_value());
    sender = (*added)->sender();
    at_alice.watch(*(*added)->receiver());
    if (both) {
      auto track = std::make_shared<MediaStreamTrack>(MediaKind::kVideo, "camera");
      EXPECT_TRUE(bob.pc->add_track(track).has_value());
    }
    bob.pc->on_track([this](const TrackEvent& event) {
      at_bob.watch(*event.receiver);
      bobs = event.transceiver;
    });
    offer();
  }

  bool run_until_connected() {
    return run_until(
        [this] {
          return alice.pc->connection_state() == PeerConnectionState::kConnected &&
                 bob.pc->connection_state() == PeerConnectionState::kConnected && bobs != nullptr;
        },
        seconds(30));
  }

  std::shared_ptr<RtpSender> sender;
  std::shared_ptr<RtpTransceiver> bobs;
  Watched at_alice;
  Watched at_bob;
};

TEST(Media, FramesArriveAsTheyWereSent) {
  VideoCall call({}, true);
  ASSERT_TRUE(call.run_until_connected()) << call.describe();
  Camera alices(call.world, call.sender, 3000);
  Camera bobs(call.world, call.bobs->sender(), 3000);
  call.world.run_for(seconds(10));
  for (const auto* side : {&call.at_alice, &call.at_bob}) {
    EXPECT_GT(side->frames.size(), 280u);
    EXPECT_EQ(side->damaged, 0u);
    EXPECT_EQ(side->codec, rtp::Codec::kVp8);
    EXPECT_TRUE(std::is_sorted(side->frames.begin(), side->frames.end()));
  }
  EXPECT_EQ(call.at_bob.frames.size(), call.at_bob.frames.back() + 1);
}

TEST(Media, SurvivesTenPercentLossByRepetition) {
  std::size_t sent = 0;
  std::size_t received = 0;
  for (std::size_t i = 0; i < test_seeds(5); ++i) {
    Call::Options options;
    options.seed = test_seed(i);
    options.link.loss = 0.1;
    options.link.latency = milliseconds(25);
    VideoCall call(options);
    ASSERT_TRUE(call.run_until_connected()) << replay(options.seed) << call.describe();
    call.world.run_for(seconds(1));
    {
      Camera camera(call.world, call.sender, 2000);
      call.world.run_for(seconds(30));
      sent += camera.sent;
    }
    call.world.run_for(seconds(1));
    received += call.at_bob.frames.size();
    EXPECT_EQ(call.at_bob.damaged, 0u) << replay(options.seed);
  }
  EXPECT_GE(static_cast<double>(received), 0.995 * static_cast<double>(sent));
}

TEST(Media, AsksForAKeyFrameWhenFramesAreLostForGood) {
  Call::Options options;
  options.link.loss = 0.3;
  options.link.latency = milliseconds(150);  // Few repetitions come in time.
  VideoCall call(options);
  ASSERT_TRUE(call.run_until_connected()) << call.describe();
  Camera camera(call.world, call.sender, 3000);
  call.world.run_for(seconds(30));
  EXPECT_GT(camera.requests, 0u);
  EXPECT_GT(call.at_bob.key_frames, 1u);
  EXPECT_EQ(call.at_bob.damaged, 0u);
}

TEST(Media, TellsTheApplicationThatSomebodyElseBeginsToWatch) {
  VideoCall call({});
  ASSERT_TRUE(call.run_until_connected()) << call.describe();
  Camera camera(call.world, call.sender, 3000);
  call.world.run_for(seconds(3));
  EXPECT_EQ(call.at_bob.key_frames, 1u);
  call.bobs->receiver()->request_key_frame();
  call.world.run_for(seconds(1));
  EXPECT_EQ(camera.requests, 1u);
  EXPECT_EQ(call.at_bob.key_frames, 2u);
}

TEST(Media, IsInTheStatisticsOfBothSides) {
  Call::Options options;
  options.link.loss = 0.05;
  VideoCall call(options);
  ASSERT_TRUE(call.run_until_connected()) << call.describe();
  Camera camera(call.world, call.sender, 2500);
  call.world.run_for(seconds(10));
  const StatsReport at_alice = call.alice.pc->stats();
  const StatsReport at_bob = call.bob.pc->stats();
  ASSERT_EQ(at_alice.all<OutboundRtpStats>().size(), 1u);
  ASSERT_EQ(at_bob.all<InboundRtpStats>().size(), 1u);
  const OutboundRtpStats& out = *at_alice.all<OutboundRtpStats>().front();
  const InboundRtpStats& in = *at_bob.all<InboundRtpStats>().front();
  EXPECT_EQ(out.ssrc, in.ssrc);
  EXPECT_EQ(out.kind, "video");
  EXPECT_EQ(out.frames_sent, camera.sent);
  EXPECT_NEAR(static_cast<double>(*in.frames_received), camera.sent, 5);
  EXPECT_GT(out.retransmitted_packets_sent, 10u);
  EXPECT_GT(in.retransmitted_packets_received, 10u);
  // Probes are padded with packets sent before, which the receiver takes for retransmissions.
  EXPECT_LE(in.retransmitted_packets_received, out.retransmitted_packets_sent + 20);
  EXPECT_GT(out.nack_count, 0u);
  EXPECT_LE(out.nack_count, in.nack_count);
  EXPECT_GT(out.target_bitrate, 300'000);
  const auto* codec = at_bob.find<CodecStats>(in.codec_id);
  ASSERT_NE(codec, nullptr);
  EXPECT_EQ(codec->mime_type, "video/VP8");
  const auto* reported = at_alice.find<RemoteInboundRtpStats>(out.remote_id);
  ASSERT_NE(reported, nullptr);
  EXPECT_EQ(reported->local_id, out.id);
  EXPECT_NEAR(*reported->round_trip_time, 0.040, 0.003);  // Both cables, there and back.
  EXPECT_GT(reported->packets_lost, 5);
  const auto* said = at_bob.find<RemoteOutboundRtpStats>(in.remote_id);
  ASSERT_NE(said, nullptr);
  EXPECT_GT(said->packets_sent, in.packets_received * 8 / 10);
  EXPECT_NE(at_bob.to_json().find("\"type\":\"inbound-rtp\""), std::string::npos);
}

TEST(Media, RefusesFramesThatCannotBeSent) {
  Call call({});
  call.create();
  auto added = call.alice.pc->add_transceiver(MediaKind::kVideo);
  ASSERT_TRUE(added.has_value());
  const auto frame = picture(0, true, 100);
  rtp::FrameView view;
  view.payload = frame;
  const auto early = (*added)->sender()->send_frame(view);
  ASSERT_FALSE(early.has_value());
  EXPECT_EQ(early.error().code, Errc::kInvalidState);
  call.offer();
  ASSERT_TRUE(call.run_until(
      [&] { return call.alice.pc->connection_state() == PeerConnectionState::kConnected; },
      seconds(30)));
  const auto unknown = (*added)->sender()->send_frame(view, "hi");
  ASSERT_FALSE(unknown.has_value());
  EXPECT_EQ(unknown.error().code, Errc::kNotFound);
  call.alice.pc->close();
  const auto late = (*added)->sender()->send_frame(view);
  ASSERT_FALSE(late.has_value());
  EXPECT_EQ(late.error().code, Errc::kInvalidState);
}

TEST(Media, AudioGoesBesideVideo) {
  Call call({});
  call.create();
  auto audio = call.alice.pc->add_transceiver(MediaKind::kAudio);
  auto video = call.alice.pc->add_transceiver(MediaKind::kVideo);
  ASSERT_TRUE(audio && video);
  ASSERT_TRUE((*video)->set_codec_preferences(vp8_with_rtx()).has_value());
  std::map<MediaKind, Watched> got;
  call.bob.pc->on_track(
      [&](const TrackEvent& event) { got[event.track->kind()].watch(*event.receiver); });
  call.offer();
  ASSERT_TRUE(call.run_until(
      [&] {
        return call.alice.pc->connection_state() == PeerConnectionState::kConnected &&
               call.bob.pc->connection_state() == PeerConnectionState::kConnected;
      },
      seconds(30)));
  Camera camera(call.world, (*video)->sender(), 2000);
  const std::vector<std::uint8_t> opus(80, 0xfc);  // 20 ms
  for (std::uint32_t i = 0; i < 100; ++i) {
    rtp::FrameView view;
    view.payload = opus;
    view.timestamp = i * 960;
    view.marker = false;
    ASSERT_TRUE((*audio)->sender()->send_frame(view).has_value());
    call.world.run_for(milliseconds(20));
  }
  call.world.run_for(seconds(1));
  EXPECT_EQ(got[MediaKind::kAudio].frames.size(), 100u);
  EXPECT_EQ(got[MediaKind::kAudio].codec, rtp::Codec::kOpus);
  EXPECT_GT(got[MediaKind::kVideo].frames.size(), 55u);
}

TEST(Media, AServerForwardsWithoutDecoding) {
  VideoCall call({}, true);
  // Bob sends back what he gets.
  call.bob.pc->on_track([&](const TrackEvent& event) {
    call.bobs = event.transceiver;
    event.receiver->on_packet([sender = event.transceiver->sender()](const ReceivedPacket& packet) {
      static_cast<void>(sender->send_packet(packet));
    });
  });
  ASSERT_TRUE(call.run_until_connected()) << call.describe();
  call.world.run_for(seconds(2));
  Camera camera(call.world, call.sender, 4000);
  call.world.run_for(seconds(5));
  EXPECT_GT(call.at_alice.frames.size(), 120u);
  EXPECT_EQ(call.at_alice.damaged, 0u);
}

TEST(Media, TellsTheTargetBitrateAndFollowsANarrowLink) {
  Call::Options options;
  options.link.rate = 1'000'000;
  options.link.queue_bytes = 60'000;
  VideoCall call(options);
  std::vector<std::uint64_t> targets;
  call.sender->on_target_bitrate(
      [&](const std::string&, std::uint64_t target) { targets.push_back(target); });
  ASSERT_TRUE(call.run_until_connected()) << call.describe();
  // An encoder that does not overshoot: each frame has its share of the target.
  std::uint32_t number = 0;
  for (int i = 0; i < 30 * 40; ++i) {
    const std::uint64_t target = targets.empty() ? 300'000 : targets.back();
    const auto frame = picture(number, number == 0, target / 8 / 30);
    rtp::FrameView view;
    view.payload = frame;
    view.timestamp = static_cast<std::uint32_t>(i) * kTicks;
    if (call.sender->send_frame(view)) ++number;
    call.world.run_for(kFrameTime);
  }
  ASSERT_FALSE(targets.empty());
  EXPECT_GT(targets.back(), 600'000u);
  EXPECT_LT(targets.back(), 1'100'000u);
  EXPECT_GT(call.at_bob.frames.size(), number * 95 / 100);
}

}  // namespace
}  // namespace floe
