#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <vector>

#include "floe/core/random.h"
#include "floe/core/text.h"
#include "floe/rtp/receive/inbound_stream.h"
#include "floe/rtp/rtcp_reader.h"
#include "floe/rtp/rtcp_writer.h"
#include "floe/rtp/send/outbound_stream.h"

namespace floe::rtp {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::uint32_t kSsrc = 1;
constexpr std::uint32_t kRepairSsrc = 2;
constexpr std::uint8_t kVideo = 96;
constexpr std::uint8_t kRtx = 97;

/// One video stream over a path with a delay and losses: the sender, the receiver and all the
/// feedback between them, in virtual time.
struct Path {
  explicit Path(Codec codec = Codec::kVp8, bool nack = true, std::uint64_t seed = 1)
      : random(seed) {
    OutboundStream::Config out;
    out.ssrc = kSsrc;
    out.payload_type = kVideo;
    out.format.codec = codec;
    out.repair = OutboundStream::Repair{kRepairSsrc, kRtx};
    sender = std::move(OutboundStream::create(std::move(out), random).value());
    InboundStream::Config in;
    in.ssrc = kSsrc;
    in.formats = {{kVideo, {codec}, {}}};
    in.repairs = {{kRtx, kVideo}};
    in.nack = nack;
    receiver = std::make_unique<InboundStream>(std::move(in));
  }

  /// Sends a frame now. VP8, `size` bytes.
  void send(bool key, std::size_t size = 3000, CodecFields fields = {}) {
    std::vector<std::uint8_t> bytes(size, static_cast<std::uint8_t>(sent_frames));
    bytes[0] = key ? 0x10 : 0x11;
    ++sent_frames;
    ASSERT_TRUE(sender->send_frame(
        now, {.payload = bytes, .timestamp = timestamp(), .codec = std::move(fields)}));
    pump();
  }
  std::uint32_t timestamp() const {
    return static_cast<std::uint32_t>(now.time_since_epoch() / 1us * 90 / 1000);
  }

  /// Takes packets from the sender onto the path.
  void pump() {
    std::array<std::uint8_t, 1500> space;
    while (const auto polled = sender->poll_packet(now, space)) {
      std::vector<std::uint8_t> packet(space.begin(),
                                       space.begin() + static_cast<long>(polled->size));
      if (lose && lose(packet, polled->kind)) continue;
      to_receiver.emplace(now + delay, std::move(packet));
    }
  }

  void feedback() {
    if (const auto nacks = receiver->take_nacks(); !nacks.empty()) {
      std::vector<std::uint8_t> space(1500);
      RtcpWriter writer(space);
      EXPECT_EQ(writer.nack(3, kSsrc, nacks), nacks.size());
      space.resize(writer.size());
      if (!lose_feedback || !lose_feedback()) to_sender.emplace(now + delay, std::move(space));
    }
    if (receiver->take_key_frame_request()) ++key_frame_requests;
    while (auto frame = receiver->poll_frame(now)) frames.push_back(std::move(*frame));
  }

  /// Lets time pass until `end`.
  void run_until(Time end) {
    while (true) {
      Time next = std::min(end, receiver->next_timeout());
      if (!to_receiver.empty()) next = std::min(next, to_receiver.begin()->first);
      if (!to_sender.empty()) next = std::min(next, to_sender.begin()->first);
      now = std::max(now, next);
      while (!to_receiver.empty() && to_receiver.begin()->first <= now) {
        auto bytes = std::move(to_receiver.begin()->second);
        to_receiver.erase(to_receiver.begin());
        const auto packet = Packet::parse(bytes);
        ASSERT_TRUE(packet);
        if (packet->ssrc() == kSsrc)
          receiver->handle_packet(now, *packet);
        else
          receiver->handle_repair(now, *packet);
        feedback();
      }
      while (!to_sender.empty() && to_sender.begin()->first <= now) {
        RtcpReader reader(to_sender.begin()->second);
        while (const auto one = reader.next()) sender->handle_nack(now, std::get<Nack>(*one));
        to_sender.erase(to_sender.begin());
      }
      pump();
      if (receiver->next_timeout() <= now) receiver->handle_timeout(now);
      EXPECT_GT(receiver->next_timeout(), now);
      feedback();
      if (now >= end) return;
    }
  }
  void run_for(Duration duration) { run_until(now + duration); }

  /// Frames at 30 a second, the first a key frame, until `end`; another key frame for each request.
  void video_until(Time end) {
    while (now < end) {
      const bool key = sent_frames == 0 || key_frame_requests > answered;
      answered = key_frame_requests;
      send(key);
      run_for(33ms);
    }
  }

  SeededRandom random;
  std::unique_ptr<OutboundStream> sender;
  std::unique_ptr<InboundStream> receiver;
  Time now = Time(1s);
  Duration delay = 20ms;
  std::function<bool(Bytes, OutboundStream::Kind)> lose;
  std::function<bool()> lose_feedback;
  std::multimap<Time, std::vector<std::uint8_t>> to_receiver;
  std::multimap<Time, std::vector<std::uint8_t>> to_sender;
  std::vector<ReceivedFrame> frames;
  int sent_frames = 0;
  int key_frame_requests = 0;
  int answered = 0;  // of them
};

TEST(RtpStreams, CarryFramesOverAPathThatLosesNothing) {
  Path path;
  path.video_until(Time(3s));
  path.run_for(100ms);
  ASSERT_EQ(path.frames.size(), static_cast<std::size_t>(path.sent_frames));
  EXPECT_EQ(path.key_frame_requests, 0);
  for (std::size_t i = 0; i < path.frames.size(); ++i) {
    EXPECT_EQ(path.frames[i].frame.payload.back(), static_cast<std::uint8_t>(i));
    EXPECT_EQ(path.frames[i].frame.payload.size(), 3000u);
    EXPECT_EQ(path.frames[i].frame.key_frame, i == 0);
    EXPECT_FALSE(path.frames[i].gap);
  }
  const auto stats = path.receiver->stats();
  EXPECT_EQ(stats.packets_received, path.sender->stats().packets_sent);
  EXPECT_EQ(stats.bytes_received, path.sender->stats().bytes_sent);
  EXPECT_EQ(stats.header_bytes_received, path.sender->stats().header_bytes_sent);
  EXPECT_EQ(stats.nack_count, 0u);
}

TEST(RtpStreams, RepairALossWithinARoundTrip) {
  Path path;
  int lost = 0;
  path.lose = [&](Bytes, OutboundStream::Kind kind) {
    return kind == OutboundStream::Kind::kMedia && ++lost == 5;
  };
  path.video_until(Time(2s));
  path.run_for(200ms);
  EXPECT_EQ(path.frames.size(), static_cast<std::size_t>(path.sent_frames));
  EXPECT_EQ(path.key_frame_requests, 0);
  EXPECT_EQ(path.receiver->stats().nack_count, 1u);
  EXPECT_EQ(path.receiver->stats().retransmitted_packets_received, 1u);
  // The report says what the network lost, repaired or not.
  EXPECT_EQ(path.receiver->reception().lost(), 1);
  // 10 ms for order, and a round trip of 40.
  for (std::size_t i = 0; i < path.frames.size(); ++i) {
    const Time captured = Time(1s + 33ms * i);
    EXPECT_LE(path.frames[i].received - captured, 20ms + 10ms + 40ms + 1ms) << i;
  }
}

TEST(RtpStreams, DeliverNearlyEveryFrameAtTenPercentLoss) {
  struct Case {
    Duration delay;
    bool burst;
  };
  for (const Case& one :
       {Case{10ms, false}, Case{50ms, false}, Case{150ms, false}, Case{50ms, true}}) {
    Path path(Codec::kVp8, true, 7);
    path.delay = one.delay;
    path.sender->set_round_trip(2 * one.delay);
    path.receiver->set_round_trip(2 * one.delay);
    SeededRandom losses(11);
    bool in_burst = false;
    const auto lost = [&] {
      if (!one.burst) return losses.unit() < 0.1;
      // Four packets at a time.
      in_burst = in_burst ? losses.unit() < 0.75 : losses.unit() < 0.028;
      return in_burst;
    };
    path.lose = [&](Bytes, OutboundStream::Kind) { return lost(); };
    path.lose_feedback = lost;
    path.video_until(Time(61s));
    path.run_for(3s);
    EXPECT_GE(static_cast<double>(path.frames.size()), 0.995 * path.sent_frames)
        << to_ms(one.delay);
    for (std::size_t i = 1; i < path.frames.size(); ++i) {
      EXPECT_TRUE(is_newer(path.frames[i].frame.timestamp, path.frames[i - 1].frame.timestamp));
    }
  }
}

TEST(RtpStreams, GiveUpAfterTheirWaitAndAskForAKeyFrame) {
  Path path;
  bool outage = false;
  path.lose = [&](Bytes, OutboundStream::Kind) { return outage; };
  path.video_until(Time(2s));
  const int before = path.sent_frames;
  outage = true;
  path.send(false);
  path.run_for(33ms);
  outage = false;
  // From here on the repeats are lost, but nothing else.
  path.lose = [&](Bytes, OutboundStream::Kind kind) {
    return kind == OutboundStream::Kind::kRepair;
  };
  path.video_until(Time(6s));
  path.run_for(100ms);
  EXPECT_EQ(path.key_frame_requests, 1);
  const auto key = std::find_if(path.frames.begin() + 1, path.frames.end(),
                                [](const ReceivedFrame& frame) { return frame.frame.key_frame; });
  ASSERT_NE(key, path.frames.end());
  EXPECT_EQ(key - path.frames.begin(), before);
  EXPECT_TRUE(key->gap);
  // The wait of 1.5 s, the request, the key frame.
  EXPECT_LT(key->received, Time(2s + 33ms + 1500ms + 150ms));
  EXPECT_FALSE((key + 1)->gap);
}

TEST(RtpStreams, RepeatTheKeyFrameRequestUntilOneComes) {
  Path path;
  path.send(false);
  path.run_for(2s);
  EXPECT_EQ(path.key_frame_requests, 7);  // every 300 ms
  EXPECT_THAT(path.frames, IsEmpty());
  path.send(true);
  path.run_for(2s);
  EXPECT_EQ(path.frames.size(), 1u);
  EXPECT_EQ(path.key_frame_requests, 7);
}

TEST(RtpStreams, SurviveTenMinutesOfSleep) {
  Path path;
  path.video_until(Time(2s));
  path.lose = [&](Bytes, OutboundStream::Kind) { return path.random.unit() < 0.3; };
  path.video_until(Time(3s));
  path.lose = nullptr;
  path.to_receiver.clear();
  path.to_sender.clear();
  path.now += 10min;
  path.receiver->handle_timeout(path.now);
  EXPECT_GT(path.receiver->next_timeout(), path.now);
  path.feedback();
  const auto before = path.frames.size();
  path.video_until(path.now + 2s);
  path.run_for(100ms);
  EXPECT_GT(path.frames.size(), before + 55);
}

TEST(RtpStreams, PutPacketsInOrderWithoutAskingForThem) {
  Path path;
  // Each packet overtakes the one before it by 5 ms.
  path.send(true);
  path.run_for(100ms);
  for (int i = 0; i < 30; ++i) {
    path.send(false);
    std::multimap<Time, std::vector<std::uint8_t>> turned;
    Duration later = 8ms;
    for (auto& [time, packet] : path.to_receiver) {
      turned.emplace(time + later, std::move(packet));
      later -= 4ms;
    }
    path.to_receiver = std::move(turned);
    path.run_for(33ms);
  }
  EXPECT_EQ(path.frames.size(), 31u);
  EXPECT_EQ(path.receiver->stats().nack_count, 0u);
}

TEST(RtpStreams, KeepTheLowerLayerGoingWhenAnUpperOneIsLost) {
  Path path(Codec::kVp8, /*nack=*/false);
  bool lose = false;
  path.lose = [&](Bytes, OutboundStream::Kind) { return lose; };
  std::uint8_t tl0 = 0;
  for (int i = 0; i < 40; ++i) {
    Vp8Fields fields;
    fields.picture_id = static_cast<std::uint16_t>(i);
    fields.temporal_id = i % 2;
    if (i % 2 == 0) ++tl0;
    fields.tl0_picture_index = tl0;
    fields.layer_sync = i == 31;
    lose = i == 11;
    path.send(i == 0, 2000, fields);
    path.run_for(33ms);
  }
  path.run_for(300ms);
  EXPECT_EQ(path.key_frame_requests, 0);
  std::vector<int> ids;
  for (const auto& frame : path.frames) {
    ids.push_back(*std::get<Vp8Fields>(frame.frame.codec).picture_id);
  }
  // 11 was lost; the upper layer waits for its synchronisation in 31.
  std::vector<int> expected;
  for (int i = 0; i < 40; ++i) {
    if (i % 2 == 0 || i < 11 || i >= 31) expected.push_back(i);
  }
  EXPECT_EQ(ids, expected);
}

TEST(RtpStreams, BoundWhatWaitsWhenNobodyTakesTheFrames) {
  Path path;
  std::array<std::uint8_t, 1500> space;
  for (int i = 0; i < 20'000; ++i) {
    std::vector<std::uint8_t> bytes(50, 1);
    bytes[0] = i == 0 ? 0x10 : 0x11;
    ASSERT_TRUE(path.sender->send_frame(
        path.now, {.payload = bytes, .timestamp = static_cast<std::uint32_t>(i)}));
    const auto polled = path.sender->poll_packet(path.now, space);
    path.receiver->handle_packet(path.now, *Packet::parse(MutableBytes(space).first(polled->size)));
    EXPECT_GT(path.receiver->next_timeout(), path.now);
  }
  EXPECT_EQ(path.receiver->stats().drops(InboundDrop::kFull),
            20'000 - FrameBuffer::kMaxPackets - InboundStream::kMaxFrames);
  std::size_t frames = 0;
  while (path.receiver->poll_frame(path.now)) ++frames;
  EXPECT_EQ(frames, FrameBuffer::kMaxPackets + InboundStream::kMaxFrames);
}

TEST(RtpStreams, DropAFrameThatNeverEnds) {
  InboundStream::Config config;
  config.ssrc = kSsrc;
  config.formats = {{kVideo, {Codec::kVp8}, {}}};
  InboundStream receiver(config);
  std::array<std::uint8_t, 1500> space;
  for (int i = 0; i < 30'000; ++i) {
    PacketBuilder builder(space, {.payload_type = kVideo,
                                  .sequence_number = static_cast<std::uint16_t>(i),
                                  .timestamp = 5,
                                  .ssrc = kSsrc});
    builder.payload_space()[0] = i == 0 ? 0x10 : 0x00;
    builder.payload_space()[1] = 0x10;
    const auto packet = Packet::parse(MutableBytes(space).first(builder.finish(1000)));
    receiver.handle_packet(Time(i * 1ms), *packet);
  }
  EXPECT_FALSE(receiver.poll_frame(Time(30s)));
  EXPECT_TRUE(receiver.take_key_frame_request());
}

/// An Opus stream, by hand.
struct AudioReceiver {
  explicit AudioReceiver(std::optional<std::uint8_t> red = std::nullopt) {
    InboundStream::Config config;
    config.ssrc = kSsrc;
    config.clock_rate = 48'000;
    config.video = false;
    config.nack = false;
    config.formats = {{111, {Codec::kOpus}, {}}};
    config.red = red;
    stream = std::make_unique<InboundStream>(config);
  }
  void handle(Time now, std::uint8_t type, std::uint16_t sequence, std::string_view payload) {
    const auto bytes = from_hex(payload).value();
    PacketBuilder builder(space, {.payload_type = type,
                                  .sequence_number = sequence,
                                  .timestamp = sequence * 960u,
                                  .ssrc = kSsrc});
    std::copy(bytes.begin(), bytes.end(), builder.payload_space().begin());
    stream->handle_packet(now,
                          *Packet::parse(MutableBytes(space).first(builder.finish(bytes.size()))));
  }
  std::vector<std::string> take(Time now) {
    std::vector<std::string> all;
    while (const auto frame = stream->poll_frame(now)) {
      all.push_back(std::to_string(frame->frame.timestamp / 960) + ":" +
                    to_hex(frame->frame.payload) + (frame->gap ? " gap" : ""));
    }
    return all;
  }
  std::array<std::uint8_t, 300> space;
  std::unique_ptr<InboundStream> stream;
};

TEST(RtpAudio, GoesOnWithoutWhatDoesNotComeInTime) {
  AudioReceiver audio;
  audio.handle(Time(0ms), 111, 10, "7801");
  audio.handle(Time(40ms), 111, 12, "7803");
  EXPECT_THAT(audio.take(Time(40ms)), ElementsAre("10:7801"));
  EXPECT_EQ(audio.stream->next_timeout(), Time(140ms));
  audio.stream->handle_timeout(Time(140ms));
  EXPECT_THAT(audio.take(Time(140ms)), ElementsAre("12:7803 gap"));
  audio.handle(Time(150ms), 111, 11, "7802");
  EXPECT_EQ(audio.stream->stats().drops(InboundDrop::kLate), 1u);
  audio.handle(Time(160ms), 111, 13, "7804");
  EXPECT_THAT(audio.take(Time(160ms)), ElementsAre("13:7804"));
  EXPECT_FALSE(audio.stream->take_key_frame_request());
}

TEST(RtpAudio, DoesNotWaitForWhatItCannotUse) {
  AudioReceiver audio;
  audio.handle(Time(0ms), 111, 10, "7801");
  audio.handle(Time(20ms), 126, 11, "00");  // a telephone event
  audio.handle(Time(40ms), 111, 12, "7803");
  EXPECT_THAT(audio.take(Time(40ms)), ElementsAre("10:7801", "12:7803"));
  EXPECT_EQ(audio.stream->stats().drops(InboundDrop::kUnknownFormat), 1u);
}

TEST(RtpStreams, DropAFrameWithAMalformedPieceAndWhatDependsOnIt) {
  InboundStream::Config config;
  config.ssrc = kSsrc;
  config.formats = {{kVideo, {Codec::kVp8}, {}}};
  InboundStream receiver(config);
  std::array<std::uint8_t, 100> space;
  const auto handle = [&](std::uint16_t sequence, std::uint32_t timestamp, std::string_view payload,
                          bool marker) {
    const auto bytes = from_hex(payload).value();
    PacketBuilder builder(space, {.marker = marker,
                                  .payload_type = kVideo,
                                  .sequence_number = sequence,
                                  .timestamp = timestamp,
                                  .ssrc = kSsrc});
    std::copy(bytes.begin(), bytes.end(), builder.payload_space().begin());
    receiver.handle_packet(Time(1s),
                           *Packet::parse(MutableBytes(space).first(builder.finish(bytes.size()))));
  };
  handle(1, 0, "1010aa", true);
  EXPECT_TRUE(receiver.poll_frame(Time(1s)));
  handle(2, 3000, "1011aa", false);
  handle(3, 3000, "80", false);  // an extension that is not there
  handle(4, 3000, "00bb", true);
  EXPECT_EQ(receiver.stats().drops(InboundDrop::kMalformed), 1u);
  EXPECT_EQ(receiver.stats().frames_dropped, 1u);
  handle(5, 6000, "1011cc", true);
  EXPECT_FALSE(receiver.poll_frame(Time(1s)));
  EXPECT_EQ(receiver.stats().frames_dropped, 2u);
  EXPECT_TRUE(receiver.take_key_frame_request());
}

TEST(RtpAudio, FillsLossesFromRedundancy) {
  AudioReceiver audio(63);
  audio.handle(Time(0ms), 63, 10, "6f7801");
  // 11 is lost; 12 brings it again. Offset 960: 960 << 10 | 2 = 0x0f0002.
  audio.handle(Time(40ms), 63, 12, "ef0f00026f78027803");
  EXPECT_THAT(audio.take(Time(40ms)), ElementsAre("10:7801", "11:7802", "12:7803"));
  EXPECT_EQ(audio.stream->stats().recovered_packets, 1u);
  // What came is not there twice.
  audio.handle(Time(60ms), 63, 13, "ef0f00026f78037804");
  EXPECT_THAT(audio.take(Time(60ms)), ElementsAre("13:7804"));
  audio.handle(Time(80ms), 63, 14, "ef0f0fff6f78");
  EXPECT_EQ(audio.stream->stats().drops(InboundDrop::kMalformed), 1u);
}

TEST(OutboundStream, ProbesWithRepeatsAndPaddingOfItsRepairStream) {
  Path path;
  std::array<std::uint8_t, 1500> space;
  EXPECT_FALSE(path.sender->poll_padding(path.now, space, 1000));
  path.send(true);
  path.run_for(100ms);
  const auto large = path.sender->poll_padding(path.now, space, 1200);
  ASSERT_TRUE(large);
  EXPECT_GT(large->size, 900u);
  path.receiver->handle_repair(path.now, *Packet::parse(MutableBytes(space).first(large->size)));
  const auto small = path.sender->poll_padding(path.now, space, 200);
  ASSERT_TRUE(small);
  const auto packet = Packet::parse(MutableBytes(space).first(small->size));
  EXPECT_TRUE(packet->payload().empty());
  EXPECT_EQ(packet->padding_size(), 200u);
  path.receiver->handle_repair(path.now, *packet);
  EXPECT_EQ(path.receiver->stats().drops(InboundDrop::kMalformed), 0u);
  path.send(false);
  path.run_for(100ms);
  EXPECT_EQ(path.frames.size(), 2u);
}

}  // namespace
}  // namespace floe::rtp
