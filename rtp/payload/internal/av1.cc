#include "floe/rtp/payload/internal/av1.h"

#include <algorithm>

namespace floe::rtp {
namespace {

// AV1 section 5.3.2 (the header) and 6.2.2 (the types).
constexpr std::uint8_t kExtensionFlag = 0x04;
constexpr std::uint8_t kHasSizeFlag = 0x02;
constexpr std::uint8_t kSequenceHeader = 1;
constexpr std::uint8_t kTemporalDelimiter = 2;
constexpr std::uint8_t kFrameHeader = 3;
constexpr std::uint8_t kFrame = 6;
constexpr std::uint8_t kTileList = 8;

// The aggregation header (RTP specification section 4.4).
constexpr std::uint8_t kContinues = 0x80;
constexpr std::uint8_t kWillContinue = 0x40;
constexpr std::uint8_t kNewSequence = 0x08;
constexpr std::size_t kMaxCounted = 3;  // W has two bits

// OBUs of one temporal unit: tiles may have one each, a few hundred at most.
constexpr std::size_t kMaxUnits = 4096;
// leb128 of sizes up to kMaxFrameSize has four bytes; AV1 section 4.10.5 allows eight.
constexpr std::size_t kMaxLeb128 = 8;

std::uint8_t type_of(std::uint8_t header) {
  return header >> 3 & 0x0f;
}

std::size_t read_leb128(ByteReader& reader) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < kMaxLeb128; ++i) {
    const std::uint8_t byte = reader.u8();
    value |= static_cast<std::uint64_t>(byte & 0x7f) << (7 * i);
    if ((byte & 0x80) == 0) break;
    // Too long: what follows must fail, since no size is that large.
    if (i + 1 == kMaxLeb128) value = ~std::uint64_t{0};
  }
  return static_cast<std::size_t>(value);
}

std::size_t leb128_size(std::size_t value) {
  std::size_t size = 1;
  while (value >>= 7) ++size;
  return size;
}

template <typename Sink>
void write_leb128(std::size_t value, Sink&& sink) {
  while (value >= 0x80) {
    sink(static_cast<std::uint8_t>(value | 0x80));
    value >>= 7;
  }
  sink(static_cast<std::uint8_t>(value));
}

/// One OBU, its size field read and left out.
struct Obu {
  std::uint8_t type = 0;
  std::size_t header_size = 1;
  std::uint8_t header[2]{};  // with obu_has_size_field clear
  Bytes body{};

  bool has_extension() const { return header_size == 2; }
  bool is_key_frame() const {
    // AV1 section 5.9.2: show_existing_frame, then two bits of frame_type, 0 for key frames.
    return (type == kFrameHeader || type == kFrame) && !body.empty() && (body[0] & 0xe0) == 0;
  }
};

/// Reads one OBU. Without a size field it takes all that is left.
bool read_obu(ByteReader& reader, Obu& obu) {
  const std::uint8_t first = reader.u8();
  if ((first & 0x80) != 0) return false;  // obu_forbidden_bit
  obu.type = type_of(first);
  obu.header[0] = static_cast<std::uint8_t>(first & ~kHasSizeFlag);
  obu.header_size = 1;
  if ((first & kExtensionFlag) != 0) {
    obu.header[1] = reader.u8();
    obu.header_size = 2;
  }
  const std::size_t size = (first & kHasSizeFlag) != 0 ? read_leb128(reader) : reader.remaining();
  obu.body = reader.bytes(size);
  return reader.ok();
}

/// Walks the elements of a payload (RTP specification section 4.5). Calls
/// `f(Bytes element, bool continues, bool will_continue)`; false if it is malformed.
template <typename F>
bool for_each_element(Bytes payload, F&& f) {
  ByteReader reader(payload);
  const std::uint8_t header = reader.u8();
  const std::size_t counted = header >> 4 & 3;
  for (std::size_t i = 0; reader.remaining() > 0; ++i) {
    if (counted != 0 && i == counted) return false;
    const bool has_size = counted == 0 || i + 1 < counted;
    const Bytes element = reader.bytes(has_size ? read_leb128(reader) : reader.remaining());
    if (!reader.ok()) return false;
    const bool last = reader.remaining() == 0;
    if (counted != 0 && last && i + 1 != counted) return false;
    if (!f(element, i == 0 && (header & kContinues) != 0, last && (header & kWillContinue) != 0)) {
      return false;
    }
  }
  return reader.ok() && payload.size() > 1;
}

/// Appends an OBU with its size.
bool append(const Obu& obu, std::vector<std::uint8_t>& out) {
  const std::size_t size = obu.header_size + kMaxLeb128 + obu.body.size();
  if (size > kMaxFrameSize || out.size() > kMaxFrameSize - size) return false;
  out.push_back(obu.header[0] | kHasSizeFlag);
  if (obu.has_extension()) out.push_back(obu.header[1]);
  write_leb128(obu.body.size(), [&](std::uint8_t byte) { out.push_back(byte); });
  out.insert(out.end(), obu.body.begin(), obu.body.end());
  return true;
}

}  // namespace

bool is_av1_key_frame(Bytes temporal_unit) {
  ByteReader reader(temporal_unit);
  bool sequence = false;
  bool key = false;
  while (reader.remaining() > 0) {
    Obu obu;
    if (!read_obu(reader, obu)) return false;
    sequence |= obu.type == kSequenceHeader;
    key |= obu.is_key_frame();
  }
  return sequence && key;
}

void Av1Packetizer::Unit::write(ByteWriter& writer, std::size_t from, std::size_t count) const {
  for (; from < header_size && count > 0; ++from, --count) writer.u8(header[from]);
  if (count > 0) writer.bytes(body.subspan(from - header_size, count));
}

Result<> Av1Packetizer::start(const FrameView& frame, std::size_t max_payload) {
  units_.clear();
  next_ = 0;
  offset_ = 0;
  if (frame.payload.size() > kMaxFrameSize) {
    return fail(Errc::kLimitExceeded, "the AV1 temporal unit is larger than 8 MiB");
  }
  std::vector<Unit> units;
  ByteReader reader(frame.payload);
  while (reader.remaining() > 0) {
    Obu obu;
    if (!read_obu(reader, obu)) {
      return fail(Errc::kMalformed, "the frame is no sequence of AV1 OBUs with sizes");
    }
    // RTP specification section 5.
    if (obu.type == kTemporalDelimiter || obu.type == kTileList) continue;
    if (units.size() == kMaxUnits) {
      return fail(Errc::kLimitExceeded, "the AV1 temporal unit has more than 4,096 OBUs");
    }
    Unit unit;
    unit.header_size = obu.header_size;
    std::copy_n(obu.header, 2, unit.header);
    unit.body = obu.body;
    units.push_back(unit);
  }
  if (units.empty()) return fail(Errc::kMalformed, "the AV1 temporal unit has no OBU to send");
  units_ = std::move(units);
  max_payload_ = max_payload;
  marker_ = frame.marker;
  new_sequence_ = is_av1_key_frame(frame.payload);
  return {};
}

std::optional<Piece> Av1Packetizer::next(MutableBytes space) {
  if (next_ == units_.size()) return std::nullopt;
  const bool first = next_ == 0 && offset_ == 0;
  const bool continues = offset_ > 0;
  elements_.clear();
  std::size_t left = std::min(space.size(), max_payload_) - 1;
  const Unit* layered = nullptr;
  while (next_ < units_.size()) {
    // Section 5: the OBUs of a packet belong to one layer.
    const Unit& unit = units_[next_];
    if (unit.header_size == 2) {
      if (layered != nullptr && layered->header[1] != unit.header[1]) break;
      layered = &unit;
    }
    // Reckoned with a size for each; that of the last may turn out not to be needed.
    const std::size_t size = units_[next_].size() - offset_;
    const std::size_t room = left - std::min(left, leb128_size(std::min(size, left)));
    const std::size_t taken = std::min(size, room);
    if (taken == 0) break;
    elements_.push_back({next_, offset_, taken});
    left -= leb128_size(taken) + taken;
    offset_ += taken;
    if (taken < size) break;
    ++next_;
    offset_ = 0;
  }
  const bool counted = elements_.size() <= kMaxCounted;
  ByteWriter writer(space);
  writer.u8(static_cast<std::uint8_t>(
      (continues ? kContinues : 0) | (offset_ > 0 ? kWillContinue : 0) |
      (counted ? elements_.size() << 4 : 0) | (first && new_sequence_ ? kNewSequence : 0)));
  for (std::size_t i = 0; i < elements_.size(); ++i) {
    const Element& element = elements_[i];
    if (!counted || i + 1 < elements_.size()) {
      write_leb128(element.size, [&](std::uint8_t byte) { writer.u8(byte); });
    }
    units_[element.unit].write(writer, element.from, element.size);
  }
  return Piece{writer.size(), marker_ && next_ == units_.size(), 0};
}

std::optional<PayloadShape> Av1Depacketizer::inspect(Bytes payload) const {
  if (payload.empty()) return std::nullopt;
  const bool new_sequence = (payload[0] & kNewSequence) != 0;
  const bool continues = (payload[0] & kContinues) != 0;
  if (new_sequence && continues) return std::nullopt;  // Section 4.4
  if (!for_each_element(payload, [](Bytes, bool, bool) { return true; })) return std::nullopt;
  return PayloadShape{new_sequence ? Begins::kYes
                      : continues  ? Begins::kNo
                                   : Begins::kMaybe,
                      new_sequence};
}

bool Av1Depacketizer::assemble(std::span<const Bytes> payloads, Frame& frame) {
  frame.payload = {kTemporalDelimiter << 3 | kHasSizeFlag, 0};
  frame.codec = {};
  const std::size_t nothing = frame.payload.size();
  bool sequence = false;
  bool key = false;
  bool in_fragment = false;
  std::size_t units = 0;
  fragment_.clear();
  for (const Bytes payload : payloads) {
    const bool ok = for_each_element(payload, [&](Bytes element, bool continues, bool will) {
      if (continues != in_fragment) return false;
      Bytes whole = element;
      if (continues || will) {
        if (element.size() > kMaxFrameSize - fragment_.size()) return false;
        fragment_.insert(fragment_.end(), element.begin(), element.end());
        in_fragment = will;
        if (will) return true;
        whole = fragment_;
      }
      if (whole.empty() || ++units > kMaxUnits) return false;
      ByteReader reader(whole);
      Obu obu;
      if (!read_obu(reader, obu)) return false;
      if (obu.type != kTemporalDelimiter && obu.type != kTileList) {
        sequence |= obu.type == kSequenceHeader;
        key |= obu.is_key_frame();
        if (obu.has_extension()) {
          frame.codec = Av1Fields{static_cast<std::uint8_t>(obu.header[1] >> 5),
                                  static_cast<std::uint8_t>(obu.header[1] >> 3 & 3)};
        }
        if (!append(obu, frame.payload)) return false;
      }
      fragment_.clear();
      return true;
    });
    if (!ok) return false;
  }
  frame.key_frame = sequence && key;
  return !in_fragment && frame.payload.size() > nothing;
}

}  // namespace floe::rtp
