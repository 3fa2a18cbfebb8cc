#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "floe/core/random.h"
#include "floe/core/text.h"
#include "floe/rtp/payload/payload_format.h"

namespace floe::rtp {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Payloads = std::vector<std::vector<std::uint8_t>>;

std::vector<std::uint8_t> hex(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (c != ' ') digits += c;
  }
  return from_hex(digits).value();
}

struct Cut {
  Payloads payloads;
  std::vector<bool> markers;
  std::vector<std::uint32_t> offsets;
};

Cut cut(Packetizer& packetizer, const FrameView& frame, std::size_t max) {
  Cut all;
  const auto started = packetizer.start(frame, max);
  EXPECT_TRUE(started) << started.error().message;
  if (!started) return all;
  std::vector<std::uint8_t> space(max + 1, 0xee);
  while (const auto piece = packetizer.next(space)) {
    EXPECT_LE(piece->size, max);
    EXPECT_EQ(space.back(), 0xee);
    all.payloads.emplace_back(space.begin(), space.begin() + static_cast<long>(piece->size));
    all.markers.push_back(piece->marker);
    all.offsets.push_back(piece->timestamp_offset);
  }
  return all;
}

std::vector<std::string> hexes(const Payloads& payloads) {
  std::vector<std::string> all;
  for (const auto& payload : payloads) all.push_back(to_hex(payload));
  return all;
}

std::optional<Frame> put_together(Depacketizer& depacketizer, const Payloads& payloads) {
  std::vector<Bytes> views(payloads.begin(), payloads.end());
  for (const Bytes view : views) {
    if (!depacketizer.inspect(view)) return std::nullopt;
  }
  Frame frame;
  if (!depacketizer.assemble(views, frame)) return std::nullopt;
  return frame;
}

std::vector<std::uint8_t> noise(Random& random, std::size_t size) {
  std::vector<std::uint8_t> bytes(size);
  random.fill(bytes);
  for (std::uint8_t& byte : bytes) byte |= 0x04;  // no start codes
  return bytes;
}

std::vector<std::uint8_t> append(std::vector<std::uint8_t> a, const std::vector<std::uint8_t>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// A frame of some NAL units with random sizes; `key` or not.
std::vector<std::uint8_t> nal_frame(Random& random, bool h265, bool key) {
  std::vector<std::uint8_t> frame;
  const auto unit = [&](std::string_view header, std::size_t size) {
    frame = append(append(append(frame, hex("00000001")), hex(header)), noise(random, size));
  };
  if (h265) {
    if (key) {
      unit("4001", 20), unit("4201", 40), unit("4401", 8);
    }
    for (std::size_t i = random.below(4) + 1; i > 0; --i) {
      unit(key ? "2601" : "0201", 1 + random.below(5000));
    }
  } else {
    if (key) {
      unit("67", 20), unit("68", 4);
    }
    for (std::size_t i = random.below(4) + 1; i > 0; --i) {
      unit(key ? "65" : "41", 1 + random.below(5000));
    }
  }
  return frame;
}

/// A temporal unit with sizes, behind a delimiter.
std::vector<std::uint8_t> av1_frame(Random& random, bool key) {
  auto frame = hex("1200");
  const auto unit = [&](std::uint8_t header, std::vector<std::uint8_t> body) {
    frame.push_back(header);
    std::size_t size = body.size();
    for (; size >= 0x80; size >>= 7) frame.push_back(static_cast<std::uint8_t>(size | 0x80));
    frame.push_back(static_cast<std::uint8_t>(size));
    frame = append(frame, body);
  };
  if (key) unit(0x0a, noise(random, 11));
  for (std::size_t i = random.below(6) + 1; i > 0; --i) {
    auto body = noise(random, 1 + random.below(3000));
    body[0] = key ? 0x10 : 0x30;
    unit(0x32, body);
  }
  return frame;
}

std::vector<std::uint8_t> frame_of(Codec codec, Random& random, bool key) {
  switch (codec) {
    case Codec::kH264:
    case Codec::kH265:
      return nal_frame(random, codec == Codec::kH265, key);
    case Codec::kAv1:
      return av1_frame(random, key);
    default:
      break;
  }
  auto frame = noise(random, 1 + random.below(10'000));
  if (codec == Codec::kVp8) frame[0] = key ? 0x10 : 0x11;
  if (codec == Codec::kVp9) frame[0] = key ? 0x82 : 0x86;
  return frame;
}

TEST(PayloadFormats, GiveBackEveryFrameWhateverThePacketSize) {
  SeededRandom random(9);
  for (const Codec codec : {Codec::kVp8, Codec::kVp9, Codec::kH264, Codec::kH265, Codec::kAv1}) {
    const auto packetizer = make_packetizer({codec});
    const auto depacketizer = make_depacketizer({codec});
    for (int i = 0; i < 200; ++i) {
      const bool key = i % 7 == 0;
      const auto bytes = frame_of(codec, random, key);
      EXPECT_EQ(is_key_frame(codec, bytes), key);
      const std::size_t max = Packetizer::kMinPayload + random.below(1400);
      const Cut all = cut(*packetizer, {.payload = bytes}, max);
      ASSERT_FALSE(all.payloads.empty());
      EXPECT_TRUE(all.markers.back());
      EXPECT_EQ(std::count(all.markers.begin(), all.markers.end(), true), 1);
      const auto first = depacketizer->inspect(all.payloads.front());
      ASSERT_TRUE(first);
      EXPECT_NE(first->begins, Begins::kNo);
      if (key) {
        EXPECT_EQ(first->begins, Begins::kYes);
      }
      const auto frame = put_together(*depacketizer, all.payloads);
      ASSERT_TRUE(frame) << static_cast<int>(codec);
      EXPECT_EQ(frame->payload, bytes) << static_cast<int>(codec);
      EXPECT_EQ(frame->key_frame, key);
      // A packet less is no frame, at either end, unless NAL units or OBUs stood alone in it.
      if (all.payloads.size() > 1 && (codec == Codec::kVp8 || codec == Codec::kVp9)) {
        EXPECT_FALSE(put_together(*depacketizer, {all.payloads.begin() + 1, all.payloads.end()}));
      }
      if (all.payloads.size() > 1 && codec == Codec::kVp9) {
        EXPECT_FALSE(put_together(*depacketizer, {all.payloads.begin(), all.payloads.end() - 1}));
      }
    }
  }
}

TEST(PayloadFormats, CutFramesIntoAboutEqualPieces) {
  const auto packetizer = make_packetizer({Codec::kVp8});
  const std::vector<std::uint8_t> frame(1001, 0x10);
  const Cut all = cut(*packetizer, {.payload = frame}, 501);
  ASSERT_EQ(all.payloads.size(), 3u);
  EXPECT_EQ(all.payloads[0].size(), 335u);
  EXPECT_EQ(all.payloads[2].size(), 334u);
}

TEST(Vp8, WritesAndReadsItsDescriptor) {
  const auto packetizer = make_packetizer({Codec::kVp8});
  const auto depacketizer = make_depacketizer({Codec::kVp8});
  Vp8Fields fields;
  fields.picture_id = 0x1234;
  fields.tl0_picture_index = 200;
  fields.temporal_id = 2;
  fields.layer_sync = true;
  fields.non_reference = true;
  const auto bytes = hex("11abcd");
  const Cut all = cut(*packetizer, {.payload = bytes, .codec = fields}, 64);
  EXPECT_THAT(hexes(all.payloads), ElementsAre("b0e09234c8a011abcd"));
  EXPECT_EQ(std::get<Vp8Fields>(put_together(*depacketizer, all.payloads)->codec), fields);
  // Seven bits of picture id, only a key index.
  const auto frame = put_together(*depacketizer, {hex("909005 1f 10")});
  ASSERT_TRUE(frame);
  EXPECT_EQ(std::get<Vp8Fields>(frame->codec).picture_id, 5);
  EXPECT_FALSE(std::get<Vp8Fields>(frame->codec).temporal_id);
  EXPECT_TRUE(frame->key_frame);
}

TEST(Vp8, RefusesWhatIsCutOff) {
  const auto depacketizer = make_depacketizer({Codec::kVp8});
  for (const char* text : {"", "10", "90", "9080", "908092", "90809234", "90e09234c8a0"}) {
    EXPECT_FALSE(depacketizer->inspect(hex(text))) << text;
  }
  EXPECT_EQ(depacketizer->inspect(hex("0011"))->begins, Begins::kNo);
  EXPECT_EQ(depacketizer->inspect(hex("1111"))->begins, Begins::kNo);  // partition 1
}

TEST(Vp9, WritesAndReadsItsDescriptorInBothModes) {
  const auto packetizer = make_packetizer({Codec::kVp9});
  const auto depacketizer = make_depacketizer({Codec::kVp9});
  Vp9Fields fields;
  fields.picture_id = 0x0102;
  fields.temporal_id = 1;
  fields.tl0_picture_index = 9;
  fields.inter_picture_predicted = true;
  fields.switching_up_point = true;
  const auto bytes = hex("86aa");
  Cut all = cut(*packetizer, {.payload = bytes, .codec = fields}, 64);
  EXPECT_THAT(hexes(all.payloads), ElementsAre("ec8102300986aa"));
  EXPECT_EQ(std::get<Vp9Fields>(put_together(*depacketizer, all.payloads)->codec), fields);

  fields.tl0_picture_index.reset();
  fields.flexible_mode = true;
  fields.reference_differences = {1, 5, 0};
  fields.reference_count = 2;
  all = cut(*packetizer, {.payload = bytes, .codec = fields}, 64);
  EXPECT_THAT(hexes(all.payloads), ElementsAre("fc810230030a86aa"));
  EXPECT_EQ(std::get<Vp9Fields>(put_together(*depacketizer, all.payloads)->codec), fields);
}

TEST(Vp9, PutsTheLayersOfAPictureTogether) {
  const auto depacketizer = make_depacketizer({Codec::kVp9});
  // Two spatial layers, two packets each.
  const auto picture =
      put_together(*depacketizer, {hex("a8 8100 00 00 aa"), hex("a4 8100 00 00 bb"),
                                   hex("a8 8100 03 00 cc"), hex("a4 8100 03 00 dd")});
  ASSERT_TRUE(picture);
  EXPECT_EQ(to_hex(picture->payload), "aabbccdd");
  EXPECT_TRUE(picture->key_frame);
  // The upper layer alone is no beginning.
  EXPECT_EQ(depacketizer->inspect(hex("a8 8100 03 00 cc"))->begins, Begins::kMaybe);
}

TEST(Vp9, TakesTheFramesWordWhereTheDescriptorSaysNothing) {
  const auto depacketizer = make_depacketizer({Codec::kVp9});
  EXPECT_TRUE(depacketizer->inspect(hex("0c 82"))->key_frame);
  EXPECT_FALSE(depacketizer->inspect(hex("0c 86"))->key_frame);
  EXPECT_FALSE(put_together(*depacketizer, {hex("0c 86")})->key_frame);
  EXPECT_TRUE(depacketizer->inspect(hex("8c 01 86"))->key_frame);
}

TEST(Vp9, WalksOverScalabilityStructures) {
  const auto depacketizer = make_depacketizer({Codec::kVp9});
  // N_S = 1, Y, G: two resolutions, three pictures with 0, 1 and 2 references.
  const std::string structure = "38 02800168 050002d0 03 00 0401 0801 02";
  const auto frame = put_together(*depacketizer, {hex("8e 8001" + structure + " 82")});
  ASSERT_TRUE(frame);
  EXPECT_EQ(to_hex(frame->payload), "82");
  const auto whole = hex("8e 8001" + structure);
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    EXPECT_FALSE(depacketizer->inspect(Bytes(whole).first(size)));
  }
  EXPECT_FALSE(depacketizer->inspect(hex("d0 80 03 03 03 03 02 86")));  // four references
}

TEST(H264, AggregatesSmallUnitsAndFragmentsLargeOnes) {
  SeededRandom random(3);
  const auto packetizer = make_packetizer({Codec::kH264});
  const auto slice = append(hex("65"), noise(random, 300));
  auto frame =
      append(append(hex("00000001 6742"), hex("000001 68ce")), append(hex("00000001"), slice));
  const Cut all = cut(*packetizer, {.payload = frame}, 200);
  ASSERT_EQ(all.payloads.size(), 3u);
  EXPECT_EQ(to_hex(all.payloads[0]), "7800026742000268ce");
  EXPECT_EQ(to_hex(Bytes(all.payloads[1]).first(2)), "7c85");
  EXPECT_EQ(to_hex(Bytes(all.payloads[2]).first(2)), "7c45");
  EXPECT_THAT(all.markers, ElementsAre(false, false, true));
}

TEST(H264, Mode0SendsUnitsAloneAndSaysWhichIsTooLarge) {
  const auto packetizer = make_packetizer({.codec = Codec::kH264, .packetization_mode = 0});
  auto frame = hex("00000001 6742 000001 68ce 00000001 65aabb 0000");
  const Cut all = cut(*packetizer, {.payload = frame}, 64);
  EXPECT_THAT(hexes(all.payloads), ElementsAre("6742", "68ce", "65aabb"));
  frame.resize(200, 0x55);
  const auto started = packetizer->start({.payload = frame}, 64);
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().message, HasSubstr("slices of at most 64"));
  EXPECT_FALSE(packetizer->start({.payload = hex("010203")}, 64));
  std::vector<std::uint8_t> space(64);
  EXPECT_FALSE(packetizer->next(space));
}

TEST(H264, GivesParameterSetsToKeyFramesThatComeWithout) {
  const auto depacketizer = make_depacketizer({Codec::kH264});
  EXPECT_EQ(to_hex(put_together(*depacketizer, {hex("6588")})->payload), "000000016588");
  depacketizer->set_parameter_sets(hex("000001 6701 000001 6801"));
  EXPECT_EQ(to_hex(put_together(*depacketizer, {hex("6588")})->payload),
            "00000001670100000001680100000001"
            "6588");
  // Those in the stream are newer.
  ASSERT_TRUE(put_together(*depacketizer, {hex("78 0002 6702 0002 6802"), hex("6588")}));
  EXPECT_EQ(to_hex(put_together(*depacketizer, {hex("6588")})->payload),
            "00000001670200000001680200000001"
            "6588");
  EXPECT_EQ(to_hex(put_together(*depacketizer, {hex("4188")})->payload), "000000014188");
}

TEST(H264, RefusesWhatIsMalformed) {
  const auto depacketizer = make_depacketizer({Codec::kH264});
  for (const char* text : {"", "00", "79 0000", "7a00", "7c", "7cc5aa", "7c80aa", "78", "78 0000",
                           "78 0003 6742", "78 0002 7842", "7d80aa", "7f"}) {
    EXPECT_FALSE(depacketizer->inspect(hex(text))) << text;
  }
  // Fragments that do not follow one another.
  EXPECT_FALSE(put_together(*depacketizer, {hex("7c85aa")}));
  EXPECT_FALSE(put_together(*depacketizer, {hex("7c45aa")}));
  EXPECT_FALSE(put_together(*depacketizer, {hex("7c85aa"), hex("7c41bb")}));
  EXPECT_FALSE(put_together(*depacketizer, {hex("7c85aa"), hex("6588"), hex("7c45bb")}));
  EXPECT_TRUE(put_together(*depacketizer, {hex("7c85aa"), hex("7c05"), hex("7c45bb")}));
}

TEST(H265, WritesItsHeadersAsRfc7798Says) {
  SeededRandom random(3);
  const auto packetizer = make_packetizer({Codec::kH265});
  const auto slice = append(hex("2603"), noise(random, 300));
  const auto frame =
      append(append(hex("00000001 4002aa"), hex("000001 4201bb")), append(hex("00000001"), slice));
  const Cut all = cut(*packetizer, {.payload = frame}, 200);
  ASSERT_EQ(all.payloads.size(), 3u);
  EXPECT_EQ(to_hex(all.payloads[0]), "600100034002aa00034201bb");
  EXPECT_EQ(to_hex(Bytes(all.payloads[1]).first(3)), "620393");
  EXPECT_EQ(to_hex(Bytes(all.payloads[2]).first(3)), "620353");
  const auto depacketizer = make_depacketizer({Codec::kH265});
  for (const char* text : {"", "40", "6001", "6001 0001 40", "6001 0003 4001", "6401aa", "6201",
                           "6201 d3 aa", "6201 b0 aa"}) {
    EXPECT_FALSE(depacketizer->inspect(hex(text))) << text;
  }
}

TEST(Av1, CountsUpToThreeElementsAndSetsItsFlags) {
  const auto packetizer = make_packetizer({Codec::kAv1});
  // Delimiter, sequence header (2 bytes), frame (3 bytes): a key frame.
  const auto frame = hex("1200 0a02aabb 320310cccc");
  Cut all = cut(*packetizer, {.payload = frame}, 64);
  EXPECT_THAT(hexes(all.payloads), ElementsAre("280308aabb3010cccc"));
  // Two layers never share a packet.
  const auto layers = hex("1200 3600 02 30aa 3608 02 30bb");
  all = cut(*packetizer, {.payload = layers}, 64);
  EXPECT_THAT(hexes(all.payloads), ElementsAre("10340030aa", "10340830bb"));
  EXPECT_THAT(all.markers, ElementsAre(false, true));
  const auto depacketizer = make_depacketizer({Codec::kAv1});
  const auto back = put_together(*depacketizer, all.payloads);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->payload, layers);
  EXPECT_EQ(std::get<Av1Fields>(back->codec).spatial_id, 1);
}

TEST(Av1, ReadsSizesWhereTheyAreAndWhereTheyAreNot) {
  const auto depacketizer = make_depacketizer({Codec::kAv1});
  // W = 0: each has a length; the second OBU has a size field of its own; a delimiter is ignored.
  const auto frame = put_together(*depacketizer, {hex("00 02 1000 04 320230cc 02 30dd")});
  ASSERT_TRUE(frame);
  EXPECT_EQ(to_hex(frame->payload), "1200320230cc3201dd");
  for (const char* text : {"", "00", "00 05 30aa", "10", "20 0230aa", "88 30aa", "30 01 aa 30bb",
                           "00 ffffffffffffffff 30"}) {
    EXPECT_FALSE(depacketizer->inspect(hex(text))) << text;
  }
  EXPECT_FALSE(put_together(*depacketizer, {hex("10 32 05 30")}));  // a size past the end
  EXPECT_FALSE(put_together(*depacketizer, {hex("10 b0 30")}));     // the forbidden bit
  EXPECT_FALSE(put_together(*depacketizer, {hex("50 3030")}));      // goes on, but nothing comes
  EXPECT_FALSE(put_together(*depacketizer, {hex("90 3030")}));      // goes on from nothing
  EXPECT_FALSE(put_together(*depacketizer, {hex("10 1000")}));      // nothing but a delimiter
}

TEST(AudioFormats, KeepTimestampsExactWhereverTheyCut) {
  const auto packetizer = make_packetizer({Codec::kG722});
  const std::vector<std::uint8_t> samples(400, 0x55);
  const Cut all = cut(*packetizer, {.payload = samples, .marker = true}, 160);
  EXPECT_THAT(all.offsets, ElementsAre(0, 160, 320));
  EXPECT_THAT(all.markers, ElementsAre(true, false, false));
  EXPECT_EQ(all.payloads[2].size(), 80u);
  EXPECT_EQ(audio_duration(Codec::kPcmu, samples), 400u);
  EXPECT_FALSE(audio_duration(Codec::kRaw, samples));
}

TEST(AudioFormats, KnowHowLongAPacketOfOpusPlays) {
  const auto ticks = [](const char* text) { return audio_duration(Codec::kOpus, hex(text)); };
  EXPECT_EQ(ticks("78"), 960u);  // CELT, 20 ms
  EXPECT_EQ(ticks("f8ff"), 960u);
  EXPECT_EQ(ticks("e0"), 120u);     // 2.5 ms
  EXPECT_EQ(ticks("18"), 2880u);    // SILK, 60 ms
  EXPECT_EQ(ticks("19"), 5760u);    // two of them
  EXPECT_EQ(ticks("60"), 480u);     // hybrid, 10 ms
  EXPECT_EQ(ticks("7b03"), 2880u);  // three of 20 ms
  EXPECT_FALSE(ticks("7b"));
  EXPECT_FALSE(ticks("7b00"));
  EXPECT_FALSE(ticks("1b03"));  // 180 ms
  EXPECT_FALSE(ticks(""));
  const auto packetizer = make_packetizer({Codec::kOpus});
  EXPECT_FALSE(packetizer->start({.payload = std::vector<std::uint8_t>(1001, 0x78)}, 1000));
}

TEST(PayloadFormats, AreFoundByTheirEncodingNames) {
  EXPECT_EQ(codec_of("OPUS"), Codec::kOpus);
  EXPECT_EQ(codec_of("vp8"), Codec::kVp8);
  EXPECT_EQ(codec_of("telephone-event"), Codec::kRaw);
  EXPECT_TRUE(is_video(Codec::kAv1));
  EXPECT_FALSE(is_video(Codec::kG722));
}

}  // namespace
}  // namespace floe::rtp
