#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "floe/core/log.h"
#include "floe/crypto/crypto.h"
#include "floe/net/send_batch.h"
#include "floe/net/uv/internal/timer_queue.h"
#include "floe/net/uv/network.h"

namespace floe::net::uv {

/// Something that belongs to a network and must let go of the loop when the network ends.
class Attachment {
 public:
  virtual void detach() = 0;

 protected:
  ~Attachment() = default;
};

/// A socket or stream that packets leave through.
class Outlet {
 public:
  /// Sends `runs`, all of them for this outlet, and lists what is refused in `batch.failures()`.
  virtual void send(SendBatch& batch, std::span<const SendBatch::Run> runs) = 0;

 protected:
  ~Outlet() = default;
};

/// What a network and everything made from it share.
///
/// libuv closes handles a turn later than it is asked to, so handles own themselves, and each of
/// them, like each socket, stream and timer, shares in the reactor: it outlives the `Network` for
/// as long as anything can still refer to it.
class Reactor : public std::enable_shared_from_this<Reactor> {
 public:
  /// What a receiver may be handed at once, and the memory for it.
  static constexpr std::size_t kReceiveBufferSize = 1 << 16;  // holds any UDP packet or GRO train
  static constexpr std::size_t kReceiveBuffers = 4;           // trains taken per system call

  /// `network` is where messages for people go, until `close`.
  static Result<std::shared_ptr<Reactor>> create(uv_loop_s* callers_loop,
                                                 const net::Network& network);
  Reactor(bool owns_loop, uv_loop_s* loop, const net::Network& network);
  ~Reactor();
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  /// Turns the loop until it is stopped, or once. The network may end meanwhile.
  static void run(std::shared_ptr<Reactor> reactor, bool once);
  void stop();
  /// Ends everything: no handler, timer or task is called any more.
  void close();
  bool closed() const { return network_ == nullptr; }

  uv_loop_s* loop() { return loop_; }
  Time now() const;
  Random& random() { return random_; }
  TimerQueue& timers() { return timers_; }
  Stats& stats() { return stats_; }
  void log(LogLevel level, std::string_view message) const;

  void post(std::function<void()> task);

  void attach(Attachment& attachment) { attachments_.insert(&attachment); }
  void forget(Attachment& attachment) { attachments_.erase(&attachment); }

  SocketId add_outlet(Outlet& outlet);
  void remove_outlet(SocketId id) { outlets_.erase(id); }
  void send(SendBatch& batch);

  /// Bytes that datagram sockets keep.
  std::size_t backlog() const { return backlog_; }
  void grow_backlog(std::size_t bytes) { backlog_ += bytes; }
  void shrink_backlog(std::size_t bytes) { backlog_ -= bytes; }

  /// One of `kReceiveBuffers` buffers of `kReceiveBufferSize` bytes that every receiver of this
  /// loop uses: what is in it is handed on before anybody else reads.
  MutableBytes receive_buffer(std::size_t index = 0);

 private:
  struct Wakeup;

  void run_tasks();
  void drain();

  const bool owns_loop_;
  uv_loop_s* loop_;
  const net::Network* network_;
  bool running_ = false;
  crypto::SystemRandom random_;
  TimerQueue timers_;
  Stats stats_;
  std::size_t backlog_ = 0;
  std::unique_ptr<std::uint8_t[]> receive_buffers_;

  std::unordered_set<Attachment*> attachments_;
  std::unordered_map<SocketId, Outlet*> outlets_;
  std::uint32_t last_id_ = 0;

  Wakeup* wakeup_ = nullptr;  ///< libuv's; frees itself once libuv has closed it.
  std::mutex mutex_;          ///< Guards `tasks_`, the one thing other threads touch.
  std::vector<std::function<void()>> tasks_;
};

}  // namespace floe::net::uv
