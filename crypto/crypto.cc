#include "floe/crypto/crypto.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include "floe/core/check.h"

namespace floe::crypto {
namespace {

template <std::size_t Size>
std::array<std::uint8_t, Size> digest(const EVP_MD* algorithm, Bytes data) {
  std::array<std::uint8_t, Size> out;
  unsigned size = 0;
  FLOE_CHECK(EVP_Digest(data.data(), data.size(), out.data(), &size, algorithm, nullptr) == 1);
  FLOE_CHECK(size == Size);
  return out;
}

template <std::size_t Size>
std::array<std::uint8_t, Size> hmac(const char* algorithm, Bytes key,
                                    std::span<const Bytes> parts) {
  static constexpr std::uint8_t kEmptyKey = 0;  // OpenSSL takes a null key for "same as before"
  static EVP_MAC* const mac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  FLOE_CHECK(mac != nullptr);
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string("digest", const_cast<char*>(algorithm), 0),
      OSSL_PARAM_construct_end()};
  std::array<std::uint8_t, Size> out;
  std::size_t size = 0;
  EVP_MAC_CTX* context = EVP_MAC_CTX_new(mac);
  FLOE_CHECK(context != nullptr);
  bool ok =
      EVP_MAC_init(context, key.empty() ? &kEmptyKey : key.data(), key.size(), parameters) == 1;
  for (const Bytes part : parts) ok = ok && EVP_MAC_update(context, part.data(), part.size()) == 1;
  ok = ok && EVP_MAC_final(context, out.data(), &size, out.size()) == 1;
  EVP_MAC_CTX_free(context);
  FLOE_CHECK(ok && size == Size);
  return out;
}

}  // namespace

Md5 md5(Bytes data) {
  return digest<16>(EVP_md5(), data);
}
Sha1 sha1(Bytes data) {
  return digest<20>(EVP_sha1(), data);
}
Sha256 sha256(Bytes data) {
  return digest<32>(EVP_sha256(), data);
}

Sha1 hmac_sha1(Bytes key, std::span<const Bytes> parts) {
  return hmac<20>("SHA1", key, parts);
}
Sha256 hmac_sha256(Bytes key, std::span<const Bytes> parts) {
  return hmac<32>("SHA256", key, parts);
}

Sha256Stream::Sha256Stream() : context_(EVP_MD_CTX_new()) {
  FLOE_CHECK(context_ != nullptr);
  FLOE_CHECK(EVP_DigestInit_ex(static_cast<EVP_MD_CTX*>(context_), EVP_sha256(), nullptr) == 1);
}
Sha256Stream::~Sha256Stream() {
  EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(context_));
}

void Sha256Stream::update(Bytes data) {
  FLOE_CHECK(EVP_DigestUpdate(static_cast<EVP_MD_CTX*>(context_), data.data(), data.size()) == 1);
}

Sha256 Sha256Stream::finish() {
  Sha256 out;
  unsigned size = 0;
  FLOE_CHECK(EVP_DigestFinal_ex(static_cast<EVP_MD_CTX*>(context_), out.data(), &size) == 1);
  return out;
}

bool constant_time_equal(Bytes a, Bytes b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

void wipe(MutableBytes secret) {
  OPENSSL_cleanse(secret.data(), secret.size());
}

void SystemRandom::fill(MutableBytes out) {
  // RAND_bytes fails only when the operating system has no entropy source: nothing sent after that
  // would be safe.
  FLOE_CHECK(RAND_bytes(out.data(), static_cast<int>(out.size())) == 1);
}

}  // namespace floe::crypto
