#include "floe/core/json_writer.h"

#include <charconv>
#include <cmath>
#include <utility>

#include "floe/core/bytes.h"
#include "floe/core/check.h"
#include "floe/core/text.h"

namespace floe {
namespace {

/// The length of the UTF-8 character that `rest` begins with; 0 if it begins with none.
std::size_t character_length(std::string_view rest) {
  for (std::size_t length = 1; length <= 4 && length <= rest.size(); ++length) {
    if (is_utf8(as_bytes(rest.substr(0, length)))) return length;
  }
  return 0;
}

}  // namespace

void JsonWriter::begin_value() {
  if (levels_.empty()) {
    FLOE_CHECK(out_.empty());
    return;
  }
  Level& level = levels_.back();
  FLOE_CHECK(level.end == ']' || named_);
  if (level.end == ']' && !level.empty) out_ += ',';
  level.empty = false;
  named_ = false;
}

void JsonWriter::open(char begin, char end) {
  begin_value();
  out_ += begin;
  levels_.push_back({end});
}

void JsonWriter::close(char end) {
  FLOE_CHECK(!levels_.empty() && levels_.back().end == end && !named_);
  levels_.pop_back();
  out_ += end;
}

void JsonWriter::key(std::string_view name) {
  FLOE_CHECK(!levels_.empty() && levels_.back().end == '}' && !named_);
  if (!levels_.back().empty) out_ += ',';
  quote(name);
  out_ += ':';
  named_ = true;
}

void JsonWriter::text(std::string_view value) {
  begin_value();
  quote(value);
}

/// RFC 8259 section 7.
void JsonWriter::quote(std::string_view value) {
  out_ += '"';
  while (!value.empty()) {
    const char c = value.front();
    const std::size_t length = character_length(value);
    if (c == '"' || c == '\\') {
      out_ += '\\';
      out_ += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      const auto byte = static_cast<std::uint8_t>(c);
      out_ += "\\u00" + to_hex(Bytes(&byte, 1));
    } else if (length == 0) {
      out_ += "\\ufffd";
    } else {
      out_ += value.substr(0, length);
    }
    value.remove_prefix(length == 0 ? 1 : length);
  }
  out_ += '"';
}

void JsonWriter::number(std::uint64_t value) {
  begin_value();
  out_ += std::to_string(value);
}

void JsonWriter::decimal(double value) {
  begin_value();
  char digits[32];
  const auto [end, error] =
      std::to_chars(digits, digits + sizeof digits, value, std::chars_format::fixed, 6);
  if (error != std::errc() || !std::isfinite(value)) {
    out_ += "null";
    return;
  }
  std::string_view text(digits, static_cast<std::size_t>(end - digits));
  text = text.substr(0, text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.remove_suffix(1);
  out_ += text;
}

void JsonWriter::boolean(bool value) {
  begin_value();
  out_ += value ? "true" : "false";
}

void JsonWriter::milliseconds(Duration value) {
  begin_value();
  std::int64_t microseconds = std::chrono::duration_cast<std::chrono::microseconds>(value).count();
  if (microseconds < 0) {
    out_ += '-';
    microseconds = -microseconds;
  }
  const std::string decimals = std::to_string(microseconds % 1000);
  out_ +=
      std::to_string(microseconds / 1000) + '.' + std::string(3 - decimals.size(), '0') + decimals;
}

std::string JsonWriter::take() {
  FLOE_CHECK(levels_.empty() && !out_.empty());
  return std::exchange(out_, {});
}

}  // namespace floe
