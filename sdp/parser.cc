#include "floe/sdp/parser.h"

#include <string>
#include <utility>

#include "floe/core/text.h"
#include "floe/sdp/attribute_reader.h"
#include "floe/sdp/grammar.h"

namespace floe::sdp {
namespace {

/// Reads one text, line by line.
class Parser {
 public:
  Result<Description> parse(std::string_view text);
  /// `text` begins where a whole description has its first "a=" lines.
  Result<Description> parse_rest(std::string_view text);

 private:
  Result<> read_lines(std::string_view text);
  Result<> read_line(std::string_view line);
  Result<> read_opening(char type, std::string_view value);
  Result<> read_session_line(char type, std::string_view value);
  Result<> read_media_line(char type, std::string_view value);
  Result<> read_shared_line(char type, std::string_view value);
  Result<> read_media(std::string_view value);
  Result<> read_time_line(char type, std::string_view value);
  Result<> read_attribute_line(std::string_view value);

  InheritableLines& level() {
    return description_.media.empty() ? static_cast<InheritableLines&>(description_)
                                      : description_.media.back();
  }
  tl::unexpected<Error> refuse(const std::string& reason, Errc code = Errc::kMalformed) const {
    return fail(code, "line " + std::to_string(number_) + " " + quoted(line_) + ": " + reason);
  }
  tl::unexpected<Error> expected(std::string_view form) const {
    return refuse("expected " + std::string(form));
  }
  Result<> check_outcome(Outcome outcome, std::string_view form) const;

  Description description_;
  std::size_t number_ = 0;  ///< Of the line in the text, counting empty ones.
  std::size_t read_ = 0;    ///< Lines read, without empty ones.
  bool is_rest_ = false;
  std::string_view line_;
};

Result<Description> Parser::parse(std::string_view text) {
  description_.timings.clear();
  if (auto read = read_lines(text); !read) return forward(read);
  if (read_ < 3) {
    return fail(Errc::kMalformed,
                "the session description ends before its v=, o= and s= lines are complete");
  }
  if (description_.timings.empty()) {
    return fail(Errc::kMalformed, "the session description has no t= line");
  }
  return std::move(description_);
}

Result<Description> Parser::parse_rest(std::string_view text) {
  read_ = 3;
  is_rest_ = true;
  if (auto read = read_lines(text); !read) return forward(read);
  return std::move(description_);
}

Result<> Parser::read_lines(std::string_view text) {
  if (text.size() > kMaxTextSize) {
    return fail(Errc::kLimitExceeded, "the session description has " + std::to_string(text.size()) +
                                          " bytes, more than " + std::to_string(kMaxTextSize));
  }
  while (!text.empty()) {
    if (++number_ > kMaxLines) {
      return fail(Errc::kLimitExceeded,
                  "the session description has more than " + std::to_string(kMaxLines) + " lines");
    }
    const std::size_t end = text.find('\n');
    line_ = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line_.ends_with('\r')) line_.remove_suffix(1);
    if (line_.empty()) continue;
    if (auto read = read_line(line_); !read) return forward(read);
    ++read_;
  }
  return {};
}

Result<> Parser::read_line(std::string_view line) {
  if (line.size() < 2 || line[1] != '=') return expected("<letter>=<value>");
  if (line.find_first_of(std::string_view("\0\r", 2)) != std::string_view::npos) {
    return refuse("a line cannot hold NUL or CR");
  }
  const char type = line[0];
  const std::string_view value = line.substr(2);
  if (read_ < 3) return read_opening(type, value);
  if (type == 'm') return read_media(value);
  if (type == 'a') return read_attribute_line(value);
  return description_.media.empty() ? read_session_line(type, value) : read_media_line(type, value);
}

// RFC 8829 section 5.2.1: the first line is v=0, the second o=, the third s=.
Result<> Parser::read_opening(char type, std::string_view value) {
  if (read_ == 0) {
    if (type != 'v' || trim(value) != "0") return expected("v=0 as the first line");
    return {};
  }
  if (read_ == 1) {
    auto origin = parse_origin(value);
    if (type != 'o' || !origin) {
      return expected(
          "o=<username> <session id> <session version> IN <address type> <address> as the second "
          "line, its numbers below 2^64");
    }
    description_.origin = std::move(*origin);
    return {};
  }
  if (type != 's') return expected("s=<session name> as the third line");
  // "s=" is against RFC 8866 section 5.3 but occurs, if only because a trailing blank was lost. The
  // name means nothing, so it becomes the one that RFC 8829 asks for.
  description_.session_name = value.empty() ? "-" : value;
  return {};
}

Result<> Parser::read_session_line(char type, std::string_view value) {
  switch (type) {
    case 'u':
      return check_outcome(set_once(description_.uri, std::string(value)), {});
    case 'e':
      description_.emails.emplace_back(value);
      return {};
    case 'p':
      description_.phones.emplace_back(value);
      return {};
    case 'c': {
      auto connection = parse_connection(value);
      if (!connection) return expected("c=IN <address type> <address>");
      return check_outcome(set_once(description_.connection, std::move(*connection)), {});
    }
    case 't':
    case 'r':
    case 'z':
      return read_time_line(type, value);
    default:
      return read_shared_line(type, value);
  }
}

Result<> Parser::read_time_line(char type, std::string_view value) {
  auto& timings = description_.timings;
  if (type == 't') {
    auto timing = parse_timing(value);
    if (!timing) return expected("t=<start> <stop>");
    timings.push_back(std::move(*timing));
    return {};
  }
  if (timings.empty()) return refuse("no t= line stands before it");
  if (type == 'r') {
    timings.back().repeats.emplace_back(value);
    return {};
  }
  // RFC 8866 section 5.11: "z=" adjusts the "r=" lines right before it.
  if (timings.back().repeats.empty()) return refuse("no r= line stands before it");
  return check_outcome(set_once(timings.back().zone, std::string(value)), {});
}

Result<> Parser::read_media_line(char type, std::string_view value) {
  if (type != 'c') return read_shared_line(type, value);
  auto connection = parse_connection(value);
  if (!connection) return expected("c=IN <address type> <address>");
  description_.media.back().connections.push_back(std::move(*connection));
  return {};
}

Result<> Parser::read_shared_line(char type, std::string_view value) {
  switch (type) {
    case 'i':
      return check_outcome(set_once(level().information, std::string(value)), {});
    case 'b': {
      auto bandwidth = parse_bandwidth(value);
      if (!bandwidth) return expected("b=<type>:<number>");
      level().bandwidths.push_back(std::move(*bandwidth));
      return {};
    }
    case 'k':
      return check_outcome(set_once(level().key, std::string(value)), {});
    default:
      // RFC 8866 section 5: a description with a letter we do not understand must be refused.
      return refuse(description_.media.empty() ? "no such line at session level"
                                               : "no such line in a media section");
  }
}

// RFC 8866 section 5.14.
Result<> Parser::read_media(std::string_view value) {
  if (description_.media.size() == kMaxMedia) {
    return refuse("more than " + std::to_string(kMaxMedia) + " media sections",
                  Errc::kLimitExceeded);
  }
  Words words(value);
  Media media;
  media.media = words.next();
  const std::string_view transport = words.next();
  const std::size_t slash = transport.find('/');
  const auto port = parse_decimal<std::uint16_t>(transport.substr(0, slash));
  const auto count = slash == std::string_view::npos
                         ? std::optional<std::uint32_t>(1)
                         : parse_decimal<std::uint32_t>(transport.substr(slash + 1));
  media.protocol = words.next();
  if (!port || !count || *count == 0 || words.done()) {
    return expected("m=<media> <port>[/<number of ports>] <protocol> <format> ...");
  }
  auto formats = word_list(words.rest());
  if (!formats) {
    return refuse("more than " + std::to_string(kMaxItems) + " formats", Errc::kLimitExceeded);
  }
  media.port = *port;
  media.port_count = *count;
  media.formats = std::move(*formats);
  description_.media.push_back(std::move(media));
  return {};
}

Result<> Parser::read_attribute_line(std::string_view value) {
  // Firefox tells of the end of candidates by an empty one, and clients put that into a fragment.
  if (is_rest_ && value.empty()) return {};
  auto attribute = parse_attribute(value);
  if (!attribute) return expected("a=<name> or a=<name>:<value>");
  const std::string_view name = attribute->value ? attribute->name : trim(attribute->name);
  const Reading reading =
      description_.media.empty()
          ? read_session_attribute(name, attribute->value, description_)
          : read_media_attribute(name, attribute->value, description_.media.back());
  if (reading.outcome != Outcome::kUnknown) return check_outcome(reading.outcome, reading.form);
  level().attributes.push_back(std::move(*attribute));
  return {};
}

Result<> Parser::check_outcome(Outcome outcome, std::string_view form) const {
  switch (outcome) {
    case Outcome::kRead:
    case Outcome::kUnknown:
      return {};
    case Outcome::kMalformed:
      return expected(form);
    case Outcome::kContradicts:
      return refuse("an earlier line of the same kind says otherwise");
    case Outcome::kTooMany:
      return refuse("more than " + std::to_string(kMaxItems) + " of them", Errc::kLimitExceeded);
  }
  return {};
}

}  // namespace

Result<Description> parse(std::string_view text) {
  return Parser().parse(text);
}

Result<Description> parse_rest(std::string_view text) {
  return Parser().parse_rest(text);
}

}  // namespace floe::sdp
