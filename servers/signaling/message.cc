#include "floe/servers/signaling/message.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "floe/core/text.h"
#include "floe/servers/signaling/internal/overloaded.h"

namespace floe::server {
namespace {

using Json = nlohmann::json;

constexpr std::array<std::string_view, kRefusedCount> kRefusedNames = {
    "bad-json",     "too-deep",     "not-text",       "message-too-big",   "unknown-type",
    "bad-field",    "bad-room",     "bad-name",       "already-joined",    "not-joined",
    "no-such-peer", "room-full",    "too-many-rooms", "too-many-messages", "server-full",
    "join-timeout", "idle-timeout", "other"};

/// nlohmann's writer recurses and so does whoever reads the result, so depth is counted before
/// anything is built. Brackets within strings do not count; text that is not JSON may be
/// miscounted, which does no harm.
bool nests_too_deeply(std::string_view text, int most = kMaxNesting) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > most) return true;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return false;
}

std::string write(const Json& json) {
  // Strings that were parsed are UTF-8 already; those of an application may not be, and the
  // writer's other way to say so is an exception.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json parse(std::string_view text) {
  return Json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
}

/// The value of `key`, or null when `object` has none.
const Json* member(const Json& object, std::string_view key) {
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

const std::string* text_member(const Json& object, std::string_view key) {
  const Json* value = member(object, key);
  return value ? value->get_ptr<const std::string*>() : nullptr;
}

std::string text_or_empty(const Json& object, std::string_view key) {
  const std::string* text = text_member(object, key);
  return text ? *text : std::string();
}

Json peer_json(const Peer& peer) {
  return Json{{"id", peer.id}, {"name", peer.name}};
}

std::optional<Peer> read_peer(const Json& json) {
  if (!json.is_object()) return std::nullopt;
  const std::string* id = text_member(json, "id");
  if (!id) return std::nullopt;
  return Peer{*id, text_or_empty(json, "name")};
}

Json ice_server_json(const IceServer& server) {
  Json json{{"urls", server.urls}};
  if (!server.username.empty()) json["username"] = server.username;
  if (!server.credential.empty()) json["credential"] = server.credential;
  return json;
}

/// W3C: "urls" is one string or a list of them. What is neither is left out.
std::vector<IceServer> read_ice_servers(const Json* json) {
  std::vector<IceServer> servers;
  if (!json || !json->is_array()) return servers;
  for (const Json& entry : *json) {
    if (!entry.is_object()) continue;
    IceServer server;
    if (const Json* urls = member(entry, "urls"); urls && urls->is_string()) {
      server.urls.push_back(urls->get_ref<const std::string&>());
    } else if (urls && urls->is_array()) {
      for (const Json& url : *urls) {
        if (url.is_string()) server.urls.push_back(url.get_ref<const std::string&>());
      }
    }
    if (server.urls.empty()) continue;
    server.username = text_or_empty(entry, "username");
    server.credential = text_or_empty(entry, "credential");
    servers.push_back(std::move(server));
  }
  return servers;
}

/// The JSON of an application's own value within a message that is being written.
Json embedded(std::string_view json) {
  Json value = nests_too_deeply(json) ? Json(nullptr) : parse(json);
  if (value.is_discarded()) return nullptr;
  return value;
}

Result<Signal> read_description(const Json& json) {
  const std::string* type = json.is_object() ? text_member(json, "type") : nullptr;
  if (!type ||
      (*type != "offer" && *type != "answer" && *type != "pranswer" && *type != "rollback")) {
    return fail(Errc::kMalformed,
                "a description's \"type\" must be offer, answer, pranswer or rollback");
  }
  const Json* sdp = member(json, "sdp");
  if (sdp && !sdp->is_string()) {
    return fail(Errc::kMalformed, "a description's \"sdp\" must be a string");
  }
  return Description{*type, text_or_empty(json, "sdp")};
}

Result<Signal> read_candidate(const Json& json) {
  // W3C: onicecandidate's null and a candidate of "" both mean that there are no more.
  if (json.is_null()) return Candidate{};
  const std::string* text = json.is_object() ? text_member(json, "candidate") : nullptr;
  if (!text) {
    return fail(Errc::kMalformed,
                "a candidate must be null or an object with a string \"candidate\"");
  }
  Candidate candidate{*text, {}, {}, {}};
  if (const Json* mid = member(json, "sdpMid"); mid && !mid->is_null()) {
    if (!mid->is_string()) return fail(Errc::kMalformed, "\"sdpMid\" must be a string or null");
    candidate.sdp_mid = mid->get_ref<const std::string&>();
  }
  if (const Json* index = member(json, "sdpMLineIndex"); index && !index->is_null()) {
    const auto* number = index->get_ptr<const Json::number_unsigned_t*>();
    if (!number || *number > UINT16_MAX) {
      return fail(Errc::kMalformed, "\"sdpMLineIndex\" must be null or within 0 and 65535");
    }
    candidate.sdp_m_line_index = static_cast<std::uint16_t>(*number);
  }
  if (const Json* ufrag = member(json, "usernameFragment"); ufrag && !ufrag->is_null()) {
    if (!ufrag->is_string()) {
      return fail(Errc::kMalformed, "\"usernameFragment\" must be a string or null");
    }
    candidate.username_fragment = ufrag->get_ref<const std::string&>();
  }
  return candidate;
}

tl::unexpected<Refusal> refuse(Refused code, std::string message) {
  return tl::unexpected<Refusal>(Refusal{code, std::move(message)});
}

tl::expected<ClientMessage, Refusal> read_join(const Json& json, const SignalingLimits& limits) {
  const std::string* room = text_member(json, "room");
  if (!room) return refuse(Refused::kBadField, "\"join\" needs a string \"room\"");
  const Json* name = member(json, "name");
  if (name && !name->is_string()) return refuse(Refused::kBadField, "\"name\" must be a string");
  std::string name_text = text_or_empty(json, "name");
  if (room->empty() || room->size() > limits.max_room_bytes) {
    return refuse(Refused::kBadRoom, "a room's name has 1 to " +
                                         std::to_string(limits.max_room_bytes) + " bytes, not " +
                                         std::to_string(room->size()));
  }
  if (!is_printable(*room)) {
    return refuse(Refused::kBadRoom, "a room's name may have printable characters only");
  }
  if (name_text.size() > limits.max_name_bytes) {
    return refuse(Refused::kBadName, "a peer's name has at most " +
                                         std::to_string(limits.max_name_bytes) + " bytes, not " +
                                         std::to_string(name_text.size()));
  }
  if (!is_printable(name_text)) {
    return refuse(Refused::kBadName, "a peer's name may have printable characters only");
  }
  return Join{*room, std::move(name_text)};
}

Result<Joined> read_joined(const Json& json) {
  const std::string* room = text_member(json, "room");
  const std::string* id = text_member(json, "id");
  const Json* peers = member(json, "peers");
  if (!room || !id || !peers || !peers->is_array()) {
    return fail(Errc::kMalformed, "\"joined\" lacks its room, id or peers");
  }
  Joined joined{*room, *id, {}, read_ice_servers(member(json, "iceServers"))};
  for (const Json& entry : *peers) {
    std::optional<Peer> peer = read_peer(entry);
    if (!peer) return fail(Errc::kMalformed, "\"joined\" has a peer without an id");
    joined.peers.push_back(std::move(*peer));
  }
  return joined;
}

}  // namespace

std::string_view to_string(Refused code) {
  return kRefusedNames[std::min<std::size_t>(static_cast<std::size_t>(code), kRefusedCount - 1)];
}

Result<std::string> to_json(const Signal& signal) {
  return std::visit(
      Overloaded{[](const Description& description) -> Result<std::string> {
                   return write(Json{
                       {"description", {{"type", description.type}, {"sdp", description.sdp}}}});
                 },
                 [](const Candidate& candidate) -> Result<std::string> {
                   Json json{{"candidate", candidate.candidate}};
                   if (candidate.sdp_mid) json["sdpMid"] = *candidate.sdp_mid;
                   if (candidate.sdp_m_line_index) {
                     json["sdpMLineIndex"] = *candidate.sdp_m_line_index;
                   }
                   if (candidate.username_fragment) {
                     json["usernameFragment"] = *candidate.username_fragment;
                   }
                   return write(Json{{"candidate", std::move(json)}});
                 },
                 [](const OtherSignal& other) -> Result<std::string> {
                   // It will stand one level deep in a message.
                   if (nests_too_deeply(other.json, kMaxNesting - 1)) {
                     return fail(Errc::kLimitExceeded, "the signal's JSON nests too deeply");
                   }
                   const Json json = parse(other.json);
                   if (json.is_discarded()) {
                     return fail(Errc::kInvalidArgument,
                                 "the signal is not JSON: " + floe::quoted(other.json));
                   }
                   return write(json);
                 }},
      signal);
}

Result<Signal> parse_signal(std::string_view json) {
  if (nests_too_deeply(json)) return fail(Errc::kMalformed, "JSON that nests too deeply");
  const Json data = parse(json);
  if (data.is_discarded()) return fail(Errc::kMalformed, "not JSON: " + floe::quoted(json));
  if (data.is_object()) {
    // A browser that sends {description, candidate: undefined} has one of the two only; one that
    // sends both with null in one place means the other.
    const Json* description = member(data, "description");
    if (description && !description->is_null()) return read_description(*description);
    if (const Json* candidate = member(data, "candidate")) return read_candidate(*candidate);
  }
  return OtherSignal{write(data)};
}

std::string serialize(const ClientMessage& message) {
  return std::visit(
      Overloaded{[](const Join& join) {
                   return write(Json{{"type", "join"}, {"room", join.room}, {"name", join.name}});
                 },
                 [](const Leave&) {
                   return write(Json{{"type", "leave"}});
                 },
                 [](const Relay& relay) {
                   return write(
                       Json{{"type", "signal"}, {"to", relay.to}, {"data", embedded(relay.json)}});
                 }},
      message);
}

std::string serialize(const ServerMessage& message) {
  return std::visit(
      Overloaded{[](const Joined& joined) {
                   Json json{{"type", "joined"}, {"room", joined.room}, {"id", joined.id}};
                   json["peers"] = Json::array();
                   for (const Peer& peer : joined.peers) json["peers"].push_back(peer_json(peer));
                   if (!joined.ice_servers.empty()) {
                     json["iceServers"] = Json::array();
                     for (const IceServer& server : joined.ice_servers) {
                       json["iceServers"].push_back(ice_server_json(server));
                     }
                   }
                   return write(json);
                 },
                 [](const Left&) {
                   return write(Json{{"type", "left"}});
                 },
                 [](const PeerJoined& joined) {
                   return write(Json{{"type", "peer-joined"}, {"peer", peer_json(joined.peer)}});
                 },
                 [](const PeerLeft& left) {
                   return write(Json{{"type", "peer-left"}, {"id", left.id}});
                 },
                 [](const Delivery& delivery) {
                   return write(Json{{"type", "signal"},
                                     {"from", delivery.from},
                                     {"data", embedded(delivery.json)}});
                 },
                 [](const Refusal& refusal) {
                   return write(Json{{"type", "error"},
                                     {"code", std::string(to_string(refusal.code))},
                                     {"message", refusal.message}});
                 }},
      message);
}

tl::expected<ClientMessage, Refusal> parse_client_message(std::string_view text,
                                                          const SignalingLimits& limits) {
  if (nests_too_deeply(text)) {
    return refuse(Refused::kTooDeep,
                  "JSON may nest " + std::to_string(kMaxNesting) + " levels deep, not more");
  }
  const Json json = parse(text);
  if (json.is_discarded()) return refuse(Refused::kBadJson, "not JSON: " + floe::quoted(text));
  if (!json.is_object()) return refuse(Refused::kBadJson, "a message is a JSON object");
  const std::string* type = text_member(json, "type");
  if (!type) return refuse(Refused::kBadField, "a message needs a string \"type\"");
  if (*type == "join") return read_join(json, limits);
  if (*type == "leave") return Leave{};
  if (*type == "signal") {
    const std::string* to = text_member(json, "to");
    const Json* data = member(json, "data");
    if (!to) return refuse(Refused::kBadField, "\"signal\" needs a string \"to\"");
    if (!data) return refuse(Refused::kBadField, "\"signal\" needs \"data\"");
    return Relay{*to, write(*data)};
  }
  return refuse(Refused::kUnknownType,
                "unknown type \"" + floe::quoted(*type) + "\"; known are join, leave and signal");
}

Result<ServerMessage> parse_server_message(std::string_view text) {
  if (nests_too_deeply(text)) return fail(Errc::kMalformed, "JSON that nests too deeply");
  const Json json = parse(text);
  const std::string* type = json.is_object() ? text_member(json, "type") : nullptr;
  if (!type) return fail(Errc::kMalformed, "no signalling message: " + floe::quoted(text));
  if (*type == "joined") {
    return read_joined(json).map([](Joined joined) { return ServerMessage(std::move(joined)); });
  }
  if (*type == "left") return Left{};
  if (*type == "peer-joined") {
    const Json* entry = member(json, "peer");
    std::optional<Peer> peer = entry ? read_peer(*entry) : std::nullopt;
    if (!peer) return fail(Errc::kMalformed, "\"peer-joined\" lacks its peer");
    return PeerJoined{std::move(*peer)};
  }
  if (*type == "peer-left") {
    const std::string* id = text_member(json, "id");
    if (!id) return fail(Errc::kMalformed, "\"peer-left\" lacks its id");
    return PeerLeft{*id};
  }
  if (*type == "signal") {
    const std::string* from = text_member(json, "from");
    const Json* data = member(json, "data");
    if (!from || !data) return fail(Errc::kMalformed, "\"signal\" lacks its from or data");
    return Delivery{*from, write(*data)};
  }
  if (*type == "error") {
    const std::string* code = text_member(json, "code");
    if (!code) return fail(Errc::kMalformed, "\"error\" lacks its code");
    const auto* const known = std::find(kRefusedNames.begin(), kRefusedNames.end(), *code);
    std::string message = text_or_empty(json, "message");
    if (known == kRefusedNames.end()) return Refusal{Refused::kOther, *code + ": " + message};
    return Refusal{static_cast<Refused>(known - kRefusedNames.begin()), std::move(message)};
  }
  return fail(Errc::kUnsupported, "unknown type " + floe::quoted(*type));
}

}  // namespace floe::server
