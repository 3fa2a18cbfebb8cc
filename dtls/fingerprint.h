#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "floe/core/bytes.h"
#include "floe/core/result.h"

namespace floe::dtls {

/// SDP's `fingerprint` attribute value (RFC 8122 section 5): the hash of a certificate's DER form.
struct Fingerprint {
  std::string algorithm;            ///< Hash function's textual name in lower case: "sha-256".
  std::vector<std::uint8_t> bytes;  ///< As many as the hash function has.

  /// Reads "sha-256 AB:CD:...", names and digits in either case. A hash function floe does not
  /// know, or must not use (MD2 and MD5), is `kUnsupported`: such an attribute is to be skipped,
  /// another one beside it may be usable. Everything else wrong is `kMalformed`.
  static Result<Fingerprint> parse(std::string_view text);

  /// The hash of `certificate` (DER). `algorithm` is one of sha-1, sha-224, sha-256, sha-384 and
  /// sha-512, in either case.
  static Result<Fingerprint> of(Bytes certificate, std::string_view algorithm = "sha-256");

  /// "AB:CD:...", upper-case digits.
  std::string value() const;
  /// "sha-256 AB:CD:...": the algorithm and the value.
  std::string to_string() const;

  friend bool operator==(const Fingerprint&, const Fingerprint&) = default;
};

/// Whether `certificate` (DER) is one that `fingerprints` promise. As RFC 8122 section 5.1 has it,
/// only those made with the strongest hash function among them count, and one of those must match;
/// so a stripped-down collision on SHA-1 does not help an attacker beside a SHA-256.
bool matches(Bytes certificate, std::span<const Fingerprint> fingerprints);

}  // namespace floe::dtls
