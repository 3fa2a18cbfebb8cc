#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "floe/core/time.h"

namespace media {

/// A picture in I420: a plane of luma, then two of chroma with half as many lines and columns.
/// Width and height are even.
struct Picture {
  Picture(int width, int height)
      : width(width),
        height(height),
        y(static_cast<std::size_t>(width * height)),
        u(y.size() / 4),
        v(y.size() / 4) {}

  int width;
  int height;
  std::vector<std::uint8_t> y;
  std::vector<std::uint8_t> u;
  std::vector<std::uint8_t> v;
};

/// Bits per channel, red, green and blue, of one colour.
struct Colour {
  std::uint8_t red = 0;
  std::uint8_t green = 0;
  std::uint8_t blue = 0;
};

// The colour code: a band of eight fields along the lower edge, an eighth of the height, that says
// the number of the picture. Each field is one of the eight colours whose red, green and blue are
// either full or absent, and so carries three bits, red the lowest; the first field has the lowest
// three of all. The lowest 16 bits are the number in Gray code, so that the least changes from one
// picture to the next; the upper eight are `code_check`.
inline constexpr int kCodeFields = 8;
/// The lower edge of the band is this part of the height.
inline constexpr int kCodeHeightDivisor = 8;
std::uint8_t code_check(std::uint16_t number);
std::uint32_t colour_code(std::uint16_t number);
/// What the band of a decoded picture says; absent where it cannot be read.
std::optional<std::uint16_t> read_colour_code(const Picture& picture);

/// The moving picture that is sent when there is no file: colours, a ball, a clock that shows
/// hundredths of a second, and the colour code.
class TestPicture {
 public:
  static constexpr int kMinWidth = 160;
  static constexpr int kMinHeight = 96;

  /// Even sizes, at least the smallest.
  TestPicture(int width, int height);

  /// The picture `number`, of the moment `time`; valid until the next.
  const Picture& draw(std::uint16_t number, floe::Duration time);

 private:
  void fill(int left, int top, int width, int height, Colour colour);
  void draw_ball(double seconds);
  void draw_clock(floe::Duration time);
  void draw_digit(int digit, int left, int top, int width, int height);

  Picture background_;
  Picture picture_;
};

}  // namespace media
