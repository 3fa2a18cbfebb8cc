#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "floe/core/random.h"
#include "floe/core/text.h"
#include "floe/sdp/parser.h"
#include "floe/sdp/writer.h"
#include "tests/sdp/vectors.h"

namespace floe::sdp {
namespace {

/// The lines of each section (the session's first), sorted within it, as our writer spells them.
std::vector<std::vector<std::string>> meaning_of(std::string_view text) {
  std::vector<std::vector<std::string>> sections(1);
  for (const std::string_view raw : split(text, '\n')) {
    std::string line(trim(raw));
    if (line.empty()) continue;
    if (line.starts_with("m=")) sections.emplace_back();
    if (line.starts_with("a=msid-semantic:")) {
      line = "a=msid-semantic: " + std::string(trim(std::string_view(line).substr(16)));
    }
    if (line.starts_with("a=ice-options:")) std::replace(line.begin(), line.end(), ',', ' ');
    sections.back().push_back(std::move(line));
  }
  for (auto& section : sections) std::sort(section.begin(), section.end());
  return sections;
}

TEST(SdpRoundTrip, KeepsEveryLineOfEveryPeersDescription) {
  const auto vectors = all_vectors();
  ASSERT_GE(vectors.size(), 35u);
  for (const auto& [name, text] : vectors) {
    EXPECT_EQ(meaning_of(write(vector_description(name))), meaning_of(text)) << name;
  }
}

TEST(SdpRoundTrip, ParsesWhatItWroteIntoTheSameDescription) {
  for (const auto& [name, text] : all_vectors()) {
    const Description first = vector_description(name);
    const std::string written = write(first);
    const auto second = parse(written);
    ASSERT_TRUE(second) << name << ": " << second.error().message;
    EXPECT_EQ(*second, first) << name;
    EXPECT_EQ(write(*second), written) << name;
  }
}

/// One change to `text`: bytes flipped, cut, doubled, or a line moved, as a fuzzer would.
std::string mutated(std::string text, const std::vector<std::string_view>& lines, Random& random) {
  const auto at = [&] { return static_cast<std::size_t>(random.below(text.size() + 1)); };
  switch (random.below(7)) {
    case 0:
      if (!text.empty()) text[random.below(text.size())] = static_cast<char>(random.below(256));
      break;
    case 1:
      text.erase(at(), random.below(20));
      break;
    case 2:
      text.insert(at(), text.substr(at(), random.below(60)));
      break;
    case 3:
      text.insert(at(), 1, " :;,/=\r\n\t~-0"[random.below(12)]);
      break;
    case 4:
      text.insert(at(), std::to_string(random.u64()));
      break;
    default: {
      // A whole line of some description, put where a line begins.
      const std::size_t end = text.find('\n', at());
      text.insert(end == std::string::npos ? text.size() : end + 1,
                  std::string(lines[random.below(lines.size())]) + "\n");
    }
  }
  return text;
}

TEST(SdpRoundTrip, HoldsForWhateverParsesAmongMutations) {
  const auto vectors = all_vectors();
  std::vector<std::string_view> lines;
  for (const auto& [name, text] : vectors) {
    for (const std::string_view line : split(text, '\n')) lines.push_back(line);
  }
  SeededRandom random(8866);
  std::size_t parsed_count = 0;
  constexpr std::size_t kRounds = 4'000;
  for (std::size_t i = 0; i < kRounds; ++i) {
    std::string text = vectors[random.below(vectors.size())].second;
    for (std::uint64_t changes = random.below(4) + 1; changes > 0; --changes) {
      text = mutated(std::move(text), lines, random);
    }
    const auto first = parse(text);
    if (!first) {
      EXPECT_NE(first.error().message, "");
      continue;
    }
    ++parsed_count;
    const auto second = parse(write(*first));
    ASSERT_TRUE(second) << second.error().message << "\nround " << i << "\n" << text;
    ASSERT_EQ(*second, *first) << "round " << i << "\n" << text;
  }
  // Mutations that never parse, or always do, would test half of it.
  EXPECT_GT(parsed_count, kRounds / 10);
  EXPECT_LT(parsed_count, kRounds);
}

}  // namespace
}  // namespace floe::sdp
