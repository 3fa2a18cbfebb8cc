#include "floe/dtls/last_alert.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/objects.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <memory>
#include <span>

#include "floe/core/bytes.h"
#include "floe/crypto/crypto.h"
#include "floe/dtls/record.h"

namespace floe::dtls {
namespace {

// The last sequence number of an epoch: no other record ever has it.
constexpr std::uint64_t kLastSequence = (std::uint64_t{1} << 48) - 1;
constexpr std::uint16_t kVersion12 = 0xfefd;
constexpr std::size_t kAlertSize = 2;
constexpr std::size_t kTagSize = 16;
constexpr std::size_t kNonceSize = 12;

struct Aead {
  const EVP_CIPHER* cipher;
  std::size_t key_size;
  std::size_t fixed_iv_size;
  std::size_t explicit_nonce_size;
};

std::optional<Aead> aead_of(const SSL* ssl) {
  switch (SSL_CIPHER_get_cipher_nid(SSL_get_current_cipher(ssl))) {
    case NID_aes_128_gcm:  // RFC 5288 section 3
      return Aead{EVP_aes_128_gcm(), 16, 4, 8};
    case NID_aes_256_gcm:
      return Aead{EVP_aes_256_gcm(), 32, 4, 8};
    case NID_chacha20_poly1305:  // RFC 7905 section 2
      return Aead{EVP_chacha20_poly1305(), 32, 12, 0};
    default:
      return std::nullopt;
  }
}

// RFC 5246 section 6.3: PRF(master_secret, "key expansion", server_random + client_random).
bool derive_key_block(const SSL* ssl, MutableBytes block) {
  std::array<std::uint8_t, SSL_MAX_MASTER_KEY_LENGTH> master;
  const std::size_t master_size =
      SSL_SESSION_get_master_key(SSL_get_session(ssl), master.data(), master.size());
  std::array<std::uint8_t, 13 + 2 * SSL3_RANDOM_SIZE> seed;
  ByteWriter writer(seed);
  writer.bytes(as_bytes("key expansion"));
  SSL_get_server_random(ssl, seed.data() + 13, SSL3_RANDOM_SIZE);
  SSL_get_client_random(ssl, seed.data() + 13 + SSL3_RANDOM_SIZE, SSL3_RANDOM_SIZE);

  std::string digest =
      EVP_MD_get0_name(SSL_CIPHER_get_handshake_digest(SSL_get_current_cipher(ssl)));
  const std::array<OSSL_PARAM, 4> parameters = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest.data(), 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, master.data(), master_size),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, seed.data(), seed.size()),
      OSSL_PARAM_construct_end()};
  EVP_KDF* kdf = EVP_KDF_fetch(nullptr, OSSL_KDF_NAME_TLS1_PRF, nullptr);
  EVP_KDF_CTX* context = EVP_KDF_CTX_new(kdf);
  const bool ok = context != nullptr &&
                  EVP_KDF_derive(context, block.data(), block.size(), parameters.data()) == 1;
  EVP_KDF_CTX_free(context);
  EVP_KDF_free(kdf);
  crypto::wipe(master);
  return ok;
}

// `out` gets the ciphertext and then the tag.
bool seal(const Aead& aead, Bytes key, Bytes nonce, Bytes additional, Bytes plaintext,
          MutableBytes out) {
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
  int size = 0;
  const bool ok =
      context != nullptr &&
      EVP_EncryptInit_ex(context, aead.cipher, nullptr, key.data(), nonce.data()) == 1 &&
      EVP_EncryptUpdate(context, nullptr, &size, additional.data(),
                        static_cast<int>(additional.size())) == 1 &&
      EVP_EncryptUpdate(context, out.data(), &size, plaintext.data(),
                        static_cast<int>(plaintext.size())) == 1 &&
      EVP_EncryptFinal_ex(context, out.data() + plaintext.size(), &size) == 1 &&
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kTagSize,
                          out.data() + plaintext.size()) == 1;
  EVP_CIPHER_CTX_free(context);
  return ok;
}

}  // namespace

std::vector<std::uint8_t> unencrypted_alert(std::uint8_t level, std::uint8_t description) {
  std::vector<std::uint8_t> record(Record::kHeaderSize + kAlertSize);
  ByteWriter writer(record);
  writer.u8(static_cast<std::uint8_t>(ContentType::kAlert));
  writer.u16(kVersion12);
  writer.u64(kLastSequence);  // epoch 0
  writer.u16(kAlertSize);
  writer.u8(level);
  writer.u8(description);
  return record;
}

std::optional<std::vector<std::uint8_t>> sealed_alert(ssl_st* ssl, std::uint8_t level,
                                                      std::uint8_t description) {
  if (SSL_version(ssl) != DTLS1_2_VERSION) return std::nullopt;
  const std::optional<Aead> aead = aead_of(ssl);
  if (!aead) return std::nullopt;

  std::vector<std::uint8_t> block(2 * (aead->key_size + aead->fixed_iv_size));
  if (!derive_key_block(ssl, block)) return std::nullopt;
  // client_write_key, server_write_key, client_write_IV, server_write_IV (AEADs have no MAC keys).
  const bool server = SSL_is_server(ssl) == 1;
  const Bytes key = Bytes(block).subspan(server ? aead->key_size : 0, aead->key_size);
  const Bytes iv = Bytes(block).subspan(2 * aead->key_size + (server ? aead->fixed_iv_size : 0),
                                        aead->fixed_iv_size);

  const std::uint64_t sequence = (std::uint64_t{1} << 48) | kLastSequence;  // epoch 1
  std::array<std::uint8_t, kNonceSize> nonce{};
  ByteWriter nonce_writer(nonce);
  nonce_writer.zeros(kNonceSize - 8);
  nonce_writer.u64(sequence);
  // GCM: the fixed IV before the explicit nonce. ChaCha20: the IV exclusive-or'd with the padded
  // sequence number. Both are one exclusive-or here. OpenSSL counts GCM's explicit nonces up from
  // a random 64-bit start, so that ours repeats one is as likely as guessing it.
  for (std::size_t i = 0; i < iv.size(); ++i) nonce[i] ^= iv[i];

  // RFC 5246 section 6.2.3.3: seq_num + type + version + length of the plaintext.
  std::array<std::uint8_t, 13> additional;
  ByteWriter additional_writer(additional);
  additional_writer.u64(sequence);
  additional_writer.u8(static_cast<std::uint8_t>(ContentType::kAlert));
  additional_writer.u16(kVersion12);
  additional_writer.u16(kAlertSize);

  const std::size_t body = aead->explicit_nonce_size + kAlertSize + kTagSize;
  std::vector<std::uint8_t> record(Record::kHeaderSize + body);
  ByteWriter writer(record);
  writer.u8(static_cast<std::uint8_t>(ContentType::kAlert));
  writer.u16(kVersion12);
  writer.u64(sequence);
  writer.u16(static_cast<std::uint16_t>(body));
  writer.bytes(Bytes(nonce).last(aead->explicit_nonce_size));
  const std::array<std::uint8_t, kAlertSize> alert = {level, description};
  const bool ok =
      seal(*aead, key, nonce, additional, alert, MutableBytes(record).last(kAlertSize + kTagSize));
  crypto::wipe(block);
  if (!ok) return std::nullopt;
  return record;
}

}  // namespace floe::dtls
