#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "examples/media/annex_b.h"
#include "examples/media/ivf.h"
#include "examples/media/ogg_opus.h"

namespace media {
namespace {

namespace fs = std::filesystem;
using floe::Bytes;
using floe::Errc;
using floe::rtp::Codec;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::AllOf;
using testing::AnyOf;
using testing::HasSubstr;
using Octets = std::vector<std::uint8_t>;

class MediaFiles : public testing::Test {
 protected:
  MediaFiles() {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::path(testing::TempDir()) / (std::string("floe-media-") + test->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~MediaFiles() override { fs::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  std::string write(const std::string& name, const Octets& content) const {
    std::ofstream(path(name), std::ios::binary)
        .write(reinterpret_cast<const char*>(content.data()),
               static_cast<std::streamsize>(content.size()));
    return path(name);
  }
  static Octets content(const std::string& path) {
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }

  /// All frames, or where the reader stops.
  static floe::Result<std::vector<MediaFrame>> read_all(const std::string& path) {
    auto reader = open_media_file(path, 25);
    if (!reader) return floe::forward(reader);
    std::vector<MediaFrame> frames;
    while (true) {
      auto frame = (*reader)->next();
      if (!frame) return floe::forward(frame);
      if (!*frame) return frames;
      frames.push_back(std::move(**frame));
    }
  }
  std::string error_of(const Octets& content) const {
    const auto read = read_all(write("given", content));
    return read ? std::string() : read.error().message;
  }

  /// What every reader must bear: any byte another, and an end anywhere.
  void expect_to_bear_damage(const Octets& whole) const {
    for (std::size_t i = 0; i < whole.size(); ++i) {
      for (const int change : {1, 0x80, 0xff}) {
        Octets damaged = whole;
        damaged[i] = static_cast<std::uint8_t>(damaged[i] ^ change);
        const std::string why = error_of(damaged);
        EXPECT_THAT(why, AnyOf("", HasSubstr("given, byte ")));
      }
      const Octets cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(i));
      const std::string why = error_of(cut);
      EXPECT_THAT(why, AnyOf("", HasSubstr("given, byte ")));
    }
  }

  fs::path folder_;
};

/// A VP8 key frame's header, with nothing behind it.
Octets vp8_key_frame(std::uint16_t width, std::uint16_t height) {
  const auto low = [](std::uint16_t side) { return static_cast<std::uint8_t>(side & 0xff); };
  const auto high = [](std::uint16_t side) { return static_cast<std::uint8_t>(side >> 8); };
  return {0x10, 0, 0, 0x9d, 0x01, 0x2a, low(width), high(width), low(height), high(height)};
}
const Octets kVp8Frame{0x11, 0, 0, 7, 7};

Octets opus(std::uint8_t toc, std::size_t size, std::uint8_t fill = 1) {
  Octets packet(size, fill);
  packet[0] = toc;
  return packet;
}
constexpr std::uint8_t kOpus20Ms = 0xfc & (31 << 3);  // CELT, full band, 20 ms, one frame

// ------------------------------------------------------------------------------------------ IVF

TEST_F(MediaFiles, IvfIsReadAsItWasWritten) {
  auto writer = IvfWriter::create(path("a.ivf"), Codec::kVp8).value();
  ASSERT_TRUE(writer->write({vp8_key_frame(320, 180), milliseconds(0), true}));
  ASSERT_TRUE(writer->write({kVp8Frame, milliseconds(33), false}));
  ASSERT_TRUE(writer->write({kVp8Frame, std::chrono::hours(30), false}));
  ASSERT_TRUE(writer->close());
  const auto reader = IvfReader::open(path("a.ivf")).value();
  EXPECT_EQ(reader->codec(), Codec::kVp8);
  // The size is that of the first key frame, written after it was known.
  EXPECT_EQ(reader->width(), 320);
  EXPECT_EQ(reader->height(), 180);
  const auto frames = read_all(path("a.ivf")).value();
  ASSERT_EQ(frames.size(), 3u);
  EXPECT_EQ(frames[0].payload, vp8_key_frame(320, 180));
  EXPECT_TRUE(frames[0].key_frame);
  EXPECT_EQ(frames[1].payload, kVp8Frame);
  EXPECT_FALSE(frames[1].key_frame);
  EXPECT_EQ(frames[1].time, milliseconds(33));
  EXPECT_EQ(frames[2].time, std::chrono::hours(30));
  const Octets bytes = content(path("a.ivf"));
  EXPECT_EQ(bytes[24], 3) << "the number of frames";
}

TEST_F(MediaFiles, IvfTimesCountInTheUnitsOfTheHeader) {
  auto writer = IvfWriter::create(path("a.ivf"), Codec::kVp9).value();
  ASSERT_TRUE(writer->write({{0x82}, std::chrono::microseconds(90), false}));
  ASSERT_TRUE(writer->close());
  Octets bytes = content(path("a.ivf"));
  // 30000/1001 pictures a second.
  const Octets units{0x30, 0x75, 0, 0, 0xe9, 0x03, 0, 0};
  std::copy(units.begin(), units.end(), bytes.begin() + 16);
  EXPECT_EQ(read_all(write("b.ivf", bytes)).value()[0].time, milliseconds(3003));
}

TEST_F(MediaFiles, IvfErrorsNameTheFileTheByteAndWhatHelps) {
  auto writer = IvfWriter::create(path("a.ivf"), Codec::kVp8).value();
  ASSERT_TRUE(writer->write({kVp8Frame, {}, false}));
  ASSERT_TRUE(writer->close());
  const Octets good = content(path("a.ivf"));
  const auto with = [&](std::size_t at, const Octets& bytes) {
    Octets changed = good;
    std::copy(bytes.begin(), bytes.end(), changed.begin() + static_cast<std::ptrdiff_t>(at));
    return changed;
  };
  EXPECT_THAT(error_of(with(4, {1})), HasSubstr("given, byte 4: IVF version 1 is not known"));
  EXPECT_THAT(error_of(with(6, {33})), HasSubstr("byte 6: the header claims 33 bytes"));
  EXPECT_THAT(error_of(with(8, {'M', 'P', '4', 'V'})),
              AllOf(HasSubstr("byte 8: the codec is none of"), HasSubstr("ffmpeg -c:v libvpx")));
  EXPECT_THAT(error_of(with(16, {0, 0, 0, 0})), HasSubstr("byte 16: the time base has a zero"));
  EXPECT_THAT(
      error_of(with(32, {0xff, 0xff, 0xff, 0x7f})),
      HasSubstr("byte 32: the frame claims 2147483647 bytes, which is not in 1 to 8388608"));
  EXPECT_THAT(error_of(with(32, {0, 0, 0, 0})), HasSubstr("byte 32: the frame claims 0 bytes"));
  EXPECT_THAT(error_of(with(32, {6})),
              HasSubstr("byte 32: the frame claims 6 bytes and the file ends after 5 of them"));
  EXPECT_THAT(error_of(with(36, {0, 0, 0, 0, 0, 0, 0, 0xff})), HasSubstr("centuries away"));
  EXPECT_THAT(error_of({'D', 'K', 'I', 'F'}), HasSubstr("byte 4: the file ends within the 32"));
  EXPECT_THAT(read_all(path("nothing")).error().message,
              AllOf(HasSubstr("nothing"), HasSubstr("No such file")));
  EXPECT_EQ(read_all(path("nothing")).error().code, Errc::kNotFound);
  EXPECT_EQ(read_all(folder_.string()).error().code, Errc::kNotFound) << "a folder";
  EXPECT_EQ(IvfWriter::create(path("x"), Codec::kH264).error().code, Errc::kUnsupported);
  EXPECT_EQ(IvfWriter::create(path("no/x"), Codec::kVp8).error().code, Errc::kNotFound);
}

TEST_F(MediaFiles, IvfBearsDamageOfAnyByteAndAnEndAnywhere) {
  auto writer = IvfWriter::create(path("a.ivf"), Codec::kVp8).value();
  ASSERT_TRUE(writer->write({vp8_key_frame(320, 180), {}, true}));
  ASSERT_TRUE(writer->write({kVp8Frame, milliseconds(33), false}));
  ASSERT_TRUE(writer->close());
  expect_to_bear_damage(content(path("a.ivf")));
}

// ----------------------------------------------------------------------------------------- Opus

TEST_F(MediaFiles, OggOpusIsReadAsItWasWritten) {
  auto writer = OggOpusWriter::create(path("a.ogg"), 2).value();
  std::vector<Octets> packets;
  // Sizes about those where the segments of a packet change, and more than one page takes.
  for (std::size_t i = 0; i < 120; ++i) packets.push_back(opus(kOpus20Ms, 250 + 3 * i));
  for (std::size_t i = 0; i < packets.size(); ++i) {
    ASSERT_TRUE(writer->write({packets[i], milliseconds(20) * i, true}));
  }
  ASSERT_TRUE(writer->close());
  ASSERT_TRUE(writer->close()) << "again";
  EXPECT_EQ(OggOpusReader::open(path("a.ogg")).value()->channels(), 2);
  const auto frames = read_all(path("a.ogg")).value();
  ASSERT_EQ(frames.size(), packets.size());
  for (std::size_t i = 0; i < packets.size(); ++i) {
    EXPECT_EQ(frames[i].payload, packets[i]) << i;
    EXPECT_EQ(frames[i].time, milliseconds(20) * i) << i;
    EXPECT_TRUE(frames[i].key_frame);
  }
}

TEST_F(MediaFiles, OggOpusFillsGapsSoThatTheRestStaysInTime) {
  auto writer = OggOpusWriter::create(path("a.ogg"), 1).value();
  ASSERT_TRUE(writer->write({opus(kOpus20Ms, 40), {}, true}));
  ASSERT_TRUE(writer->write({opus(kOpus20Ms, 40), milliseconds(100), true}));
  // Nobody is served by an hour of nothing.
  ASSERT_TRUE(writer->write({opus(kOpus20Ms, 40), std::chrono::hours(1), true}));
  ASSERT_TRUE(writer->write({opus(kOpus20Ms, 40), std::chrono::hours(1) + milliseconds(40), true}));
  EXPECT_EQ(writer->write({{}, {}, true}).error().code, Errc::kMalformed);
  ASSERT_TRUE(writer->close());
  const auto frames = read_all(path("a.ogg")).value();
  ASSERT_EQ(frames.size(), 9u);
  EXPECT_EQ(frames[5].payload.size(), 40u);
  EXPECT_EQ(frames[5].time, milliseconds(100));
  for (const std::size_t i : {1, 2, 3, 4, 7}) EXPECT_EQ(frames[i].payload, Octets{kOpus20Ms}) << i;
}

Octets header_packet(std::uint8_t channels = 1, std::uint8_t mapping = 0,
                     std::uint8_t version = 1) {
  Octets head = floe::to_vector(floe::as_bytes("OpusHead"));
  head.insert(head.end(), {version, channels, 0, 0, 0x80, 0xbb, 0, 0, 0, 0, mapping});
  return head;
}
Octets tags_packet() {
  Octets tags = floe::to_vector(floe::as_bytes("OpusTags"));
  tags.resize(16);
  return tags;
}

class OggFiles : public MediaFiles {
 protected:
  /// A page with one whole packet of less than 255 bytes.
  static OggPage page(std::uint32_t serial, const Octets& packet) {
    OggPage page;
    page.serial = serial;
    page.segments = {static_cast<std::uint8_t>(packet.size())};
    page.payload = packet;
    return page;
  }
  std::string write_pages(const std::vector<OggPage>& pages) const {
    auto file = OutputFile::create(path("pages.ogg")).value();
    for (const OggPage& one : pages) EXPECT_TRUE(write_ogg_page(file, one));
    EXPECT_TRUE(file.close());
    return path("pages.ogg");
  }
  static std::vector<OggPage> headers(std::uint32_t serial, const Octets& head = header_packet()) {
    std::vector<OggPage> pages{page(serial, head), page(serial, tags_packet())};
    pages[0].first = true;
    return pages;
  }
};

TEST_F(OggFiles, PacketsGoOnOverPagesAndOtherStreamsArePassedOver) {
  std::vector<OggPage> pages = headers(7);
  OggPage other = page(3, opus(kOpus20Ms, 9, 3));
  other.first = true;
  pages.insert(pages.begin(), other);
  OggPage begin = page(7, opus(kOpus20Ms, 255));
  pages.push_back(begin);
  pages.push_back(page(3, opus(kOpus20Ms, 9, 3)));
  OggPage end = page(7, opus(9, 45));
  end.continued = true;
  end.last = true;
  pages.push_back(end);
  pages.push_back(page(7, opus(kOpus20Ms, 9)));  // After the end.
  const auto frames = read_all(write_pages(pages)).value();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].payload.size(), 300u);
}

TEST_F(OggFiles, PacketsWithoutTheirBeginningOrEndAreLeftOut) {
  std::vector<OggPage> pages = headers(7);
  OggPage rest = page(7, opus(1, 40));
  rest.continued = true;
  rest.segments = {30, 10};
  rest.payload[30] = kOpus20Ms;
  pages.push_back(rest);                           // The rest of nothing, then a whole one.
  pages.push_back(page(7, opus(kOpus20Ms, 255)));  // A beginning without its end.
  pages.push_back(page(7, opus(kOpus20Ms, 12)));
  const auto frames = read_all(write_pages(pages)).value();
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[0].payload.size(), 10u);
  EXPECT_EQ(frames[1].payload.size(), 12u);
}

TEST_F(OggFiles, ErrorsNameTheFileTheByteAndWhatHelps) {
  const auto error = [&](const std::vector<OggPage>& pages) {
    const auto read = read_all(write_pages(pages));
    return read ? std::string() : read.error().message;
  };
  EXPECT_THAT(error(headers(1, header_packet(6, 1))),
              AllOf(HasSubstr("pages.ogg, byte 0: it has 6 channels"), HasSubstr("ffmpeg")));
  EXPECT_THAT(error(headers(1, header_packet(1, 0, 0x10))), HasSubstr("version 16 is not known"));
  OggPage vorbis = page(1, {1, 'v', 'o', 'r', 'b', 'i', 's'});
  vorbis.first = true;
  EXPECT_THAT(error({vorbis}), AllOf(HasSubstr("no Opus stream"), HasSubstr("-c:a libopus")));
  EXPECT_THAT(error({headers(1)[0], page(1, opus(kOpus20Ms, 9))}),
              HasSubstr("byte 47: OpusTags has to follow"));
  std::vector<OggPage> pages = headers(1);
  pages.push_back(page(1, {3}));  // A count of frames should follow.
  EXPECT_THAT(error(pages), HasSubstr("byte 91: a packet of the page is not Opus"));
  Octets bytes = content(write_pages(headers(1)));
  bytes[60] ^= 1;
  EXPECT_THAT(error_of(bytes), HasSubstr("given, byte 47: the checksum of the Ogg page is wrong"));
  EXPECT_EQ(OggOpusWriter::create(path("x"), 3).error().code, Errc::kInvalidArgument);
}

TEST_F(OggFiles, BearDamageOfAnyByteAndAnEndAnywhere) {
  std::vector<OggPage> pages = headers(7);
  pages.push_back(page(7, opus(kOpus20Ms, 12)));
  expect_to_bear_damage(content(write_pages(pages)));
}

// ---------------------------------------------------------------------------------------- H.264

TEST_F(MediaFiles, AnnexBIsCutWherePicturesBegin) {
  // Parameter sets, a picture of two slices, one of one slice behind a delimiter, and one more.
  const Octets stream{0, 0,    0,    1, 0x67, 0x42, 0,    0,    1, 0x68, 0xce, 0, 0,    0,
                      1, 0x65, 0x88, 0, 0,    1,    0x65, 0x40, 0, 0,    0,    1, 0x09, 0xf0,
                      0, 0,    0,    1, 0x41, 0x9a, 0,    0,    1, 0x41, 0x9b, 7};
  const auto frames = read_all(write("a.h264", stream)).value();
  ASSERT_EQ(frames.size(), 3u);
  EXPECT_EQ(frames[0].payload, (Octets{0, 0, 0, 1, 0x67, 0x42, 0, 0, 0, 1, 0x68, 0xce,
                                       0, 0, 0, 1, 0x65, 0x88, 0, 0, 0, 1, 0x65, 0x40}));
  EXPECT_TRUE(frames[0].key_frame);
  EXPECT_EQ(frames[1].payload, (Octets{0, 0, 0, 1, 0x09, 0xf0, 0, 0, 0, 1, 0x41, 0x9a}));
  EXPECT_FALSE(frames[1].key_frame);
  EXPECT_EQ(frames[2].payload, (Octets{0, 0, 0, 1, 0x41, 0x9b, 7}));
  EXPECT_EQ(frames[2].time, milliseconds(80)) << "at 25 pictures a second";
  expect_to_bear_damage(stream);

  auto writer = AnnexBWriter::create(path("b.h264")).value();
  for (const MediaFrame& frame : frames) ASSERT_TRUE(writer->write(frame));
  ASSERT_TRUE(writer->close());
  EXPECT_EQ(read_all(path("b.h264")).value().size(), 3u);
}

TEST_F(MediaFiles, AnnexBStartCodesAreFoundAcrossTheChunksOfAFile) {
  // The start code of the second picture stands at every place about the end of the first chunk.
  for (std::size_t at = 64 * 1024 - 6; at < 64 * 1024 + 3; ++at) {
    Octets stream{0, 0, 1, 0x65, 0x88};
    stream.resize(at, 0xaa);
    stream.insert(stream.end(), {0, 0, 0, 1, 0x41, 0x9a});
    const auto frames = read_all(write("a.h264", stream)).value();
    ASSERT_EQ(frames.size(), 2u) << at;
    EXPECT_EQ(frames[0].payload.size(), at + 1) << at;
    EXPECT_EQ(frames[1].payload, (Octets{0, 0, 0, 1, 0x41, 0x9a})) << at;
  }
}

TEST_F(MediaFiles, WhatIsNoMediaFileIsRefused) {
  EXPECT_THAT(error_of({}), HasSubstr("given, byte 0: it is neither IVF nor Ogg nor an H.264"));
  EXPECT_THAT(error_of({'R', 'I', 'F', 'F', 0, 0, 1}), HasSubstr("ffmpeg -i OLD -c:v libvpx"));
  Octets endless{0, 0, 1};
  endless.resize(9 * 1024 * 1024, 0x65);
  EXPECT_THAT(error_of(endless), HasSubstr("a NAL unit has more than 8 MiB"));
  Octets no_picture;
  for (int i = 0; i < 1'600'000; ++i) no_picture.insert(no_picture.end(), {0, 0, 1, 6, 9});
  EXPECT_THAT(error_of(no_picture), HasSubstr("8 MiB without a picture"));
}

// --------------------------------------------------------------------------------------- ffmpeg

/// What FFmpeg makes is read, written by us, and read by FFmpeg without a word of complaint.
class Ffmpeg : public MediaFiles {
 protected:
  void SetUp() override {
    if (std::system("ffmpeg -version > /dev/null 2>&1") != 0) {
      GTEST_SKIP() << "ffmpeg is not installed; scripts/setup installs it";
    }
  }
  /// Its output and errors.
  static std::string run(const std::string& command) {
    std::FILE* pipe = popen((command + " 2>&1").c_str(), "r");
    std::string output;
    for (int byte = std::fgetc(pipe); byte != EOF; byte = std::fgetc(pipe)) {
      output += static_cast<char>(byte);
    }
    pclose(pipe);
    return output;
  }
  void make(const std::string& input, const std::string& codec, const std::string& name) const {
    EXPECT_EQ(run("ffmpeg -v error -y -f lavfi -i " + input + " " + codec + " " + path(name)), "");
  }
  std::string frames_in(const std::string& name) const {
    return run(
        "ffprobe -v error -count_frames -of csv=p=0 "
        "-show_entries stream=codec_name,width,height,channels,nb_read_frames " +
        path(name));
  }
  void copy(const std::string& from, FrameWriter& writer) const {
    const auto frames = read_all(path(from)).value();
    for (const MediaFrame& frame : frames) ASSERT_TRUE(writer.write(frame));
    ASSERT_TRUE(writer.close());
  }
};

TEST_F(Ffmpeg, PlaysTheVideoThatWeWrite) {
  struct Case {
    Codec codec;
    std::string flags;
    std::string probed;
  };
  const std::string size = "testsrc=duration=1:size=176x144:rate=10";
  for (const Case& one :
       {Case{Codec::kVp8, "-c:v libvpx", "vp8,176,144,10\n"},
        Case{Codec::kVp9, "-c:v libvpx-vp9 -deadline realtime", "vp9,176,144,10\n"},
        Case{Codec::kAv1, "-c:v libaom-av1 -usage realtime -cpu-used 8", "av1,176,144,10\n"}}) {
    make(size, one.flags, "theirs.ivf");
    auto writer = IvfWriter::create(path("ours.ivf"), one.codec).value();
    copy("theirs.ivf", *writer);
    EXPECT_EQ(frames_in("ours.ivf"), one.probed);
    EXPECT_EQ(run("ffmpeg -v error -i " + path("ours.ivf") + " -f null -"), "") << one.flags;
    EXPECT_TRUE(read_all(path("ours.ivf")).value()[0].key_frame) << one.flags;
    EXPECT_EQ(read_all(path("ours.ivf")).value()[9].time, milliseconds(900)) << one.flags;
  }
  make(size, "-c:v libx264 -profile:v baseline -pix_fmt yuv420p -x264-params slices=3",
       "theirs.h264");
  EXPECT_EQ(read_all(path("theirs.h264")).value().size(), 10u);
  auto writer = AnnexBWriter::create(path("ours.h264")).value();
  copy("theirs.h264", *writer);
  EXPECT_EQ(frames_in("ours.h264"), "h264,176,144,10\n");
}

TEST_F(Ffmpeg, PlaysTheSoundThatWeWrite) {
  make("sine=duration=3", "-c:a libopus -b:a 64k", "theirs.ogg");
  const auto frames = read_all(path("theirs.ogg")).value();
  EXPECT_NEAR(static_cast<double>(frames.size()), 150, 2);
  auto writer = OggOpusWriter::create(path("ours.ogg"), 1).value();
  // Half a second is lost.
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const bool lost = i >= 50 && i < 75;
    if (!lost) {
      ASSERT_TRUE(writer->write(frames[i]));
    }
  }
  ASSERT_TRUE(writer->close());
  EXPECT_EQ(run("ffmpeg -v error -i " + path("ours.ogg") + " -f null -"), "");
  const std::string length =
      run("ffprobe -v error -of csv=p=0 -show_entries format=duration " + path("ours.ogg"));
  EXPECT_NEAR(std::stod(length), 3.0, 0.05);
}

}  // namespace
}  // namespace media
