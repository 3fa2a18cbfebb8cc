#include <algorithm>
#include <utility>

#include "floe/core/text.h"
#include "floe/sctp/data_channels.h"
#include "floe/sctp/data_channels_core.h"
#include "floe/sctp/dcep.h"

namespace floe::sctp {
namespace {

// Messages on a stream that has no channel yet: the peer may use a negotiated channel a moment
// before it is opened here.
constexpr std::size_t kMaxOrphans = 16;
constexpr std::size_t kMaxOrphanBytes = 64 * 1024;

bool is_data(std::uint32_t ppid) {
  switch (Ppid{ppid}) {
    case Ppid::kString:
    case Ppid::kBinaryPartial:
    case Ppid::kBinary:
    case Ppid::kStringPartial:
    case Ppid::kStringEmpty:
    case Ppid::kBinaryEmpty:
      return true;
    default:
      return false;
  }
}

MessageKind kind_of(Ppid ppid) {
  return ppid == Ppid::kString || ppid == Ppid::kStringPartial || ppid == Ppid::kStringEmpty
             ? MessageKind::kText
             : MessageKind::kBinary;
}

}  // namespace

std::optional<DataChannels::Event> DataChannels::poll_event(Time now) {
  Core& core = *core_;
  while (core.events.empty()) {
    auto event = core.association.poll_event(now);
    if (!event) return std::nullopt;
    handle(now, *std::move(event));
  }
  Event event = std::move(core.events.front());
  core.events.pop_front();
  return event;
}

void DataChannels::handle(Time now, Association::Event event) {
  Core& core = *core_;
  if (auto* message = std::get_if<Association::Message>(&event)) {
    handle_message(now, std::move(*message));
  } else if (const auto* fell = std::get_if<Association::BufferedAmountFell>(&event)) {
    Channel* const channel = find(fell->stream);
    if (channel == nullptr || !channel->above_threshold ||
        buffered_amount(channel->id) > channel->low_threshold) {
      return;
    }
    channel->above_threshold = false;
    core.events.push_back(BufferedAmountLow{channel->id});
  } else if (const auto* reset = std::get_if<Association::StreamsReset>(&event)) {
    handle_reset(now, *reset);
  } else if (const auto* refused = std::get_if<Association::ResetRefused>(&event)) {
    for (const StreamId stream : refused->streams) {
      core.unusable.insert(stream);
      core.refusals.erase(stream);
      if (Channel* const channel = find(stream)) {
        finish(*channel, channel->error.value_or(Error{
                             Errc::kRefused, "the peer did not let the data channel be closed"}));
      }
    }
  } else if (const auto* added = std::get_if<Association::StreamsAdded>(&event)) {
    std::vector<ChannelId> waiting;
    for (const auto& [id, channel] : core.channels) {
      if (channel.waits_for_stream) waiting.push_back(id);
    }
    for (const ChannelId id : waiting) {
      if (added->refused) {
        finish(*find(id), Error{Errc::kLimitExceeded, "the peer takes only " +
                                                          std::to_string(added->outgoing_streams) +
                                                          " SCTP streams"});
      } else {
        start(now, *find(id));
      }
    }
  } else if (std::holds_alternative<Association::Connected>(event)) {
    core.events.push_back(Connected{});
    start_all(now);
  } else if (std::holds_alternative<Association::Sendable>(event)) {
    core.events.push_back(Sendable{});
  } else if (std::holds_alternative<Association::Closed>(event)) {
    finish_all(std::nullopt);
  } else if (const auto* failed = std::get_if<Association::Failed>(&event)) {
    finish_all(failed->error);
  }
}

void DataChannels::handle_message(Time now, Association::Message message) {
  Core& core = *core_;
  if (message.ppid == static_cast<std::uint32_t>(Ppid::kDcep)) {
    handle_dcep(now, message);
    return;
  }
  if (!is_data(message.ppid)) {
    ++core.stats.ppid_unknown;
    return;
  }
  Channel* const channel = find(message.stream);
  if (channel == nullptr || channel->state == ChannelState::kConnecting) {
    keep_orphan(now, std::move(message));
  } else if (channel->state == ChannelState::kOpen) {
    handle_data(now, *channel, std::move(message));
  } else {
    ++core.stats.no_channel;
  }
}

void DataChannels::handle_dcep(Time now, const Association::Message& message) {
  Core& core = *core_;
  Channel* const channel = find(message.stream);
  const auto parsed = parse_dcep(message.payload);
  if (!parsed) {
    ++core.stats.dcep_malformed;
    // RFC 8832 section 7: the channel is closed.
    if (channel == nullptr) {
      refuse(now, message.stream);
    } else {
      begin_close(now, *channel, parsed.error());
    }
    return;
  }
  if (const auto* open = std::get_if<DcepOpen>(&*parsed)) {
    handle_open(now, message.stream, *open);
  } else if (channel != nullptr && !channel->remote && !channel->heard) {
    channel->heard = true;
  } else {
    ++core.stats.dcep_unexpected;
  }
}

void DataChannels::handle_open(Time now, StreamId stream, const DcepOpen& open) {
  Core& core = *core_;
  unsigned earlier_resets = 0;
  if (Channel* const old = find(stream)) {
    if (old->state != ChannelState::kClosing || !old->incoming_reset) {
      // RFC 8832 section 6: an OPEN on a stream in use closes the channel.
      ++core.stats.opens_refused;
      begin_close(now, *old,
                  Error{Errc::kRefused, "the peer opened another data channel on id " +
                                            std::to_string(stream) + ", which was in use"});
      return;
    }
    // The peer knows that both directions are reset, else it would not use the id again; only its
    // answer to our reset is still on its way.
    earlier_resets = old->earlier_resets + 1;
    finish(*old, old->error);
  } else if (const auto refusal = core.refusals.find(stream); refusal != core.refusals.end()) {
    if (!refusal->second.incoming_reset) {
      ++core.stats.opens_refused;
      return;
    }
    earlier_resets = 1;
    core.refusals.erase(refusal);
  }
  // RFC 8832 section 6: the peer opens the parity that is not ours.
  const StreamId parity = *core.role == DtlsRole::kClient ? 1 : 0;
  if (stream % 2 != parity || core.unusable.contains(stream) ||
      core.channels.size() >= core.config.max_channels) {
    ++core.stats.opens_refused;
    refuse(now, stream);
    return;
  }
  const ChannelId id{core.next_channel++};
  Channel& channel = core.channels[id];
  channel.id = id;
  channel.remote = true;
  channel.heard = true;
  channel.stream = stream;
  channel.earlier_resets = earlier_resets;
  channel.options.label = open.label;
  channel.options.protocol = open.protocol;
  channel.options.ordered = open.ordered;
  channel.options.max_retransmits = open.max_retransmits;
  channel.options.max_packet_life_time = open.max_packet_life_time;
  channel.options.priority = open.priority;
  channel.options.id = stream;
  core.by_stream[stream] = id;
  core.events.push_back(Incoming{id, channel.options});
  start(now, channel);
}

void DataChannels::handle_data(Time now, Channel& channel, Association::Message message) {
  Core& core = *core_;
  const Ppid ppid{message.ppid};
  const MessageKind kind = kind_of(ppid);
  const bool more = ppid == Ppid::kBinaryPartial || ppid == Ppid::kStringPartial;
  channel.heard = true;
  // The deprecated way to send a large message: parts of one kind, only on a reliable and ordered
  // channel (RFC 8831 section 6.6), the last one with the PPID of a whole message.
  if (more || channel.partial_kind) {
    const bool reliable = !channel.options.max_retransmits && !channel.options.max_packet_life_time;
    const bool fits =
        channel.partial.size() + message.payload.size() <= core.config.association.max_message_size;
    if (!channel.options.ordered || !reliable || !fits ||
        channel.partial_kind.value_or(kind) != kind || ppid == Ppid::kStringEmpty ||
        ppid == Ppid::kBinaryEmpty) {
      ++core.stats.partial_misused;
      channel.partial_kind.reset();
      begin_close(now, channel,
                  Error{Errc::kMalformed, "the peer misused the deprecated partial messages"});
      return;
    }
    channel.partial_kind = kind;
    channel.partial.insert(channel.partial.end(), message.payload.begin(), message.payload.end());
    if (more) return;
    channel.partial_kind.reset();
    message.payload = std::exchange(channel.partial, {});
  }
  if (ppid == Ppid::kStringEmpty || ppid == Ppid::kBinaryEmpty) message.payload.clear();
  if (kind == MessageKind::kText && !is_utf8(message.payload)) {
    ++core.stats.text_not_utf8;
    begin_close(now, channel, Error{Errc::kMalformed, "the peer sent text that is not UTF-8"});
    return;
  }
  ++channel.stats.messages_received;
  channel.stats.bytes_received += message.payload.size();
  core.events.push_back(Message{channel.id, kind, std::move(message.payload)});
}

void DataChannels::refuse(Time now, StreamId stream) {
  if (core_->refusals.contains(stream)) return;
  if (core_->association.reset_streams(now, std::span(&stream, 1))) core_->refusals[stream] = {};
}

void DataChannels::keep_orphan(Time now, Association::Message message) {
  Core& core = *core_;
  if (core.refusals.contains(message.stream) || core.unusable.contains(message.stream)) {
    ++core.stats.no_channel;
    return;
  }
  if (core.orphans.size() < kMaxOrphans &&
      core.orphan_bytes + message.payload.size() <= kMaxOrphanBytes) {
    core.orphan_bytes += message.payload.size();
    core.orphans.push_back(std::move(message));
    return;
  }
  // RFC 8832 section 6: data on an unused stream closes it.
  ++core.stats.no_channel;
  if (Channel* const channel = find(message.stream)) {
    begin_close(now, *channel,
                Error{Errc::kLimitExceeded, "too much data before the channel opened"});
  } else {
    refuse(now, message.stream);
  }
}

void DataChannels::adopt_orphans(Time now, Channel& channel) {
  Core& core = *core_;
  auto orphans = std::exchange(core.orphans, {});
  core.orphan_bytes = 0;
  for (Association::Message& orphan : orphans) {
    if (orphan.stream != *channel.stream) {
      core.orphan_bytes += orphan.payload.size();
      core.orphans.push_back(std::move(orphan));
    } else if (channel.state == ChannelState::kOpen) {
      handle_data(now, channel, std::move(orphan));
    }
  }
}

void DataChannels::handle_reset(Time now, const Association::StreamsReset& reset) {
  std::vector<StreamId> streams = reset.streams;
  if (streams.empty()) {  // all of them
    for (const auto& [stream, id] : core_->by_stream) streams.push_back(stream);
    for (const auto& [stream, refusal] : core_->refusals) streams.push_back(stream);
    std::sort(streams.begin(), streams.end());
  }
  for (const StreamId stream : streams) {
    if (reset.direction == Association::StreamsReset::Direction::kIncoming) {
      incoming_reset(now, stream);
    } else {
      outgoing_reset(stream);
    }
  }
}

void DataChannels::incoming_reset(Time now, StreamId stream) {
  Core& core = *core_;
  if (Channel* const channel = find(stream)) {
    channel->incoming_reset = true;
    if (channel->state != ChannelState::kClosing) {
      std::optional<Error> error;
      if (!channel->heard) {
        // RFC 8832 section 6: a reset before any answer is a refusal.
        error = Error{Errc::kRefused, "the peer refused the data channel"};
      }
      core.events.push_back(Closing{channel->id});
      begin_close(now, *channel, std::move(error));
    }
    finish_if_reset(*channel);
    return;
  }
  std::size_t dropped = std::erase_if(
      core.orphans, [&](const Association::Message& orphan) { return orphan.stream == stream; });
  core.stats.no_channel += dropped;
  core.orphan_bytes = 0;
  for (const auto& orphan : core.orphans) core.orphan_bytes += orphan.payload.size();
  // RFC 8831 section 6.7: whoever sees its incoming stream reset resets the outgoing one.
  refuse(now, stream);
  const auto refusal = core.refusals.find(stream);
  if (refusal == core.refusals.end()) return;
  refusal->second.incoming_reset = true;
  if (!refusal->second.outgoing_reset) return;
  core.refusals.erase(refusal);
  note_free(stream);
}

void DataChannels::outgoing_reset(StreamId stream) {
  Core& core = *core_;
  if (Channel* const channel = find(stream)) {
    if (channel->earlier_resets > 0) {
      --channel->earlier_resets;
      return;
    }
    channel->outgoing_reset = true;
    finish_if_reset(*channel);
    return;
  }
  const auto refusal = core.refusals.find(stream);
  if (refusal == core.refusals.end()) return;
  refusal->second.outgoing_reset = true;
  if (!refusal->second.incoming_reset) return;
  core.refusals.erase(refusal);
  note_free(stream);
}

}  // namespace floe::sctp
