#include <string>

#include "floe/core/text.h"
#include "floe/sdp/attribute_reader.h"
#include "floe/sdp/grammar.h"
#include "floe/sdp/parser.h"

namespace floe::sdp {
namespace {

using Row = AttributeRow<InheritableLines>;

Outcome read_ice_options(std::string_view value, InheritableLines& level) {
  // RFC 8839 section 5.6 separates options with blanks; some peers use commas. Commas are no
  // <ice-char>, so nothing can be misread.
  std::size_t count = 0;
  for (const std::string_view part : split(value, ',')) {
    for (Words words(part); !words.done(); ++count) {
      if (level.ice_options.size() == kMaxItems) return Outcome::kTooMany;
      level.ice_options.emplace_back(words.next());
    }
  }
  return count == 0 ? Outcome::kMalformed : Outcome::kRead;
}

Outcome read_fingerprint(std::string_view value, InheritableLines& level) {
  auto fingerprint = parse_fingerprint(value);
  if (!fingerprint) return Outcome::kMalformed;
  level.fingerprints.push_back(std::move(*fingerprint));
  return Outcome::kRead;
}

Outcome read_setup(std::string_view value, InheritableLines& level) {
  const auto setup = parse_setup(only_word(value));
  return setup ? set_once(level.setup, *setup) : Outcome::kMalformed;
}

template <Direction direction>
Outcome read_direction(std::string_view, InheritableLines& level) {
  return set_once(level.direction, direction);
}

// RFC 8285 section 8. Which ids RTP can carry, and whether an id is used twice, matters to whoever
// sends RTP: an offer may well name alternatives beyond 4095 (section 7).
Outcome read_extmap(std::string_view value, InheritableLines& level) {
  Words words(value);
  const std::string_view entry = words.next();
  const std::size_t slash = entry.find('/');
  Extmap extmap;
  const auto id = parse_decimal<std::uint16_t>(entry.substr(0, slash));
  if (!id) return Outcome::kMalformed;
  extmap.id = *id;
  if (slash != std::string_view::npos) {
    extmap.direction = parse_direction(entry.substr(slash + 1));
    if (!extmap.direction) return Outcome::kMalformed;
  }
  extmap.uri = words.next();
  if (extmap.uri.empty()) return Outcome::kMalformed;
  extmap.attributes = words.rest();
  level.extmaps.push_back(std::move(extmap));
  return Outcome::kRead;
}

constexpr Row kTable[] = {
    {"ice-ufrag", "a=ice-ufrag:<text>", true,
     read_word<InheritableLines, &InheritableLines::ice_ufrag>},
    {"ice-pwd", "a=ice-pwd:<text>", true, read_word<InheritableLines, &InheritableLines::ice_pwd>},
    {"ice-options", "a=ice-options:<option> ...", true, read_ice_options},
    {"fingerprint", "a=fingerprint:<hash function> <XX:XX:... of that function's length>", true,
     read_fingerprint},
    {"setup", "a=setup:actpass, active, passive or holdconn", true, read_setup},
    {"tls-id", "a=tls-id:<text>", true, read_word<InheritableLines, &InheritableLines::tls_id>},
    {"sendrecv", "a=sendrecv", false, read_direction<Direction::kSendrecv>},
    {"sendonly", "a=sendonly", false, read_direction<Direction::kSendonly>},
    {"recvonly", "a=recvonly", false, read_direction<Direction::kRecvonly>},
    {"inactive", "a=inactive", false, read_direction<Direction::kInactive>},
    {"extmap", "a=extmap:<id>[/<direction>] <URI> [<attributes>]", true, read_extmap},
    {"extmap-allow-mixed", "a=extmap-allow-mixed", false,
     read_flag<InheritableLines, &InheritableLines::extmap_allow_mixed>},
    {"end-of-candidates", "a=end-of-candidates", false,
     read_flag<InheritableLines, &InheritableLines::end_of_candidates>},
};

}  // namespace

Reading read_inheritable_attribute(std::string_view name, std::optional<std::string_view> value,
                                   InheritableLines& level) {
  return read_attribute<InheritableLines>(kTable, name, value, level);
}

}  // namespace floe::sdp
