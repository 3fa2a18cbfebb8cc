#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "floe/core/check.h"
#include "floe/rtp/receive/inbound_stream.h"

// The input is packets, each behind two bytes: its size, and how many milliseconds later it comes.
// They reach a video stream, its repair stream, an audio stream with redundancy and a video stream
// with parity, whose timers run in between.
namespace floe::rtp {
namespace {

InboundStream video() {
  InboundStream::Config config;
  config.ssrc = 1;
  config.formats = {{96, {Codec::kVp8}, {}},
                    {98, {Codec::kVp9}, {}},
                    {100, {Codec::kH264}, {}},
                    {102, {Codec::kAv1}, {}},
                    {104, {Codec::kH265}, {}}};
  config.repairs = {{97, 96}, {99, 98}};
  return InboundStream(config);
}

InboundStream audio() {
  InboundStream::Config config;
  config.ssrc = 3;
  config.clock_rate = 48'000;
  config.video = false;
  config.nack = false;
  config.formats = {{111, {Codec::kOpus}, {}}};
  config.red = 63;
  return InboundStream(config);
}

InboundStream protected_video() {
  InboundStream::Config config;
  config.ssrc = 4;
  config.formats = {{96, {Codec::kVp8}, {}}};
  config.red = 116;
  config.ulpfec = 117;
  return InboundStream(config);
}

void drive(InboundStream& stream, Time now) {
  if (stream.next_timeout() <= now) stream.handle_timeout(now);
  FLOE_CHECK(stream.next_timeout() > now);
  FLOE_CHECK(stream.take_nacks().size() <= MissingPackets::kMaxMissing);
  stream.take_key_frame_request();
  while (const auto frame = stream.poll_frame(now)) {
    FLOE_CHECK(!frame->frame.payload.empty() && frame->frame.payload.size() <= kMaxFrameSize);
  }
  static_cast<void>(stream.reception().report(now));
}

}  // namespace
}  // namespace floe::rtp

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace floe;
  using namespace floe::rtp;
  InboundStream seen = video();
  InboundStream heard = audio();
  InboundStream guarded = protected_video();
  Time now{};
  ByteReader reader({data, size});
  while (reader.remaining() >= 2) {
    const std::size_t length = reader.u8();
    now += std::chrono::milliseconds(reader.u8());
    auto bytes = to_vector(reader.bytes(std::min(length, reader.remaining())));
    const auto packet = Packet::parse(bytes);
    if (packet && packet->ssrc() == 1) seen.handle_packet(now, *packet);
    if (packet && packet->ssrc() == 2) seen.handle_repair(now, *packet);
    if (packet && packet->ssrc() == 3) heard.handle_packet(now, *packet);
    if (packet && packet->ssrc() == 4) guarded.handle_packet(now, *packet);
    drive(seen, now);
    drive(heard, now);
    drive(guarded, now);
  }
  drive(seen, now + std::chrono::minutes(10));
  drive(heard, now + std::chrono::minutes(10));
  return 0;
}
