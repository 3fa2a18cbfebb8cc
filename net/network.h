#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "floe/core/log.h"
#include "floe/core/random.h"
#include "floe/core/result.h"
#include "floe/core/time.h"
#include "floe/net/datagram.h"
#include "floe/net/endpoint.h"
#include "floe/net/multicast.h"
#include "floe/net/pacer.h"
#include "floe/net/send_batch.h"
#include "floe/net/sink.h"

// One machine as one thread sees it. floe ships two implementations, `net::uv` (real sockets) and
// `net::sim` (virtual time); writing a third is how floe runs on any other transport.
//
// Rules every implementation keeps:
//  - Everything happens on one thread, except `Network::post`.
//  - No call into a network calls a handler back before it returns.
//  - A handler may do anything, including destroying the object it was called for.
//  - Destroying a socket, stream, listener, timer or lookup ends its callbacks at once.
namespace floe::net {

/// What one address of one network interface is good for.
enum class InterfaceKind : std::uint8_t { kUnknown, kEthernet, kWifi, kCellular, kVpn, kLoopback };

struct Interface {
  std::string name;
  Address address;
  std::uint8_t prefix_length = 0;
  InterfaceKind kind = InterfaceKind::kUnknown;
};

/// Called with what arrives on a UDP socket.
class UdpHandler {
 public:
  virtual ~UdpHandler() = default;
  /// One or more packets in the order they came; the views die when this returns.
  virtual void on_datagrams(std::span<Datagram> datagrams) = 0;
};

/// An open UDP socket; destroying it closes it. Packets leave through `Network::send`.
class UdpSocket {
 public:
  virtual ~UdpSocket() = default;
  virtual SocketId id() const = 0;
  /// The address and port it is bound to.
  virtual Endpoint local() const = 0;
};

/// Where packets that have no better way go: one of a machine's default routers (RFC 4861).
struct DefaultRoute {
  Address gateway;  ///< Its scope id says the interface if it is a link-local address.
  std::string interface;
};

struct UdpOptions {
  Endpoint bind;  ///< Port 0 lets the system choose.
  /// Tried in turn (from a random start) when `bind.port` is 0; [0, 0] means the system's choice.
  std::uint16_t port_min = 0;
  std::uint16_t port_max = 0;
  bool reuse_port = false;  ///< Several sockets, usually one per loop, share the port.
  /// The port may be shared with others that set this: each gets a copy of what comes for a group,
  /// only one of them what comes for a single host. For mDNS (RFC 6762 section 15.1).
  bool reuse_address = false;
  /// Packets are never fragmented, neither here nor on the way: too large a one fails or is lost.
  bool dont_fragment = true;
  std::optional<Multicast> multicast{};
};

/// Called with what happens on a TCP stream.
class StreamHandler {
 public:
  virtual ~StreamHandler() = default;
  virtual void on_connected() {}
  virtual void on_data(MutableBytes data) = 0;
  /// The last call: the other end closed (`Errc::kClosed`), or why it ended or never connected.
  virtual void on_closed(const Error& error) = 0;
  /// All that was accepted for sending has been handed to the system after `Network::send`
  /// or `Stream::write` had to keep some of it.
  virtual void on_drained() {}
};

/// A TCP connection; destroying it closes it. Framed packets leave through `Network::send`.
class Stream {
 public:
  /// Bytes a stream keeps while the other end does not read; above it writes would block.
  static constexpr std::size_t kMaxBuffered = 1 << 20;

  virtual ~Stream() = default;
  virtual SocketId id() const = 0;
  virtual Endpoint local() const = 0;
  virtual Endpoint remote() const = 0;
  /// A stream that came from a listener has no handler until it is given one; what arrives before
  /// waits.
  virtual void set_handler(StreamHandler& handler) = 0;
  /// Takes all of `data` or nothing (`Errc::kWouldBlock`).
  [[nodiscard]] virtual Result<> write(Bytes data) = 0;
  /// Bytes that were accepted for sending and had to be kept. While it is not 0, `on_drained` is
  /// still to come.
  virtual std::size_t buffered() const = 0;
  /// What arrives waits, as it does without a handler, and holds the other end back: no `on_data`
  /// and no `on_closed` that stands behind data until `resume_reading`. For those who cannot pass
  /// on what they get.
  virtual void pause_reading() = 0;
  virtual void resume_reading() = 0;
  /// Sends what is buffered, then FIN; still receives.
  virtual void shutdown() = 0;
};

class ListenerHandler {
 public:
  virtual ~ListenerHandler() = default;
  virtual void on_accept(std::unique_ptr<Stream> stream) = 0;
};

class Listener {
 public:
  virtual ~Listener() = default;
  virtual Endpoint local() const = 0;
};

/// Calls back once at the time it is armed for. Destroying it disarms it.
class Timer {
 public:
  virtual ~Timer() = default;
  /// Replaces any earlier time; a time in the past means "at the next turn"; kNever disarms.
  virtual void arm(Time when) = 0;
};

/// A name lookup under way; destroying it abandons it.
class Lookup {
 public:
  virtual ~Lookup() = default;
};
/// The addresses in the system's order of preference, or why there are none.
using LookupCallback = std::function<void(Result<std::vector<Address>>)>;

/// Interest in the machine's interfaces; destroying it ends it.
class InterfaceWatch {
 public:
  virtual ~InterfaceWatch() = default;
};

class Network {
 public:
  virtual ~Network() = default;

  virtual Time now() const = 0;
  virtual Random& random() = 0;
  /// The calendar's time, for the dates in certificates. A network without a calendar keeps this
  /// one: 2026-01-01.
  virtual std::chrono::sys_seconds wall_clock() const {
    return std::chrono::sys_days{std::chrono::year{2026} / 1 / 1};
  }
  /// Every address of every interface that is up, loopback included.
  virtual std::vector<Interface> interfaces() = 0;
  /// Calls `changed` at a later turn whenever an interface or an address has come or gone: ask
  /// `interfaces()` what there is now. One call may stand for several changes, and a call for a
  /// change that shows nowhere (an address that went and came back). A network that does not
  /// override this never calls.
  [[nodiscard]] virtual std::unique_ptr<InterfaceWatch> watch_interfaces(
      [[maybe_unused]] std::function<void()> changed) {
    return std::make_unique<InterfaceWatch>();
  }
  /// The default routes of both families, the preferred one of each family first; empty where the
  /// network does not know them.
  virtual std::vector<DefaultRoute> gateways() { return {}; }

  /// `handler` must outlive the socket.
  [[nodiscard]] virtual Result<std::unique_ptr<UdpSocket>> open_udp(const UdpOptions& options,
                                                                    UdpHandler& handler) = 0;

  /// Sends every run of `batch`. What the system refuses at once for a route is listed in
  /// `batch.failures()`; runs for sockets that are gone are dropped silently. What the system has
  /// no room for now is kept (bounded) and sent when it has.
  void send(SendBatch& batch);
  /// Gives `sink` the id of the registration, for runs of a batch: `send` hands it those. It must
  /// outlive the registration, which may outlive the network.
  [[nodiscard]] SinkRegistration add_sink(Sink& sink);
  /// Bytes that `send` keeps on datagram sockets because the system had no room. Senders that can
  /// wait should while this is not 0.
  virtual std::size_t send_backlog() const { return 0; }

  /// Starts a TCP connection from `local` (port 0: any; nullopt: any address). `handler` must
  /// outlive the stream. A given port may be a listener's and that of other streams to other
  /// remote ends, and two ends that connect to each other at once get one connection (RFC 6544
  /// appendix B, RFC 9293 section 3.5).
  [[nodiscard]] virtual Result<std::unique_ptr<Stream>> connect(const Endpoint& remote,
                                                                std::optional<Endpoint> local,
                                                                StreamHandler& handler) = 0;
  [[nodiscard]] virtual Result<std::unique_ptr<Listener>> listen(const Endpoint& local,
                                                                 ListenerHandler& handler) = 0;

  [[nodiscard]] virtual std::unique_ptr<Timer> create_timer(std::function<void()> callback) = 0;
  /// Looks `name` up for both families. The callback comes at a later turn, never from within.
  [[nodiscard]] virtual std::unique_ptr<Lookup> lookup(std::string_view name,
                                                       LookupCallback callback) = 0;

  /// Runs `task` on the network's thread at a later turn. The one call any thread may make; the
  /// network must still be alive.
  virtual void post(std::function<void()> task) = 0;

  /// Shared by every agent on this network.
  Pacer& pacer() { return pacer_; }
  /// One batch for everybody on this thread to fill and send within one call, so that idle
  /// connections hold no send memory. Empty outside such a call.
  SendBatch& batch() { return batch_; }

  void set_log_sink(LogSink sink) { log_sink_ = std::move(sink); }
  void log(LogLevel level, std::string_view component, std::string_view message) const {
    if (log_sink_) log_sink_(level, component, message);
  }

 protected:
  /// `send`, once the sinks have had their runs: to be skipped here, as `is_sink` tells, like runs
  /// for sockets that are gone.
  virtual void send_packets(SendBatch& batch) = 0;

 private:
  Pacer pacer_;
  SendBatch batch_;
  std::shared_ptr<SinkTable> sinks_ = std::make_shared<SinkTable>();
  LogSink log_sink_;
};

}  // namespace floe::net
