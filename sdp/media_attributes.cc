#include <algorithm>
#include <limits>
#include <string>

#include "floe/core/text.h"
#include "floe/sdp/attribute_reader.h"
#include "floe/sdp/grammar.h"
#include "floe/sdp/parser.h"

namespace floe::sdp {
namespace {

using Row = AttributeRow<Media>;

Outcome read_candidate(std::string_view value, Media& media) {
  media.candidates.emplace_back(value);
  return Outcome::kRead;
}

Outcome read_sctp_port(std::string_view value, Media& media) {
  const auto port = parse_decimal<std::uint16_t>(only_word(value));
  return port ? set_once(media.sctp_port, *port) : Outcome::kMalformed;
}

// RFC 8841 section 6.2 sets no upper bound. A size beyond 64 bits is one that nobody reaches, which
// the largest number says just as well.
Outcome read_max_message_size(std::string_view value, Media& media) {
  const std::string_view digits = only_word(value);
  const bool is_number = !digits.empty() && std::all_of(digits.begin(), digits.end(), [](char c) {
    return c >= '0' && c <= '9';
  });
  if (!is_number) return Outcome::kMalformed;
  return set_once(media.max_message_size, parse_decimal<std::uint64_t>(digits).value_or(
                                              std::numeric_limits<std::uint64_t>::max()));
}

Outcome read_sctpmap(std::string_view value, Media& media) {
  Words words(value);
  const auto port = parse_decimal<std::uint16_t>(words.next());
  Sctpmap map{port.value_or(0), std::string(words.next()), {}};
  if (!port || map.application.empty()) return Outcome::kMalformed;
  if (!words.done()) {
    map.streams = parse_decimal<std::uint32_t>(words.next());
    if (!map.streams || !words.done()) return Outcome::kMalformed;
  }
  return set_once(media.sctpmap, std::move(map));
}

constexpr Row kTable[] = {
    {"candidate", "a=candidate:<candidate>", true, read_candidate},
    {"mid", "a=mid:<mid>", true, read_word<Media, &Media::mid>},
    {"bundle-only", "a=bundle-only", false, read_flag<Media, &Media::bundle_only>},
    {"sctp-port", "a=sctp-port:<0 to 65535>", true, read_sctp_port},
    {"max-message-size", "a=max-message-size:<bytes>", true, read_max_message_size},
    {"sctpmap", "a=sctpmap:<port> <application> [<streams>]", true, read_sctpmap},
    {"sctp-init", "a=sctp-init:<text>", true, read_word<Media, &Media::sctp_init>},
};

}  // namespace

Reading read_media_attribute(std::string_view name, std::optional<std::string_view> value,
                             Media& media) {
  Reading reading = read_rtp_attribute(name, value, media);
  if (reading.outcome != Outcome::kUnknown) return reading;
  reading = read_inheritable_attribute(name, value, media);
  if (reading.outcome != Outcome::kUnknown) return reading;
  return read_attribute<Media>(kTable, name, value, media);
}

}  // namespace floe::sdp
