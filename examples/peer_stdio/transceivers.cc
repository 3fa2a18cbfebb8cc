#include "transceivers.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

#include "json.h"

namespace peer_stdio {
namespace {

using floe::MediaKind;
using floe::Result;
using floe::RtpTransceiver;
using Direction = floe::RtpTransceiverDirection;

std::optional<Direction> read_direction(Members& members) {
  const auto word = members.optional_text("direction");
  if (!word) return std::nullopt;
  for (const Direction direction :
       {Direction::kSendrecv, Direction::kSendonly, Direction::kRecvonly, Direction::kInactive}) {
    if (to_string(direction) == *word) return direction;
  }
  members.complain("direction", "sendrecv, sendonly, recvonly or inactive");
  return std::nullopt;
}

std::optional<MediaKind> read_kind(Members& members) {
  const std::string word = members.text("kind");
  for (const MediaKind kind : {MediaKind::kAudio, MediaKind::kVideo}) {
    if (to_string(kind) == word) return kind;
  }
  members.complain("kind", "audio or video");
  return std::nullopt;
}

}  // namespace

std::uint64_t Transceivers::number_of(const std::shared_ptr<RtpTransceiver>& transceiver) {
  const auto found = std::find(seen_.begin(), seen_.end(), transceiver);
  const auto index = static_cast<std::uint64_t>(found - seen_.begin());
  if (found == seen_.end()) seen_.push_back(transceiver);
  return index + 1;
}

Json Transceivers::describe(const std::shared_ptr<RtpTransceiver>& transceiver) {
  const auto current = transceiver->current_direction();
  return {{"transceiver", number_of(transceiver)},
          {"kind", to_string(transceiver->kind())},
          {"mid", or_null(transceiver->mid())},
          {"direction", to_string(transceiver->direction())},
          {"currentDirection", current ? Json(to_string(*current)) : Json(nullptr)}};
}

Result<Json> Transceivers::add(floe::PeerConnection& connection, Members& members) {
  const auto kind = read_kind(members);
  const auto direction = read_direction(members);
  if (auto right = members.check(); !right) return floe::forward(right);
  floe::RtpTransceiverInit init;
  if (direction) init.direction = *direction;
  const auto added = connection.add_transceiver(*kind, init);
  if (!added) return floe::forward(added);
  return describe(*added);
}

Result<Json> Transceivers::list(const floe::PeerConnection& connection, Members& members) {
  if (auto right = members.check(); !right) return floe::forward(right);
  Json list = Json::array();
  for (const auto& transceiver : connection.transceivers()) list.push_back(describe(transceiver));
  return Json{{"transceivers", list}};
}

std::shared_ptr<RtpTransceiver> Transceivers::find(Members& members) {
  const std::uint64_t number = members.number("transceiver", seen_.size());
  if (number > 0) return seen_[number - 1];
  members.complain("transceiver", "the number of a transceiver of this connection");
  return nullptr;
}

Result<Json> Transceivers::set_direction(Members& members) {
  const auto transceiver = find(members);
  const auto direction = read_direction(members);
  if (!direction) members.complain("direction", "there");
  if (auto right = members.check(); !right) return floe::forward(right);
  if (auto set = transceiver->set_direction(*direction); !set) return floe::forward(set);
  return describe(transceiver);
}

Result<Json> Transceivers::stop(Members& members) {
  const auto transceiver = find(members);
  if (auto right = members.check(); !right) return floe::forward(right);
  if (auto stopped = transceiver->stop(); !stopped) return floe::forward(stopped);
  return describe(transceiver);
}

}  // namespace peer_stdio
