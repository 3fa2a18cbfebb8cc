#include "floe/dtls/srtp_profile.h"

namespace floe::dtls {

std::string_view to_string(SrtpProfile profile) {
  switch (profile) {
    case SrtpProfile::kAes128CmHmacSha1_80:
      return "SRTP_AES128_CM_HMAC_SHA1_80";
    case SrtpProfile::kAes128CmHmacSha1_32:
      return "SRTP_AES128_CM_HMAC_SHA1_32";
    case SrtpProfile::kAeadAes128Gcm:
      return "SRTP_AEAD_AES_128_GCM";
    case SrtpProfile::kAeadAes256Gcm:
      return "SRTP_AEAD_AES_256_GCM";
  }
  return "unknown SRTP profile";
}

std::optional<SrtpProfile> srtp_profile(std::uint16_t number) {
  switch (const auto profile = static_cast<SrtpProfile>(number)) {
    case SrtpProfile::kAes128CmHmacSha1_80:
    case SrtpProfile::kAes128CmHmacSha1_32:
    case SrtpProfile::kAeadAes128Gcm:
    case SrtpProfile::kAeadAes256Gcm:
      return profile;
  }
  return std::nullopt;
}

std::size_t master_key_size(SrtpProfile profile) {
  return profile == SrtpProfile::kAeadAes256Gcm ? 32 : 16;
}

std::size_t master_salt_size(SrtpProfile profile) {
  switch (profile) {
    case SrtpProfile::kAeadAes128Gcm:
    case SrtpProfile::kAeadAes256Gcm:
      return 12;  // RFC 7714 section 12
    case SrtpProfile::kAes128CmHmacSha1_80:
    case SrtpProfile::kAes128CmHmacSha1_32:
      break;
  }
  return 14;  // RFC 3711 section 8.2
}

}  // namespace floe::dtls
