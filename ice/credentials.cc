#include "floe/ice/credentials.h"

#include <algorithm>

#include "floe/core/text.h"

namespace floe::ice {
namespace {

constexpr std::string_view kIceChars =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

Result<> validate_part(std::string_view name, std::string_view value, std::size_t min) {
  constexpr std::size_t kMax = 256;
  if (value.size() < min || value.size() > kMax) {
    return fail(Errc::kInvalidArgument, std::string(name) + " must have " + std::to_string(min) +
                                            " to 256 characters, has " +
                                            std::to_string(value.size()));
  }
  if (!std::all_of(value.begin(), value.end(), is_ice_char)) {
    return fail(Errc::kInvalidArgument,
                std::string(name) + " may hold letters, digits, + and / only: " + quoted(value));
  }
  return {};
}

}  // namespace

bool is_ice_char(char c) {
  return kIceChars.find(c) != std::string_view::npos;
}

Credentials Credentials::generate(Random& random) {
  return {random.text(8, kIceChars), random.text(24, kIceChars)};
}

Result<> validate(const Credentials& credentials) {
  if (auto ok = validate_part("ice-ufrag", credentials.ufrag, 4); !ok) return ok;
  return validate_part("ice-pwd", credentials.pwd, 22);
}

}  // namespace floe::ice
