#include "examples/media/file.h"

#include <cerrno>
#include <cstring>
#include <utility>

namespace media {

using floe::Bytes;
using floe::Errc;
using floe::Result;

namespace {

/// In the words of the operating system.
tl::unexpected<floe::Error> cannot(const char* what, const std::string& path) {
  const int number = errno;
  Errc code = Errc::kInternal;
  if (number == ENOENT || number == ENOTDIR || number == EISDIR) code = Errc::kNotFound;
  if (number == EACCES || number == EPERM || number == EROFS) code = Errc::kPermissionDenied;
  return floe::fail(code, std::string("cannot ") + what + " " + path + ": " + strerror(number));
}

}  // namespace

Result<InputFile> InputFile::open(const std::string& path) {
  FilePointer file(std::fopen(path.c_str(), "rb"));
  if (!file) return cannot("open", path);
  // A folder opens, and then cannot be read.
  errno = 0;
  if (std::fgetc(file.get()) == EOF && errno != 0) return cannot("read", path);
  std::rewind(file.get());
  return InputFile(path, std::move(file));
}

std::size_t InputFile::read(floe::MutableBytes space) {
  const std::size_t size = std::fread(space.data(), 1, space.size(), file_.get());
  offset_ += size;
  return size;
}

tl::unexpected<floe::Error> InputFile::malformed(std::uint64_t offset,
                                                 const std::string& what) const {
  return floe::fail(Errc::kMalformed, path_ + ", byte " + std::to_string(offset) + ": " + what);
}

Result<OutputFile> OutputFile::create(const std::string& path) {
  FilePointer file(std::fopen(path.c_str(), "wb"));
  if (!file) return cannot("write", path);
  return OutputFile(path, std::move(file));
}

Result<> OutputFile::write(Bytes bytes) {
  if (std::fwrite(bytes.data(), 1, bytes.size(), file_.get()) != bytes.size()) return failed();
  return {};
}

Result<> OutputFile::overwrite(std::uint64_t offset, Bytes bytes) {
  if (std::fseek(file_.get(), static_cast<long>(offset), SEEK_SET) != 0) return failed();
  if (auto written = write(bytes); !written) return written;
  if (std::fseek(file_.get(), 0, SEEK_END) != 0) return failed();
  return {};
}

Result<> OutputFile::close() {
  if (!file_) return {};
  if (std::fflush(file_.get()) != 0) return failed();
  file_.reset();
  return {};
}

tl::unexpected<floe::Error> OutputFile::failed() const {
  return cannot("write", path_);
}

}  // namespace media
