#include "incoming_file.h"

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "floe/core/text.h"

namespace chat {
namespace {

// "name (998).txt" is the last one tried: who has so many wants another folder.
constexpr int kMaxCopies = 999;
// Linux takes 255 bytes; " (998)" and ".part" must fit too.
constexpr std::size_t kMaxName = 200;

/// "name.txt", "name (1).txt", "name (2).txt", ...
std::string numbered(const std::string& name, int copy) {
  if (copy == 0) return name;
  const std::filesystem::path path(name);
  return path.stem().string() + " (" + std::to_string(copy) + ")" + path.extension().string();
}

/// Makes a file that did not exist before; null with errno otherwise.
std::FILE* create_new(const std::filesystem::path& path) {
  return std::fopen(path.c_str(), "wbx");
}

tl::unexpected<floe::Error> system_error(const std::string& what) {
  return floe::fail(floe::Errc::kInternal, what + ": " + std::strerror(errno));
}

}  // namespace

std::string safe_file_name(std::string_view name) {
  const std::size_t folder = name.find_last_of("/\\");
  if (folder != name.npos) name.remove_prefix(folder + 1);
  std::string safe;
  for (const char letter : name) {
    const auto byte = static_cast<unsigned char>(letter);
    const bool bad = byte < 0x20 || byte == 0x7F || std::strchr(":*?\"<>|", letter) != nullptr;
    safe += bad ? '_' : letter;
  }
  std::size_t end = std::min(safe.size(), kMaxName);
  while (end < safe.size() && end > 0 && (safe[end] & 0xC0) == 0x80) --end;
  safe.resize(end);
  while (safe.starts_with('.') || safe.starts_with(' ')) safe.erase(0, 1);
  while (safe.ends_with('.') || safe.ends_with(' ')) safe.pop_back();
  return safe.empty() || !floe::is_utf8(floe::as_bytes(safe)) ? "file" : safe;
}

floe::Result<std::unique_ptr<IncomingFile>> IncomingFile::create(
    const std::filesystem::path& folder, std::string_view name, std::uint64_t size) {
  std::error_code error;
  const auto space = std::filesystem::space(folder, error);
  if (!error && space.available < size) {
    return floe::fail(floe::Errc::kLimitExceeded,
                      "the disk has no room: the file takes " + std::to_string(size) +
                          " bytes, and " + std::to_string(space.available) + " are free");
  }
  std::unique_ptr<IncomingFile> file(new IncomingFile(folder, safe_file_name(name), size));
  if (auto opened = file->open(); !opened) return floe::forward(opened);
  return file;
}

IncomingFile::IncomingFile(std::filesystem::path folder, std::string name, std::uint64_t size)
    : folder_(std::move(folder)), name_(std::move(name)), size_(size) {}

floe::Result<> IncomingFile::open() {
  for (int copy = 0; copy < kMaxCopies; ++copy) {
    part_ = folder_ / (numbered(name_, copy) + ".part");
    stream_ = create_new(part_);
    if (stream_ != nullptr) return {};
    if (errno != EEXIST) break;
  }
  // Whatever has that name is not ours to remove.
  return system_error("cannot create " + std::exchange(part_, {}).string());
}

IncomingFile::~IncomingFile() {
  if (stream_ != nullptr) std::fclose(stream_);
  std::error_code ignored;  // Gone already if it got its name.
  if (!part_.empty()) std::filesystem::remove(part_, ignored);
}

floe::Result<> IncomingFile::write(floe::Bytes bytes) {
  if (bytes.size() > size_ - received_) {
    return floe::fail(floe::Errc::kInvalidArgument,
                      "more came than the " + std::to_string(size_) + " bytes that were announced");
  }
  if (std::fwrite(bytes.data(), 1, bytes.size(), stream_) != bytes.size()) {
    return system_error("cannot write to " + part_.string());
  }
  received_ += bytes.size();
  digest_.update(bytes);
  return {};
}

floe::Result<std::filesystem::path> IncomingFile::finish(std::string_view sha256) {
  if (received_ != size_) {
    return floe::fail(
        floe::Errc::kVerificationFailed,
        "only " + std::to_string(received_) + " of " + std::to_string(size_) + " bytes came");
  }
  // What stdio has kept back is written now, and may not fit.
  if (std::fclose(std::exchange(stream_, nullptr)) != 0) {
    return system_error("cannot write to " + part_.string());
  }
  const std::string found = floe::to_hex(digest_.finish());
  if (found != sha256) {
    return floe::fail(floe::Errc::kVerificationFailed, "the SHA-256 is " + found +
                                                           " here but was " + floe::quoted(sha256) +
                                                           " at the sender: send the file again");
  }
  return name_it();
}

/// An empty file takes the name, which fails if there is one, and is then replaced: so two programs
/// may save here at once.
floe::Result<std::filesystem::path> IncomingFile::name_it() {
  std::filesystem::path path;
  for (int copy = 0; copy < kMaxCopies; ++copy) {
    path = folder_ / numbered(name_, copy);
    std::FILE* placeholder = create_new(path);
    if (placeholder == nullptr) {
      if (errno == EEXIST) continue;
      break;
    }
    std::fclose(placeholder);
    if (std::rename(part_.c_str(), path.c_str()) == 0) return path;
    const int why = errno;
    std::remove(path.c_str());
    errno = why;
    break;
  }
  return system_error("cannot create " + path.string());
}

}  // namespace chat
