#include "members.h"

#include <utility>

#include "floe/core/text.h"

namespace peer_stdio {

const Json* Members::find(const char* name) {
  read_.insert(name);
  const auto member = object_.find(name);
  return member == object_.end() || member->is_null() ? nullptr : &*member;
}

void Members::complain(const char* name, std::string_view expected) {
  if (error_) return;
  error_ = {floe::Errc::kInvalidArgument,
            '"' + std::string(name) + "\" must be " + std::string(expected)};
}

std::string Members::text(const char* name) {
  auto value = optional_text(name);
  if (!value) complain(name, "there, a string");
  return std::move(value).value_or("");
}

std::uint64_t Members::number(const char* name, std::uint64_t max) {
  const auto value = optional_number(name, max);
  if (!value) complain(name, "there, a number");
  return value.value_or(0);
}

std::optional<std::string> Members::optional_text(const char* name) {
  const Json* member = find(name);
  if (member == nullptr) return std::nullopt;
  if (member->is_string()) return member->get<std::string>();
  complain(name, "a string");
  return std::nullopt;
}

std::optional<std::uint64_t> Members::optional_number(const char* name, std::uint64_t max) {
  const Json* member = find(name);
  if (member == nullptr) return std::nullopt;
  if (member->is_number_unsigned() && member->get<std::uint64_t>() <= max) {
    return member->get<std::uint64_t>();
  }
  complain(name, "a whole number from 0 to " + std::to_string(max));
  return std::nullopt;
}

bool Members::flag(const char* name, bool otherwise) {
  const Json* member = find(name);
  if (member == nullptr) return otherwise;
  if (member->is_boolean()) return member->get<bool>();
  complain(name, "true or false");
  return otherwise;
}

floe::Result<> Members::check() const {
  if (error_) return tl::unexpected(*error_);
  for (const auto& [name, value] : object_.items()) {
    if (!read_.contains(name)) {
      return floe::fail(floe::Errc::kInvalidArgument,
                        floe::quoted(name) + " is nothing that is asked for here");
    }
  }
  return {};
}

}  // namespace peer_stdio
