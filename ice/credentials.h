#pragma once

#include <string>
#include <string_view>

#include "floe/core/random.h"
#include "floe/core/result.h"

namespace floe::ice {

/// The username fragment and password of one side of one ICE generation (RFC 8445 section 5.3).
struct Credentials {
  std::string ufrag;
  std::string pwd;

  /// 8 and 24 ice-chars: 48 and 144 random bits, where RFC 8445 section 5.3 asks for 24 and 128.
  static Credentials generate(Random& random);
  friend bool operator==(const Credentials&, const Credentials&) = default;
};

/// Checks the length (ufrag 4..256, pwd 22..256) and the characters (ice-char) that RFC 8839
/// section 5.4 allows; the error names the one that is wrong.
[[nodiscard]] Result<> validate(const Credentials& credentials);

/// ALPHA / DIGIT / "+" / "/"
bool is_ice_char(char c);

}  // namespace floe::ice
