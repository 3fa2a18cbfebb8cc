#include "floe/rtp/payload/internal/nal_units.h"

#include <algorithm>

namespace floe::rtp {
namespace {

// RFC 6184 section 5.7.1, RFC 7798 section 4.4.2: the length before each aggregated unit.
constexpr std::size_t kLengthSize = 2;
constexpr std::size_t kMaxAggregated = 0xffff;

}  // namespace

std::vector<Bytes> split_annex_b(Bytes stream) {
  std::vector<Bytes> units;
  std::size_t begin = stream.size();  // of the present unit; the end: there is none yet
  const auto add = [&](std::size_t end) {
    // Zeros before a start code belong to it; a NAL unit ends with a one bit.
    while (end > begin && stream[end - 1] == 0) --end;
    if (end > begin && units.size() < kMaxNalUnits)
      units.push_back(stream.subspan(begin, end - begin));
  };
  std::size_t at = 0;
  while (at + 3 <= stream.size()) {
    if (stream[at + 2] > 1) {
      at += 3;
    } else if (stream[at] == 0 && stream[at + 1] == 0 && stream[at + 2] == 1) {
      add(at);
      at += 3;
      begin = at;
    } else {
      ++at;
    }
  }
  add(stream.size());
  return units;
}

void append_start_code(std::vector<std::uint8_t>& stream) {
  stream.insert(stream.end(), {0, 0, 0, 1});
}

Result<> NalPacketizer::start(const FrameView& frame, std::size_t max_payload) {
  next_ = 0;
  units_.clear();
  fragments_ = {};
  if (frame.payload.size() > kMaxFrameSize) {
    return fail(Errc::kLimitExceeded, "the frame is larger than 8 MiB");
  }
  std::vector<Bytes> units = split_annex_b(frame.payload);
  if (units.empty()) {
    return fail(Errc::kMalformed, "the frame has no NAL unit behind a start code (Annex B)");
  }
  for (const Bytes unit : units) {
    if (unit.size() <= header_size_) {
      return fail(Errc::kMalformed, "the frame has a NAL unit without contents");
    }
    if (unit.size() > max_payload && !aggregates_and_fragments_) {
      return fail(Errc::kLimitExceeded,
                  "a NAL unit of " + std::to_string(unit.size()) +
                      " bytes does not fit a packet in packetization-mode 0; have the encoder make "
                      "slices of at most " +
                      std::to_string(max_payload));
    }
  }
  units_ = std::move(units);
  max_payload_ = max_payload;
  marker_ = frame.marker;
  return {};
}

std::size_t NalPacketizer::aggregated_count() const {
  if (!aggregates_and_fragments_) return 1;
  std::size_t size = header_size_;
  std::size_t count = 0;
  while (next_ + count < units_.size()) {
    const std::size_t unit = units_[next_ + count].size();
    size += kLengthSize + unit;
    if (unit > kMaxAggregated || size > max_payload_) break;
    ++count;
  }
  return std::max<std::size_t>(count, 1);
}

std::optional<Piece> NalPacketizer::next(MutableBytes space) {
  if (next_ == units_.size()) return std::nullopt;
  ByteWriter writer(space.first(std::min(space.size(), max_payload_)));
  const Bytes unit = units_[next_];
  if (unit.size() > max_payload_) {
    const Bytes body = unit.subspan(header_size_);
    const bool first = fragments_.done();
    if (first) fragments_ = EvenSplit(body.size(), max_payload_ - header_size_ - 1);
    write_fragment_header(writer, unit, first, fragments_.last());
    const std::size_t at = body.size() - fragments_.left();
    writer.bytes(body.subspan(at, fragments_.next()));
    if (fragments_.done()) ++next_;
  } else if (const std::size_t count = aggregated_count(); count > 1) {
    const std::span<const Bytes> units = std::span(units_).subspan(next_, count);
    write_aggregation_header(writer, units);
    for (const Bytes one : units) {
      writer.u16(static_cast<std::uint16_t>(one.size()));
      writer.bytes(one);
    }
    next_ += count;
  } else {
    writer.bytes(unit);
    ++next_;
  }
  return Piece{writer.size(), marker_ && next_ == units_.size(), 0};
}

NalPart NalDepacketizer::whole(Bytes unit, std::uint8_t type) const {
  NalPart part;
  part.type = type;
  std::copy_n(unit.begin(), header_size_, part.header.begin());
  part.body = unit.subspan(header_size_);
  return part;
}

std::optional<PayloadShape> NalDepacketizer::inspect(Bytes payload) const {
  parts_.clear();
  if (!read(payload, parts_) || parts_.empty()) return std::nullopt;
  PayloadShape shape;
  if (!parts_.front().begins) {
    shape.begins = Begins::kNo;
  } else if (begins_picture(parts_.front())) {
    shape.begins = Begins::kYes;
  }
  // Parameter sets come with key frames, often in a packet of their own.
  shape.key_frame = std::any_of(parts_.begin(), parts_.end(), [&](const NalPart& p) {
    return is_key(p.type) || is_parameter_set(p.type);
  });
  return shape;
}

bool NalDepacketizer::assemble(std::span<const Bytes> payloads, Frame& frame) {
  frame.payload.clear();
  frame.key_frame = false;
  frame.codec = {};
  std::vector<std::uint8_t> parameter_sets;
  bool in_unit = false;
  std::uint8_t fragmented_type = 0;
  std::size_t units = 0;
  for (const Bytes payload : payloads) {
    parts_.clear();
    if (!read(payload, parts_)) return false;
    for (const NalPart& part : parts_) {
      // A fragment goes on where one began, and with nothing else between.
      if (part.begins == in_unit || (in_unit && part.type != fragmented_type)) return false;
      if (part.body.size() + header_size_ + 4 > kMaxFrameSize - frame.payload.size()) return false;
      const std::size_t at = frame.payload.size();
      if (part.begins) {
        if (++units > kMaxNalUnits) return false;
        append_start_code(frame.payload);
        frame.payload.insert(frame.payload.end(), part.header.begin(),
                             part.header.begin() + static_cast<std::ptrdiff_t>(header_size_));
        frame.key_frame |= is_key(part.type);
        fragmented_type = part.type;
      }
      frame.payload.insert(frame.payload.end(), part.body.begin(), part.body.end());
      in_unit = !part.ends;
      if (is_parameter_set(part.type) && part.begins && part.ends) {
        parameter_sets.insert(parameter_sets.end(),
                              frame.payload.begin() + static_cast<std::ptrdiff_t>(at),
                              frame.payload.end());
      }
    }
  }
  if (in_unit || frame.payload.empty()) return false;
  if (!parameter_sets.empty()) {
    keep_parameter_sets(parameter_sets);
  } else if (frame.key_frame && parameter_sets_.size() <= kMaxFrameSize - frame.payload.size()) {
    // They came before, or by signalling: a decoder that starts here needs them.
    frame.payload.insert(frame.payload.begin(), parameter_sets_.begin(), parameter_sets_.end());
  }
  return true;
}

void NalDepacketizer::set_parameter_sets(Bytes annex_b) {
  std::vector<std::uint8_t> parameter_sets;
  for (const Bytes unit : split_annex_b(annex_b)) {
    append_start_code(parameter_sets);
    parameter_sets.insert(parameter_sets.end(), unit.begin(), unit.end());
  }
  keep_parameter_sets(parameter_sets);
}

void NalDepacketizer::keep_parameter_sets(Bytes annex_b) {
  if (annex_b.size() <= kMaxParameterSets) parameter_sets_ = to_vector(annex_b);
}

}  // namespace floe::rtp
