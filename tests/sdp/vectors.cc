#include "tests/sdp/vectors.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "floe/sdp/parser.h"

namespace floe::sdp {
namespace {

const std::filesystem::path kFolder = FLOE_SOURCE_DIR "/tests/vectors/sdp";

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

std::string vector_text(std::string_view name) {
  return read_file(kFolder / (std::string(name) + ".sdp"));
}

Description vector_description(std::string_view name) {
  auto parsed = parse(vector_text(name));
  EXPECT_TRUE(parsed) << name << ": " << (parsed ? "" : parsed.error().message);
  return parsed ? std::move(*parsed) : Description{};
}

std::vector<std::pair<std::string, std::string>> all_vectors() {
  std::vector<std::pair<std::string, std::string>> vectors;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    if (entry.path().extension() != ".sdp") continue;
    vectors.emplace_back(entry.path().stem().string(), read_file(entry.path()));
  }
  std::sort(vectors.begin(), vectors.end());
  return vectors;
}

Description parse_session(std::string_view lines) {
  auto parsed = parse(std::string(kOpening) + std::string(lines));
  EXPECT_TRUE(parsed) << lines << ": " << (parsed ? "" : parsed.error().message);
  return parsed ? std::move(*parsed) : Description{};
}

Media parse_media(std::string_view lines) {
  Description description =
      parse_session("m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\n" + std::string(lines));
  EXPECT_EQ(description.media.size(), 1u);
  return description.media.empty() ? Media{} : std::move(description.media.front());
}

std::string parse_error(std::string_view text) {
  const auto parsed = parse(text);
  EXPECT_FALSE(parsed) << "parsed: " << text.substr(0, 200);
  return parsed ? std::string() : parsed.error().message;
}

}  // namespace floe::sdp
