#include "floe/servers/signaling/internal/static_files.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <system_error>
#include <utility>

#include "floe/core/text.h"

namespace floe::server {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxPath = 512;

constexpr std::array<std::pair<std::string_view, std::string_view>, 19> kContentTypes = {{
    {".html", "text/html; charset=utf-8"},
    {".htm", "text/html; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".mjs", "text/javascript; charset=utf-8"},
    {".json", "application/json"},
    {".map", "application/json"},
    {".txt", "text/plain; charset=utf-8"},
    {".md", "text/plain; charset=utf-8"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".jpg", "image/jpeg"},
    {".jpeg", "image/jpeg"},
    {".gif", "image/gif"},
    {".webp", "image/webp"},
    {".ico", "image/x-icon"},
    {".wasm", "application/wasm"},
    {".woff2", "font/woff2"},
    {".webm", "video/webm"},
}};

std::string_view content_type(const fs::path& file) {
  const std::string extension = to_lower(file.extension().string());
  const auto* const known =
      std::find_if(kContentTypes.begin(), kContentTypes.end(),
                   [&](const auto& entry) { return entry.first == extension; });
  return known == kContentTypes.end() ? "application/octet-stream" : known->second;
}

/// No way up, no hidden files (".git", ".env"), no bytes that mean something else elsewhere.
bool is_harmless(std::string_view path) {
  if (path.empty() || path.front() != '/' || path.size() > kMaxPath) return false;
  if (path.find_first_of(std::string_view("\\\0", 2)) != std::string_view::npos) return false;
  const std::vector<std::string_view> parts = split(path.substr(1), '/');
  return std::none_of(parts.begin(), parts.end(),
                      [](std::string_view part) { return part.starts_with('.'); });
}

}  // namespace

Result<StaticFiles> StaticFiles::open(const std::string& folder) {
  std::error_code error;
  const fs::path root = fs::canonical(folder, error);
  if (error || !fs::is_directory(root, error)) {
    return fail(Errc::kNotFound, "no folder to serve files from: " + folder);
  }
  StaticFiles files;
  files.root_ = root.string();
  return files;
}

HttpAnswer StaticFiles::answer(std::string_view path) const {
  HttpAnswer answer;
  if (root_.empty() || !is_harmless(path)) return answer;
  std::error_code error;
  fs::path file = fs::path(root_) / path.substr(1);
  if (path.ends_with('/')) {
    file /= "index.html";
  } else if (fs::is_directory(file, error)) {
    // Links in its index.html are relative to the folder, which the browser must know to be one.
    // Two slashes at the start would name another host.
    if (path.starts_with("//")) return answer;
    answer.status = 301;
    answer.location = std::string(path) + "/";
    return answer;
  }
  // Symbolic links are followed as long as they stay within the folder.
  file = fs::canonical(file, error);
  if (error || !fs::is_regular_file(file, error)) return answer;
  const std::string name = file.string();
  if (!name.starts_with(root_.ends_with('/') ? root_ : root_ + "/")) return answer;
  answer.status = 200;
  answer.file = name;
  answer.content_type = content_type(file);
  return answer;
}

}  // namespace floe::server
