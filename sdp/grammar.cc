#include "floe/sdp/grammar.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "floe/core/text.h"
#include "floe/sdp/parser.h"

namespace floe::sdp {
namespace {

constexpr std::string_view kBlank = " \t";

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_hex_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/// The bytes of a digest, 0 for algorithms we do not know.
std::size_t digest_size(std::string_view algorithm) {
  constexpr std::pair<std::string_view, std::size_t> kSizes[] = {
      {"sha-256", 32}, {"sha-1", 20}, {"sha-224", 28}, {"sha-384", 48},
      {"sha-512", 64}, {"md5", 16},   {"md2", 16}};
  for (const auto& [name, size] : kSizes) {
    if (name == algorithm) return size;
  }
  return 0;
}

/// "AB:CD:..." of at least one pair.
bool is_hex_pairs(std::string_view text) {
  if (text.size() % 3 != 2) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i % 3 == 2 ? text[i] != ':' : !is_hex_digit(text[i])) return false;
  }
  return true;
}

}  // namespace

std::string_view Words::next() {
  const std::size_t start = text_.find_first_not_of(kBlank);
  if (start == std::string_view::npos) return text_ = {};
  text_.remove_prefix(start);
  const std::string_view word = text_.substr(0, text_.find_first_of(kBlank));
  text_.remove_prefix(word.size());
  return word;
}

std::string_view Words::rest() {
  return trim(std::exchange(text_, {}));
}

bool Words::done() const {
  return text_.find_first_not_of(kBlank) == std::string_view::npos;
}

std::string_view only_word(std::string_view text) {
  Words words(text);
  const std::string_view word = words.next();
  return words.done() ? word : std::string_view{};
}

std::optional<std::vector<std::string>> word_list(std::string_view text) {
  std::vector<std::string> list;
  for (Words words(text); !words.done();) {
    if (list.size() == kMaxItems) return std::nullopt;
    list.emplace_back(words.next());
  }
  if (list.empty()) return std::nullopt;
  return list;
}

bool is_token(std::string_view text) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`{|}~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return is_alphanumeric(c) || kOthers.find(c) != std::string_view::npos;
  });
}

bool is_ice_text(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return is_alphanumeric(c) || c == '+' || c == '/';
  });
}

std::optional<Attribute> parse_attribute(std::string_view text) {
  const std::size_t colon = text.find(':');
  Attribute attribute{std::string(text.substr(0, colon)), std::nullopt};
  if (attribute.name.empty()) return std::nullopt;
  if (colon != std::string_view::npos) attribute.value = text.substr(colon + 1);
  return attribute;
}

std::optional<Origin> parse_origin(std::string_view text) {
  Words words(text);
  Origin origin;
  origin.username = words.next();
  const auto id = parse_decimal<std::uint64_t>(words.next());
  const auto version = parse_decimal<std::uint64_t>(words.next());
  origin.network_type = words.next();
  origin.address_type = words.next();
  origin.address = words.next();
  if (!id || !version || origin.address.empty() || !words.done()) return std::nullopt;
  origin.session_id = *id;
  origin.session_version = *version;
  return origin;
}

std::optional<Connection> parse_connection(std::string_view text) {
  Words words(text);
  Connection connection;
  connection.network_type = words.next();
  connection.address_type = words.next();
  connection.address = words.rest();
  if (connection.address.empty()) return std::nullopt;
  return connection;
}

std::optional<Bandwidth> parse_bandwidth(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto value = parse_decimal<std::uint64_t>(trim(text.substr(colon + 1)));
  const std::string_view type = trim(text.substr(0, colon));
  if (!value || type.empty()) return std::nullopt;
  return Bandwidth{std::string(type), *value};
}

std::optional<Timing> parse_timing(std::string_view text) {
  Words words(text);
  const auto start = parse_decimal<std::uint64_t>(words.next());
  const auto stop = parse_decimal<std::uint64_t>(words.next());
  if (!start || !stop || !words.done()) return std::nullopt;
  return Timing{*start, *stop, {}, {}};
}

std::optional<Fingerprint> parse_fingerprint(std::string_view text) {
  Words words(text);
  Fingerprint fingerprint{to_lower(words.next()), std::string(words.next())};
  if (!words.done() || !is_hex_pairs(fingerprint.value)) return std::nullopt;
  // A digest of the wrong length could never match: better to say so now than after a handshake.
  const std::size_t size = digest_size(fingerprint.algorithm);
  if (size != 0 && fingerprint.value.size() != size * 3 - 1) return std::nullopt;
  // RFC 8122 section 5 writes upper case; some peers do not.
  for (char& c : fingerprint.value) {
    if (c >= 'a' && c <= 'f') c = static_cast<char>(c - 'a' + 'A');
  }
  return fingerprint;
}

std::optional<Setup> parse_setup(std::string_view text) {
  for (const Setup setup : {Setup::kActpass, Setup::kActive, Setup::kPassive, Setup::kHoldconn}) {
    if (text == to_string(setup)) return setup;
  }
  return std::nullopt;
}

std::optional<Direction> parse_direction(std::string_view text) {
  for (const Direction direction :
       {Direction::kSendrecv, Direction::kSendonly, Direction::kRecvonly, Direction::kInactive}) {
    if (text == to_string(direction)) return direction;
  }
  return std::nullopt;
}

}  // namespace floe::sdp
