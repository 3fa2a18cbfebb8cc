#include "floe/port_mapping/xml_reader.h"

#include <algorithm>
#include <charconv>

#include "floe/core/text.h"

namespace floe::port_mapping {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '.' || c == ':' || static_cast<unsigned char>(c) >= 0x80;
}

std::string_view without_prefix(std::string_view name) {
  return name.substr(name.rfind(':') + 1);  // npos + 1 is 0.
}

}  // namespace

XmlReader::Token XmlReader::fail() {
  failed_ = true;
  return Token::kError;
}

void XmlReader::skip_blanks() {
  while (!rest_.empty() && is_blank(rest_.front())) rest_.remove_prefix(1);
}

bool XmlReader::skip_past(std::string_view end) {
  const std::size_t at = rest_.find(end);
  if (at == std::string_view::npos) return false;
  rest_.remove_prefix(at + end.size());
  return true;
}

XmlReader::Token XmlReader::next() {
  if (failed_) return Token::kError;
  if (is_empty_element_) {
    is_empty_element_ = false;
    open_.pop_back();
    return Token::kEnd;
  }
  if (rest_.starts_with("\xef\xbb\xbf")) rest_.remove_prefix(3);
  while (true) {
    if (open_.empty()) {
      skip_blanks();
      if (rest_.empty()) return had_root_ ? Token::kDone : fail();
      if (rest_.front() != '<') return fail();
    }
    if (rest_.empty()) return fail();
    if (rest_.starts_with("<?")) {
      if (!skip_past("?>")) return fail();
    } else if (rest_.starts_with("<!--")) {
      if (!skip_past("-->")) return fail();
    } else {
      return read_markup();
    }
  }
}

XmlReader::Token XmlReader::read_markup() {
  if (rest_.starts_with("<![CDATA[") && !open_.empty()) {
    rest_.remove_prefix(9);
    const std::size_t end = rest_.find("]]>");
    if (end == std::string_view::npos) return fail();
    text_ = rest_.substr(0, end);
    rest_.remove_prefix(end + 3);
    return Token::kText;
  }
  if (rest_.starts_with("<!")) return fail();
  if (rest_.starts_with("</")) return read_end_tag();
  return rest_.front() == '<' ? read_tag() : read_text();
}

std::optional<std::string_view> XmlReader::take_name() {
  std::size_t size = 0;
  while (size < rest_.size() && is_name_character(rest_[size])) ++size;
  if (size == 0) return std::nullopt;
  const std::string_view name = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return name;
}

bool XmlReader::skip_attributes() {
  while (true) {
    skip_blanks();
    if (rest_.starts_with('>') || rest_.starts_with("/>")) return true;
    if (!take_name()) return false;
    skip_blanks();
    if (!rest_.starts_with('=')) return false;
    rest_.remove_prefix(1);
    skip_blanks();
    if (rest_.empty() || (rest_.front() != '"' && rest_.front() != '\'')) return false;
    const std::string_view quote = rest_.substr(0, 1);
    rest_.remove_prefix(1);
    if (!skip_past(quote)) return false;
  }
}

XmlReader::Token XmlReader::read_tag() {
  rest_.remove_prefix(1);
  const std::optional<std::string_view> name = take_name();
  if (!name || open_.size() == kMaxDepth || (open_.empty() && had_root_)) return fail();
  if (!skip_attributes()) return fail();
  is_empty_element_ = rest_.front() == '/';
  rest_.remove_prefix(is_empty_element_ ? 2 : 1);
  had_root_ = true;
  open_.push_back(*name);
  name_ = without_prefix(*name);
  return Token::kStart;
}

XmlReader::Token XmlReader::read_end_tag() {
  rest_.remove_prefix(2);
  const std::optional<std::string_view> name = take_name();
  skip_blanks();
  if (!name || open_.empty() || open_.back() != *name || !rest_.starts_with('>')) return fail();
  rest_.remove_prefix(1);
  open_.pop_back();
  name_ = without_prefix(*name);
  return Token::kEnd;
}

XmlReader::Token XmlReader::read_text() {
  const std::size_t end = rest_.find('<');
  if (end == std::string_view::npos || !decode(trim(rest_.substr(0, end)))) return fail();
  rest_.remove_prefix(end);
  return Token::kText;
}

bool XmlReader::decode(std::string_view raw) {
  text_.clear();
  while (!raw.empty()) {
    const std::size_t plain = std::min(raw.find('&'), raw.size());
    text_.append(raw.substr(0, plain));
    raw.remove_prefix(plain);
    if (raw.empty()) break;
    const std::size_t end = raw.find(';');
    if (end == std::string_view::npos || !decode_entity(raw.substr(1, end - 1))) return false;
    raw.remove_prefix(end + 1);
  }
  return true;
}

bool XmlReader::decode_entity(std::string_view entity) {
  static constexpr std::pair<std::string_view, char> kNamed[] = {
      {"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};
  for (const auto& [name, c] : kNamed) {
    if (entity != name) continue;
    text_.push_back(c);
    return true;
  }
  if (!entity.starts_with('#')) return false;
  entity.remove_prefix(1);
  const bool is_hex = entity.starts_with('x');
  if (is_hex) entity.remove_prefix(1);
  unsigned code = 0;
  const auto [end, error] =
      std::from_chars(entity.data(), entity.data() + entity.size(), code, is_hex ? 16 : 10);
  // Nothing that is read here is more than ASCII; the rest only needs a place.
  if (error != std::errc() || end != entity.data() + entity.size() || code == 0) return false;
  text_.push_back(code < 0x80 ? static_cast<char>(code) : '?');
  return true;
}

std::optional<std::string> xml_text(std::string_view document, std::string_view name) {
  XmlReader reader(document);
  bool inside = false;
  while (true) {
    switch (reader.next()) {
      case XmlReader::Token::kStart:
        inside = reader.name() == name;
        break;
      case XmlReader::Token::kText:
        if (inside) return reader.text();
        break;
      case XmlReader::Token::kEnd:
        if (inside) return std::string();
        break;
      case XmlReader::Token::kDone:
      case XmlReader::Token::kError:
        return std::nullopt;
    }
  }
}

}  // namespace floe::port_mapping
