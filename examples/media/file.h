#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

#include "floe/core/bytes.h"
#include "floe/core/result.h"

namespace media {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using FilePointer = std::unique_ptr<std::FILE, CloseFile>;

/// A file that is read from its beginning to its end.
class InputFile {
 public:
  /// Errors: kNotFound, kPermissionDenied, with the operating system's words.
  [[nodiscard]] static floe::Result<InputFile> open(const std::string& path);

  /// Fills `space`; with less only where the file ends. Returns how much it read.
  std::size_t read(floe::MutableBytes space);
  /// The byte that `read` begins with.
  std::uint64_t offset() const { return offset_; }
  const std::string& path() const { return path_; }

  /// "film.ivf, byte 32: `what`"
  tl::unexpected<floe::Error> malformed(std::uint64_t offset, const std::string& what) const;

 private:
  InputFile(std::string path, FilePointer file) : path_(std::move(path)), file_(std::move(file)) {}

  std::string path_;
  FilePointer file_;
  std::uint64_t offset_ = 0;
};

/// A file that is written anew.
class OutputFile {
 public:
  [[nodiscard]] static floe::Result<OutputFile> create(const std::string& path);

  [[nodiscard]] floe::Result<> write(floe::Bytes bytes);
  /// Writes over what stands at `offset`; `write` then goes on at the end.
  [[nodiscard]] floe::Result<> overwrite(std::uint64_t offset, floe::Bytes bytes);
  /// All is with the operating system. A second call does nothing.
  [[nodiscard]] floe::Result<> close();

 private:
  OutputFile(std::string path, FilePointer file) : path_(std::move(path)), file_(std::move(file)) {}
  tl::unexpected<floe::Error> failed() const;

  std::string path_;
  FilePointer file_;
};

}  // namespace media
