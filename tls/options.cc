#include "floe/tls/options.h"

#include "floe/crypto/crypto.h"
#include "floe/tls/internal/text_file.h"

namespace floe::tls {
namespace {

constexpr std::size_t kMaxPemFile = std::size_t{256} * 1024;  // As Identity::from_pem.

}  // namespace

Result<std::shared_ptr<const dtls::Identity>> read_identity(const std::string& chain_file,
                                                            const std::string& key_file) {
  const auto chain = read_text_file(chain_file, kMaxPemFile);
  if (!chain) return forward(chain);
  auto key = read_text_file(key_file, kMaxPemFile);
  if (!key) return forward(key);
  auto identity = dtls::Identity::from_pem(*chain, *key);
  crypto::wipe({reinterpret_cast<std::uint8_t*>(key->data()), key->size()});
  if (!identity) {
    return fail(identity.error().code,
                chain_file + " with " + key_file + ": " + identity.error().message);
  }
  return identity;
}

}  // namespace floe::tls
