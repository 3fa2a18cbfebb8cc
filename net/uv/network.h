#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "floe/core/result.h"
#include "floe/net/network.h"

struct uv_loop_s;  // libuv's uv_loop_t

namespace floe::net::uv {

class InterfaceMonitor;
class Reactor;
class UdpCalls;

struct Options {
  /// On Linux, UDP sockets of floe's own: whole runs per system call (UDP_SEGMENT, UDP_GRO).
  /// False, and always elsewhere: libuv's UDP handles, one packet per call.
  bool batched = true;
  /// Bytes asked of the system for each direction of a UDP socket; it may grant less. Below 1 MiB
  /// the receiver of a fast transfer loses packets between two turns of the loop.
  std::size_t udp_buffer = 4 << 20;
  /// What batched sockets call in place of the kernel, for tests; must outlive the network.
  UdpCalls* udp_calls = nullptr;
};

/// Counters since the network was created.
struct Stats {
  std::uint64_t datagrams_in = 0;
  std::uint64_t datagrams_out = 0;
  std::uint64_t bytes_in = 0;   ///< UDP payload.
  std::uint64_t bytes_out = 0;  ///< UDP payload.
  std::uint64_t receive_calls = 0;
  std::uint64_t send_calls = 0;
  std::uint64_t gso_runs = 0;       ///< Runs of several packets that left in one piece.
  std::uint64_t gro_trains = 0;     ///< Pieces of several packets that arrived.
  std::uint64_t runs_kept = 0;      ///< The system had no room: kept, to be sent later.
  std::uint64_t runs_failed = 0;    ///< Listed in `SendBatch::failures()`.
  std::uint64_t gso_fallbacks = 0;  ///< Sockets that gave up UDP_SEGMENT.
  std::uint64_t receive_errors = 0;
  std::uint64_t dropped_backlog_full = 0;   ///< Packets; the bounded backlog had no room.
  std::uint64_t dropped_unsendable = 0;     ///< Packets kept and then refused by the system.
  std::uint64_t dropped_truncated = 0;      ///< Packets larger than any UDP packet can be.
  std::uint64_t dropped_closed_socket = 0;  ///< Packets for a socket that is gone.
};

/// The machine floe runs on, through libuv: on a loop of its own, or within the caller's.
///
/// Like every libuv handle it belongs to the thread that runs the loop, and it keeps the loop
/// alive until it is destroyed. It may be destroyed within one of its own callbacks. Sockets,
/// streams, listeners, timers and lookups that outlive it are closed and do nothing any more.
class Network final : public net::Network {
 public:
  /// Without `loop` the network has one of its own, for `run`. A `loop` of the caller's must stay
  /// until it has turned often enough after the network's end to close the handles (until
  /// `uv_loop_close` succeeds).
  [[nodiscard]] static Result<std::unique_ptr<Network>> create(uv_loop_s* loop = nullptr,
                                                               const Options& options = {});
  /// On a loop of its own it waits for a name lookup that the system has begun and cannot cancel.
  ~Network() override;

  /// Turns the loop until `stop` or the network's end. A `stop` before `run` ends it at once.
  void run();
  /// Waits until something happens, handles it, and returns.
  void run_once();
  /// Makes `run` return after the present turn. Only on the loop's thread; others `post` it.
  void stop();

  const Stats& stats() const;

  Time now() const override;
  Random& random() override;
  std::chrono::sys_seconds wall_clock() const override;
  std::vector<Interface> interfaces() override;
  /// Linux says when something changes; elsewhere it is noticed within seconds.
  [[nodiscard]] std::unique_ptr<InterfaceWatch> watch_interfaces(
      std::function<void()> changed) override;
  /// Known on Linux only.
  std::vector<DefaultRoute> gateways() override;
  [[nodiscard]] Result<std::unique_ptr<UdpSocket>> open_udp(const UdpOptions& options,
                                                            UdpHandler& handler) override;
  std::size_t send_backlog() const override;
  /// The first TCP stream makes the process ignore SIGPIPE, unless the program has set what that
  /// signal does: otherwise a peer that goes away could end it.
  [[nodiscard]] Result<std::unique_ptr<Stream>> connect(const Endpoint& remote,
                                                        std::optional<Endpoint> local,
                                                        StreamHandler& handler) override;
  [[nodiscard]] Result<std::unique_ptr<Listener>> listen(const Endpoint& local,
                                                         ListenerHandler& handler) override;
  [[nodiscard]] std::unique_ptr<Timer> create_timer(std::function<void()> callback) override;
  [[nodiscard]] std::unique_ptr<Lookup> lookup(std::string_view name,
                                               LookupCallback callback) override;
  /// Tasks that have not run when the network ends are dropped.
  void post(std::function<void()> task) override;

 private:
  explicit Network(const Options& options);
  void send_packets(SendBatch& batch) override;

  const Options options_;
  std::shared_ptr<Reactor> reactor_;
  std::weak_ptr<InterfaceMonitor> monitor_;  ///< Lives as long as a watch does.
};

}  // namespace floe::net::uv
