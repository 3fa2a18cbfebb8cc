#include "floe/dtls/fingerprint.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "floe/core/check.h"
#include "floe/core/text.h"
#include "floe/crypto/crypto.h"

namespace floe::dtls {
namespace {

struct HashFunction {
  std::string_view name;
  std::size_t size;
  const EVP_MD* (*openssl)();
};

// Weakest first: a function's place here is its rank in RFC 8122 section 5.1.
constexpr std::array<HashFunction, 5> kHashFunctions = {{
    {"sha-1", 20, EVP_sha1},
    {"sha-224", 28, EVP_sha224},
    {"sha-256", 32, EVP_sha256},
    {"sha-384", 48, EVP_sha384},
    {"sha-512", 64, EVP_sha512},
}};

const HashFunction* find_hash_function(std::string_view name) {
  const auto found =
      std::find_if(kHashFunctions.begin(), kHashFunctions.end(),
                   [&](const HashFunction& f) { return equals_ignoring_case(f.name, name); });
  return found == kHashFunctions.end() ? nullptr : &*found;
}

std::vector<std::uint8_t> digest(const HashFunction& hash, Bytes data) {
  std::vector<std::uint8_t> out(hash.size);
  unsigned int size = 0;
  const int ok = EVP_Digest(data.data(), data.size(), out.data(), &size, hash.openssl(), nullptr);
  FLOE_CHECK(ok == 1 && size == hash.size);
  return out;
}

}  // namespace

Result<Fingerprint> Fingerprint::parse(std::string_view text) {
  text = trim(text);
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos) {
    return fail(Errc::kMalformed,
                "fingerprint '" + quoted(text) + "' is not a hash function and its value");
  }
  const std::string_view name = text.substr(0, space);
  const HashFunction* hash = find_hash_function(name);
  if (hash == nullptr) {
    return fail(Errc::kUnsupported,
                "fingerprint with hash function '" + quoted(name) + "' cannot be used");
  }
  const std::string_view digits = trim(text.substr(space));
  // 2UHEX *(":" 2UHEX), as many as the hash function has bytes (RFC 8122 section 5).
  if (digits.size() != hash->size * 3 - 1) {
    return fail(Errc::kMalformed, std::string(hash->name) + " fingerprint '" + quoted(digits) +
                                      "' does not have " + std::to_string(hash->size) + " bytes");
  }
  Fingerprint fingerprint{std::string(hash->name), {}};
  fingerprint.bytes.reserve(hash->size);
  for (std::size_t at = 0; at < digits.size(); at += 3) {
    const auto byte = from_hex(digits.substr(at, 2));
    const bool separated = at + 2 == digits.size() || digits[at + 2] == ':';
    if (!byte || !separated) {
      return fail(Errc::kMalformed, std::string(hash->name) + " fingerprint '" + quoted(digits) +
                                        "' is not hexadecimal bytes between colons");
    }
    fingerprint.bytes.push_back(byte->front());
  }
  return fingerprint;
}

Result<Fingerprint> Fingerprint::of(Bytes certificate, std::string_view algorithm) {
  const HashFunction* hash = find_hash_function(algorithm);
  if (hash == nullptr) {
    return fail(Errc::kUnsupported,
                "hash function '" + quoted(algorithm) + "' cannot make fingerprints; use sha-256");
  }
  return Fingerprint{std::string(hash->name), digest(*hash, certificate)};
}

std::string Fingerprint::value() const {
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string text;
  for (const std::uint8_t byte : bytes) {
    if (!text.empty()) text += ':';
    text += {kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return text;
}

std::string Fingerprint::to_string() const {
  return algorithm + ' ' + value();
}

bool matches(Bytes certificate, std::span<const Fingerprint> fingerprints) {
  const HashFunction* strongest = nullptr;
  for (const Fingerprint& fingerprint : fingerprints) {
    const HashFunction* hash = find_hash_function(fingerprint.algorithm);
    if (hash != nullptr && (strongest == nullptr || hash > strongest)) strongest = hash;
  }
  if (strongest == nullptr) return false;
  const std::vector<std::uint8_t> actual = digest(*strongest, certificate);
  return std::any_of(fingerprints.begin(), fingerprints.end(), [&](const Fingerprint& promised) {
    return equals_ignoring_case(promised.algorithm, strongest->name) &&
           crypto::constant_time_equal(promised.bytes, actual);
  });
}

}  // namespace floe::dtls
