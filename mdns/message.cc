#include "floe/mdns/message.h"

#include <algorithm>
#include <array>

#include "floe/core/text.h"

namespace floe::mdns {
namespace {

constexpr std::size_t kMaxName = 255;  // RFC 1035 section 3.1, lengths included
constexpr std::size_t kMaxLabel = 63;
constexpr std::uint16_t kClassIn = 1;
constexpr std::uint16_t kClassAny = 255;
constexpr std::uint16_t kTopBit = 0x8000;         // cache flush, or QU
constexpr std::uint16_t kResponseFlags = 0x8400;  // QR and AA (RFC 6762 sections 18.2, 18.4)
constexpr std::uint16_t kOpcodeAndRcode = 0x780f;

void append_label(std::string& name, Bytes label) {
  if (!name.empty()) name.push_back('.');
  for (const std::uint8_t byte : label) {
    const char c = static_cast<char>(byte);
    if (c == '.' || c == '\\') name.push_back('\\');
    name.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
  }
}

/// RFC 1035 section 4.1.4. Each pointer must lead to before where this name, or the part of it that
/// the last pointer led to, began: so no message can send it around in circles.
std::optional<std::string> read_name(Bytes message, ByteReader& reader) {
  std::string name;
  ByteReader at = reader;
  std::size_t start = reader.position();
  std::size_t length = 1;
  bool followed = false;
  while (true) {
    const std::uint8_t first = at.u8();
    if (!at.ok()) return std::nullopt;
    if ((first & 0xc0) == 0xc0) {
      const std::size_t target = static_cast<std::size_t>(first & 0x3f) << 8 | at.u8();
      if (!at.ok() || target >= start) return std::nullopt;
      if (!followed) reader = at;
      followed = true;
      start = target;
      at = ByteReader(message);
      at.skip(target);
      continue;
    }
    if (first > kMaxLabel) return std::nullopt;
    if (first == 0) break;
    const Bytes label = at.bytes(first);
    length += first + 1u;
    if (!at.ok() || length > kMaxName) return std::nullopt;
    append_label(name, label);
  }
  if (!followed) reader = at;
  return name;
}

bool read_records(Bytes message, ByteReader& reader, std::size_t count, std::size_t& budget,
                  std::vector<Record>& out) {
  for (; count > 0 && budget > 0; --count, --budget) {
    std::optional<std::string> name = read_name(message, reader);
    if (!name) return false;
    Record record;
    record.name = std::move(*name);
    record.type = Type{reader.u16()};
    const std::uint16_t record_class = reader.u16();
    record.cache_flush = (record_class & kTopBit) != 0;
    record.ttl = reader.u32();
    const Bytes value = reader.bytes(reader.u16());
    if (!reader.ok()) return false;
    if ((record_class & ~kTopBit) != kClassIn) continue;
    if (record.type == Type::kA) {
      if (value.size() != 4) return false;
      record.address = net::Address::v4(value.first<4>());
    } else if (record.type == Type::kAaaa) {
      if (value.size() != 16) return false;
      record.address = net::Address::v6(value.first<16>());
    }
    out.push_back(std::move(record));
  }
  return true;
}

/// The dotted text of a name as `Message` holds it; false if it is no name.
bool write_name(ByteWriter& out, std::string_view name) {
  std::array<std::uint8_t, kMaxLabel> label;
  std::size_t size = 0;
  std::size_t total = 1;
  const auto flush = [&] {
    if (size == 0) return false;
    total += size + 1;
    out.u8(static_cast<std::uint8_t>(size));
    out.bytes(Bytes(label).first(size));
    size = 0;
    return total <= kMaxName;
  };
  for (std::size_t i = 0; i < name.size(); ++i) {
    char c = name[i];
    if (c == '.') {
      if (!flush()) return false;
      continue;
    }
    if (c == '\\') {
      if (++i == name.size()) return false;
      c = name[i];
    }
    if (size == label.size()) return false;
    label[size++] = static_cast<std::uint8_t>(c);
  }
  if (!flush()) return false;
  out.u8(0);
  return true;
}

bool write_record(ByteWriter& out, const Record& record) {
  if (!write_name(out, record.name)) return false;
  out.u16(static_cast<std::uint16_t>(record.type));
  out.u16(kClassIn | (record.cache_flush ? kTopBit : 0));
  out.u32(record.ttl);
  const std::size_t length_at = out.size();
  out.u16(0);
  if (record.address) {
    out.bytes(record.address->bytes());
  } else if (record.only_type) {
    // RFC 4034 section 4.1: the next name, which is this one, and a bit for each type.
    if (!write_name(out, record.name)) return false;
    const auto type = static_cast<unsigned>(*record.only_type);
    out.u8(0);
    out.u8(static_cast<std::uint8_t>(type / 8 + 1));
    out.zeros(type / 8);
    out.u8(static_cast<std::uint8_t>(0x80 >> type % 8));
  }
  out.patch_u16(length_at, static_cast<std::uint16_t>(out.size() - length_at - 2));
  return out.ok();
}

bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

}  // namespace

net::Address group(net::Family family) {
  static constexpr std::array<std::uint8_t, 16> kIpv6{0xff, 0x02, 0, 0, 0, 0, 0, 0,
                                                      0,    0,    0, 0, 0, 0, 0, 0xfb};
  return family == net::Family::kIpv4 ? net::Address::v4(224, 0, 0, 251) : net::Address::v6(kIpv6);
}

Type type_of(net::Family family) {
  return family == net::Family::kIpv4 ? Type::kA : Type::kAaaa;
}

Result<Message> Message::parse(Bytes bytes) {
  if (bytes.size() > kMaxMessage) {
    return fail(Errc::kMalformed, "a multicast DNS message is larger than 9000 bytes");
  }
  ByteReader reader(bytes);
  Message message;
  message.id = reader.u16();
  const std::uint16_t flags = reader.u16();
  message.is_response = (flags & kTopBit) != 0;
  const std::size_t questions = reader.u16();
  const std::size_t answers = reader.u16();
  const std::size_t authorities = reader.u16();
  const std::size_t additionals = reader.u16();
  if (!reader.ok()) return fail(Errc::kMalformed, "a DNS message ends within its header");
  // RFC 6762 sections 18.3 and 18.11: others must be ignored.
  if ((flags & kOpcodeAndRcode) != 0) {
    return fail(Errc::kMalformed, "a multicast DNS message has an opcode or a response code");
  }
  std::size_t budget = kMaxEntries;
  for (std::size_t i = 0; i < questions && budget > 0; ++i, --budget) {
    std::optional<std::string> name = read_name(bytes, reader);
    const Type type{reader.u16()};
    const std::uint16_t question_class = reader.u16();
    if (!name || !reader.ok()) return fail(Errc::kMalformed, "a DNS question is malformed");
    const std::uint16_t plain_class = question_class & ~kTopBit;
    if (plain_class != kClassIn && plain_class != kClassAny) continue;
    message.questions.push_back({std::move(*name), type, (question_class & kTopBit) != 0});
  }
  if (!read_records(bytes, reader, answers, budget, message.answers) ||
      !read_records(bytes, reader, authorities, budget, message.authorities) ||
      !read_records(bytes, reader, additionals, budget, message.additionals)) {
    return fail(Errc::kMalformed, "a DNS record is malformed");
  }
  return message;
}

std::vector<std::uint8_t> Message::write() const {
  std::vector<std::uint8_t> space(kMaxMessage);
  ByteWriter out(space);
  out.u16(id);
  out.u16(is_response ? kResponseFlags : 0);
  for (const std::size_t count :
       {questions.size(), answers.size(), authorities.size(), additionals.size()}) {
    if (count > kMaxEntries) return {};
    out.u16(static_cast<std::uint16_t>(count));
  }
  for (const Question& question : questions) {
    if (!write_name(out, question.name)) return {};
    out.u16(static_cast<std::uint16_t>(question.type));
    out.u16(kClassIn | (question.unicast ? kTopBit : 0));
  }
  for (const std::vector<Record>* section : {&answers, &authorities, &additionals}) {
    for (const Record& record : *section) {
      if (!write_record(out, record)) return {};
    }
  }
  if (!out.ok()) return {};
  space.resize(out.size());
  return space;
}

bool is_local_name(std::string_view name) {
  constexpr std::string_view kSuffix = ".local";
  if (name.size() > kMaxName - 2 || name.size() <= kSuffix.size()) return false;
  if (!equals_ignoring_case(name.substr(name.size() - kSuffix.size()), kSuffix)) return false;
  for (const std::string_view label : split(name, '.')) {
    if (label.empty() || label.size() > kMaxLabel) return false;
    if (!std::ranges::all_of(label, is_host_character)) return false;
  }
  return true;
}

}  // namespace floe::mdns
