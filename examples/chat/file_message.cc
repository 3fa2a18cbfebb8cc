#include "file_message.h"

#include <nlohmann/json.hpp>

namespace chat {
namespace {

using nlohmann::json;

json object(const FileOffer& offer) {
  return {{"type", "offer"}, {"name", offer.name}, {"size", offer.size}};
}
json object(const FileAccepted&) {
  return {{"type", "accepted"}};
}
json object(const FileEnd& end) {
  return {{"type", "end"}, {"sha256", end.sha256}};
}
json object(const FileReceived&) {
  return {{"type", "received"}};
}
json object(const FileFailed& failed) {
  return {{"type", "failed"}, {"reason", failed.reason}};
}

std::string text_of(const json& from, const char* key) {
  const auto it = from.find(key);
  return it != from.end() && it->is_string() ? it->get<std::string>() : std::string();
}

}  // namespace

std::string to_json(const FileMessage& message) {
  // File names on Unix are bytes: what is not UTF-8 is replaced.
  return std::visit([](const auto& of) { return object(of); }, message)
      .dump(-1, ' ', false, json::error_handler_t::replace);
}

floe::Result<FileMessage> parse_file_message(std::string_view text) {
  // Nothing that these messages say takes more.
  constexpr std::size_t kMaxMessage = 8 * 1024;
  const json from = text.size() <= kMaxMessage ? json::parse(text, nullptr, false)
                                               : json(json::value_t::discarded);
  if (!from.is_object()) {
    return floe::fail(floe::Errc::kMalformed, "a message on the file channel is not a JSON object");
  }
  const std::string type = text_of(from, "type");
  if (type == "offer") {
    const auto size = from.find("size");
    if (size == from.end() || !size->is_number_unsigned()) {
      return floe::fail(floe::Errc::kMalformed, "a file was offered without its size");
    }
    return FileOffer{text_of(from, "name"), size->get<std::uint64_t>()};
  }
  if (type == "accepted") return FileAccepted{};
  if (type == "end") return FileEnd{text_of(from, "sha256")};
  if (type == "received") return FileReceived{};
  if (type == "failed") return FileFailed{text_of(from, "reason")};
  return floe::fail(floe::Errc::kUnsupported, "a message on the file channel has an unknown type");
}

}  // namespace chat
