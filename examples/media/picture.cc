#include "examples/media/picture.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace media {
namespace {

constexpr Colour kWhite{255, 255, 255};
constexpr Colour kDark{16, 20, 30};
constexpr Colour kBall{255, 200, 40};
constexpr double kBallPeriod = 3.1;  // Seconds from the left to the right and back.
constexpr double kBouncePeriod = 1.3;

struct Yuv {
  std::uint8_t y;
  std::uint8_t u;
  std::uint8_t v;
};

/// ITU-R BT.601, studio range: what decoders take small pictures for.
Yuv to_yuv(Colour colour) {
  const double r = colour.red;
  const double g = colour.green;
  const double b = colour.blue;
  const auto round = [](double value) { return static_cast<std::uint8_t>(std::lround(value)); };
  return {round(16 + 0.257 * r + 0.504 * g + 0.098 * b),
          round(128 - 0.148 * r - 0.291 * g + 0.439 * b),
          round(128 + 0.439 * r - 0.368 * g - 0.071 * b)};
}

std::uint8_t average(const std::vector<std::uint8_t>& plane, int stride, int left, int top,
                     int width, int height) {
  unsigned sum = 0;
  for (int row = top; row < top + height; ++row) {
    for (int column = left; column < left + width; ++column) {
      sum += plane[static_cast<std::size_t>(row * stride + column)];
    }
  }
  return static_cast<std::uint8_t>(sum / static_cast<unsigned>(width * height));
}

}  // namespace

std::uint8_t code_check(std::uint16_t number) {
  // Neighbours differ in several bits, so that a mixture of two pictures is found out.
  return static_cast<std::uint8_t>((number * 167u >> 4) ^ (number >> 8) ^ 0x5a);
}

std::uint32_t colour_code(std::uint16_t number) {
  const unsigned gray = number ^ (number >> 1);
  return static_cast<std::uint32_t>(code_check(number)) << 16 | gray;
}

std::optional<std::uint16_t> read_colour_code(const Picture& picture) {
  const int band = picture.height / kCodeHeightDivisor;
  std::uint32_t code = 0;
  for (int field = 0; field < kCodeFields; ++field) {
    // The middle quarter of the field: compression blurs its edges.
    const int width = picture.width / kCodeFields / 4 / 2 * 2;
    const int height = std::max(2, band / 4 / 2 * 2);
    const int left = (picture.width * (2 * field + 1) / kCodeFields / 2 - width / 2) / 2 * 2;
    const int top = (picture.height - band / 2 - height / 2) / 2 * 2;
    const double y = 1.164 * (average(picture.y, picture.width, left, top, width, height) - 16.0);
    const double u =
        average(picture.u, picture.width / 2, left / 2, top / 2, width / 2, height / 2) - 128.0;
    const double v =
        average(picture.v, picture.width / 2, left / 2, top / 2, width / 2, height / 2) - 128.0;
    const std::array<double, 3> channels{y + 1.596 * v, y - 0.813 * v - 0.391 * u, y + 2.018 * u};
    for (unsigned channel = 0; channel < 3; ++channel) {
      if (channels[channel] > 127.5) code |= 1u << (3 * static_cast<unsigned>(field) + channel);
    }
  }
  unsigned number = code & 0xffff;
  for (unsigned shift = 1; shift < 16; shift *= 2) number ^= number >> shift;
  const auto found = static_cast<std::uint16_t>(number);
  if (code != colour_code(found)) return std::nullopt;
  return found;
}

TestPicture::TestPicture(int width, int height)
    : background_(width, height), picture_(width, height) {
  // Eight bars from blue to violet, darker towards the bottom: colours that tell whether U and V
  // came across in their places, and edges that show what the encoder does to them.
  for (int bar = 0; bar < 8; ++bar) {
    constexpr int kSteps = 16;
    for (int step = 0; step < kSteps; ++step) {
      const double light = 1.0 - 0.75 * step / kSteps;
      const double hue = 3.6 + 1.4 * bar / 8;
      const auto channel = [&](double shift) {
        return static_cast<std::uint8_t>(light * (105 + 95 * std::cos(hue - shift)));
      };
      const Colour colour{channel(6.28), channel(2.09), channel(4.19)};
      const int left = width * bar / 8 / 2 * 2;
      const int right = width * (bar + 1) / 8 / 2 * 2;
      const int top = height * step / kSteps / 2 * 2;
      const int bottom = height * (step + 1) / kSteps / 2 * 2;
      fill(left, top, right - left, bottom - top, colour);
    }
  }
  background_ = picture_;
}

const Picture& TestPicture::draw(std::uint16_t number, floe::Duration time) {
  picture_ = background_;
  draw_ball(std::chrono::duration<double>(time).count());
  draw_clock(time);
  const std::uint32_t code = colour_code(number);
  const int band = picture_.height / kCodeHeightDivisor / 2 * 2;
  for (int field = 0; field < kCodeFields; ++field) {
    const std::uint32_t bits = code >> 3 * field;
    const auto channel = [&](int bit) {
      return static_cast<std::uint8_t>((bits >> bit & 1) != 0 ? 255 : 0);
    };
    const int left = picture_.width * field / kCodeFields / 2 * 2;
    const int right = picture_.width * (field + 1) / kCodeFields / 2 * 2;
    fill(left, picture_.height - band, right - left, band, {channel(0), channel(1), channel(2)});
  }
  return picture_;
}

/// All are even.
void TestPicture::fill(int left, int top, int width, int height, Colour colour) {
  const Yuv yuv = to_yuv(colour);
  const int right = std::min(left + width, picture_.width);
  const int bottom = std::min(top + height, picture_.height);
  for (int row = top; row < bottom; ++row) {
    std::fill(picture_.y.begin() + row * picture_.width + left,
              picture_.y.begin() + row * picture_.width + right, yuv.y);
  }
  for (int row = top / 2; row < bottom / 2; ++row) {
    const int begin = row * picture_.width / 2;
    std::fill(picture_.u.begin() + begin + left / 2, picture_.u.begin() + begin + right / 2, yuv.u);
    std::fill(picture_.v.begin() + begin + left / 2, picture_.v.begin() + begin + right / 2, yuv.v);
  }
}

void TestPicture::draw_ball(double seconds) {
  const double radius = picture_.height / 10.0;
  const double sway = 0.5 - 0.5 * std::cos(6.2832 * seconds / kBallPeriod);
  const double bounce = std::abs(std::sin(3.1416 * seconds / kBouncePeriod));
  const double x = radius + sway * (picture_.width - 2 * radius);
  const double floor = picture_.height * (1.0 - 1.0 / kCodeHeightDivisor) - radius;
  const double y = floor - bounce * (floor - radius);
  for (int row = static_cast<int>(y - radius) / 2 * 2; row < y + radius; row += 2) {
    const double rest = radius * radius - (row + 1 - y) * (row + 1 - y);
    if (row < 0 || rest <= 0) continue;
    const double half = std::sqrt(rest);
    const int left = std::max(0, static_cast<int>(x - half) / 2 * 2);
    const int right = std::min(picture_.width, static_cast<int>(x + half) / 2 * 2);
    if (right > left) fill(left, row, right - left, 2, kBall);
  }
}

/// Minutes, seconds and hundredths: "01:23.45".
void TestPicture::draw_clock(floe::Duration time) {
  const auto hundredths = time / std::chrono::milliseconds(10);
  const std::array<std::int64_t, 6> digits{hundredths / 60000 % 10, hundredths / 6000 % 10,
                                           hundredths / 1000 % 6,   hundredths / 100 % 10,
                                           hundredths / 10 % 10,    hundredths % 10};
  const int width = picture_.width / 20 * 2;
  const int height = width * 7 / 4 / 2 * 2;
  const int gap = std::max(2, width / 4 / 2 * 2);
  const int total = 6 * width + 7 * gap;
  const int top = picture_.height / 8 / 2 * 2;
  int left = (picture_.width - total) / 4 * 2;
  fill(left - gap, top - gap, total + 2 * gap, height + 2 * gap, kDark);
  const int dot = std::max(2, gap / 2 / 2 * 2);
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i == 2 || i == 4) {
      // The colon of minutes, the point of hundredths.
      fill(left, top + height - 2 * dot, dot, dot, kWhite);
      if (i == 2) fill(left, top + 2 * dot, dot, dot, kWhite);
      left += gap;
    }
    draw_digit(static_cast<int>(digits[i]), left, top, width, height);
    left += width + gap;
  }
}

/// Of seven strokes, in the usual order: top, upper right, lower right, bottom, lower left, upper
/// left, middle.
void TestPicture::draw_digit(int digit, int left, int top, int width, int height) {
  constexpr std::array<unsigned, 10> kStrokes{0x3f, 0x06, 0x5b, 0x4f, 0x66,
                                              0x6d, 0x7d, 0x07, 0x7f, 0x6f};
  const unsigned strokes = kStrokes[static_cast<std::size_t>(digit)];
  const int thick = std::max(2, width / 5 / 2 * 2);
  const int half = height / 4 * 2;
  const int right = left + width - thick;
  if ((strokes & 0x01) != 0) fill(left, top, width, thick, kWhite);
  if ((strokes & 0x02) != 0) fill(right, top, thick, half, kWhite);
  if ((strokes & 0x04) != 0) fill(right, top + half, thick, height - half, kWhite);
  if ((strokes & 0x08) != 0) fill(left, top + height - thick, width, thick, kWhite);
  if ((strokes & 0x10) != 0) fill(left, top + half, thick, height - half, kWhite);
  if ((strokes & 0x20) != 0) fill(left, top, thick, half, kWhite);
  if ((strokes & 0x40) != 0) fill(left, top + half - thick / 4 * 2, width, thick, kWhite);
}

}  // namespace media
