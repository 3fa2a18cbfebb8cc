#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "floe/core/result.h"
#include "floe/servers/signaling/limits.h"

// The signalling protocol: JSON text messages. docs/signaling.md describes it for people.
namespace floe::server {

// What two peers tell each other through the server, in the W3C's words and JSON names, so that
// a browser passes it to JSON.stringify and from JSON.parse as it is.

/// RTCSessionDescriptionInit.
struct Description {
  std::string type;  ///< "offer", "answer", "pranswer" or "rollback".
  std::string sdp;
  bool operator==(const Description&) const = default;
};

/// RTCIceCandidateInit. An empty `candidate` says that no more are coming.
struct Candidate {
  std::string candidate;
  std::optional<std::string> sdp_mid;
  std::optional<std::uint16_t> sdp_m_line_index;
  std::optional<std::string> username_fragment;
  bool operator==(const Candidate&) const = default;
};

/// Anything else two applications agreed on: one JSON value.
struct OtherSignal {
  std::string json;
  bool operator==(const OtherSignal&) const = default;
};

using Signal = std::variant<Description, Candidate, OtherSignal>;

/// The JSON of the "data" field. An `OtherSignal` whose text is not JSON is an error.
[[nodiscard]] Result<std::string> to_json(const Signal& signal);
/// Reads the "data" field. Valid JSON that is neither a description nor a candidate is an
/// `OtherSignal`.
[[nodiscard]] Result<Signal> parse_signal(std::string_view json);

/// RTCIceServer: what the server tells those who join to use.
struct IceServer {
  std::vector<std::string> urls;  ///< "stun:host:port" (RFC 7064), "turn:host:port" (RFC 7065)
  std::string username;           ///< Empty for STUN.
  std::string credential;
  bool operator==(const IceServer&) const = default;
};

/// Why the server refused something; the text of `to_string` stands in the error message.
enum class Refused : std::uint8_t {
  kBadJson,          ///< Not JSON, or not a JSON object.
  kTooDeep,          ///< Arrays and objects nested deeper than `kMaxNesting`.
  kNotText,          ///< A binary message.
  kMessageTooBig,    ///< Above `max_message_bytes`. The connection is closed.
  kUnknownType,      ///< "type" is not one this server knows.
  kBadField,         ///< A field is missing or of the wrong kind.
  kBadRoom,          ///< The room's name is empty, too long or not printable.
  kBadName,          ///< The peer's name is too long or not printable.
  kAlreadyJoined,    ///< "join" from a connection that is in a room.
  kNotJoined,        ///< "signal" or "leave" from a connection that is in none.
  kNoSuchPeer,       ///< "to" is nobody in the sender's room.
  kRoomFull,         ///< `max_peers_per_room`.
  kTooManyRooms,     ///< `max_rooms`.
  kTooManyMessages,  ///< The token bucket is empty. Those who go on are closed.
  kServerFull,       ///< `max_connections`. The connection is closed.
  kJoinTimeout,      ///< `join_timeout`. The connection is closed.
  kIdleTimeout,      ///< `idle_timeout`. The connection is closed.
  kOther,            ///< A code this client does not know; never sent.
};
inline constexpr std::size_t kRefusedCount = static_cast<std::size_t>(Refused::kOther) + 1;
/// "bad-json", "room-full" and so on.
std::string_view to_string(Refused code);

/// Deeper JSON is refused unread: no signalling message comes near it, and recursion over text
/// from outside must have an end.
inline constexpr int kMaxNesting = 32;

// From a client to the server.

struct Join {
  std::string room;
  std::string name;
  bool operator==(const Join&) const = default;
};
struct Leave {
  bool operator==(const Leave&) const = default;
};
struct Relay {
  std::string to;
  std::string json;  ///< The value of "data".
  bool operator==(const Relay&) const = default;
};
using ClientMessage = std::variant<Join, Leave, Relay>;

// From the server to a client.

struct Peer {
  std::string id;    ///< Chosen by the server, unguessable, new with every join.
  std::string name;  ///< What the peer calls itself; need not be unique, may be empty.
  bool operator==(const Peer&) const = default;
};
struct Joined {
  std::string room;
  std::string id;           ///< The receiver's own.
  std::vector<Peer> peers;  ///< Those who were there before, longest first.
  std::vector<IceServer> ice_servers;
  bool operator==(const Joined&) const = default;
};
struct Left {
  bool operator==(const Left&) const = default;
};
struct PeerJoined {
  Peer peer;
  bool operator==(const PeerJoined&) const = default;
};
struct PeerLeft {
  std::string id;
  bool operator==(const PeerLeft&) const = default;
};
struct Delivery {
  std::string from;
  std::string json;  ///< The value of "data".
  bool operator==(const Delivery&) const = default;
};
struct Refusal {
  Refused code = Refused::kOther;
  std::string message;  ///< One sentence for a person.
  bool operator==(const Refusal&) const = default;
};
using ServerMessage = std::variant<Joined, Left, PeerJoined, PeerLeft, Delivery, Refusal>;

std::string serialize(const ClientMessage& message);
std::string serialize(const ServerMessage& message);

/// Total: every text is either a message or a refusal of it. Unknown fields are ignored.
tl::expected<ClientMessage, Refusal> parse_client_message(std::string_view text,
                                                          const SignalingLimits& limits);
/// `Errc::kUnsupported` for a well-formed message of a type this client does not know: skip it.
[[nodiscard]] Result<ServerMessage> parse_server_message(std::string_view text);

/// True when every character of the UTF-8 `text` may stand in a room's or a peer's name: no
/// control characters, no line separators, nothing that reorders or hides text around it.
bool is_printable(std::string_view text);

}  // namespace floe::server
