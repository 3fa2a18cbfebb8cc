#include "floe/capi/texts.h"

#include "floe/capi/internal/texts_handle.h"

using floe::Result;

namespace floe::c {

Result<std::vector<std::string>> read_texts(const char* const* given, std::size_t count,
                                            std::string_view name) {
  if (given == nullptr && count > 0) return is_null(name);
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < count; ++i) {
    const auto one = text(given[i], std::string(name) + " number " + std::to_string(i));
    if (!one) return forward(one);
    texts.emplace_back(*one);
  }
  return texts;
}

}  // namespace floe::c

void floe_texts_free(floe_texts* texts) {
  delete texts;
}

size_t floe_texts_count(const floe_texts* texts) {
  return floe::c::call_for<size_t>(0, [&]() -> Result<size_t> {
    if (texts == nullptr) return floe::c::is_null("texts");
    return texts->texts.size();
  });
}

const char* floe_texts_at(const floe_texts* texts, size_t index) {
  return floe::c::call_for<const char*>(nullptr, [&]() -> Result<const char*> {
    if (texts == nullptr) return floe::c::is_null("texts");
    if (index >= texts->texts.size()) {
      return fail(floe::Errc::kNotFound, "there is no text number " + std::to_string(index));
    }
    return texts->texts[index].c_str();
  });
}
