#include <gtest/gtest.h>
#include <vpx/vp8dx.h>
#include <vpx/vpx_decoder.h>

#include <cmath>
#include <vector>

#include "examples/media/picture.h"
#include "examples/media/sound_encoder.h"
#include "examples/media/tone.h"
#include "examples/media/vpx_encoder.h"

namespace media {
namespace {

using floe::rtp::Codec;

/// libvpx the other way round.
class Decoder {
 public:
  explicit Decoder(Codec codec) {
    vpx_codec_dec_init(&context_, codec == Codec::kVp9 ? vpx_codec_vp9_dx() : vpx_codec_vp8_dx(),
                       nullptr, 0);
  }
  ~Decoder() { vpx_codec_destroy(&context_); }

  Picture decode(const MediaFrame& frame) {
    EXPECT_EQ(vpx_codec_decode(&context_, frame.payload.data(),
                               static_cast<unsigned>(frame.payload.size()), nullptr, 0),
              VPX_CODEC_OK);
    vpx_codec_iter_t position = nullptr;
    const vpx_image_t* image = vpx_codec_get_frame(&context_, &position);
    if (image == nullptr) return {2, 2};
    Picture picture(static_cast<int>(image->d_w), static_cast<int>(image->d_h));
    const auto copy = [&](int plane, int width, int height, std::vector<std::uint8_t>& to) {
      for (int row = 0; row < height; ++row) {
        const std::uint8_t* from = image->planes[plane] + row * image->stride[plane];
        std::copy(from, from + width, to.begin() + row * width);
      }
    };
    copy(VPX_PLANE_Y, picture.width, picture.height, picture.y);
    copy(VPX_PLANE_U, picture.width / 2, picture.height / 2, picture.u);
    copy(VPX_PLANE_V, picture.width / 2, picture.height / 2, picture.v);
    return picture;
  }

 private:
  vpx_codec_ctx_t context_{};
};

floe::Duration time_of(int number) {
  return std::chrono::milliseconds(1000) * number / 30;
}

TEST(TestPicture, SaysItsNumberInColours) {
  TestPicture source(320, 180);
  for (unsigned number = 0; number < 65536; number += 251) {
    const auto shown = static_cast<std::uint16_t>(number);
    EXPECT_EQ(read_colour_code(source.draw(shown, time_of(static_cast<int>(number)))), shown);
  }
  // The smallest picture too.
  TestPicture smallest(TestPicture::kMinWidth, TestPicture::kMinHeight);
  EXPECT_EQ(read_colour_code(smallest.draw(0xabcd, {})), 0xabcd);
}

TEST(TestPicture, IsNotReadWhereItsColoursAreNotItsOwn) {
  TestPicture source(320, 180);
  Picture picture = source.draw(0x1234, {});
  std::swap(picture.u, picture.v);
  EXPECT_EQ(read_colour_code(picture), std::nullopt);
  Picture half = source.draw(0x1234, {});
  // The left half is the next picture's, as when a part was lost.
  const Picture& next = source.draw(0x5678, {});
  for (int row = 0; row < half.height; ++row) {
    const auto at = row * half.width;
    std::copy(next.y.begin() + at, next.y.begin() + at + half.width / 2, half.y.begin() + at);
  }
  EXPECT_EQ(read_colour_code(half), std::nullopt);
}

TEST(TestPicture, MovesAndShowsTheTime) {
  TestPicture source(320, 180);
  const Picture first = source.draw(7, std::chrono::milliseconds(1230));
  EXPECT_EQ(first.y, source.draw(7, std::chrono::milliseconds(1230)).y);
  EXPECT_NE(first.y, source.draw(7, std::chrono::milliseconds(1240)).y);
  // It is drawn for any time.
  source.draw(7, std::chrono::hours(100));
}

class VpxEncoders : public testing::TestWithParam<Codec> {};
INSTANTIATE_TEST_SUITE_P(Both, VpxEncoders, testing::Values(Codec::kVp8, Codec::kVp9),
                         [](const auto& info) {
                           return info.param == Codec::kVp8 ? "Vp8" : "Vp9";
                         });

TEST_P(VpxEncoders, MakeWhatADecoderSeesAsItWas) {
  VideoSettings settings{.codec = GetParam(), .width = 320, .height = 180};
  settings.bits_per_second = 300'000;
  auto encoder = VpxEncoder::create(settings).value();
  TestPicture source(320, 180);
  Decoder decoder(GetParam());
  int seen = 0;
  for (int i = 0; i < 60; ++i) {
    const auto number = static_cast<std::uint16_t>(1000 + i);
    const bool asked = i == 40;
    const auto frame = encoder->encode(source.draw(number, time_of(i)), time_of(i), asked).value();
    if (!frame) continue;
    EXPECT_EQ(frame->key_frame, i == 0 || asked) << i;
    EXPECT_EQ(frame->key_frame, floe::rtp::is_key_frame(GetParam(), frame->payload)) << i;
    EXPECT_EQ(frame->time, time_of(i));
    const Picture shown = decoder.decode(*frame);
    EXPECT_EQ(read_colour_code(shown), number);
    ++seen;
  }
  EXPECT_GE(seen, 50);
}

TEST_P(VpxEncoders, KeepTheBitrateThatTheyAreTold) {
  VideoSettings settings{.codec = GetParam(), .width = 320, .height = 180};
  settings.bits_per_second = 600'000;
  auto encoder = VpxEncoder::create(settings).value();
  TestPicture source(320, 180);
  int number = 0;
  const auto bitrate = [&](int frames) {
    std::size_t bytes = 0;
    for (int i = 0; i < frames; ++i, ++number) {
      const Picture& picture = source.draw(static_cast<std::uint16_t>(number), time_of(number));
      const auto frame = encoder->encode(picture, time_of(number), false).value();
      if (frame) bytes += frame->payload.size();
    }
    return static_cast<double>(bytes) * 8 * 30 / frames;
  };
  bitrate(30);
  EXPECT_LT(bitrate(90), 600'000 * 1.2);
  ASSERT_TRUE(encoder->set_bitrate(100'000));
  bitrate(30);
  const double low = bitrate(90);
  EXPECT_LT(low, 100'000 * 1.25);
  EXPECT_GT(low, 100'000 * 0.4);
  // Nonsense is not handed on.
  ASSERT_TRUE(encoder->set_bitrate(0));
  ASSERT_TRUE(encoder->set_bitrate(~std::uint64_t{0}));
}

TEST(VpxEncoder, RefusesWhatItDoesNotMake) {
  EXPECT_EQ(VpxEncoder::create({.codec = Codec::kH264}).error().code, floe::Errc::kUnsupported);
  const auto refused = VpxEncoder::create({.width = -2});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("libvpx cannot begin"), std::string::npos);
}

TEST(Sound, IsAToneWithABeepInOpusPacketsOf20Milliseconds) {
  Tone tone;
  auto encoder = SoundEncoder::create(32'000).value();
  std::size_t bytes = 0;
  int peak = 0;
  std::vector<int> rises;
  for (int i = 0; i < 50; ++i) {
    std::vector<std::int16_t> samples(SoundEncoder::kSamples);
    tone.fill(samples);
    int crossings = 0;
    for (std::size_t k = 1; k < samples.size(); ++k) {
      peak = std::max(peak, std::abs(int{samples[k]}));
      crossings += samples[k - 1] < 0 && samples[k] >= 0 ? 1 : 0;
    }
    rises.push_back(crossings);
    const auto packet = encoder->encode(samples).value();
    EXPECT_EQ(floe::rtp::audio_duration(Codec::kOpus, packet), SoundEncoder::kSamples);
    bytes += packet.size();
  }
  EXPECT_NEAR(peak, 6000, 10);
  EXPECT_NEAR(rises[2], 17.6, 1) << "the beep of 880 Hz";
  EXPECT_NEAR(rises[20], 8.8, 1) << "the tone of 440 Hz";
  EXPECT_NEAR(static_cast<double>(bytes) * 8, 32'000, 12'000);
}

}  // namespace
}  // namespace media
