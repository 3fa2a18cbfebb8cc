#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "floe/sdp/description.h"
#include "floe/sdp/grammar.h"

// Reading one "a=" line into the model. Each level has tables of the attributes it knows; what no
// table knows stays an `Attribute`.
namespace floe::sdp {

enum class Outcome : std::uint8_t {
  kRead,
  kUnknown,      ///< Not an attribute of this level: to be kept as it is.
  kMalformed,    ///< Does not follow its grammar.
  kContradicts,  ///< Only one such line may stand here, and an earlier one says otherwise.
  kTooMany,      ///< Beyond `kMaxItems`.
};

struct Reading {
  Outcome outcome = Outcome::kUnknown;
  std::string_view form = {};  ///< How the attribute is written, for messages.
};

/// One attribute that a level (the session, a media section, or either) knows.
template <typename Level>
struct AttributeRow {
  std::string_view name;
  std::string_view form;
  bool takes_value;
  Outcome (*read)(std::string_view value, Level& level);
};

template <typename Level>
Reading read_attribute(std::span<const AttributeRow<Level>> table, std::string_view name,
                       std::optional<std::string_view> value, Level& level) {
  for (const AttributeRow<Level>& row : table) {
    if (row.name != name) continue;
    if (row.takes_value != value.has_value()) return {Outcome::kMalformed, row.form};
    return {row.read(value.value_or(std::string_view{}), level), row.form};
  }
  return {};
}

/// For lines of which only one may stand: RFC 8829 section 5.8 knows them as "a single" line. The
/// same line twice does no harm; taking the first or the last of two that differ would.
template <typename Field>
Outcome set_once(Field& field, std::type_identity_t<Field> value) {
  if (field != Field{} && field != value) return Outcome::kContradicts;
  field = std::move(value);
  return Outcome::kRead;
}

template <typename Level, bool Level::*flag>
Outcome read_flag(std::string_view, Level& level) {
  level.*flag = true;
  return Outcome::kRead;
}

template <typename Level, std::string Level::*word>
Outcome read_word(std::string_view value, Level& level) {
  const std::string_view text = only_word(value);
  if (text.empty()) return Outcome::kMalformed;
  return set_once(level.*word, std::string(text));
}

Reading read_inheritable_attribute(std::string_view name, std::optional<std::string_view> value,
                                   InheritableLines& level);
Reading read_rtp_attribute(std::string_view name, std::optional<std::string_view> value,
                           Media& media);
Reading read_session_attribute(std::string_view name, std::optional<std::string_view> value,
                               Description& description);
Reading read_media_attribute(std::string_view name, std::optional<std::string_view> value,
                             Media& media);

}  // namespace floe::sdp
