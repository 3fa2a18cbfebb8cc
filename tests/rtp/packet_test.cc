#include "floe/rtp/packet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "floe/core/text.h"
#include "floe/rtp/extension_map.h"
#include "floe/rtp/header_extensions.h"
#include "floe/rtp/ntp_time.h"
#include "floe/rtp/packet_builder.h"
#include "floe/rtp/sequence_number.h"

namespace floe::rtp {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

std::vector<std::uint8_t> hex(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (c != ' ') digits += c;
  }
  return from_hex(digits).value();
}

TEST(RtpPacket, ReadsEveryFieldOfItsHeader) {
  // Two CSRCs, one-byte extensions with padding between them, payload "abc", padding of 5.
  auto bytes =
      hex("b2e0 1234 01020304 aabbccdd 00000001 00000002"
          "bede 0003 10ff 00 3401020304050000 00 616263 0000000005");
  const auto packet = Packet::parse(bytes);
  ASSERT_TRUE(packet);
  EXPECT_TRUE(packet->marker());
  EXPECT_EQ(packet->payload_type(), 96);
  EXPECT_EQ(packet->sequence_number(), 0x1234);
  EXPECT_EQ(packet->timestamp(), 0x01020304u);
  EXPECT_EQ(packet->ssrc(), 0xaabbccddu);
  ASSERT_EQ(packet->csrc_count(), 2u);
  EXPECT_EQ(packet->csrc(1), 2u);
  EXPECT_EQ(as_text(packet->payload()), "abc");
  EXPECT_EQ(packet->padding_size(), 5u);
  EXPECT_EQ(packet->header_size(), 36u);
  EXPECT_EQ(to_hex(packet->extension(1).value()), "ff");
  EXPECT_EQ(to_hex(packet->extension(3).value()), "0102030405");
  EXPECT_FALSE(packet->extension(2));
}

TEST(RtpPacket, RefusesLengthsThatDoNotAddUp) {
  const std::vector<std::string> broken = {
      "8060 0001 00000000 000000",              // too short
      "4060 0001 00000000 00000000",            // version 1
      "8160 0001 00000000 00000000",            // a CSRC that is not there
      "9060 0001 00000000 00000000",            // an extension that is not there
      "9060 0001 00000000 00000000 bede 0001",  // an extension that runs past the end
      "a060 0001 00000000 00000000",            // padding that would be in the header
      "a060 0001 00000000 00000000 00",         // padding of nothing
      "a060 0001 00000000 00000000 00000004",   // just right ...
      "a060 0001 00000000 00000000 00000005",   // ... and one too many
  };
  for (const std::string& text : broken) {
    auto bytes = hex(text);
    EXPECT_EQ(Packet::parse(bytes).has_value(), text.ends_with("04")) << text;
  }
}

TEST(RtpPacket, RewritesInPlaceWhatAForwarderChanges) {
  auto bytes = hex("8060 0001 00000002 00000003 616263");
  auto packet = Packet::parse(bytes).value();
  packet.set_marker(true);
  packet.set_payload_type(127);
  packet.set_sequence_number(0xfffe);
  packet.set_timestamp(0xfffffffd);
  packet.set_ssrc(0xfffffffc);
  EXPECT_EQ(to_hex(bytes), "80fffffefffffffdfffffffc616263");
}

TEST(RtpPacket, ReadsExtensionsOfBothFormsUntilSomethingIsWrong) {
  struct Case {
    std::string block;  // profile and words
    std::vector<int> ids;
  };
  const std::vector<Case> cases = {
      {"bede0002 10aa 21bbbb 00 30cc", {1, 2, 3}},
      {"bede0002 10aa 02bbbbbb 30cc", {1}},          // padding with a length ends it
      {"bede0002 10aa f0bb 30cc 0000", {1}},         // the reserved id too
      {"bede0001 10aa 2fbb", {1}},                   // and one that runs past the end
      {"10000002 01 00 0201bb 00 0300", {1, 2, 3}},  // empty elements, padding
      {"100f0002 0102aabb ff00 00 07", {1, 255}},    // appbits; an id without a length
      {"12340001 10aa 20bb", {}},                    // of some other profile
  };
  for (const Case& one : cases) {
    auto bytes = hex("9060 0001 00000000 00000000" + one.block + "");
    const auto packet = Packet::parse(bytes);
    ASSERT_TRUE(packet) << one.block;
    std::vector<int> ids;
    auto reader = packet->extensions();
    while (const auto element = reader.next()) ids.push_back(element->id);
    EXPECT_EQ(ids, one.ids) << one.block;
    EXPECT_FALSE(reader.next());
  }
}

TEST(RtpPacketBuilder, WritesWhatTheParserReads) {
  std::array<std::uint8_t, 200> space;
  const std::array<std::uint32_t, 2> csrcs = {7, 8};
  PacketBuilder builder(space, {.marker = true,
                                .payload_type = 111,
                                .sequence_number = 65'535,
                                .timestamp = 0xdeadbeef,
                                .ssrc = 42,
                                .csrcs = csrcs});
  EXPECT_TRUE(builder.add_extension(1, as_bytes("x")));
  EXPECT_TRUE(builder.add_extension(14, as_bytes("0123456789abcdef")));
  EXPECT_FALSE(builder.add_extension(2, as_bytes("0123456789abcdefg")));  // not mixed
  EXPECT_FALSE(builder.add_extension(15, as_bytes("x")));
  const MutableBytes payload = builder.payload_space();
  std::copy_n("payload", 7, payload.begin());
  const std::size_t size = builder.finish(7, 3);
  const auto packet = Packet::parse(MutableBytes(space).first(size));
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->csrc(0), 7u);
  EXPECT_EQ(packet->timestamp(), 0xdeadbeefu);
  EXPECT_EQ(packet->extension_profile(), kOneByteProfile);
  EXPECT_EQ(as_text(*packet->extension(14)), "0123456789abcdef");
  EXPECT_EQ(as_text(packet->payload()), "payload");
  EXPECT_EQ(packet->padding_size(), 3u);
}

TEST(RtpPacketBuilder, WidensWhatItWroteWhenALongElementCanBeMixedIn) {
  std::array<std::uint8_t, 200> space;
  PacketBuilder builder(space, {.payload_type = 96}, /*mixed_extensions=*/true);
  EXPECT_TRUE(builder.add_extension(1, as_bytes("one")));
  EXPECT_TRUE(builder.add_extension(2, as_bytes("2")));
  EXPECT_TRUE(builder.add_extension(3, as_bytes("more than sixteen bytes")));
  EXPECT_TRUE(builder.add_extension(200, {}));
  const auto packet = Packet::parse(MutableBytes(space).first(builder.finish(0)));
  ASSERT_TRUE(packet);
  EXPECT_TRUE(is_two_byte_profile(packet->extension_profile()));
  EXPECT_EQ(as_text(*packet->extension(1)), "one");
  EXPECT_EQ(as_text(*packet->extension(2)), "2");
  EXPECT_EQ(as_text(*packet->extension(3)), "more than sixteen bytes");
  EXPECT_TRUE(packet->extension(200)->empty());
}

TEST(RtpPacketBuilder, NeverWritesPastItsSpaceWhateverItsSize) {
  for (std::size_t size = 0; size < 80; ++size) {
    std::vector<std::uint8_t> space(size + 1, 0xee);  // one byte behind, which must stay
    PacketBuilder builder(MutableBytes(space).first(size), {.payload_type = 96}, true);
    const bool first = builder.add_extension(1, as_bytes("abc"));
    const bool second = builder.add_extension(2, as_bytes("01234567890123456789"));
    const std::size_t whole = builder.finish(4);
    EXPECT_EQ(space.back(), 0xee);
    if (whole == 0) continue;
    const auto packet = Packet::parse(MutableBytes(space).first(whole));
    ASSERT_TRUE(packet);
    EXPECT_EQ(packet->extension(1).has_value(), first);
    EXPECT_EQ(packet->extension(2).has_value(), second);
  }
}

TEST(RtpHeaderExtensions, GoThroughAPacketByTheirAgreedIds) {
  ExtensionMap map;
  for (std::size_t i = 0; i < kExtensionTypes; ++i) {
    ASSERT_TRUE(map.add(static_cast<std::uint8_t>(i + 1), static_cast<ExtensionType>(i)));
  }
  EXPECT_FALSE(map.add(0, ExtensionType::kMid));
  EXPECT_FALSE(map.add(1, "urn:other"));
  ASSERT_TRUE(map.add(14, "urn:other"));
  EXPECT_EQ(map.id_of("urn:other"), 14);
  EXPECT_EQ(map.uri_of(4), "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time");
  EXPECT_EQ(extension_type("urn:unknown"), std::nullopt);

  std::array<std::uint8_t, 200> space;
  PacketBuilder builder(space, {.payload_type = 96});
  EXPECT_TRUE(map.add(builder, Mid{"a1"}));
  EXPECT_TRUE(map.add(builder, Rid{"hi"}));
  EXPECT_TRUE(map.add(builder, RepairedRid{"lo"}));
  EXPECT_TRUE(map.add(builder, AbsSendTime{0x123456}));
  EXPECT_TRUE(map.add(builder, TransportSequenceNumber{0xfffe}));
  EXPECT_TRUE(map.add(builder, AudioLevel{true, 33}));
  EXPECT_TRUE(map.add(builder, VideoOrientation{true, false, 270}));
  EXPECT_TRUE(map.add(builder, PlayoutDelay{100ms, 40950ms}));
  EXPECT_TRUE(map.add(builder, DependencyDescriptor{true, false, 5, 0xabcd, false, {}}));
  const auto packet = Packet::parse(MutableBytes(space).first(builder.finish(0)));
  ASSERT_TRUE(packet);
  EXPECT_EQ(map.get<Mid>(*packet)->value, "a1");
  EXPECT_EQ(map.get<Rid>(*packet)->value, "hi");
  EXPECT_EQ(map.get<RepairedRid>(*packet)->value, "lo");
  EXPECT_EQ(map.get<AbsSendTime>(*packet)->value, 0x123456u);
  EXPECT_EQ(map.get<TransportSequenceNumber>(*packet)->value, 0xfffe);
  EXPECT_TRUE(map.get<AudioLevel>(*packet)->voice);
  EXPECT_EQ(map.get<AudioLevel>(*packet)->level, 33);
  EXPECT_TRUE(map.get<VideoOrientation>(*packet)->back_camera);
  EXPECT_EQ(map.get<VideoOrientation>(*packet)->rotation, 270);
  EXPECT_EQ(map.get<PlayoutDelay>(*packet)->min, 100ms);
  EXPECT_EQ(map.get<PlayoutDelay>(*packet)->max, 40950ms);
  const auto descriptor = map.get<DependencyDescriptor>(*packet);
  EXPECT_TRUE(descriptor->start_of_frame && !descriptor->end_of_frame);
  EXPECT_EQ(descriptor->template_id, 5);
  EXPECT_EQ(descriptor->frame_number, 0xabcd);
  EXPECT_FALSE(descriptor->structure_present);

  EXPECT_TRUE(map.replace(*packet, TransportSequenceNumber{7}));
  EXPECT_EQ(map.get<TransportSequenceNumber>(*packet)->value, 7);
  EXPECT_FALSE(map.replace(*packet, Mid{"longer"}));
  EXPECT_FALSE(ExtensionMap().get<Mid>(*packet));
}

TEST(RtpHeaderExtensions, RefuseValuesOfTheWrongSize) {
  const std::array<std::uint8_t, 5> bytes = {0xff, 0xff, 0xff, 0x80, 0};
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    const Bytes value = Bytes(bytes).first(size);
    EXPECT_EQ(AbsSendTime::read(value).has_value(), size == 3);
    EXPECT_EQ(TransportSequenceNumber::read(value).has_value(), size == 2 || size == 4);
    EXPECT_EQ(AudioLevel::read(value).has_value(), size >= 1);
    EXPECT_EQ(VideoOrientation::read(value).has_value(), size == 1);
    EXPECT_EQ(DependencyDescriptor::read(value).has_value(), size >= 3);
    EXPECT_EQ(Mid::read(value).has_value(), size >= 1);
  }
  EXPECT_TRUE(DependencyDescriptor::read(bytes)->structure_present);
  EXPECT_FALSE(PlayoutDelay::read(std::array<std::uint8_t, 3>{0x00, 0x20, 0x01}));  // min > max
}

TEST(RtpHeaderExtensions, AbsSendTimeWrapsAfter64Seconds) {
  EXPECT_EQ(AbsSendTime::at(Time(500ms)).value, 1u << 17);
  EXPECT_EQ(AbsSendTime::at(Time(64s)).value, 0u);
  EXPECT_EQ(AbsSendTime::at(Time(640s + 500ms)).value, 1u << 17);
  EXPECT_EQ(AbsSendTime::at(Time(-500ms)).value, (1u << 24) - (1u << 17));
  EXPECT_EQ(AbsSendTime{1u << 17}.duration(), 500ms);
}

TEST(RtpCounters, UnwrapForwardsAndBackwards) {
  SequenceUnwrapper unwrapper;
  EXPECT_EQ(unwrapper.unwrap(65'534), 65'534);
  EXPECT_EQ(unwrapper.unwrap(1), 65'537);
  EXPECT_EQ(unwrapper.unwrap(65'535), 65'535);
  EXPECT_EQ(unwrapper.peek(32'767), 65'535 + 32'768 - 65'536);  // half: taken as before
  EXPECT_EQ(unwrapper.unwrap(32'000), 65'536 + 32'000);
  TimestampUnwrapper first;
  EXPECT_EQ(first.unwrap(0), 0);
  EXPECT_EQ(first.unwrap(0xffff'ff00), -256);
  EXPECT_TRUE(is_newer<std::uint16_t>(0, 65'535));
  EXPECT_FALSE(is_newer<std::uint16_t>(65'535, 0));
  EXPECT_FALSE(is_newer<std::uint16_t>(5, 5));
  EXPECT_FALSE(is_newer<std::uint16_t>(32'768, 0));
}

TEST(RtpNtpTime, KeepsTimesAcrossItsEra) {
  // 2036-02-07 06:28:16 UTC is when the seconds wrap.
  const NtpTime before = NtpTime::from_unix(2'085'978'495s + 500ms);
  EXPECT_EQ(before.seconds(), 0xffff'ffffu);
  EXPECT_EQ(before.fraction(), 0x8000'0000u);
  const NtpTime after = before + 1s;
  EXPECT_EQ(after.seconds(), 0u);
  EXPECT_EQ(after - before, 1s);
  EXPECT_EQ(before - after, -1s);
  EXPECT_EQ(before.to_unix(), 2'085'978'495s + 500ms);
  EXPECT_EQ(after.to_unix(), 2'085'978'496s + 500ms);
  for (const Duration d : {Duration(1), Duration(123'456'789), Duration(-1), Duration(-5s)}) {
    EXPECT_EQ((before + d) - before, d);
  }
}

TEST(RtpNtpTime, TellsTheRoundTripOfAReport) {
  const NtpClock clock(Time(10s), NtpTime::from_unix(1'700'000'000s));
  const std::uint32_t sent = clock.at(Time(20s)).compact();
  const auto measured = round_trip(clock.at(Time(20s + 180ms)), sent, to_compact(100ms));
  ASSERT_TRUE(measured);
  EXPECT_NEAR(static_cast<double>(measured->count()), 80e6, 50e3);
  EXPECT_EQ(round_trip(clock.at(Time(20s)), 0, 0), std::nullopt);
  EXPECT_EQ(round_trip(clock.at(Time(20s)), sent, to_compact(1s)), Duration::zero());
  EXPECT_EQ(clock.time_of(clock.at(Time(33s))), Time(33s));
  EXPECT_EQ(to_compact(-1s), 0u);
  EXPECT_EQ(to_compact(20h), 0xffff'ffffu);
  EXPECT_EQ(from_compact(0x8000), 500ms);
}

TEST(RtpNtpTime, MapsTimestampsByTheLastSenderReport) {
  TimestampClock clock(90'000);
  EXPECT_FALSE(clock.at(0));
  const NtpTime ntp = NtpTime::from_unix(1'700'000'000s);
  clock.handle_sender_report(ntp, 0xffff'ffff);
  EXPECT_EQ(*clock.at(89'999) - ntp, 1s);
  EXPECT_EQ(*clock.at(0xffff'ffff - 45'000) - ntp, -500ms);
}

TEST(RtpPacket, IsToldFromRtcpByItsSecondByte) {
  EXPECT_TRUE(looks_like_rtcp(hex("80c8")));
  EXPECT_TRUE(looks_like_rtcp(hex("81cf")));
  EXPECT_FALSE(looks_like_rtcp(hex("8060")));
  EXPECT_FALSE(looks_like_rtcp(hex("80e0")));
  EXPECT_FALSE(looks_like_rtcp(hex("80")));
}

}  // namespace
}  // namespace floe::rtp
