#include "examples/media/ogg_opus.h"

#include <string_view>
#include <utility>

#include "examples/media/little_endian.h"

namespace media {

using floe::Bytes;
using floe::Errc;
using floe::Result;
using floe::rtp::audio_duration;
using floe::rtp::Codec;

namespace {

constexpr std::string_view kHead = "OpusHead";
constexpr std::string_view kTags = "OpusTags";
constexpr std::string_view kVendor = "floe";
constexpr std::size_t kHeadSize = 19;
// The largest Opus packet has 48 frames of 1275 bytes (RFC 6716 section 3.4), and its framing.
constexpr std::size_t kMaxPacket = 64 * 1024;
// RFC 7845 section 5.2: comments may be long (pictures); what is longer than this is no music file.
constexpr std::size_t kMaxComments = 16 * 1024 * 1024;
// What libopus looks ahead at 48 kHz, and a decoder has to skip.
constexpr std::uint16_t kPreSkip = 312;
// A page a second, as RFC 7845 section 6 advises at most.
constexpr std::uint64_t kPageDuration = kOpusRate;
// A pause of a minute costs some 3000 bytes. Who was away for longer goes on without it.
constexpr std::uint64_t kMaxFill = 60 * std::uint64_t{kOpusRate};
constexpr std::uint32_t kSerial = 1;

std::uint64_t samples(floe::Duration time) {
  return static_cast<std::uint64_t>(time / std::chrono::microseconds(1)) * kOpusRate / 1'000'000;
}

floe::Duration duration(std::uint64_t samples) {
  return std::chrono::seconds(samples / kOpusRate) +
         std::chrono::nanoseconds(samples % kOpusRate * 1'000'000'000 / kOpusRate);
}

}  // namespace

// -------------------------------------------------------------------------------------- reading

Result<std::unique_ptr<OggOpusReader>> OggOpusReader::open(const std::string& path) {
  auto file = InputFile::open(path);
  if (!file) return floe::forward(file);
  std::unique_ptr<OggOpusReader> reader(new OggOpusReader(std::move(*file)));
  if (const auto read = reader->read_headers(); !read) return floe::forward(read);
  return reader;
}

Result<> OggOpusReader::read_headers() {
  const auto head = next_packet();
  if (!head) return floe::forward(head);
  if (!*head) {
    return file_.malformed(0,
                           "the Ogg file has no Opus stream; make one, e.g. with "
                           "ffmpeg -i OLD -c:a libopus NEW.ogg");
  }
  const Bytes bytes = (*head)->payload;
  const std::uint64_t offset = (*head)->page_offset;
  if (bytes.size() < kHeadSize) return file_.malformed(offset, "the OpusHead is cut off");
  // RFC 7845 section 5.1: the upper half of the version is incompatible.
  if (bytes[8] >> 4 != 0) {
    return file_.malformed(
        offset, "Ogg Opus version " + std::to_string(bytes[8]) + " is not known, only 1");
  }
  channels_ = bytes[9];
  if (bytes[18] != 0 || channels_ < 1 || channels_ > 2) {
    return file_.malformed(offset, "it has " + std::to_string(channels_) +
                                       " channels and WebRTC takes one or two; make it stereo, "
                                       "e.g. with ffmpeg -i OLD -ac 2 -c:a libopus NEW.ogg");
  }
  const auto tags = next_packet();
  if (!tags) return floe::forward(tags);
  if (!*tags || !floe::as_text((*tags)->payload).starts_with(kTags)) {
    return file_.malformed(*tags ? (*tags)->page_offset : file_.offset(),
                           "OpusTags has to follow the OpusHead; the file is damaged");
  }
  return {};
}

Result<std::optional<OggOpusReader::Packet>> OggOpusReader::next_packet() {
  while (packets_.empty() && !ended_) {
    const auto page = read_ogg_page(file_);
    if (!page) return floe::forward(page);
    if (!*page) break;
    if (const auto taken = take(**page); !taken) return floe::forward(taken);
  }
  if (packets_.empty()) return std::nullopt;
  Packet packet = std::move(packets_.front());
  packets_.pop_front();
  return packet;
}

Result<> OggOpusReader::take(const OggPage& page) {
  if (!serial_ && page.first && floe::as_text(page.payload).starts_with(kHead)) {
    serial_ = page.serial;
  }
  if (serial_ != page.serial) return {};
  // The rest of a packet whose beginning is missing, or the beginning of one without its rest.
  bool skip = page.continued && partial_.empty();
  if (!page.continued) partial_.clear();
  std::size_t at = 0;
  for (const std::uint8_t size : page.segments) {
    const Bytes segment = Bytes(page.payload).subspan(at, size);
    at += size;
    if (!skip) partial_.insert(partial_.end(), segment.begin(), segment.end());
    if (partial_.size() > kMaxComments) {
      return file_.malformed(page.offset, "a packet has more than 16 MiB; the file is damaged");
    }
    if (size == 255) continue;
    if (!skip) packets_.push_back({std::exchange(partial_, {}), page.offset});
    skip = false;
  }
  // After the last page another stream may be chained (RFC 3533 section 4): it is not played.
  ended_ = page.last;
  return {};
}

Result<std::optional<MediaFrame>> OggOpusReader::next() {
  auto packet = next_packet();
  if (!packet) return floe::forward(packet);
  if (!*packet) return std::nullopt;
  MediaFrame frame;
  frame.payload = std::move((*packet)->payload);
  frame.time = duration(position_);
  frame.key_frame = true;
  const auto lasts = frame.payload.size() <= kMaxPacket
                         ? audio_duration(Codec::kOpus, frame.payload)
                         : std::nullopt;
  if (!lasts) {
    return file_.malformed((*packet)->page_offset,
                           "a packet of the page is not Opus (RFC 6716 section 3.4); the file is "
                           "damaged, encode it anew, e.g. with ffmpeg -i OLD -c:a libopus NEW.ogg");
  }
  position_ += *lasts;
  return frame;
}

// -------------------------------------------------------------------------------------- writing

Result<std::unique_ptr<OggOpusWriter>> OggOpusWriter::create(const std::string& path,
                                                             int channels) {
  if (channels < 1 || channels > 2) {
    return floe::fail(Errc::kInvalidArgument, "an Ogg Opus file of ours has one or two channels");
  }
  auto file = OutputFile::create(path);
  if (!file) return floe::forward(file);
  std::unique_ptr<OggOpusWriter> writer(new OggOpusWriter(std::move(*file)));
  if (const auto written = writer->write_headers(channels); !written) return floe::forward(written);
  return writer;
}

/// RFC 7845 sections 5.1 and 5.2, each on a page of its own.
Result<> OggOpusWriter::write_headers(int channels) {
  page_.serial = kSerial;
  page_.first = true;
  std::vector<std::uint8_t> head = floe::to_vector(floe::as_bytes(kHead));
  head.push_back(1);
  head.push_back(static_cast<std::uint8_t>(channels));
  append_little_endian(head, kPreSkip);
  append_little_endian(head, kOpusRate);
  append_little_endian<std::uint16_t>(head, 0);  // No gain.
  head.push_back(0);                             // One or two channels, left and right.
  if (auto added = add(head, 0); !added) return added;
  if (auto finished = finish_page(false); !finished) return finished;
  std::vector<std::uint8_t> tags = floe::to_vector(floe::as_bytes(kTags));
  append_little_endian(tags, static_cast<std::uint32_t>(kVendor.size()));
  tags.insert(tags.end(), kVendor.begin(), kVendor.end());
  append_little_endian<std::uint32_t>(tags, 0);
  if (auto added = add(tags, 0); !added) return added;
  return finish_page(false);
}

Result<> OggOpusWriter::write(const MediaFrame& frame) {
  const auto lasts = audio_duration(Codec::kOpus, frame.payload);
  if (!lasts || *lasts == 0) {
    return floe::fail(Errc::kMalformed,
                      "a packet of " + std::to_string(frame.payload.size()) + " bytes is not Opus");
  }
  const std::uint64_t begins = samples(frame.time);
  if (begins > position_ + skipped_ + kMaxFill) skipped_ = begins - position_;
  // The packet's own configuration, and one frame of no bytes (RFC 6716 section 3.1).
  const std::uint8_t empty = frame.payload[0] & 0xfc;
  const std::uint64_t step = audio_duration(Codec::kOpus, {&empty, 1}).value_or(*lasts);
  while (position_ + skipped_ + step <= begins) {
    if (auto added = add({&empty, 1}, step); !added) return added;
  }
  return add(frame.payload, *lasts);
}

Result<> OggOpusWriter::add(Bytes packet, std::uint64_t duration) {
  // As many segments of 255 as it has, and a smaller one that ends it.
  const std::size_t segments = packet.size() / 255 + 1;
  if (segments > OggPage::kMaxSegments) {
    return floe::fail(Errc::kMalformed, "a packet of " + std::to_string(packet.size()) +
                                            " bytes is more than Opus has");
  }
  const bool full = page_.segments.size() + segments > OggPage::kMaxSegments;
  const bool long_enough = position_ + duration > page_.granule_position + kPageDuration;
  if (!page_.segments.empty() && (full || long_enough)) {
    if (auto finished = finish_page(false); !finished) return finished;
  }
  page_.segments.insert(page_.segments.end(), segments - 1, 255);
  page_.segments.push_back(static_cast<std::uint8_t>(packet.size() % 255));
  page_.payload.insert(page_.payload.end(), packet.begin(), packet.end());
  position_ += duration;
  return {};
}

Result<> OggOpusWriter::finish_page(bool last) {
  page_.granule_position = position_;
  page_.last = last;
  if (auto written = write_ogg_page(file_, page_); !written) return written;
  page_.first = false;
  ++page_.number;
  page_.segments.clear();
  page_.payload.clear();
  return {};
}

Result<> OggOpusWriter::close() {
  if (std::exchange(closed_, true)) return {};
  if (auto finished = finish_page(true); !finished) return finished;
  return file_.close();
}

}  // namespace media
