#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "floe/core/bytes.h"
#include "floe/core/limits.h"
#include "floe/core/result.h"
#include "floe/core/time.h"

namespace floe::sctp {

using StreamId = std::uint16_t;

/// What DTLS adds to each record of an AES-GCM suite: header (13), explicit nonce (8) and tag (16).
inline constexpr std::size_t kDtlsRecordOverhead = 37;

/// How one message travels. At most one of the two limits may be set; with neither the message is
/// reliable.
struct SendOptions {
  bool ordered = true;
  /// RFC 7496 section 4.2: retransmit each fragment at most this often, then give the message up.
  std::optional<std::uint32_t> max_retransmits;
  /// RFC 3758 section 4: give the message up this long after `send()`; in whole milliseconds.
  std::optional<Duration> max_lifetime;
  /// Takes the message even if the queue is full: for the few control messages of a protocol above
  /// that bounds them itself.
  bool exempt_from_queue_limit = false;
};

/// One SCTP association (RFC 9260) for WebRTC: between two fixed ports, over a path that somebody
/// else (ICE and DTLS) keeps alive. Messages, partial reliability (RFC 3758, RFC 7496), stream
/// reset and addition (RFC 6525).
///
/// An engine: it is told the time, handed packets and asked for packets, timers and events. The
/// SCTP underneath is usrsctp, whose state belongs to the process; floe's wrapper serialises access
/// to it, so associations may live on different threads, each one only ever touched by its own.
///
/// Messages are not interleaved (no RFC 8260): once the first fragment of a message has left, all
/// other streams wait until its last one has left.
///
/// There are no heartbeats: whether the path lives is decided by ICE consent (RFC 7675). An idle
/// association wants no timer.
class Association {
 public:
  struct Config {
    std::uint16_t local_port = 5000;
    std::uint16_t remote_port = 5000;
    /// The largest message accepted from the peer; a larger one aborts the association, as the peer
    /// was told the limit (RFC 8841 section 6). At most kMaxMessageSize.
    std::size_t max_message_size = 256 * 1024;
    /// The largest SCTP packet, common header included.
    std::size_t mtu = kBaseDatagram - kDtlsRecordOverhead;
    /// Bytes inside usrsctp that are unsent or unacknowledged; bounds the congestion window, so
    /// speed <= send_buffer / round trip.
    std::size_t send_buffer = 4 * 1024 * 1024;
    /// The receive window advertised to the peer; speed <= receive_buffer / round trip. Nothing is
    /// allocated until it is used.
    std::size_t receive_buffer = 4 * 1024 * 1024;
    /// Bytes of whole messages that `send()` takes before it answers kWouldBlock, over all streams.
    /// One message is always taken by an empty queue, whatever its size.
    std::size_t send_queue = 16 * 1024 * 1024;
    /// Announced in INIT. A stream costs about 70 bytes outgoing, 40 incoming, for the whole life
    /// of the association; 65,535 would cost 7 MB with a browser on the other side. 1,024 is what
    /// browsers offered for years. More outgoing ones are asked for when needed (RFC 6525).
    std::uint16_t outgoing_streams = 1024;
    std::uint16_t incoming_streams = 1024;
    /// Called when a packet of this association waits for `poll_transmit()` although the caller is
    /// not inside one of its calls: a timer of the shared stack fired while another association's
    /// loop ran it. May be called on that other loop's thread and holding the stack's lock: it must
    /// only wake this association's driver (e.g. `post()`), never call into floe::sctp.
    std::function<void()> on_output;
  };
  /// The largest `Config::max_message_size`: a peer may make us hold this much of one message.
  static constexpr std::size_t kMaxMessageSize = 64 * 1024 * 1024;

  enum class State { kNew, kConnecting, kConnected, kShuttingDown, kClosed, kFailed };

  /// The handshake is done; stream ids below these counts may be used.
  struct Connected {
    std::uint16_t incoming_streams;
    std::uint16_t outgoing_streams;
  };
  /// One whole message.
  struct Message {
    StreamId stream;
    std::uint32_t ppid;
    bool unordered;
    std::vector<std::uint8_t> payload;
  };
  /// A reset is complete: the peer's (kIncoming) or our own (kOutgoing). No ids means all streams.
  struct StreamsReset {
    enum class Direction { kIncoming, kOutgoing } direction;
    std::vector<StreamId> streams;
  };
  /// The peer denied our reset of these streams, or never answered.
  struct ResetRefused {
    std::vector<StreamId> streams;
  };
  /// The answer to `add_outgoing_streams()`; if refused, `outgoing_streams` is what it was.
  struct StreamsAdded {
    std::uint16_t outgoing_streams;
    bool refused;
  };
  /// `buffered_amount(stream)` fell.
  struct BufferedAmountFell {
    StreamId stream;
  };
  /// `send()` takes messages again after it answered kWouldBlock.
  struct Sendable {};
  /// The association ended in good order, from either side.
  struct Closed {};
  /// The association ended abruptly: the peer aborted it or never answered.
  struct Failed {
    Error error;
  };
  using Event = std::variant<Connected, Message, StreamsReset, ResetRefused, StreamsAdded,
                             BufferedAmountFell, Sendable, Closed, Failed>;

  struct Stats {
    std::uint64_t packets_sent = 0;
    std::uint64_t packets_received = 0;
    std::uint64_t bytes_sent = 0;      ///< Of SCTP packets.
    std::uint64_t bytes_received = 0;  ///< Of SCTP packets that were accepted.
    std::uint64_t messages_sent = 0;   ///< Accepted by `send()`.
    std::uint64_t messages_received = 0;
    std::uint64_t dropped_malformed = 0;     ///< Not our ports, or lengths that do not add up.
    std::uint64_t dropped_bad_checksum = 0;  ///< CRC32c wrong.
    std::uint64_t dropped_early = 0;         ///< More than kMaxEarlyPackets before `connect()`.
    std::uint64_t dropped_late = 0;          ///< After the end of the association.
    std::uint64_t dropped_output = 0;        ///< Packets lost because nobody polled them.
    std::uint64_t messages_abandoned = 0;    ///< Given up by partial reliability, in pieces.
    std::uint64_t incomplete_abandoned = 0;  ///< Received in part, then given up by the peer.
  };

  explicit Association(Config config);
  ~Association();
  Association(const Association&) = delete;
  Association& operator=(const Association&) = delete;

  /// Before `connect()`: the peer's port, when it was not known at construction.
  void set_remote_port(std::uint16_t port);
  /// The round trip measured below (ICE, DTLS): the first retransmission timers follow from it.
  /// Takes effect for connects and sends after it. Not needed; the default is RFC 9260's 1 s.
  void set_round_trip(Duration round_trip);

  /// Sends INIT and answers the peer's. Both sides call this once the path is up; their INITs may
  /// cross (RFC 9260 section 5.2.1). It keeps trying until `abort()`: ICE decides how long.
  [[nodiscard]] Result<> connect(Time now);

  /// Takes one SCTP packet. False if it was dropped (see `stats()` for the reason). Packets before
  /// `connect()` are kept, at most kMaxEarlyPackets of them, and handled then.
  bool handle_packet(Time now, Bytes packet);
  /// The next packet to send. The view is valid until the next call of any kind on this object.
  std::optional<Bytes> poll_transmit(Time now);
  Time next_timeout() const;
  void handle_timeout(Time now);
  /// While no more events are polled, no more messages are read, and the window closes. Reading
  /// messages may produce packets (the window opens again): poll those after the events.
  std::optional<Event> poll_event(Time now);

  /// Takes the whole message or nothing. Before the handshake is done it is queued. Errors:
  /// kWouldBlock (wait for Sendable), kInvalidArgument (empty message, both limits, a stream id the
  /// association does not have), kInvalidState, kClosed.
  [[nodiscard]] Result<> send(Time now, StreamId stream, std::uint32_t ppid, Bytes message,
                              SendOptions options = {});
  /// Bytes taken by `send()` on this stream that have not yet been transmitted for the first time.
  std::size_t buffered_amount(StreamId stream) const;
  /// The same over all streams.
  std::size_t buffered_amount() const;

  /// Resets outgoing streams (RFC 6525 section 5.1.2) once all that was sent on them before has
  /// been delivered or given up; lost requests are repeated. What is sent on them after this call
  /// waits until the reset is done. Answered by StreamsReset{kOutgoing} or
  /// ResetRefused. Any number of calls may be outstanding.
  [[nodiscard]] Result<> reset_streams(Time now, std::span<const StreamId> streams);
  /// Asks for outgoing streams (RFC 6525 section 5.1.5) so that there are at least `count`.
  [[nodiscard]] Result<> add_outgoing_streams(Time now, std::uint16_t count);
  /// As configured before the handshake, as negotiated after it.
  std::uint16_t outgoing_streams() const;
  std::uint16_t incoming_streams() const;
  /// The share of this stream when several have messages waiting (RFC 8831 section 6.4); 256 is
  /// normal. Whole messages are the unit.
  void set_priority(StreamId stream, std::uint16_t priority);

  /// Sends what is queued, then closes in good order: `Closed` follows.
  void shutdown(Time now);
  /// Ends at once, telling the peer with an ABORT (poll it). No event follows.
  void abort(Time now);

  State state() const;
  const Stats& stats() const;

  /// Enough for a whole initial window of a peer that was first.
  static constexpr std::size_t kMaxEarlyPackets = 64;

 private:
  struct Core;

  void enter(Time now);
  void start_pass(Time now);
  bool flush(Time now);
  bool hand_over(Time now);
  bool request_changes();
  void read(Time now);
  void end(State state, std::optional<Error> error);
  bool is_over() const;
  bool has_work() const;

  std::unique_ptr<Core> core_;
};

}  // namespace floe::sctp
