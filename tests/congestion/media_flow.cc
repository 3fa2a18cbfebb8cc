#include "tests/congestion/media_flow.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "floe/rtp/congestion/google_congestion_controller.h"

namespace floe::rtp {
namespace {

using namespace std::chrono_literals;

// What stands on the wire, in the byte order of the machine: both ends are on it.
struct PacketHead {
  std::int64_t sequence;
  std::int64_t sent;  // For the test's own figures.
};
struct ReportLine {
  std::int64_t sequence;
  std::int64_t received;  // -1: lost.
};

constexpr std::size_t kIpAndUdp = 28;
constexpr std::size_t kLargestPacket = 1150;
constexpr Duration kAudioTime = 20ms;
constexpr std::size_t kAudioSize = 80;
constexpr std::size_t kMaxReported = 60;  // In one feedback; more go into the next.
/// The receiver's clock shows another time, in steps of a quarter of a millisecond as in
/// transport-wide feedback.
constexpr Duration kClockOffset = 12345s;
constexpr Duration kClockStep = 250us;
constexpr std::uint32_t kAudioTrack = 1;
constexpr std::uint32_t kVideoTrack = 2;

template <typename Handler>
std::unique_ptr<net::UdpSocket> open(net::sim::Host& host, Handler& handler) {
  auto socket = host.open_udp({.bind = {net::Address::v4(0, 0, 0, 0), 0}}, handler);
  EXPECT_TRUE(socket) << socket.error().message;
  return *std::move(socket);
}

}  // namespace

class MediaFlow::Sender final : public net::UdpHandler {
 public:
  Sender(MediaFlow& flow, net::sim::Host& host) : flow(flow), socket(open(host, *this)) {}
  void on_datagrams(std::span<net::Datagram> datagrams) override {
    for (const net::Datagram& datagram : datagrams) flow.take_feedback(datagram.payload);
  }
  MediaFlow& flow;
  std::unique_ptr<net::UdpSocket> socket;
};

class MediaFlow::Receiver final : public net::UdpHandler {
 public:
  Receiver(MediaFlow& flow, net::sim::Host& host) : flow(flow), socket(open(host, *this)) {}
  void on_datagrams(std::span<net::Datagram> datagrams) override {
    for (const net::Datagram& datagram : datagrams) flow.receive(datagram.payload);
  }
  MediaFlow& flow;
  std::unique_ptr<net::UdpSocket> socket;
};

MediaFlow::MediaFlow(net::sim::World& world, net::sim::Host& from, net::sim::Host& to,
                     Options options)
    : world_(world),
      from_(from),
      to_(to),
      options_(std::move(options)),
      encoder_(world.random()),
      controller_(options_.controller
                      ? std::move(options_.controller)
                      : std::make_unique<GoogleCongestionController>(world.now(), options_.limits)),
      sender_(std::make_unique<Sender>(*this, from)),
      receiver_(std::make_unique<Receiver>(*this, to)),
      pump_timer_(from.create_timer([this] { turn(); })),
      frame_timer_(from.create_timer([this] { make_frame(); })),
      audio_timer_(from.create_timer([this] { make_audio(); })),
      feedback_timer_(to.create_timer([this] { send_feedback(); })) {
  frame_timer_->arm(now());
  audio_timer_->arm(now());
  feedback_timer_->arm(now() + 50ms);
}

MediaFlow::~MediaFlow() = default;

void MediaFlow::make_frame() {
  if (is_stopped_) return;
  frame_timer_->arm(now() + Encoder::kFrameTime);
  const Bitrate audio = Bitrate::of(kAudioSize + kIpAndUdp, kAudioTime);
  // The encoder's figure is without headers, which are a few percent.
  const Bitrate video = (controller_->target().bitrate - audio) *
                        (static_cast<double>(kLargestPacket) / (kLargestPacket + kIpAndUdp));
  std::size_t left = encoder_.next(std::min(video, options_.encoder_max));
  while (left > 0) {
    const std::size_t size = std::min(left, kLargestPacket);
    queue(PacedSender::Kind::kVideo, kVideoTrack, size);
    left -= size;
  }
  turn();
}

void MediaFlow::make_audio() {
  if (is_stopped_) return;
  audio_timer_->arm(now() + kAudioTime);
  queue(PacedSender::Kind::kAudio, kAudioTrack, kAudioSize);
  turn();
}

void MediaFlow::queue(PacedSender::Kind kind, std::uint32_t track, std::size_t size) {
  pacer_.push(now(), {kind, track, std::vector<std::uint8_t>(std::max(size, sizeof(PacketHead)))});
}

void MediaFlow::turn() {
  net::SendBatch& batch = from_.batch();
  controller_->handle_timeout(now());
  while (const auto plan = controller_->poll_probe()) {
    probed_ = true;
    if (options_.has_probes) pacer_.probe(now(), *plan);
  }
  const Target& target = controller_->target();
  pacer_.set_rates(now(), target.pacing, target.padding);
  while (const auto sending = pacer_.poll(now())) send(*sending, batch);
  from_.send(batch);
  batch.clear();
  pump_timer_->arm(std::min(pacer_.next_timeout(), controller_->next_timeout()));
}

void MediaFlow::send(const PacedSender::Sending& sending, net::SendBatch& batch) {
  std::vector<std::uint8_t> bytes =
      sending.packet ? sending.packet->bytes : std::vector<std::uint8_t>(sending.padding);
  const PacketHead head{next_sequence_++, now().time_since_epoch().count()};
  std::memcpy(bytes.data(), &head, sizeof head);
  const net::Route route{
      sender_->socket->id(), {to_.address(), receiver_->socket->local().port}, {}};
  ASSERT_TRUE(batch.add(route, bytes));
  const std::size_t size = bytes.size() + kIpAndUdp;
  const std::uint32_t track = sending.packet ? sending.packet->track : 0;
  controller_->on_packet_sent({head.sequence, now(), size, track, sending.probe_cluster});
  pacer_.sent(now(), size);
  sent_bytes_ += size;
  sent_packets_ += 1;
  if (!sending.packet) padding_bytes_ += size;
}

void MediaFlow::receive(Bytes packet) {
  PacketHead head{};
  std::memcpy(&head, packet.data(), sizeof head);
  received_bytes_ += packet.size() + kIpAndUdp;
  received_packets_ += 1;
  delays_.push_back(now().time_since_epoch() - Duration(head.sent));
  arrivals_.emplace(head.sequence, now());
}

void MediaFlow::send_feedback() {
  feedback_timer_->arm(now() + 50ms +
                       Duration(static_cast<Duration::rep>(world_.random().below(50'000'000))));
  net::SendBatch& batch = to_.batch();
  while (!arrivals_.empty()) {
    std::vector<ReportLine> lines;
    std::int64_t next = std::min(reported_to_, arrivals_.begin()->first);
    while (!arrivals_.empty() && lines.size() < kMaxReported) {
      const auto [sequence, at] = *arrivals_.begin();
      if (next < sequence) {
        lines.push_back({next++, -1});
        continue;
      }
      const Duration shown = at.time_since_epoch() + kClockOffset;
      lines.push_back({sequence, (shown - shown % kClockStep).count()});
      arrivals_.erase(arrivals_.begin());
      next = std::max(next, sequence + 1);
    }
    reported_to_ = std::max(reported_to_, next);
    const net::Route route{
        receiver_->socket->id(), {from_.address(), sender_->socket->local().port}, {}};
    const auto* first = reinterpret_cast<const std::uint8_t*>(lines.data());
    ASSERT_TRUE(batch.add(route, {first, lines.size() * sizeof(ReportLine)}));
  }
  to_.send(batch);
  batch.clear();
}

void MediaFlow::take_feedback(Bytes feedback) {
  if (is_deaf_) return;
  std::vector<PacketReport> reports;
  for (std::size_t at = 0; at + sizeof(ReportLine) <= feedback.size(); at += sizeof(ReportLine)) {
    ReportLine line{};
    std::memcpy(&line, feedback.data() + at, sizeof line);
    reports.push_back(
        {line.sequence, line.received < 0 ? std::nullopt : std::optional(Duration(line.received))});
  }
  controller_->on_feedback(now(), reports);
  turn();
}

}  // namespace floe::rtp
