#include "floe/stun_client/credentials.h"

#include "floe/core/text.h"
#include "floe/crypto/crypto.h"

namespace floe::stun {
namespace {

constexpr std::string_view kCookiePrefix = "obMatJos2";  // RFC 8489 section 9.2
constexpr std::size_t kCookieFeatures = 4;               // 24 bits in base64

/// The code point at `at` of well-formed UTF-8, and how many bytes it takes.
struct CodePoint {
  std::uint32_t value;
  std::size_t size;
};
CodePoint code_point_at(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[at + i]); };
  const std::uint8_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t size = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  std::uint32_t value = lead & (0x7fu >> size);
  for (std::size_t i = 1; i < size; ++i) value = value << 6 | (byte(i) & 0x3fu);
  return {value, size};
}

/// Unicode's category Zs without U+0020 (RFC 8265 section 4.2.2: mapped to U+0020).
bool is_non_ascii_space(std::uint32_t c) {
  return c == 0x00a0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x202f || c == 0x205f ||
         c == 0x3000;
}

/// RFC 8264 section 4.3.3: controls and characters with the property Default_Ignorable_Code_Point
/// (of which the everyday ones stand here) have no place in the FreeformClass.
bool is_disallowed(std::uint32_t c) {
  const bool control = c < 0x20 || (c >= 0x7f && c < 0xa0);
  const bool ignorable = c == 0x00ad || (c >= 0x200b && c <= 0x200f) ||
                         (c >= 0x202a && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) ||
                         c == 0xfeff;
  const bool noncharacter = (c & 0xfffe) == 0xfffe || (c >= 0xfdd0 && c <= 0xfdef);
  return control || ignorable || noncharacter;
}

std::string_view without_trailing_zeros(std::string_view text) {
  while (text.ends_with('\0')) text.remove_suffix(1);
  return text;
}

std::string_view without_quotes(std::string_view text) {
  if (text.size() >= 2 && text.starts_with('"') && text.ends_with('"')) {
    return text.substr(1, text.size() - 2);
  }
  return text;
}

Result<std::string> prepared(std::string_view what, std::string_view text) {
  Result<std::string> opaque = opaque_string(without_trailing_zeros(text));
  if (!opaque) opaque.error().message = std::string(what) + ": " + opaque.error().message;
  return opaque;
}

}  // namespace

Result<std::string> opaque_string(std::string_view text) {
  if (text.empty()) return fail(Errc::kMalformed, "the text is empty");
  if (!is_utf8(as_bytes(text))) return fail(Errc::kMalformed, "the text is not UTF-8");
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = code_point_at(text, at);
    if (is_disallowed(c.value)) {
      return fail(Errc::kMalformed,
                  "the text has a control or invisible character at byte " + std::to_string(at));
    }
    if (is_non_ascii_space(c.value)) {
      out += ' ';
    } else {
      out += text.substr(at, c.size);
    }
    at += c.size;
  }
  return out;
}

Result<Key> short_term_key(std::string_view password) {
  const Result<std::string> prepared_password = prepared("password", password);
  if (!prepared_password) return forward(prepared_password);
  return to_vector(as_bytes(*prepared_password));
}

Result<Key> long_term_key(std::string_view username, std::string_view realm,
                          std::string_view password, PasswordAlgorithm algorithm) {
  const Result<std::string> user = prepared("username", without_quotes(username));
  if (!user) return forward(user);
  const Result<std::string> prepared_realm = prepared("realm", without_quotes(realm));
  if (!prepared_realm) return forward(prepared_realm);
  const Result<std::string> prepared_password = prepared("password", password);
  if (!prepared_password) return forward(prepared_password);

  const std::string text = *user + ':' + *prepared_realm + ':' + *prepared_password;
  if (algorithm == PasswordAlgorithm::kSha256) return to_vector(crypto::sha256(as_bytes(text)));
  return to_vector(crypto::md5(as_bytes(text)));
}

Result<std::array<std::uint8_t, 32>> user_hash(std::string_view username, std::string_view realm) {
  const Result<std::string> user = prepared("username", username);
  if (!user) return forward(user);
  const Result<std::string> prepared_realm = prepared("realm", realm);
  if (!prepared_realm) return forward(prepared_realm);
  return crypto::sha256(as_bytes(*user + ':' + *prepared_realm));
}

std::string nonce_cookie(SecurityFeatures features) {
  // RFC 8489 section 18.1: bit 0 is the most significant bit of the first byte.
  const std::uint8_t first = static_cast<std::uint8_t>((features.password_algorithms ? 0x80 : 0) |
                                                       (features.username_anonymity ? 0x40 : 0));
  const std::array<std::uint8_t, 3> bits{first, 0, 0};
  return std::string(kCookiePrefix) + to_base64(bits);
}

SecurityFeatures security_features(std::string_view nonce) {
  if (!nonce.starts_with(kCookiePrefix)) return {};
  const auto bits = from_base64(nonce.substr(kCookiePrefix.size(), kCookieFeatures));
  if (!bits || bits->size() != 3) return {};
  return {((*bits)[0] & 0x80) != 0, ((*bits)[0] & 0x40) != 0};
}

}  // namespace floe::stun
