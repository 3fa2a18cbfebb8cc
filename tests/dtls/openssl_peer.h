#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "floe/core/bytes.h"

struct ssl_ctx_st;
struct ssl_st;

namespace floe::dtls::testing {

/// A DTLS peer straight on OpenSSL, for the things that floe itself never does.
class OpensslPeer {
 public:
  struct Options {
    bool server = false;
    std::string certificate_pem;  ///< Empty: none.
    std::string key_pem;
    bool extended_master_secret = true;
    std::string ciphers;  ///< Empty: OpenSSL's own list.
    int max_version = 0;
    bool cookie = false;  ///< A server that sends HelloVerifyRequest.
  };
  explicit OpensslPeer(const Options& options);
  ~OpensslPeer();
  OpensslPeer(const OpensslPeer&) = delete;
  OpensslPeer& operator=(const OpensslPeer&) = delete;

  /// Takes a datagram (or none), returns what it wants to send, one flight as one datagram.
  std::vector<std::uint8_t> step(Bytes datagram);
  std::vector<std::uint8_t> seal(std::string_view text);
  bool finished() const;
  /// Description of the last alert it received, -1 if none.
  int alert() const { return alert_; }
  std::vector<std::string> received;

 private:
  ssl_ctx_st* context_;
  ssl_st* ssl_;
  int alert_ = -1;
};

struct PemPair {
  std::string certificate;
  std::string key;
};
/// A self-signed certificate of an RSA key, or of an EC key on `curve`.
PemPair make_rsa_identity(int bits);
PemPair make_ec_identity(const char* curve);
std::string encrypt_key(const std::string& key_pem);

}  // namespace floe::dtls::testing
