#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "floe/core/bytes.h"

namespace floe {

/// Splits at every `separator`; "a,,b" has three parts, "" has one (empty) part.
std::vector<std::string_view> split(std::string_view text, char separator);

/// Without the blanks (space, tab, CR, LF) at either end.
std::string_view trim(std::string_view text);

bool equals_ignoring_case(std::string_view a, std::string_view b);
std::string to_lower(std::string_view text);

/// The whole of `text` as a decimal number without sign; nothing else parses, nor does overflow.
template <typename T>
std::optional<T> parse_decimal(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 10);
  if (error != std::errc() || end != text.data() + text.size() || text.starts_with('-')) {
    return std::nullopt;
  }
  return value;
}

/// Lower-case hexadecimal, two digits a byte.
std::string to_hex(Bytes bytes);
std::optional<std::vector<std::uint8_t>> from_hex(std::string_view text);

/// RFC 4648 section 4, with padding.
std::string to_base64(Bytes bytes);
/// Strict: padding required, no line breaks, nothing after the padding.
std::optional<std::vector<std::uint8_t>> from_base64(std::string_view text);

/// True for well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms, at most U+10FFFF).
bool is_utf8(Bytes bytes);

/// `text` fit for an error message: control bytes escaped, cut to `max` characters.
std::string quoted(std::string_view text, std::size_t max = 80);

}  // namespace floe
