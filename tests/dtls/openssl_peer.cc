#include "tests/dtls/openssl_peer.h"

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

namespace floe::dtls::testing {
namespace {

BIO* reader_of(const std::string& text) {
  return BIO_new_mem_buf(text.data(), static_cast<int>(text.size()));
}

std::string take_text(BIO* bio) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio, &bytes);
  std::string text(bytes, static_cast<std::size_t>(size));
  BIO_free(bio);
  return text;
}

PemPair self_signed(EVP_PKEY* key) {
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3'600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3'600);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("peer"), 4, -1, 0);
  X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
  X509_set_pubkey(certificate, key);
  EXPECT_GT(X509_sign(certificate, key, EVP_sha256()), 0);
  BIO* certificate_bio = BIO_new(BIO_s_mem());
  BIO* key_bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(certificate_bio, certificate);
  PEM_write_bio_PKCS8PrivateKey(key_bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return {take_text(certificate_bio), take_text(key_bio)};
}

void on_info(const SSL* ssl, int where, int value) {
  if (where == SSL_CB_READ_ALERT) *static_cast<int*>(SSL_get_app_data(ssl)) = value & 0xff;
}

}  // namespace

PemPair make_rsa_identity(int bits) {
  return self_signed(EVP_RSA_gen(static_cast<unsigned int>(bits)));
}

PemPair make_ec_identity(const char* curve) {
  return self_signed(EVP_EC_gen(curve));
}

std::string encrypt_key(const std::string& key_pem) {
  BIO* in = reader_of(key_pem);
  EVP_PKEY* key = PEM_read_bio_PrivateKey(in, nullptr, nullptr, nullptr);
  BIO_free(in);
  BIO* out = BIO_new(BIO_s_mem());
  PEM_write_bio_PKCS8PrivateKey(out, key, EVP_aes_128_cbc(), "secret", 6, nullptr, nullptr);
  EVP_PKEY_free(key);
  return take_text(out);
}

OpensslPeer::OpensslPeer(const Options& options) {
  context_ = SSL_CTX_new(DTLS_method());
  SSL_CTX_set_options(context_, SSL_OP_NO_QUERY_MTU);
  if (!options.extended_master_secret) {
    SSL_CTX_set_options(context_, SSL_OP_NO_EXTENDED_MASTER_SECRET);
  }
  if (options.max_version != 0) {
    SSL_CTX_set_min_proto_version(context_, DTLS1_VERSION);
    SSL_CTX_set_max_proto_version(context_, options.max_version);
  }
  if (!options.ciphers.empty()) {
    EXPECT_EQ(SSL_CTX_set_cipher_list(context_, options.ciphers.c_str()), 1);
  }
  if (!options.certificate_pem.empty()) {
    BIO* bio = reader_of(options.certificate_pem);
    X509* certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
    BIO_free(bio);
    bio = reader_of(options.key_pem);
    EVP_PKEY* key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
    BIO_free(bio);
    EXPECT_EQ(SSL_CTX_use_certificate(context_, certificate), 1);
    EXPECT_EQ(SSL_CTX_use_PrivateKey(context_, key), 1);
    X509_free(certificate);
    EVP_PKEY_free(key);
  }
  SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 1; });
  SSL_CTX_set_info_callback(context_, on_info);
  if (options.cookie) {
    SSL_CTX_set_options(context_, SSL_OP_COOKIE_EXCHANGE);
    SSL_CTX_set_cookie_generate_cb(context_, [](SSL*, unsigned char* cookie, unsigned int* size) {
      std::memcpy(cookie, "cookie", 6);
      *size = 6;
      return 1;
    });
    SSL_CTX_set_cookie_verify_cb(
        context_, [](SSL*, const unsigned char* cookie, unsigned int size) {
          return static_cast<int>(size == 6 && std::memcmp(cookie, "cookie", 6) == 0);
        });
  }
  ssl_ = SSL_new(context_);
  SSL_set_app_data(ssl_, &alert_);
  BIO* in = BIO_new(BIO_s_mem());
  BIO* out = BIO_new(BIO_s_mem());
  BIO_set_mem_eof_return(in, -1);
  BIO_set_mem_eof_return(out, -1);
  SSL_set_bio(ssl_, in, out);
  DTLS_set_link_mtu(ssl_, 1'400);
  if (options.server) {
    SSL_set_accept_state(ssl_);
  } else {
    SSL_set_connect_state(ssl_);
  }
}

OpensslPeer::~OpensslPeer() {
  SSL_free(ssl_);
  SSL_CTX_free(context_);
}

std::vector<std::uint8_t> OpensslPeer::step(Bytes datagram) {
  ERR_clear_error();
  if (!datagram.empty()) {
    BIO_write(SSL_get_rbio(ssl_), datagram.data(), static_cast<int>(datagram.size()));
  }
  SSL_do_handshake(ssl_);
  std::array<char, 16'384> buffer;
  int size = 0;
  while ((size = SSL_read(ssl_, buffer.data(), buffer.size())) > 0) {
    received.emplace_back(buffer.data(), static_cast<std::size_t>(size));
  }
  ERR_clear_error();
  std::vector<std::uint8_t> out(BIO_ctrl_pending(SSL_get_wbio(ssl_)));
  if (!out.empty()) BIO_read(SSL_get_wbio(ssl_), out.data(), static_cast<int>(out.size()));
  return out;
}

std::vector<std::uint8_t> OpensslPeer::seal(std::string_view text) {
  SSL_write(ssl_, text.data(), static_cast<int>(text.size()));
  return step({});
}

bool OpensslPeer::finished() const {
  return SSL_is_init_finished(ssl_) == 1;
}

}  // namespace floe::dtls::testing
