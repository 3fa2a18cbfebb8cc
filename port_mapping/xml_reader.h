#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace floe::port_mapping {

/// Reads the elements and texts of a small XML document, one after the other. Strict: what is not
/// well nested ends it, as does a document type (which no router needs, and which entities that
/// grow without end live in). Names come without their prefix, attributes are skipped.
class XmlReader {
 public:
  static constexpr std::size_t kMaxDepth = 32;

  enum class Token : std::uint8_t {
    kStart,
    kText,
    kEnd,
    kDone,   ///< The whole document was well-formed.
    kError,  ///< It is not; there is nothing more to read.
  };

  /// `document` must outlive the reader.
  explicit XmlReader(std::string_view document) : rest_(document) {}

  Token next();
  /// Of the element that `kStart` or `kEnd` is about.
  std::string_view name() const { return name_; }
  /// What `kText` is about, entities resolved, without the blanks around it.
  const std::string& text() const { return text_; }

 private:
  Token fail();
  Token read_markup();
  Token read_tag();
  Token read_end_tag();
  Token read_text();
  bool skip_past(std::string_view end);
  std::optional<std::string_view> take_name();
  bool skip_attributes();
  bool decode(std::string_view raw);
  bool decode_entity(std::string_view entity);
  void skip_blanks();

  std::string_view rest_;
  std::vector<std::string_view> open_;  ///< Full names.
  std::string_view name_;
  std::string text_;
  bool is_empty_element_ = false;  ///< "<a/>": its end comes next.
  bool had_root_ = false;
  bool failed_ = false;
};

/// The text of the first element of that name; nullopt if there is none in the well-formed part.
std::optional<std::string> xml_text(std::string_view document, std::string_view name);

}  // namespace floe::port_mapping
