#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>

#include "floe/capi/internal/call.h"

namespace floe::c {

/// A copy of a struct that a program passed in, as this version of the library knows it: members
/// that an older program does not have are zero. `first_size` is the struct's size in the first
/// version that had it.
template <typename Struct>
Result<Struct> read_struct(const Struct* given, std::string_view name,
                           std::size_t first_size = sizeof(Struct)) {
  if (given == nullptr) return is_null(name);
  const std::size_t size = given->size;
  if (size < first_size) {
    return fail(Errc::kInvalidArgument, "the size of a " + std::string(name) + " is " +
                                            std::to_string(size) + ": set it to sizeof(" +
                                            std::string(name) + "), which is " +
                                            std::to_string(sizeof(Struct)));
  }
  const auto* bytes = reinterpret_cast<const unsigned char*>(given);
  const bool knows_more = std::any_of(bytes + std::min(size, sizeof(Struct)), bytes + size,
                                      [](unsigned char byte) { return byte != 0; });
  if (knows_more) {
    return fail(Errc::kUnsupported, "a member of " + std::string(name) +
                                        " is set that this version of floe does not have");
  }
  Struct copy{};
  std::memcpy(&copy, given, std::min(size, sizeof(Struct)));
  copy.size = sizeof(Struct);
  return copy;
}

/// The same where NULL stands for the defaults.
template <typename Struct>
Result<Struct> read_struct_or_defaults(const Struct* given, std::string_view name,
                                       std::size_t first_size = sizeof(Struct)) {
  if (given == nullptr) return Struct{};
  return read_struct(given, name, first_size);
}

/// Fills a struct of the caller's, as far as its `size` says that it goes.
template <typename Struct>
Result<> write_struct(Struct* to, Struct values, std::string_view name) {
  if (to == nullptr) return is_null(name);
  const std::size_t size = to->size;
  if (size < sizeof values.size) {
    return fail(Errc::kInvalidArgument, "the size of a " + std::string(name) + " is " +
                                            std::to_string(size) + ": set it to sizeof(" +
                                            std::string(name) + ")");
  }
  values.size = size;
  std::memcpy(to, &values, std::min(size, sizeof(Struct)));
  return {};
}

}  // namespace floe::c
