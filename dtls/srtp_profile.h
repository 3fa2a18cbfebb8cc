#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace floe::dtls {

/// SRTP protection profiles of the `use_srtp` extension, by their IANA numbers
/// (RFC 5764 section 4.1.2, RFC 7714 section 14.2).
enum class SrtpProfile : std::uint16_t {
  kAes128CmHmacSha1_80 = 0x0001,
  kAes128CmHmacSha1_32 = 0x0002,
  kAeadAes128Gcm = 0x0007,
  kAeadAes256Gcm = 0x0008,
};

/// The registered name, e.g. "SRTP_AEAD_AES_128_GCM".
std::string_view to_string(SrtpProfile profile);
/// The profile of a registered number, if floe does it.
std::optional<SrtpProfile> srtp_profile(std::uint16_t number);

/// Bytes of master key and of master salt.
std::size_t master_key_size(SrtpProfile profile);
std::size_t master_salt_size(SrtpProfile profile);

/// Master keys and salts of an SRTP session (RFC 5764 section 4.2). Each side protects with its own
/// role's pair and unprotects with the other's. Wipe them once they are handed to SRTP.
struct SrtpKeys {
  SrtpProfile profile = SrtpProfile::kAes128CmHmacSha1_80;
  std::vector<std::uint8_t> client_key;
  std::vector<std::uint8_t> client_salt;
  std::vector<std::uint8_t> server_key;
  std::vector<std::uint8_t> server_salt;
};

}  // namespace floe::dtls
