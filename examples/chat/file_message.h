#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "floe/core/result.h"

// What the two ends of a file channel say to each other, as JSON in text messages. The file itself
// travels in binary messages between `FileAccepted` and `FileEnd`.
namespace chat {

/// The channels on which files travel say so in their `protocol`.
inline constexpr std::string_view kFileProtocol = "floe-chat-file";

struct FileOffer {
  std::string name;  ///< Without folders; the receiver trusts that no more than anything else.
  std::uint64_t size = 0;
};
struct FileAccepted {};
/// All of it was sent.
struct FileEnd {
  std::string sha256;  ///< Of the whole file, hexadecimal.
};
/// All of it is on the disk, and its digest is the one in `FileEnd`.
struct FileReceived {};
/// Either side gives up.
struct FileFailed {
  std::string reason;
};
using FileMessage = std::variant<FileOffer, FileAccepted, FileEnd, FileReceived, FileFailed>;

std::string to_json(const FileMessage& message);
[[nodiscard]] floe::Result<FileMessage> parse_file_message(std::string_view text);

}  // namespace chat
