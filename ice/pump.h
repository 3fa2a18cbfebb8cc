#pragma once

#include <functional>
#include <memory>

#include "floe/core/time.h"
#include "floe/net/network.h"

namespace floe::ice {

/// The engines of one connection, as the pump sees them.
class Engines {
 public:
  virtual ~Engines() = default;
  virtual void handle_timeout(Time now) = 0;
  virtual Time next_timeout() const = 0;
  /// Writes what is to be sent, until there is no more or the batch is full.
  virtual void poll_transmit(Time now, net::SendBatch& batch) = 0;
  virtual void handle_send_failure(Time now, const net::Route& route, const Error& error) = 0;
  /// Hands one event to the application; false if there was none. The application may do anything
  /// meanwhile, including destroying the connection: after the call nothing may be touched unless
  /// the pump is known to be alive.
  virtual bool deliver_event(Time now) = 0;
};

/// Connects the engines of one connection to a network. It is entered from datagrams and from its
/// timer only. Each turn lets time pass, sends everything in as few batches as possible, arms the
/// timer, and only then tells the application what happened.
///
/// Public calls of a connection never call back: they change engines and `wake()` the pump.
class Pump {
 public:
  /// Both must outlive the pump.
  Pump(net::Network& network, Engines& engines);
  ~Pump();
  Pump(const Pump&) = delete;
  Pump& operator=(const Pump&) = delete;

  net::Network& network() { return network_; }
  const net::Network& network() const { return network_; }
  Time now() const { return network_.now(); }

  /// The engines changed: the next turn comes at once. Cheap to call often.
  void wake();
  /// Runs a turn now; called when datagrams were fed to the engines. The pump may be gone when it
  /// returns.
  void turn();
  /// No more turns.
  void stop();

 private:
  void flush(Time now);
  void arm();

  net::Network& network_;
  Engines& engines_;
  std::unique_ptr<net::Timer> timer_;
  Time armed_ = kNever;
  bool awake_ = false;  ///< A wake-up is armed or a turn is running that will see the change.
  bool in_turn_ = false;
  bool stopped_ = false;
  std::shared_ptr<bool> alive_;
};

}  // namespace floe::ice
