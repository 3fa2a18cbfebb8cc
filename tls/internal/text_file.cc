#include "floe/tls/internal/text_file.h"

#include <fstream>

namespace floe::tls {

Result<std::string> read_text_file(const std::string& path, std::size_t max) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(Errc::kNotFound, "the file " + path + " cannot be opened");
  std::string text;
  char piece[4096];
  while (file.read(piece, sizeof piece) || file.gcount() > 0) {
    text.append(piece, static_cast<std::size_t>(file.gcount()));
    if (text.size() > max) {
      return fail(Errc::kLimitExceeded,
                  "the file " + path + " has more than " + std::to_string(max) + " bytes");
    }
  }
  if (!file.eof()) return fail(Errc::kInternal, "the file " + path + " cannot be read");
  return text;
}

}  // namespace floe::tls
