#include "floe/ice/pump.h"

#include <utility>

namespace floe::ice {
namespace {

// Batches sent in one turn, so that a connection with endless data lets others have the loop: up
// to 4 MiB.
constexpr int kMaxBatchesPerTurn = 4;
// Events delivered in one turn, for the same reason.
constexpr int kMaxEventsPerTurn = 256;

}  // namespace

Pump::Pump(net::Network& network, Engines& engines)
    : network_(network), engines_(engines), alive_(std::make_shared<bool>(true)) {
  timer_ = network_.create_timer([this] {
    armed_ = kNever;
    turn();
  });
}

Pump::~Pump() {
  *alive_ = false;
}

void Pump::wake() {
  if (stopped_ || awake_) return;
  awake_ = true;
  if (in_turn_) return;  // the turn looks again before it ends
  armed_ = network_.now();
  timer_->arm(armed_);
}

void Pump::turn() {
  if (stopped_ || in_turn_) return;
  const std::shared_ptr<bool> alive = alive_;
  in_turn_ = true;
  awake_ = false;
  flush(network_.now());
  bool more = true;
  for (int events = 0; more && events < kMaxEventsPerTurn; ++events) {
    more = engines_.deliver_event(network_.now());
    if (!*alive) return;
    if (stopped_) more = false;
  }
  // What the application did in its events goes out in this turn, not in the next.
  if (std::exchange(awake_, false) && !stopped_) flush(network_.now());
  in_turn_ = false;
  if (more) {
    wake();
  } else {
    arm();
  }
}

void Pump::flush(Time now) {
  if (engines_.next_timeout() <= now) engines_.handle_timeout(now);
  net::SendBatch& batch = network_.batch();
  bool drained = false;
  for (int i = 0; i < kMaxBatchesPerTurn && !drained; ++i) {
    engines_.poll_transmit(now, batch);
    drained = batch.empty();
    if (drained) break;
    network_.send(batch);
    for (const net::SendBatch::Failure& failure : batch.failures()) {
      engines_.handle_send_failure(now, failure.route, failure.error);
    }
    batch.clear();
  }
  if (!drained) awake_ = true;
}

void Pump::arm() {
  if (stopped_) return;
  if (awake_) {
    awake_ = false;
    wake();
    return;
  }
  const Time next = engines_.next_timeout();
  if (next == armed_) return;
  armed_ = next;
  timer_->arm(next);
}

void Pump::stop() {
  stopped_ = true;
  timer_->arm(kNever);
}

}  // namespace floe::ice
