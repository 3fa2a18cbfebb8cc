#include "floe/http/link.h"

#include <algorithm>

#include "floe/core/text.h"

namespace floe::http {
namespace {

/// Reads one field's value from the left.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}

  bool take(char c) {
    skip_blanks();
    if (!text_.starts_with(c)) return false;
    text_.remove_prefix(1);
    return true;
  }
  bool done() {
    skip_blanks();
    return text_.empty();
  }
  std::optional<std::string_view> until(char end) {
    const std::size_t at = text_.find(end);
    if (at == std::string_view::npos) return std::nullopt;
    const std::string_view found = text_.substr(0, at);
    text_.remove_prefix(at + 1);
    return found;
  }
  std::string_view word() {
    skip_blanks();
    const std::string_view found = text_.substr(0, text_.find_first_of("=;, \t\""));
    text_.remove_prefix(found.size());
    return found;
  }
  /// A token or a quoted string (RFC 9110 section 5.6.4).
  std::optional<std::string> value() {
    if (!take('"')) return std::string(word());
    std::string found;
    while (!text_.empty()) {
      const char c = text_.front();
      text_.remove_prefix(1);
      if (c == '"') return found;
      if (c == '\\' && !text_.empty()) {
        found += text_.front();
        text_.remove_prefix(1);
      } else {
        found += c;
      }
    }
    return std::nullopt;
  }

 private:
  void skip_blanks() {
    text_.remove_prefix(std::min(text_.find_first_not_of(" \t"), text_.size()));
  }
  std::string_view text_;
};

std::optional<Link> read_link(Cursor& cursor) {
  if (!cursor.take('<')) return std::nullopt;
  const std::optional<std::string_view> target = cursor.until('>');
  if (!target) return std::nullopt;
  Link link{std::string(trim(*target)), {}};
  while (cursor.take(';')) {
    const std::string_view name = cursor.word();
    if (name.empty()) continue;
    std::string text;
    if (cursor.take('=')) {
      std::optional<std::string> value = cursor.value();
      if (!value) return std::nullopt;
      text = std::move(*value);
    }
    link.parameters.emplace_back(to_lower(name), std::move(text));
  }
  return link;
}

}  // namespace

std::optional<std::string_view> Link::parameter(std::string_view name) const {
  const auto found = std::find_if(parameters.begin(), parameters.end(),
                                  [&](const auto& entry) { return entry.first == name; });
  if (found == parameters.end()) return std::nullopt;
  return found->second;
}

bool Link::has_relation(std::string_view type) const {
  const std::vector<std::string_view> types = split(parameter("rel").value_or(""), ' ');
  return std::any_of(types.begin(), types.end(),
                     [&](std::string_view one) { return equals_ignoring_case(one, type); });
}

std::string Link::to_string() const {
  std::string text = "<" + target + ">";
  for (const auto& [name, value] : parameters) {
    text.append("; ").append(name).append("=\"");
    for (const char c : value) {
      if (c == '"' || c == '\\') text += '\\';
      text += c;
    }
    text += '"';
  }
  return text;
}

std::vector<Link> read_links(const Headers& headers) {
  std::vector<Link> links;
  for (const std::string_view value : headers.all("link")) {
    Cursor cursor(value);
    while (!cursor.done() && links.size() < kMaxLinks) {
      if (cursor.take(',')) continue;
      std::optional<Link> link = read_link(cursor);
      if (!link) break;
      links.push_back(std::move(*link));
    }
  }
  return links;
}

}  // namespace floe::http
