#include "channels.h"

#include <limits>
#include <utility>

#include "floe/core/text.h"
#include "floe/crypto/crypto.h"
#include "json.h"

namespace peer_stdio {
namespace {

using floe::DataChannel;
using floe::Result;

constexpr std::uint64_t kMax16 = std::numeric_limits<std::uint16_t>::max();
constexpr std::uint64_t kMaxNumber = std::uint64_t{1} << 53;  // What JavaScript can count to.
/// The most a Configuration takes for max_message_size.
constexpr std::uint64_t kMaxMessage = std::uint64_t{64} << 20;
/// A longer message is told by its digest.
constexpr std::size_t kMaxShown = 16 * 1024;

std::optional<std::uint16_t> optional_16_bits(Members& members, const char* name) {
  const auto value = members.optional_number(name, kMax16);
  if (!value) return std::nullopt;
  return static_cast<std::uint16_t>(*value);
}

}  // namespace

floe::DataChannelInit Channels::read_init(Members& members) {
  return {.ordered = members.flag("ordered", true),
          .max_packet_life_time = optional_16_bits(members, "maxPacketLifeTime"),
          .max_retransmits = optional_16_bits(members, "maxRetransmits"),
          .protocol = members.optional_text("protocol").value_or(""),
          .negotiated = members.flag("negotiated", false),
          .id = optional_16_bits(members, "id"),
          .priority = optional_16_bits(members, "priority").value_or(256)};
}

std::uint64_t Channels::add(std::shared_ptr<DataChannel> added) {
  const std::uint64_t number = ++last_number_;
  DataChannel& channel = *added;
  channels_[number].channel = std::move(added);
  channel.on_open([this, number] { tell("open", number, describe(number)); });
  channel.on_message([this, number](const auto& message) { handle_message(number, message); });
  channel.on_buffered_amount_low([this, number] {
    if (channels_.at(number).sending) {
      go_on_sending(number);
    } else {
      tell("buffered_amount_low", number);
    }
  });
  channel.on_closing([this, number] { tell("closing", number); });
  channel.on_close([this, number] {
    channels_.at(number).sending.reset();
    tell("close", number);
  });
  channel.on_error([this, number](const auto& error) { tell("error", number, to_json(error)); });
  return number;
}

void Channels::forget() {
  channels_.clear();
  last_number_ = 0;
}

Json Channels::describe(std::uint64_t number) const {
  const DataChannel& channel = *channels_.at(number).channel;
  return {{"label", channel.label()},
          {"protocol", channel.protocol()},
          {"ordered", channel.ordered()},
          {"maxPacketLifeTime", or_null(channel.max_packet_life_time())},
          {"maxRetransmits", or_null(channel.max_retransmits())},
          {"negotiated", channel.negotiated()},
          {"id", or_null(channel.id())},
          {"readyState", to_string(channel.ready_state())}};
}

void Channels::handle_message(std::uint64_t number, const DataChannel::Message& message) {
  Channel& channel = channels_.at(number);
  if (channel.collected) {
    channel.collected->count(message.payload);
    if (channel.collected->messages() < channel.to_collect) return;
    tell("collected", number, std::exchange(channel.collected, nullptr)->finish(network_.now()));
    return;
  }
  Json members{{"size", message.payload.size()}};
  if (message.payload.size() > kMaxShown) {
    members["kind"] = message.is_text ? "text" : "binary";
    members["sha256"] = floe::to_hex(floe::crypto::sha256(message.payload));
  } else if (message.is_text) {
    members["text"] = floe::as_text(message.payload);
  } else {
    members["base64"] = floe::to_base64(message.payload);
  }
  tell("message", number, std::move(members));
}

Channels::Channel* Channels::find(Members& members) {
  const auto found = channels_.find(members.number("channel", kMaxNumber));
  if (found != channels_.end()) return &found->second;
  members.complain("channel", "the number of a data channel of this connection");
  return nullptr;
}

Result<Json> Channels::state(Members& members) {
  const Channel* channel = find(members);
  if (auto right = members.check(); !right) return floe::forward(right);
  Json answer = describe(members.number("channel", kMaxNumber));
  answer["bufferedAmount"] = channel->channel->buffered_amount();
  answer["bufferedAmountLowThreshold"] = channel->channel->buffered_amount_low_threshold();
  return answer;
}

Result<Json> Channels::send(Members& members) {
  Channel* channel = find(members);
  const auto text = members.optional_text("text");
  const auto base64 = members.optional_text("base64");
  if (text.has_value() == base64.has_value()) members.complain("text", "there, or \"base64\"");
  const auto binary = base64 ? floe::from_base64(*base64) : std::nullopt;
  if (base64 && !binary) members.complain("base64", "base64 with its padding (RFC 4648)");
  if (auto right = members.check(); !right) return floe::forward(right);
  const auto sent = text ? channel->channel->send(std::string_view(*text))
                         : channel->channel->send(floe::Bytes(*binary));
  if (!sent) return floe::forward(sent);
  return Json{{"bufferedAmount", channel->channel->buffered_amount()}};
}

Result<Json> Channels::send_many(Members& members) {
  Channel* channel = find(members);
  const std::uint64_t number = members.number("channel", kMaxNumber);
  const std::uint64_t count = members.number("count", kMaxNumber);
  const std::uint64_t size = members.number("size", kMaxMessage);
  const bool is_text = members.flag("asText", false);
  if (auto right = members.check(); !right) return floe::forward(right);
  if (channel->sending) {
    return floe::fail(floe::Errc::kInvalidState, "the send_many before has not ended");
  }
  channel->sending = std::make_unique<Sending>(network_.now(), count, size, is_text);
  const auto all = channel->sending->advance(*channel->channel);
  if (!all) {
    channel->sending.reset();
    return floe::forward(all);
  }
  // All of it may have been taken at once; the event that says so follows the answer.
  if (*all) network_.post([this, number] { go_on_sending(number); });
  return Json::object();
}

void Channels::go_on_sending(std::uint64_t number) {
  const auto found = channels_.find(number);
  if (found == channels_.end() || !found->second.sending) return;
  const auto all = found->second.sending->advance(*found->second.channel);
  if (all && !*all) return;
  const auto sending = std::exchange(found->second.sending, nullptr);
  if (all) {
    tell("sent", number, sending->finish(network_.now()));
  } else {
    tell("error", number, to_json(all.error()));
  }
}

Result<Json> Channels::collect(Members& members) {
  Channel* channel = find(members);
  const std::uint64_t count = members.number("count", kMaxNumber);
  if (count == 0) members.complain("count", "1 or more");
  if (auto right = members.check(); !right) return floe::forward(right);
  channel->collected = std::make_unique<Tally>(network_.now());
  channel->to_collect = count;
  return Json::object();
}

Result<Json> Channels::set_low_threshold(Members& members) {
  Channel* channel = find(members);
  const std::uint64_t bytes = members.number("bytes", kMaxNumber);
  if (auto right = members.check(); !right) return floe::forward(right);
  channel->channel->set_buffered_amount_low_threshold(bytes);
  return Json::object();
}

Result<Json> Channels::close(Members& members) {
  Channel* channel = find(members);
  if (auto right = members.check(); !right) return floe::forward(right);
  channel->channel->close();
  return Json::object();
}

void Channels::tell(const char* event, std::uint64_t number, Json members) {
  Json all{{"channel", number}};
  all.update(members);
  output_.event(event, all);
}

}  // namespace peer_stdio
