#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "floe/core/bytes.h"
#include "floe/core/result.h"
#include "floe/crypto/crypto.h"

namespace chat {

/// `name`, which somebody else chose, as the name of a file in a folder of ours: without folders,
/// control characters, what other systems forbid, and leading dots.
std::string safe_file_name(std::string_view name);

/// A file on its way to the disk. It is called NAME.part until it is complete and verified, never
/// replaces another file, and leaves nothing behind when it is given up.
class IncomingFile {
 public:
  /// Errors: kLimitExceeded when the disk has no room for `size` bytes, kPermissionDenied.
  [[nodiscard]] static floe::Result<std::unique_ptr<IncomingFile>> create(
      const std::filesystem::path& folder, std::string_view name, std::uint64_t size);
  ~IncomingFile();
  IncomingFile(const IncomingFile&) = delete;
  IncomingFile& operator=(const IncomingFile&) = delete;

  /// Errors: kInvalidArgument beyond the announced size, kInternal with the system's words.
  [[nodiscard]] floe::Result<> write(floe::Bytes bytes);
  /// Checks size and SHA-256 (hexadecimal), and gives the file its name. Errors:
  /// kVerificationFailed, kInternal.
  [[nodiscard]] floe::Result<std::filesystem::path> finish(std::string_view sha256);

  std::uint64_t size() const { return size_; }
  std::uint64_t received() const { return received_; }

 private:
  IncomingFile(std::filesystem::path folder, std::string name, std::uint64_t size);
  floe::Result<> open();
  floe::Result<std::filesystem::path> name_it();

  std::filesystem::path folder_;
  std::string name_;
  std::uint64_t size_;
  std::uint64_t received_ = 0;
  std::filesystem::path part_;
  std::FILE* stream_ = nullptr;
  floe::crypto::Sha256Stream digest_;
};

}  // namespace chat
