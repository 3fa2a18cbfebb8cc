#pragma once

#include <cstdint>
#include <optional>
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

/// Writes members of the object that is open.
class JsonMembers {
 public:
  explicit JsonMembers(JsonWriter& json) : json_(json) {}

  void text(std::string_view name, std::string_view value) {
    json_.key(name);
    json_.text(value);
  }
  void number(std::string_view name, std::uint64_t value) {
    json_.key(name);
    json_.number(value);
  }
  void decimal(std::string_view name, double value) {
    json_.key(name);
    json_.decimal(value);
  }
  void boolean(std::string_view name, bool value) {
    json_.key(name);
    json_.boolean(value);
  }
  // Left out when there is no value.
  void text_if(std::string_view name, std::string_view value) {
    if (!value.empty()) text(name, value);
  }
  template <typename Number>
  void number_if(std::string_view name, const std::optional<Number>& value) {
    if (value) number(name, *value);
  }
  void decimal_if(std::string_view name, const std::optional<double>& value) {
    if (value) decimal(name, *value);
  }

 protected:
  JsonWriter& json_;
};

}  // namespace floe
