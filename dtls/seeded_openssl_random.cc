// OpenSSL 3 deprecates RAND_METHOD in favour of providers; its default provider still draws through
// it, and nothing else replaces the generator of a whole process in a few lines.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "floe/dtls/seeded_openssl_random.h"

#include <openssl/rand.h>

#include <optional>

#include "floe/core/check.h"
#include "floe/core/random.h"

namespace floe::dtls {
namespace {

std::optional<SeededRandom> generator;  // RAND_METHOD has no room for a context

int fill(unsigned char* out, int size) {
  generator->fill({out, static_cast<std::size_t>(size)});
  return 1;
}
int add(const void*, int, double) {
  return 1;
}
int seed(const void*, int) {
  return 1;
}
int ready() {
  return 1;
}

constexpr RAND_METHOD kMethod = {seed, fill, nullptr, add, fill, ready};

}  // namespace

SeededOpensslRandom::SeededOpensslRandom(std::uint64_t seed) : previous_(RAND_get_rand_method()) {
  FLOE_CHECK(!generator.has_value());
  generator.emplace(seed);
  FLOE_CHECK(RAND_set_rand_method(&kMethod) == 1);
}

SeededOpensslRandom::~SeededOpensslRandom() {
  RAND_set_rand_method(static_cast<const RAND_METHOD*>(previous_));
  generator.reset();
}

}  // namespace floe::dtls
