#pragma once

#include <cstddef>
#include <string_view>

// Enumerations of C and of C++ meet in the standard's words, so that neither depends on the other's
// numbers: those of C are part of the ABI and stay, those of C++ may move.
namespace floe::c {

template <std::size_t n, typename Enumerator>
Enumerator enumerator(const char* const (&words)[n], std::string_view word, Enumerator otherwise) {
  for (std::size_t i = 0; i < n; ++i) {
    if (word == words[i]) return static_cast<Enumerator>(i);
  }
  return otherwise;
}

template <std::size_t n, typename Enumerator>
const char* word(const char* const (&words)[n], Enumerator number) {
  const auto index = static_cast<std::size_t>(number);
  return index < n ? words[index] : "unknown";
}

}  // namespace floe::c
