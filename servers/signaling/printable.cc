#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "floe/core/text.h"
#include "floe/servers/signaling/message.h"

namespace floe::server {
namespace {

struct Range {
  char32_t first;
  char32_t last;
};
// Characters that have no shape of their own and change how the text around them is shown, so
// that one name could pass for another or break the line it stands in. The zero-width joiner
// (U+200D) stays: emoji and several scripts are written with it.
constexpr std::array<Range, 9> kUnprintable = {{
    {0x0000, 0x001F},  // C0 controls
    {0x007F, 0x009F},  // DEL and C1 controls
    {0x00AD, 0x00AD},  // soft hyphen
    {0x200B, 0x200B},  // zero-width space
    {0x200E, 0x200F},  // direction marks
    {0x2028, 0x202E},  // line and paragraph separators, direction overrides
    {0x2060, 0x206F},  // invisible operators, direction isolates
    {0xFDD0, 0xFDEF},  // noncharacters
    {0xFEFF, 0xFEFF},  // byte order mark
}};

bool is_unprintable(char32_t c) {
  const bool noncharacter = (c & 0xFFFE) == 0xFFFE;
  const bool annotation_or_tag = (c >= 0xFFF9 && c <= 0xFFFB) || (c >= 0xE0000 && c <= 0xE0FFF);
  return noncharacter || annotation_or_tag ||
         std::any_of(kUnprintable.begin(), kUnprintable.end(),
                     [c](const Range& range) { return c >= range.first && c <= range.last; });
}

/// Takes one character off well-formed UTF-8.
char32_t take_character(std::string_view& text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = byte(0);
  const std::size_t size = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  char32_t c = size == 1 ? lead : lead & (0x7F >> size);
  for (std::size_t i = 1; i < size; ++i) c = c << 6 | (byte(i) & 0x3F);
  text.remove_prefix(size);
  return c;
}

}  // namespace

bool is_printable(std::string_view text) {
  if (!is_utf8(as_bytes(text))) return false;
  // A name that differs from another by blanks at its ends looks the same.
  if (text.starts_with(' ') || text.ends_with(' ')) return false;
  while (!text.empty()) {
    if (is_unprintable(take_character(text))) return false;
  }
  return true;
}

}  // namespace floe::server
