#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "floe/core/bytes.h"
#include "floe/core/result.h"
#include "floe/core/time.h"
#include "floe/sctp/association.h"
#include "floe/sctp/packet_queue.h"

// The one place that knows usrsctp (internal to this folder). usrsctp is one stack per process: its
// settings, timers and output callback are shared by all associations of all threads, so every call
// into it happens under one lock.
namespace floe::sctp::internal {

class Socket;

/// usrsctp's process-wide part: started with the first association, never shut down (its timers and
/// sockets may outlive any order of static destruction).
class Stack {
 public:
  static Stack& instance();

  /// Runs timers at most this often; usrsctp's own timer thread uses the same step.
  static constexpr Duration kTick = std::chrono::milliseconds(10);

  /// Tells the stack the time. All drivers of a process share its clock; a `now` that lies behind
  /// the latest one by more than kClockSlack starts a new epoch (a new simulated world).
  void advance(Socket* caller, Time now);

 private:
  friend class Socket;
  Stack();

  /// Holds the lock while `active` is inside usrsctp: what usrsctp does for any other socket
  /// meanwhile has to wake that one's driver.
  class Entry {
   public:
    Entry(Stack& stack, const Socket* active);
    ~Entry();

   private:
    Stack& stack_;
    std::lock_guard<std::mutex> lock_;
  };

  /// Two loops that share the stack cache their time; they may be this far apart.
  static constexpr Duration kClockSlack = std::chrono::seconds(5);
  /// usrsctp counts time in 32 bits of milliseconds and compares with wrap-around, so one step must
  /// stay far below 2^31 ms. After an hour every timer has expired anyway.
  static constexpr Duration kMaxStep = std::chrono::hours(1);

  static int on_output(void* address, void* packet, std::size_t size, std::uint8_t, std::uint8_t);

  std::mutex mutex_;
  std::unordered_map<std::uintptr_t, Socket*> sockets_;
  std::uintptr_t next_address_ = 1;
  const Socket* active_ = nullptr;
  bool has_time_ = false;
  Time latest_{};  ///< The latest time told in this epoch.
  Time run_to_{};  ///< How far the timers have been run; at most kTick behind `latest_`.
};

// What `Socket::receive` hands out.
struct Fragment {
  StreamId stream;
  std::uint32_t ppid;
  bool unordered;
  bool complete;  ///< The last part of its message.
  Bytes bytes;    ///< Valid until the next `receive` on this thread.
};
struct Up {
  std::uint16_t incoming_streams;
  std::uint16_t outgoing_streams;
};
struct Lost {
  std::string reason;
};
struct Restarted {};
struct ShutdownReceived {};
struct ShutdownComplete {};
struct DeliveryAborted {};  ///< The peer gave up a message of which a part was handed out.
struct SendFailed {};       ///< Partial reliability gave up a message (or a part of it).
struct Reset {
  bool incoming;
  bool refused;
  std::vector<StreamId> streams;
};
struct StreamsChanged {
  std::uint16_t incoming_streams;
  std::uint16_t outgoing_streams;
  bool refused;
};
struct Ignored {};
using Received = std::variant<Fragment, Up, Lost, Restarted, ShutdownReceived, ShutdownComplete,
                              DeliveryAborted, SendFailed, Reset, StreamsChanged, Ignored>;

/// One usrsctp socket with at most one association. Used by one thread, like its Association; the
/// stack's lock guards what other threads' calls can reach.
class Socket {
 public:
  /// `on_output` is Association::Config's.
  Socket(std::size_t max_output, std::function<void()> on_output);
  /// Aborts what is left of the association.
  ~Socket();
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  /// Sends the INIT. `receive_buffer` and the rest of `config` must be in range.
  [[nodiscard]] Result<> connect(const Association::Config& config, std::size_t receive_buffer,
                                 Duration initial_rto);
  void advance(Time now) { Stack::instance().advance(this, now); }

  /// One packet whose checksum and ports were checked.
  void input(Bytes packet);
  /// Takes the front of `bytes`, possibly nothing (full), as the next part of one message on
  /// `stream`; `last` if `bytes` reaches its end. An error means that the association is gone.
  [[nodiscard]] Result<std::size_t> send(StreamId stream, std::uint32_t ppid, Bytes bytes,
                                         bool last, const SendOptions& options);
  /// The next message part or notification; nothing when there is none.
  std::optional<Received> receive();
  [[nodiscard]] bool reset_streams(std::span<const StreamId> streams);
  /// False if it cannot be asked for now because another request is under way.
  [[nodiscard]] Result<bool> add_outgoing_streams(std::uint16_t more);
  void set_sack_frequency(unsigned packets);
  /// False: each message leaves at once. True: small ones wait for company while data is in flight.
  void set_cork(bool cork);
  void shutdown();
  /// Sends an ABORT if there is a peer and forgets the association.
  void abort();

  /// Chunks sent and not acknowledged yet.
  unsigned unacknowledged() const;

  /// The next packet that usrsctp emitted; the view is valid until the next call.
  std::optional<Bytes> next_packet();
  bool has_packets() const;
  std::uint64_t packets_dropped() const;

 private:
  friend class Stack;
  void configure(const Association::Config& config, std::size_t receive_buffer,
                 Duration initial_rto);
  void close();
  void wake_if_elsewhere();
  bool set_option(int option, const void* value, std::size_t size);

  Stack& stack_;
  const std::size_t max_output_;
  const std::function<void()> on_output_;
  std::uintptr_t address_ = 0;
  void* socket_ = nullptr;  ///< usrsctp's `struct socket`
  PacketQueue polled_;      ///< Only the owner's thread.
  // Guarded by the stack's lock:
  PacketQueue emitted_;
  std::uint64_t packets_dropped_ = 0;
};

}  // namespace floe::sctp::internal
