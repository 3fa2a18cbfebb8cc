#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "floe/core/time.h"

namespace floe {

/// Writes one JSON value (RFC 8259), which is well-formed whatever the texts are. That the calls
/// form a value is its user's part, and checked.
class JsonWriter {
 public:
  void begin_object() { open('{', '}'); }
  void end_object() { close('}'); }
  void begin_array() { open('[', ']'); }
  void end_array() { close(']'); }
  /// Names the value that follows.
  void key(std::string_view name);

  /// Bytes that are not UTF-8 become U+FFFD.
  void text(std::string_view value);
  void number(std::uint64_t value);
  /// With six decimals at most. JSON has neither infinities nor NaN: they become null.
  void decimal(double value);
  void boolean(bool value);
  /// With three decimals.
  void milliseconds(Duration value);

  /// The value, once it is whole.
  std::string take();

 private:
  struct Level {
    char end;
    bool empty = true;
  };
  void begin_value();
  void open(char begin, char end);
  void close(char end);
  void quote(std::string_view value);

  std::string out_;
  std::vector<Level> levels_;
  bool named_ = false;
};

}  // namespace floe
