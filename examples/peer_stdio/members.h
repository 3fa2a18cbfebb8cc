#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "floe/core/result.h"
#include "output.h"

namespace peer_stdio {

/// The members of one JSON object, read with their types. A command reads everything it takes and
/// then asks once, with `check`, whether all of it was right: the first thing wrong is what counts.
/// A member that is null counts as absent, as in JavaScript.
class Members {
 public:
  /// `object` must be a JSON object that outlives this.
  explicit Members(const Json& object) : object_(object) {}

  bool has(const char* name) { return find(name) != nullptr; }
  std::string text(const char* name);
  std::uint64_t number(const char* name, std::uint64_t max);
  std::optional<std::string> optional_text(const char* name);
  std::optional<std::uint64_t> optional_number(const char* name, std::uint64_t max);
  bool flag(const char* name, bool otherwise);
  /// nullptr if there is none.
  const Json* find(const char* name);

  void complain(const char* name, std::string_view expected);
  /// kInvalidArgument also for a member that nobody has read: it is misspelt.
  floe::Result<> check() const;

 private:
  const Json& object_;
  std::set<std::string, std::less<>> read_;
  std::optional<floe::Error> error_;
};

}  // namespace peer_stdio
