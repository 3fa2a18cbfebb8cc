#include "floe/sctp/data_channels.h"

#include <algorithm>
#include <limits>

#include "floe/core/check.h"
#include "floe/core/text.h"
#include "floe/sctp/data_channels_core.h"
#include "floe/sctp/dcep.h"

namespace floe::sctp {
namespace {

constexpr std::size_t kMaxText = std::numeric_limits<std::uint16_t>::max();

constexpr std::uint32_t number(Ppid ppid) {
  return static_cast<std::uint32_t>(ppid);
}

std::uint32_t ppid_of(MessageKind kind, bool empty) {
  if (kind == MessageKind::kText) return number(empty ? Ppid::kStringEmpty : Ppid::kString);
  return number(empty ? Ppid::kBinaryEmpty : Ppid::kBinary);
}

Result<> check(const ChannelOptions& options) {
  if (options.max_retransmits && options.max_packet_life_time) {
    return fail(Errc::kInvalidArgument,
                "max_retransmits and max_packet_life_time exclude each other: set one of them");
  }
  for (const std::string& text : {options.label, options.protocol}) {
    if (text.size() > kMaxText) {
      return fail(Errc::kInvalidArgument,
                  "a data channel's label and protocol have at most 65535 bytes, not " +
                      std::to_string(text.size()));
    }
    if (!is_utf8(as_bytes(text))) {
      return fail(Errc::kInvalidArgument,
                  "a data channel's label and protocol must be UTF-8: " + quoted(text));
    }
  }
  if (options.negotiated && !options.id) {
    return fail(Errc::kInvalidArgument, "a negotiated data channel needs an id");
  }
  return {};
}

std::vector<std::uint8_t> open_message(const ChannelOptions& options) {
  DcepOpen open;
  open.ordered = options.ordered;
  open.max_retransmits = options.max_retransmits;
  open.max_packet_life_time = options.max_packet_life_time;
  open.priority = options.priority;
  open.label = options.label;
  open.protocol = options.protocol;
  auto message = serialize(open);
  FLOE_CHECK(message);  // `open()` has checked the options
  return *std::move(message);
}

}  // namespace

DataChannels::DataChannels(Config config) : core_(std::make_unique<Core>(std::move(config))) {}

DataChannels::~DataChannels() = default;

const Association& DataChannels::association() const {
  return core_->association;
}

Association& DataChannels::association() {
  return core_->association;
}

const DataChannels::Stats& DataChannels::stats() const {
  return core_->stats;
}

std::size_t DataChannels::remote_max_message_size() const {
  return core_->config.remote_max_message_size;
}

void DataChannels::set_remote_max_message_size(std::size_t bytes) {
  core_->config.remote_max_message_size = bytes;
}

DataChannels::Channel* DataChannels::find(ChannelId channel) {
  const auto found = core_->channels.find(channel);
  return found == core_->channels.end() ? nullptr : &found->second;
}

const DataChannels::Channel* DataChannels::find(ChannelId channel) const {
  return const_cast<DataChannels*>(this)->find(channel);
}

DataChannels::Channel* DataChannels::find(StreamId stream) {
  const auto found = core_->by_stream.find(stream);
  return found == core_->by_stream.end() ? nullptr : find(found->second);
}

bool DataChannels::may_use(StreamId stream) const {
  return !core_->by_stream.contains(stream) && !core_->refusals.contains(stream) &&
         !core_->unusable.contains(stream);
}

std::optional<StreamId> DataChannels::free_stream() {
  // RFC 8832 section 6: the DTLS client opens even ids, the server odd ones.
  StreamId& lowest = core_->lowest_free[*core_->role == DtlsRole::kClient ? 0 : 1];
  for (std::uint32_t id = lowest; id < core_->config.association.incoming_streams; id += 2) {
    lowest = static_cast<StreamId>(id);
    if (may_use(lowest)) return lowest;
  }
  return std::nullopt;
}

void DataChannels::note_free(StreamId stream) {
  StreamId& lowest = core_->lowest_free[stream % 2];
  lowest = std::min(lowest, stream);
}

void DataChannels::set_dtls_role(DtlsRole role) {
  if (core_->role) return;  // one DTLS connection, one role
  core_->role = role;
  std::vector<ChannelId> without_stream;
  for (auto& [id, channel] : core_->channels) {
    if (!channel.stream) {
      channel.stream = free_stream();
      if (channel.stream) core_->by_stream[*channel.stream] = id;
    }
    if (!channel.stream) without_stream.push_back(id);
  }
  for (const ChannelId id : without_stream) {
    finish(*find(id), Error{Errc::kLimitExceeded, "no data channel id is free for this DTLS role"});
  }
}

Result<> DataChannels::connect(Time now) {
  if (!core_->role) {
    return fail(Errc::kInvalidState,
                "set_dtls_role() must come before connect(): it decides the ids of the channels");
  }
  if (auto ok = core_->association.connect(now); !ok) return ok;
  start_all(now);
  return {};
}

Result<ChannelId> DataChannels::open(Time now, ChannelOptions options) {
  Core& core = *core_;
  if (core.over) return fail(Errc::kClosed, "the SCTP association has ended");
  if (auto ok = check(options); !ok) return forward(ok);
  if (core.channels.size() >= core.config.max_channels) {
    return fail(Errc::kLimitExceeded, "there are already " + std::to_string(core.channels.size()) +
                                          " data channels (max_channels)");
  }
  std::optional<StreamId> stream;
  if (options.negotiated) {
    stream = options.id;
    if (*stream >= core.config.association.incoming_streams) {
      return fail(Errc::kLimitExceeded,
                  "data channel id " + std::to_string(*stream) +
                      " is not below incoming_streams (" +
                      std::to_string(core.config.association.incoming_streams) + ")");
    }
    if (!may_use(*stream)) {
      return fail(Errc::kAddressInUse, "data channel id " + std::to_string(*stream) +
                                           " is in use or not yet closed on both sides");
    }
  } else if (core.role) {
    stream = free_stream();
    if (!stream) {
      return fail(Errc::kLimitExceeded,
                  "no data channel id is free: all " +
                      std::to_string(core.config.association.incoming_streams) +
                      " streams of this side are in use");
    }
  }
  const ChannelId id{core.next_channel++};
  Channel& channel = core.channels[id];
  channel.id = id;
  channel.options = std::move(options);
  channel.stream = stream;
  channel.heard = channel.options.negotiated;
  if (stream) core.by_stream[*stream] = id;
  start(now, channel);
  return id;
}

void DataChannels::start_all(Time now) {
  for (auto& [id, channel] : core_->channels) start(now, channel);
}

void DataChannels::start(Time now, Channel& channel) {
  Association& association = core_->association;
  const bool up = association.state() == Association::State::kConnected;
  if ((!up && association.state() != Association::State::kConnecting) || !channel.stream ||
      channel.state != ChannelState::kConnecting) {
    return;
  }
  const StreamId stream = *channel.stream;
  channel.waits_for_stream = stream >= association.outgoing_streams();
  if (channel.waits_for_stream) {
    // Fails only when the association is over, which is told by its own event.
    (void)association.add_outgoing_streams(now, static_cast<std::uint16_t>(stream + 1));
    return;
  }
  association.set_priority(stream, channel.options.priority);
  if (!channel.options.negotiated && !channel.introduced) {
    const auto message = channel.remote ? serialize(DcepAck{}) : open_message(channel.options);
    // RFC 8832 section 6: ordered and reliable. One of them for each channel at most.
    SendOptions options;
    options.exempt_from_queue_limit = true;
    channel.introduced =
        association.send(now, stream, number(Ppid::kDcep), message, options).has_value();
  }
  if (!up) return;
  channel.state = ChannelState::kOpen;
  channel.opened = true;
  ++core_->stats.channels_opened;
  core_->events.push_back(Open{channel.id});
  adopt_orphans(now, channel);
}

Result<> DataChannels::send(Time now, ChannelId id, MessageKind kind, Bytes payload) {
  Channel* const channel = find(id);
  if (channel == nullptr) return fail(Errc::kNotFound, "there is no such data channel");
  if (channel->state != ChannelState::kOpen) {
    return fail(Errc::kInvalidState, "data channel " + quoted(channel->options.label) +
                                         " is not open: messages are taken from Open to close()");
  }
  if (kind == MessageKind::kText && !is_utf8(payload)) {
    return fail(Errc::kMalformed, "a text message must be UTF-8; send this one as binary");
  }
  const std::size_t limit = core_->config.remote_max_message_size;
  if (limit != 0 && payload.size() > limit) {
    return fail(Errc::kMessageTooLong, "the message has " + std::to_string(payload.size()) +
                                           " bytes, the peer takes " + std::to_string(limit));
  }
  SendOptions options;
  // RFC 8832 section 6: ordered until the peer is known to have seen the OPEN.
  options.ordered = channel->options.ordered || !(channel->heard || channel->remote);
  options.max_retransmits = channel->options.max_retransmits;
  if (channel->options.max_packet_life_time) {
    options.max_lifetime = std::chrono::milliseconds(*channel->options.max_packet_life_time);
  }
  // RFC 8831 section 6.6: an empty message travels as one zero byte.
  constexpr std::uint8_t kZero = 0;
  const Bytes wire = payload.empty() ? Bytes(&kZero, 1) : payload;
  const auto sent =
      core_->association.send(now, *channel->stream, ppid_of(kind, payload.empty()), wire, options);
  if (!sent) return sent;
  ++channel->stats.messages_sent;
  channel->stats.bytes_sent += payload.size();
  if (buffered_amount(id) > channel->low_threshold) channel->above_threshold = true;
  return {};
}

std::size_t DataChannels::buffered_amount(ChannelId id) const {
  const Channel* const channel = find(id);
  if (channel == nullptr || !channel->stream) return 0;
  // The stream's amount includes our OPEN or ACK, which is always the first to leave.
  return std::min<std::size_t>(core_->association.buffered_amount(*channel->stream),
                               channel->stats.bytes_sent);
}

void DataChannels::set_buffered_amount_low_threshold(ChannelId id, std::size_t bytes) {
  Channel* const channel = find(id);
  if (channel == nullptr) return;
  channel->low_threshold = bytes;
  channel->above_threshold = buffered_amount(id) > bytes;
}

DataChannels::ChannelState DataChannels::state(ChannelId id) const {
  const Channel* const channel = find(id);
  return channel == nullptr ? ChannelState::kClosed : channel->state;
}

std::optional<StreamId> DataChannels::stream_id(ChannelId id) const {
  const Channel* const channel = find(id);
  return channel == nullptr ? std::nullopt : channel->stream;
}

std::optional<DataChannels::ChannelStats> DataChannels::channel_stats(ChannelId id) const {
  const Channel* const channel = find(id);
  if (channel == nullptr) return std::nullopt;
  return channel->stats;
}

void DataChannels::close(Time now, ChannelId id) {
  Channel* const channel = find(id);
  if (channel == nullptr || channel->state == ChannelState::kClosing) return;
  const bool unseen = channel->state == ChannelState::kConnecting && !channel->introduced;
  if (unseen && !channel->remote) {
    finish(*channel, std::nullopt);  // the peer never heard of it
  } else {
    begin_close(now, *channel, std::nullopt);
  }
}

void DataChannels::begin_close(Time now, Channel& channel, std::optional<Error> error) {
  if (channel.state == ChannelState::kClosing) return;
  channel.state = ChannelState::kClosing;
  channel.error = std::move(error);
  channel.partial.clear();
  const StreamId stream = *channel.stream;
  // RFC 8831 section 6.7. Without that outgoing stream there is nothing to reset; if the
  // association is over, its event closes every channel.
  if (!core_->association.reset_streams(now, std::span(&stream, 1))) channel.outgoing_reset = true;
}

void DataChannels::finish_if_reset(Channel& channel) {
  if (channel.incoming_reset && channel.outgoing_reset) finish(channel, channel.error);
}

void DataChannels::finish(Channel& channel, std::optional<Error> error) {
  Core& core = *core_;
  core.events.push_back(Closed{channel.id, std::move(error)});
  if (channel.opened) ++core.stats.channels_closed;
  if (channel.stream) {
    note_free(*channel.stream);
    core.association.set_priority(*channel.stream, ChannelOptions{}.priority);
    core.by_stream.erase(*channel.stream);
  }
  core.channels.erase(channel.id);
}

void DataChannels::finish_all(const std::optional<Error>& error) {
  while (!core_->channels.empty()) finish(core_->channels.begin()->second, error);
  core_->refusals.clear();
  core_->orphans.clear();
  core_->over = true;
  core_->events.push_back(Disconnected{error});
}

bool DataChannels::handle_packet(Time now, Bytes packet) {
  return core_->association.handle_packet(now, packet);
}

std::optional<Bytes> DataChannels::poll_transmit(Time now) {
  return core_->association.poll_transmit(now);
}

Time DataChannels::next_timeout() const {
  return core_->association.next_timeout();
}

void DataChannels::handle_timeout(Time now) {
  core_->association.handle_timeout(now);
}

void DataChannels::shutdown(Time now) {
  core_->association.shutdown(now);
}

void DataChannels::abort(Time now) {
  core_->association.abort(now);
  finish_all(std::nullopt);
  core_->events.clear();
}

void DataChannels::lose_transport(Time now, std::optional<Error> error) {
  core_->association.abort(now);
  finish_all(std::move(error));
}

}  // namespace floe::sctp
