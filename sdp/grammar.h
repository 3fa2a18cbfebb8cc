#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "floe/sdp/attributes.h"

// The pieces of text that several lines share.
namespace floe::sdp {

/// Takes a line apart at its blanks.
class Words {
 public:
  explicit Words(std::string_view text) : text_(text) {}

  /// The next word; empty once there is none.
  std::string_view next();
  /// All that is left, without the blanks around it.
  std::string_view rest();
  bool done() const;

 private:
  std::string_view text_;
};

/// The only word of `text`; empty when there is none or another follows.
std::string_view only_word(std::string_view text);
/// All words of `text`, absent when there are none or more than `kMaxItems`.
std::optional<std::vector<std::string>> word_list(std::string_view text);

/// A token of RFC 8866 section 9.
bool is_token(std::string_view text);
/// One or more <ice-char> of RFC 8839 section 5.1.
bool is_ice_text(std::string_view text);

/// `name[:value]`; absent when the name is empty.
std::optional<Attribute> parse_attribute(std::string_view text);
std::optional<Origin> parse_origin(std::string_view text);
std::optional<Connection> parse_connection(std::string_view text);
std::optional<Bandwidth> parse_bandwidth(std::string_view text);
std::optional<Timing> parse_timing(std::string_view text);
std::optional<Fingerprint> parse_fingerprint(std::string_view text);
std::optional<Setup> parse_setup(std::string_view text);
std::optional<Direction> parse_direction(std::string_view text);

}  // namespace floe::sdp
