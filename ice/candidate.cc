#include "floe/ice/candidate.h"

#include <algorithm>

#include "floe/core/text.h"
#include "floe/ice/credentials.h"

namespace floe::ice {
namespace {

// The longest line that can be legal: a 32-character foundation, two 255-character names and some
// extensions. A bound keeps a hostile line from growing the extension list.
constexpr std::size_t kMaxLine = 2048;

/// Walks the blanks-separated fields of a candidate line and remembers what was wrong first.
class Fields {
 public:
  explicit Fields(std::string_view text) : rest_(text) {}

  bool at_end() {
    skip_blanks();
    return rest_.empty();
  }
  std::string_view next() {
    skip_blanks();
    const std::size_t end = std::min(rest_.find(' '), rest_.size());
    const std::string_view field = rest_.substr(0, end);
    rest_.remove_prefix(end);
    return field;
  }

 private:
  void skip_blanks() {
    while (rest_.starts_with(' ')) rest_.remove_prefix(1);
  }
  std::string_view rest_;
};

tl::unexpected<Error> bad(std::string_view field, std::string_view value) {
  return fail(Errc::kMalformed,
              "candidate: " + std::string(field) + " is not valid: " + quoted(value));
}

std::optional<CandidateType> parse_type(std::string_view text) {
  if (text == "host") return CandidateType::kHost;
  if (text == "srflx") return CandidateType::kServerReflexive;
  if (text == "prflx") return CandidateType::kPeerReflexive;
  if (text == "relay") return CandidateType::kRelayed;
  return std::nullopt;
}

std::optional<TcpType> parse_tcp_type(std::string_view text) {
  if (text == "active") return TcpType::kActive;
  if (text == "passive") return TcpType::kPassive;
  if (text == "so") return TcpType::kSimultaneousOpen;
  return std::nullopt;
}

bool is_hostname(std::string_view text) {
  return !text.empty() && text.size() <= 255 && text.find('.') != std::string_view::npos &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  c == '-' || c == '.' || c == '_';
         });
}

bool is_foundation(std::string_view text) {
  return !text.empty() && text.size() <= 32 && std::all_of(text.begin(), text.end(), is_ice_char);
}

/// The name/value pairs behind the type (RFC 8839 section 5.1: unknown ones are ignored, floe keeps
/// them).
Result<> parse_extensions(Fields& fields, Candidate& candidate) {
  std::optional<net::Address> related_address;
  std::optional<std::uint16_t> related_port;
  while (!fields.at_end()) {
    const std::string_view name = fields.next();
    const std::string_view value = fields.next();
    if (name == "raddr") {
      related_address = net::Address::parse(value);
      if (!related_address && !is_hostname(value)) return bad("raddr", value);
    } else if (name == "rport") {
      related_port = parse_decimal<std::uint16_t>(value);
      if (!related_port) return bad("rport", value);
    } else if (name == "tcptype") {
      candidate.tcp_type = parse_tcp_type(value);
      if (!candidate.tcp_type) return bad("tcptype", value);
    } else if (name == "ufrag") {
      candidate.ufrag = value;
    } else {
      candidate.extensions.emplace_back(name, value);
    }
  }
  if (related_address) {
    candidate.related = net::Endpoint{*related_address, related_port.value_or(0)};
  }
  return {};
}

}  // namespace

std::string_view to_string(CandidateType type) {
  switch (type) {
    case CandidateType::kHost:
      return "host";
    case CandidateType::kServerReflexive:
      return "srflx";
    case CandidateType::kPeerReflexive:
      return "prflx";
    case CandidateType::kRelayed:
      return "relay";
  }
  return "unknown";
}

std::string_view to_string(Protocol protocol) {
  return protocol == Protocol::kUdp ? "udp" : "tcp";
}

std::string_view to_string(TcpType type) {
  switch (type) {
    case TcpType::kActive:
      return "active";
    case TcpType::kPassive:
      return "passive";
    case TcpType::kSimultaneousOpen:
      return "so";
  }
  return "unknown";
}

Result<Candidate> Candidate::parse(std::string_view text) {
  text = trim(text);
  if (text.size() > kMaxLine) return fail(Errc::kMalformed, "candidate: line is too long");
  if (text.starts_with("a=")) text.remove_prefix(2);
  if (text.starts_with("candidate:")) text.remove_prefix(10);
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20) return bad("a control character", text);
  }

  Fields fields(text);
  Candidate candidate;
  candidate.foundation = fields.next();
  if (!is_foundation(candidate.foundation)) return bad("foundation", candidate.foundation);

  std::string_view field = fields.next();
  const auto component = parse_decimal<std::uint16_t>(field);
  if (!component || *component < 1 || *component > 256) return bad("component", field);
  candidate.component = *component;

  field = fields.next();
  if (equals_ignoring_case(field, "udp")) {
    candidate.protocol = Protocol::kUdp;
  } else if (equals_ignoring_case(field, "tcp")) {
    candidate.protocol = Protocol::kTcp;
  } else {
    return bad("transport", field);
  }

  field = fields.next();
  const auto priority = parse_decimal<std::uint32_t>(field);
  if (!priority || *priority < 1 || *priority > 0x7fffffff) return bad("priority", field);
  candidate.priority = *priority;

  field = fields.next();
  const auto address = net::Address::parse(field);
  if (address) {
    candidate.endpoint.address = *address;
  } else if (is_hostname(field)) {
    candidate.hostname = field;
  } else {
    return bad("address", field);
  }

  field = fields.next();
  const auto port = parse_decimal<std::uint16_t>(field);
  if (!port) return bad("port", field);
  candidate.endpoint.port = *port;

  field = fields.next();
  if (field != "typ") return bad("the word before the type", field);
  field = fields.next();
  const auto type = parse_type(field);
  if (!type) return bad("type", field);
  candidate.type = *type;

  if (auto ok = parse_extensions(fields, candidate); !ok) return forward(ok);
  if (candidate.protocol == Protocol::kTcp && !candidate.tcp_type) {
    return bad("tcptype (missing)", text);  // RFC 6544 section 4.5: mandatory for TCP
  }
  return candidate;
}

std::string Candidate::to_string() const {
  std::string out = "candidate:" + foundation + ' ' + std::to_string(component) + ' ';
  out += ice::to_string(protocol);
  out += ' ' + std::to_string(priority) + ' ';
  out += hostname.empty() ? endpoint.address.to_string() : hostname;
  out += ' ' + std::to_string(endpoint.port) + " typ ";
  out += ice::to_string(type);
  if (related) {
    out += " raddr " + related->address.to_string() + " rport " + std::to_string(related->port);
  }
  if (tcp_type) out += " tcptype " + std::string(ice::to_string(*tcp_type));
  if (!ufrag.empty()) out += " ufrag " + ufrag;
  for (const auto& [name, value] : extensions) {
    out += ' ' + name + ' ' + value;
  }
  return out;
}

std::uint32_t candidate_priority(CandidateType type, std::uint16_t local_preference,
                                 std::uint16_t component, Protocol protocol) {
  // RFC 8445 section 5.1.2.2 recommends these type preferences. RFC 6544 section 4.2 wants any UDP
  // candidate before any TCP one, but for relayed ones; what it leaves open is as libwebrtc has it.
  const bool udp = protocol == Protocol::kUdp;
  std::uint32_t type_preference = 0;
  switch (type) {
    case CandidateType::kHost:
      type_preference = udp ? 126 : 90;
      break;
    case CandidateType::kPeerReflexive:
      type_preference = udp ? 110 : 80;
      break;
    case CandidateType::kServerReflexive:
      type_preference = udp ? 100 : 70;
      break;
    case CandidateType::kRelayed:
      type_preference = 0;
      break;
  }
  return type_preference << 24 | static_cast<std::uint32_t>(local_preference) << 8 |
         (256u - component);
}

std::uint16_t tcp_local_preference(TcpType type, std::uint16_t address_preference) {
  constexpr std::uint32_t kOther = 8191;
  const std::uint32_t direction = type == TcpType::kActive ? 6 : type == TcpType::kPassive ? 4 : 2;
  const std::uint32_t below = std::min<std::uint32_t>(65535u - address_preference, kOther);
  return static_cast<std::uint16_t>(direction * (kOther + 1) + kOther - below);
}

std::uint64_t pair_priority(std::uint32_t controlling, std::uint32_t controlled) {
  const std::uint64_t g = controlling;
  const std::uint64_t d = controlled;
  return (std::min(g, d) << 32) + 2 * std::max(g, d) + (g > d ? 1 : 0);
}

}  // namespace floe::ice
