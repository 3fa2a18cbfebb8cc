#include "examples/chat/incoming_file.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "examples/chat/file_message.h"
#include "floe/core/text.h"

namespace chat {
namespace {

namespace fs = std::filesystem;
using floe::as_bytes;
using floe::Errc;

std::string sha256(std::string_view text) {
  return floe::to_hex(floe::crypto::sha256(as_bytes(text)));
}

std::string content(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

class IncomingFiles : public testing::Test {
 protected:
  IncomingFiles() {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::path(testing::TempDir()) / (std::string("floe-") + test->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~IncomingFiles() override { fs::remove_all(folder_); }

  fs::path folder_;
};

TEST(SafeFileName, HasNoFolders) {
  EXPECT_EQ(safe_file_name("../../etc/passwd"), "passwd");
  EXPECT_EQ(safe_file_name("/etc/passwd"), "passwd");
  EXPECT_EQ(safe_file_name("C:\\Windows\\system.ini"), "system.ini");
  EXPECT_EQ(safe_file_name("photos/"), "file");
}

TEST(SafeFileName, IsNeverHiddenSpecialOrEmpty) {
  for (const char* name : {"", ".", "..", "...", " ", "a/..", ". ."}) {
    EXPECT_EQ(safe_file_name(name), "file") << name;
  }
  EXPECT_EQ(safe_file_name(".bashrc"), "bashrc");
}

TEST(SafeFileName, HasNoControlCharactersNorThoseThatOtherSystemsForbid) {
  EXPECT_EQ(safe_file_name("a\x1b[2Jb\n.txt"), "a_[2Jb_.txt");
  EXPECT_EQ(safe_file_name("what?*.txt"), "what__.txt");
}

TEST(SafeFileName, IsShortAndStaysUtf8) {
  std::string name;
  for (int i = 0; i < 300; ++i) name += "\xC3\xA4";
  const std::string safe = safe_file_name("x" + name);
  EXPECT_EQ(safe.size(), 199u);
  EXPECT_TRUE(floe::is_utf8(as_bytes(safe)));
  EXPECT_EQ(safe_file_name("\xFF\xFE"), "file");
}

TEST_F(IncomingFiles, GetTheirNameWhenTheyAreVerified) {
  auto file = IncomingFile::create(folder_, "a.txt", 5);
  ASSERT_TRUE(file);
  ASSERT_TRUE((*file)->write(as_bytes("he")));
  ASSERT_TRUE((*file)->write(as_bytes("llo")));
  EXPECT_FALSE(fs::exists(folder_ / "a.txt"));
  const auto path = (*file)->finish(sha256("hello"));
  ASSERT_TRUE(path) << path.error().message;
  EXPECT_EQ(*path, folder_ / "a.txt");
  EXPECT_EQ(content(*path), "hello");
  EXPECT_FALSE(fs::exists(folder_ / "a.txt.part"));
}

TEST_F(IncomingFiles, AreThrownAwayWhenTheDigestDiffers) {
  {
    auto file = IncomingFile::create(folder_, "a.txt", 5);
    ASSERT_TRUE(file);
    ASSERT_TRUE((*file)->write(as_bytes("hellO")));
    const auto path = (*file)->finish(sha256("hello"));
    ASSERT_FALSE(path);
    EXPECT_EQ(path.error().code, Errc::kVerificationFailed);
  }
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(IncomingFiles, AreThrownAwayWhenTheyEndEarly) {
  {
    auto file = IncomingFile::create(folder_, "a.txt", 5);
    ASSERT_TRUE(file);
    ASSERT_TRUE((*file)->write(as_bytes("hell")));
    const auto path = (*file)->finish(sha256("hell"));
    ASSERT_FALSE(path);
    EXPECT_EQ(path.error().code, Errc::kVerificationFailed);
  }
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(IncomingFiles, TakeNoMoreThanWasAnnounced) {
  auto file = IncomingFile::create(folder_, "a.txt", 5);
  ASSERT_TRUE(file);
  ASSERT_TRUE((*file)->write(as_bytes("hello")));
  const auto written = (*file)->write(as_bytes("!"));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, Errc::kInvalidArgument);
}

TEST_F(IncomingFiles, ReplaceNothingEvenIfItAppearsMeanwhile) {
  auto file = IncomingFile::create(folder_, "a.txt", 3);
  ASSERT_TRUE(file);
  ASSERT_TRUE((*file)->write(as_bytes("new")));
  std::ofstream(folder_ / "a.txt") << "old";
  const auto path = (*file)->finish(sha256("new"));
  ASSERT_TRUE(path);
  EXPECT_EQ(path->filename(), "a (1).txt");
  EXPECT_EQ(content(folder_ / "a.txt"), "old");
  EXPECT_EQ(content(*path), "new");
}

TEST_F(IncomingFiles, DoNotFollowALinkThatWaitsForThem) {
  fs::create_symlink(folder_ / "elsewhere", folder_ / "a.txt.part");
  fs::create_symlink(folder_ / "elsewhere", folder_ / "a.txt");
  auto file = IncomingFile::create(folder_, "a.txt", 1);
  ASSERT_TRUE(file);
  ASSERT_TRUE((*file)->write(as_bytes("x")));
  const auto path = (*file)->finish(sha256("x"));
  ASSERT_TRUE(path);
  EXPECT_FALSE(fs::exists(folder_ / "elsewhere"));
  EXPECT_EQ(path->filename(), "a (1).txt");
}

TEST_F(IncomingFiles, AreRefusedWhenTheDiskHasNoRoom) {
  const auto file = IncomingFile::create(folder_, "a.txt", 1ull << 62);
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, Errc::kLimitExceeded);
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(IncomingFiles, SayWhichFolderIsNotThere) {
  const auto file = IncomingFile::create(folder_ / "none", "a.txt", 1);
  ASSERT_FALSE(file);
  EXPECT_NE(file.error().message.find("none"), std::string::npos);
}

TEST(FileMessages, SayTheSameAfterTheJourney) {
  const auto offer = parse_file_message(to_json(FileOffer{"a \"b\".txt", 1ull << 40}));
  ASSERT_TRUE(offer && std::holds_alternative<FileOffer>(*offer));
  EXPECT_EQ(std::get<FileOffer>(*offer).name, "a \"b\".txt");
  EXPECT_EQ(std::get<FileOffer>(*offer).size, 1ull << 40);
  const auto end = parse_file_message(to_json(FileEnd{"ab12"}));
  ASSERT_TRUE(end && std::holds_alternative<FileEnd>(*end));
  EXPECT_EQ(std::get<FileEnd>(*end).sha256, "ab12");
  const auto failed = parse_file_message(to_json(FileFailed{"no"}));
  ASSERT_TRUE(failed && std::holds_alternative<FileFailed>(*failed));
  EXPECT_EQ(std::get<FileFailed>(*failed).reason, "no");
}

TEST(FileMessages, AreRefusedWhenTheyAreSomethingElse) {
  for (const char* text : {"", "[", "[]", "1", "{}", R"({"type":7})", R"({"type":"other"})",
                           R"({"type":"offer"})", R"({"type":"offer","size":-1})",
                           R"({"type":"offer","size":1.5})", R"({"type":"offer","size":"1"})"}) {
    EXPECT_FALSE(parse_file_message(text)) << text;
  }
  EXPECT_FALSE(parse_file_message(std::string(100'000, '[')));
}

TEST(FileMessages, TakeNamesThatAreNotUtf8) {
  const auto offer = parse_file_message(to_json(FileOffer{"\xFF.txt", 1}));
  ASSERT_TRUE(offer);
  EXPECT_TRUE(floe::is_utf8(as_bytes(std::get<FileOffer>(*offer).name)));
}

}  // namespace
}  // namespace chat
