#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "floe/http/message.h"

namespace floe::http {

/// One link of a Link field (RFC 8288 section 3).
struct Link {
  std::string target;  ///< Between "<" and ">".
  /// In their order; names in lower case, quotes taken off the values.
  std::vector<std::pair<std::string, std::string>> parameters;

  /// The first parameter of this (lower-case) name.
  std::optional<std::string_view> parameter(std::string_view name) const;
  /// Whether "rel" has this type among its words.
  bool has_relation(std::string_view type) const;
  std::string to_string() const;
  bool operator==(const Link&) const = default;
};

/// Links that one response can have; more are passed over.
inline constexpr std::size_t kMaxLinks = 32;

/// The links of every Link field. A field is read as far as it follows its grammar.
std::vector<Link> read_links(const Headers& headers);

}  // namespace floe::http
