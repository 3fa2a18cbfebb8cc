#include "floe/tls/internal/cookie_jar.h"

namespace floe::tls {

CookieJar::Cookie CookieJar::cookie_of(std::int64_t period) const {
  std::array<std::uint8_t, 22> fixed;
  ByteWriter writer(fixed);
  writer.u64(static_cast<std::uint64_t>(period));
  writer.u64(association_);
  writer.u16(client_.port);
  writer.u32(client_.address.scope_id());
  const Bytes parts[] = {fixed, client_.address.bytes()};
  return crypto::hmac_sha256(key_, parts);
}

}  // namespace floe::tls
