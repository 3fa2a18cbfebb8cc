#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "floe/core/bytes.h"
#include "floe/core/result.h"
#include "floe/core/time.h"
#include "floe/sctp/association.h"

namespace floe::sctp {

struct DcepOpen;

/// Names one data channel of one `DataChannels` for ever: never reused, unlike the stream id.
enum class ChannelId : std::uint64_t {};

/// Who sent the DTLS ClientHello; decides who opens even stream ids (RFC 8832 section 6).
enum class DtlsRole { kClient, kServer };

enum class MessageKind { kText, kBinary };

struct ChannelOptions {
  std::string label;     ///< UTF-8, at most 65,535 bytes.
  std::string protocol;  ///< UTF-8, at most 65,535 bytes.
  bool ordered = true;
  /// At most one of the two; with neither the channel is reliable.
  std::optional<std::uint32_t> max_retransmits;
  std::optional<std::uint32_t> max_packet_life_time;  ///< Milliseconds.
  /// RFC 8831 section 6.4: the share among channels that have messages waiting; told to the peer.
  std::uint16_t priority = 256;
  /// Both sides open the channel with the same `id`, and nothing is said on the wire.
  bool negotiated = false;
  /// Required if `negotiated`, ignored otherwise (the DTLS role decides). Below
  /// `Association::Config::incoming_streams`, which bounds the ids of all channels.
  std::optional<StreamId> id;
};

/// All data channels of one connection (RFC 8831, RFC 8832) over the SCTP association it owns.
/// An engine, driven like the association inside; nothing is sent before `connect()`.
class DataChannels {
 public:
  struct Config {
    Association::Config association;
    /// Channels that exist at one time, ours and the peer's; a peer's OPEN beyond it is refused.
    std::size_t max_channels = 65'535;
    /// Messages above this are refused by `send()`; 0 means the peer takes any size. RFC 8841
    /// section 6.1: 64 KiB unless the peer's a=max-message-size says otherwise.
    std::size_t remote_max_message_size = 65'536;
  };

  enum class ChannelState { kConnecting, kOpen, kClosing, kClosed };

  /// The peer opened a channel; its Open follows.
  struct Incoming {
    ChannelId channel;
    ChannelOptions options;
  };
  /// The channel takes messages. For one that was opened here in-band that is so before the peer's
  /// DATA_CHANNEL_ACK (RFC 8832 section 6); if the peer refuses it, Closed with an error follows.
  struct Open {
    ChannelId channel;
  };
  struct Message {
    ChannelId channel;
    MessageKind kind;
    std::vector<std::uint8_t> payload;
  };
  /// The buffered amount fell from above the threshold to it or below.
  struct BufferedAmountLow {
    ChannelId channel;
  };
  /// The peer began to close the channel.
  struct Closing {
    ChannelId channel;
  };
  /// The channel is gone; with an error if it did not end by `close()` of either side. Its id is
  /// invalid from here on.
  struct Closed {
    ChannelId channel;
    std::optional<Error> error;
  };
  /// The association below is up.
  struct Connected {};
  /// `send()` takes messages again after it answered kWouldBlock.
  struct Sendable {};
  /// The association below has ended (after the Closed of every channel).
  struct Disconnected {
    std::optional<Error> error;
  };
  using Event = std::variant<Incoming, Open, Message, BufferedAmountLow, Closing, Closed, Connected,
                             Sendable, Disconnected>;

  struct ChannelStats {
    std::uint64_t messages_sent = 0;
    std::uint64_t messages_received = 0;
    std::uint64_t bytes_sent = 0;      ///< Payload accepted by `send()`.
    std::uint64_t bytes_received = 0;  ///< Payload delivered.
  };
  struct Stats {
    std::uint64_t channels_opened = 0;
    std::uint64_t channels_closed = 0;  ///< Of those that were once open.
    std::uint64_t opens_refused = 0;    ///< Wrong parity, id in use, too many channels.
    std::uint64_t dcep_malformed = 0;   ///< DCEP messages that did not parse.
    std::uint64_t dcep_unexpected = 0;  ///< An ACK nobody waited for.
    std::uint64_t ppid_unknown = 0;     ///< Messages with a PPID that is none of RFC 8831's.
    std::uint64_t no_channel = 0;       ///< Messages on a stream without a channel.
    std::uint64_t text_not_utf8 = 0;    ///< Text messages that were not UTF-8.
    std::uint64_t partial_misused = 0;  ///< Deprecated PPIDs 52/54 used against their rules.
  };

  explicit DataChannels(Config config);
  ~DataChannels();
  DataChannels(const DataChannels&) = delete;
  DataChannels& operator=(const DataChannels&) = delete;

  /// Once the DTLS role is known, at the latest before `connect()`.
  void set_dtls_role(DtlsRole role);
  /// The peer's a=max-message-size; 0 means any size.
  void set_remote_max_message_size(std::size_t bytes);
  std::size_t remote_max_message_size() const;

  /// Starts the association (see `Association::connect`). kInvalidState without a DTLS role.
  [[nodiscard]] Result<> connect(Time now);

  /// Possible at any time, also before the role is known; the stream id is chosen when both it and
  /// the association are there. Errors: kInvalidArgument, kAddressInUse (a negotiated id that is
  /// taken), kLimitExceeded (no id or channel left), kClosed.
  [[nodiscard]] Result<ChannelId> open(Time now, ChannelOptions options);

  /// Takes the whole message or nothing. Errors: kNotFound, kInvalidState (not open yet, closing),
  /// kMalformed (text that is not UTF-8), kMessageTooLong (above the peer's limit), kWouldBlock
  /// (the association's queue is full: wait for Sendable).
  [[nodiscard]] Result<> send(Time now, ChannelId channel, MessageKind kind, Bytes payload);

  /// Payload bytes taken by `send()` that have not been transmitted yet; 0 for an unknown channel.
  std::size_t buffered_amount(ChannelId channel) const;
  void set_buffered_amount_low_threshold(ChannelId channel, std::size_t bytes);

  /// Sends what is queued, then closes; `Closed` follows when the peer has closed its side too. The
  /// stream id is reused only after that. Closing twice does nothing.
  void close(Time now, ChannelId channel);

  ChannelState state(ChannelId channel) const;
  /// The SCTP stream, once chosen.
  std::optional<StreamId> stream_id(ChannelId channel) const;
  std::optional<ChannelStats> channel_stats(ChannelId channel) const;

  bool handle_packet(Time now, Bytes packet);
  std::optional<Bytes> poll_transmit(Time now);
  Time next_timeout() const;
  void handle_timeout(Time now);
  /// While no more events are polled, no more messages are read, and SCTP's window closes. Events
  /// are answered on the wire (DATA_CHANNEL_ACK, resets): poll packets after them.
  std::optional<Event> poll_event(Time now);

  /// Closes the association in good order after all queued data: the channels' Closed and
  /// Disconnected follow.
  void shutdown(Time now);
  /// Ends at once with an ABORT to the peer; no events follow.
  void abort(Time now);
  /// The layer below has ended, so nothing can be said to the peer any more: every channel gets its
  /// Closed, with `error` if there is one, and Disconnected follows.
  void lose_transport(Time now, std::optional<Error> error);

  const Association& association() const;
  /// For the settings that may change: remote port, round trip.
  Association& association();
  const Stats& stats() const;

 private:
  struct Channel;
  struct Core;

  Channel* find(ChannelId channel);
  const Channel* find(ChannelId channel) const;
  Channel* find(StreamId stream);
  std::optional<StreamId> free_stream();
  bool may_use(StreamId stream) const;
  void note_free(StreamId stream);
  void start(Time now, Channel& channel);
  void start_all(Time now);
  void begin_close(Time now, Channel& channel, std::optional<Error> error);
  void finish_if_reset(Channel& channel);
  void finish(Channel& channel, std::optional<Error> error);
  void finish_all(const std::optional<Error>& error);
  void refuse(Time now, StreamId stream);

  void handle(Time now, Association::Event event);
  void handle_message(Time now, Association::Message message);
  void handle_dcep(Time now, const Association::Message& message);
  void handle_open(Time now, StreamId stream, const DcepOpen& open);
  void handle_data(Time now, Channel& channel, Association::Message message);
  void handle_reset(Time now, const Association::StreamsReset& reset);
  void incoming_reset(Time now, StreamId stream);
  void outgoing_reset(StreamId stream);
  void keep_orphan(Time now, Association::Message message);
  void adopt_orphans(Time now, Channel& channel);

  std::unique_ptr<Core> core_;
};

}  // namespace floe::sctp
