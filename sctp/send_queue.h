#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "floe/core/bytes.h"
#include "floe/core/time.h"
#include "floe/sctp/association.h"

namespace floe::sctp::internal {

/// Whole messages that wait to be handed to usrsctp, a lane for each stream. Between lanes it
/// serves messages by weighted fair queueing (RFC 8831 section 6.4); a message once begun is
/// finished before any other, since they cannot be interleaved.
class SendQueue {
 public:
  struct Message {
    StreamId stream = 0;
    std::uint32_t ppid = 0;
    SendOptions options;
    Time deadline = kNever;  ///< Not worth beginning later.
    std::vector<std::uint8_t> payload;
    std::size_t handed = 0;  ///< Bytes of `payload` that usrsctp has.
    bool reset = false;      ///< Not a message: the stream is to be reset here.
  };

  std::size_t bytes() const { return bytes_; }
  std::size_t bytes(StreamId stream) const;
  bool empty() const { return ready_.empty() && !in_progress_; }
  std::size_t messages() const { return messages_; }

  void push(Message message);
  /// Everything pushed on `stream` from here on waits until `release`; what was pushed before goes
  /// first, then the stream comes out of `take_resets`.
  void push_reset(StreamId stream);
  void release(StreamId stream);
  std::vector<StreamId> take_resets();

  /// The message to go on with. Drops those whose deadline has passed: `expired` collects their
  /// streams. Null when there is none.
  Message* front(Time now, std::set<StreamId>& expired);
  /// `front()` was handed `bytes` more bytes.
  void advance(std::size_t bytes);
  /// `front()` cannot be sent: forgets it.
  void drop();

  /// 256 is RFC 8831's "normal". 0 counts as 1.
  void set_weight(StreamId stream, std::uint16_t weight);
  void clear();

 private:
  struct Lane {
    std::deque<Message> messages;
    std::size_t bytes = 0;
    std::uint64_t turn = 0;  ///< The virtual time at which its first message is due.
    bool held = false;
    bool ready = false;  ///< In `ready_`.
  };

  std::uint16_t weight(StreamId stream) const;
  void make_ready(StreamId stream, Lane& lane);
  void pop_front(StreamId stream, Lane& lane);
  void erase_if_idle(StreamId stream);

  std::unordered_map<StreamId, Lane> lanes_;
  std::unordered_map<StreamId, std::uint16_t> weights_;
  std::set<std::pair<std::uint64_t, StreamId>> ready_;
  std::vector<StreamId> resets_;
  std::uint64_t virtual_time_ = 0;
  std::size_t bytes_ = 0;
  std::size_t messages_ = 0;
  bool in_progress_ = false;
  StreamId current_ = 0;  ///< If `in_progress_`.
};

/// What usrsctp has taken and not yet transmitted for the first time, told by watching the DATA
/// chunks leave: usrsctp itself does not say.
class Untransmitted {
 public:
  std::size_t bytes() const { return bytes_; }
  std::size_t bytes(StreamId stream) const;

  /// usrsctp took `bytes` of a message; `begins` with its first part.
  void handed(StreamId stream, std::size_t bytes, bool begins);
  /// Reads an outgoing packet; adds the streams whose amount fell to `fell`.
  void transmitted(Bytes packet, std::set<StreamId>& fell);
  /// usrsctp has nothing left: what was not seen leaving was given up.
  void clear(std::set<StreamId>& fell);

 private:
  struct Part {
    std::size_t bytes;
    bool begun;
  };
  struct Lane {
    std::deque<Part> parts;  ///< One for each message, in the order usrsctp will send them.
    std::size_t bytes = 0;
  };
  void chunk(StreamId stream, bool begins, bool ends, std::size_t bytes);

  std::unordered_map<StreamId, Lane> lanes_;
  std::size_t bytes_ = 0;
  bool has_highest_ = false;
  std::uint32_t highest_tsn_ = 0;
};

}  // namespace floe::sctp::internal
