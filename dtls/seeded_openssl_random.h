#pragma once

#include <cstdint>

namespace floe::dtls {

/// TESTS AND SIMULATIONS ONLY. While an object of this class lives, everything OpenSSL draws in the
/// whole process, private keys included, follows from `seed`: handshakes become byte-identical
/// and anybody who knows or guesses the seed can read them. Never in a program that talks to
/// somebody. One at a time, and not while another thread uses OpenSSL.
class SeededOpensslRandom {
 public:
  explicit SeededOpensslRandom(std::uint64_t seed);
  ~SeededOpensslRandom();
  SeededOpensslRandom(const SeededOpensslRandom&) = delete;
  SeededOpensslRandom& operator=(const SeededOpensslRandom&) = delete;

 private:
  const void* previous_;
};

}  // namespace floe::dtls
