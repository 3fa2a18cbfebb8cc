#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "floe/core/result.h"

namespace floe::http {

/// "https://host:port/path?query" (RFC 9110 section 4.2).
struct Url {
  bool secure = false;      ///< https
  std::string host;         ///< A name or an address, without the brackets of IPv6.
  std::uint16_t port = 80;  ///< 80 or, for https, 443 unless the text says otherwise.
  std::string target = "/";

  /// The error names what is wrong.
  [[nodiscard]] static Result<Url> parse(std::string_view text);
  /// What `reference`, as it stands in a response from here, means (RFC 3986 section 5.2).
  [[nodiscard]] Result<Url> resolve(std::string_view reference) const;

  /// The value of the Host field: without the scheme's own port.
  std::string authority() const;
  std::string to_string() const;
  bool operator==(const Url&) const = default;
};

}  // namespace floe::http
