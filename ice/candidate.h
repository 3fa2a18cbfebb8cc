#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "floe/core/result.h"
#include "floe/net/endpoint.h"

namespace floe::ice {

enum class CandidateType : std::uint8_t { kHost, kServerReflexive, kPeerReflexive, kRelayed };
enum class Protocol : std::uint8_t { kUdp, kTcp };
/// RFC 6544 section 4.5
enum class TcpType : std::uint8_t { kActive, kPassive, kSimultaneousOpen };

/// "host", "srflx", "prflx", "relay": the word the candidate attribute uses.
std::string_view to_string(CandidateType type);
std::string_view to_string(Protocol protocol);
std::string_view to_string(TcpType type);

/// One way to be reached (RFC 8445 section 5.3, text form RFC 8839 section 5.1).
struct Candidate {
  std::string foundation;       ///< 1 to 32 ice-chars.
  std::uint16_t component = 1;  ///< 1..256; floe multiplexes everything over component 1.
  Protocol protocol = Protocol::kUdp;
  std::uint32_t priority = 0;  ///< 1..2^31-1
  net::Endpoint endpoint;
  /// A name in the place of the address ("….local"). RFC 8839 section 5.1 has agents ignore these
  /// unless an extension says how to resolve them.
  std::string hostname;
  CandidateType type = CandidateType::kHost;
  /// The base of a reflexive candidate, the mapped address of a relayed one.
  std::optional<net::Endpoint> related;
  std::optional<TcpType> tcp_type;
  std::string ufrag;  ///< The generation it belongs to (RFC 8838 section 4), if it says.
  /// The server that yielded a candidate of ours, as W3C RTCIceCandidate has it; empty for hosts.
  /// Not part of the text.
  std::string url;
  /// Extensions floe does not know, in their order.
  std::vector<std::pair<std::string, std::string>> extensions;

  /// Reads the attribute's value, with or without "a=" and "candidate:" in front. The error says
  /// which field is wrong.
  [[nodiscard]] static Result<Candidate> parse(std::string_view text);
  /// The attribute as `RTCIceCandidate.candidate` holds it: "candidate:…".
  std::string to_string() const;

  friend bool operator==(const Candidate&, const Candidate&) = default;
};

/// RFC 8445 section 5.1.2.1. `local_preference` orders a host's addresses: 65535 for the best.
std::uint32_t candidate_priority(CandidateType type, std::uint16_t local_preference,
                                 std::uint16_t component, Protocol protocol = Protocol::kUdp);

/// RFC 6544 section 4.2: the local preference of a host TCP candidate, from that of its address.
std::uint16_t tcp_local_preference(TcpType type, std::uint16_t address_preference);

/// RFC 8445 section 6.1.2.3: G is the controlling side's candidate priority, D the controlled
/// side's.
std::uint64_t pair_priority(std::uint32_t controlling, std::uint32_t controlled);

}  // namespace floe::ice
