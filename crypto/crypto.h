#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "floe/core/bytes.h"
#include "floe/core/random.h"

// The primitives that the protocols name, over OpenSSL's libcrypto (only crypto.cc sees it).
namespace floe::crypto {

using Md5 = std::array<std::uint8_t, 16>;
using Sha1 = std::array<std::uint8_t, 20>;
using Sha256 = std::array<std::uint8_t, 32>;

/// Digests and MACs over the concatenation of `parts`.
Md5 md5(Bytes data);
Sha1 sha1(Bytes data);
Sha256 sha256(Bytes data);
Sha1 hmac_sha1(Bytes key, std::span<const Bytes> parts);
Sha256 hmac_sha256(Bytes key, std::span<const Bytes> parts);

/// A SHA-256 fed piece by piece, for files that do not fit in memory.
class Sha256Stream {
 public:
  Sha256Stream();
  ~Sha256Stream();
  Sha256Stream(const Sha256Stream&) = delete;
  Sha256Stream& operator=(const Sha256Stream&) = delete;
  void update(Bytes data);
  /// The digest of everything so far; the stream can be fed no further.
  Sha256 finish();

 private:
  void* context_;
};

/// True if both are equal; takes the same time wherever they differ.
bool constant_time_equal(Bytes a, Bytes b);

/// Overwrites a secret in a way the compiler may not drop.
void wipe(MutableBytes secret);

/// CRC-32 as in IEEE 802.3 and zlib (STUN's FINGERPRINT).
std::uint32_t crc32(Bytes data);

/// CRC-32C (Castagnoli), SCTP's checksum: with the CPU's instruction where it has one.
std::uint32_t crc32c(Bytes data, std::uint32_t previous = 0);

/// Cryptographically strong random bytes from OpenSSL's generator, for real networks.
class SystemRandom final : public Random {
 public:
  void fill(MutableBytes out) override;
};

}  // namespace floe::crypto
