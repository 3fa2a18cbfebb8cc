#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "floe/core/bytes.h"
#include "floe/core/result.h"
#include "floe/peer/states.h"
#include "floe/sctp/data_channels.h"

namespace floe {

/// RTCDataChannelInit. At most one of the two limits may be set; with neither the channel is
/// reliable.
struct DataChannelInit {
  bool ordered = true;
  std::optional<std::uint16_t> max_packet_life_time;  ///< Milliseconds.
  std::optional<std::uint16_t> max_retransmits;
  std::string protocol;
  /// Both sides create the channel with the same `id`; nothing is said on the wire.
  bool negotiated = false;
  std::optional<std::uint16_t> id;  ///< 0..65534; only with `negotiated`.
  std::uint16_t priority = 256;     ///< RFC 8831 section 6.4; told to the peer.
};

/// What a data channel asks of the connection it belongs to.
class DataChannelOwner {
 public:
  virtual ~DataChannelOwner() = default;
  virtual Result<> send(sctp::ChannelId channel, sctp::MessageKind kind, Bytes payload) = 0;
  virtual void close(sctp::ChannelId channel) = 0;
  virtual std::size_t buffered_amount(sctp::ChannelId channel) const = 0;
  virtual void set_buffered_amount_low_threshold(sctp::ChannelId channel, std::size_t bytes) = 0;
  virtual std::optional<std::uint16_t> stream_id(sctp::ChannelId channel) const = 0;
};

/// RTCDataChannel. It lives as long as the application or its connection holds it; when the
/// connection is gone it is closed and all it answers is that.
///
/// Used on the connection's thread. Calls never call a handler back before they return, and
/// handlers may do anything, including replacing themselves and destroying the connection. A
/// handler set in the turn in which the channel was created (or announced) misses nothing. A closed
/// channel lets its handlers go, so a handler may own the channel it is for.
class DataChannel {
 public:
  struct Message {
    bool is_text;
    Bytes payload;  ///< Gone when the handler returns. UTF-8 if `is_text`.
  };

  DataChannel(DataChannelOwner& owner, sctp::ChannelId channel, sctp::ChannelOptions options);
  DataChannel(const DataChannel&) = delete;
  DataChannel& operator=(const DataChannel&) = delete;

  const std::string& label() const { return options_.label; }
  const std::string& protocol() const { return options_.protocol; }
  bool ordered() const { return options_.ordered; }
  std::optional<std::uint16_t> max_packet_life_time() const {
    return options_.max_packet_life_time;
  }
  std::optional<std::uint16_t> max_retransmits() const { return options_.max_retransmits; }
  bool negotiated() const { return options_.negotiated; }
  /// The SCTP stream, once it is known.
  std::optional<std::uint16_t> id() const;
  DataChannelState ready_state() const { return state_; }

  /// Takes the whole message or nothing. Errors: kInvalidState unless open, kMalformed for text
  /// that is not UTF-8, kMessageTooLong above the peer's a=max-message-size, kWouldBlock when the
  /// queue that all channels share is full: go on at `on_buffered_amount_low`, which then comes
  /// even if this channel's own amount never was above its threshold.
  [[nodiscard]] Result<> send(std::string_view text);
  [[nodiscard]] Result<> send(Bytes binary);

  /// Payload bytes accepted and not yet sent.
  std::size_t buffered_amount() const;
  std::size_t buffered_amount_low_threshold() const { return low_threshold_; }
  void set_buffered_amount_low_threshold(std::size_t bytes);

  /// Sends what is queued, then closes; `on_close` follows.
  void close();

  void on_open(std::function<void()> handler);
  void on_message(std::function<void(const Message&)> handler);
  void on_buffered_amount_low(std::function<void()> handler);
  void on_closing(std::function<void()> handler);
  void on_close(std::function<void()> handler);
  /// The channel ends otherwise than by `close()` of either side; `on_close` follows.
  void on_error(std::function<void(const Error&)> handler);

 private:
  friend class Connection;

  struct Handlers {
    std::function<void()> open;
    std::function<void(const Message&)> message;
    std::function<void()> buffered_amount_low;
    std::function<void()> closing;
    std::function<void()> close;
    std::function<void(const Error&)> error;
  };

  // For the connection; each may end in a handler that destroys it.
  void handle_open();
  void handle_message(const Message& message);
  void handle_buffered_amount_low();
  void handle_closing();
  void handle_closed(const std::optional<Error>& error);
  /// The end, without events.
  void detach();

  Handlers& writable_handlers();

  DataChannelOwner* owner_;
  sctp::ChannelId channel_;
  sctp::ChannelOptions options_;
  DataChannelState state_ = DataChannelState::kConnecting;
  std::size_t low_threshold_ = 0;
  std::shared_ptr<Handlers> handlers_;
};

}  // namespace floe
