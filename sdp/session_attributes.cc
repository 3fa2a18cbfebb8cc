#include <string>

#include "floe/sdp/attribute_reader.h"
#include "floe/sdp/grammar.h"
#include "floe/sdp/parser.h"

namespace floe::sdp {
namespace {

using Row = AttributeRow<Description>;

// RFC 5888 section 5: the list of mids may be empty.
Outcome read_group(std::string_view value, Description& description) {
  Words words(value);
  Group group{std::string(words.next()), {}};
  if (group.semantics.empty()) return Outcome::kMalformed;
  while (!words.done()) {
    if (group.mids.size() == kMaxItems) return Outcome::kTooMany;
    group.mids.emplace_back(words.next());
  }
  if (description.groups.size() == kMaxItems) return Outcome::kTooMany;
  description.groups.push_back(std::move(group));
  return Outcome::kRead;
}

Outcome read_msid_semantic(std::string_view value, Description& description) {
  Words words(value);
  MsidSemantic semantic{std::string(words.next()), {}};
  if (semantic.semantic.empty()) return Outcome::kMalformed;
  while (!words.done()) {
    if (semantic.msids.size() == kMaxItems) return Outcome::kTooMany;
    semantic.msids.emplace_back(words.next());
  }
  description.msid_semantics.push_back(std::move(semantic));
  return Outcome::kRead;
}

constexpr Row kTable[] = {
    {"group", "a=group:<semantics> <mid> ...", true, read_group},
    {"ice-lite", "a=ice-lite", false, read_flag<Description, &Description::ice_lite>},
    {"msid-semantic", "a=msid-semantic:<semantic> <id> ...", true, read_msid_semantic},
};

}  // namespace

Reading read_session_attribute(std::string_view name, std::optional<std::string_view> value,
                               Description& description) {
  const Reading reading = read_inheritable_attribute(name, value, description);
  if (reading.outcome != Outcome::kUnknown) return reading;
  return read_attribute<Description>(kTable, name, value, description);
}

}  // namespace floe::sdp
