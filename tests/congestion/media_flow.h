#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "floe/net/sim/world.h"
#include "floe/rtp/congestion/congestion_controller.h"
#include "floe/rtp/congestion/paced_sender.h"
#include "tests/congestion/encoder.h"

namespace floe::rtp {

/// One call in one direction: an encoder whose frames leave by way of a paced sender as packets on
/// a simulated network, and a receiver that sends transport-wide feedback every 50 to 100 ms.
class MediaFlow {
 public:
  struct Options {
    BitrateLimits limits{};
    /// The encoder makes no more than this, whatever it is offered.
    Bitrate encoder_max = Bitrate::unlimited();
    bool has_probes = true;
    /// What takes the place of the Google controller.
    std::unique_ptr<CongestionController> controller{};
  };

  MediaFlow(net::sim::World& world, net::sim::Host& from, net::sim::Host& to, Options options);
  ~MediaFlow();

  void stop() { is_stopped_ = true; }
  CongestionController& controller() { return *controller_; }
  const PacedSender& pacer() const { return pacer_; }

  // Totals since the beginning, in bytes with IP headers.
  std::size_t sent_bytes() const { return sent_bytes_; }
  std::size_t received_bytes() const { return received_bytes_; }
  std::size_t sent_packets() const { return sent_packets_; }
  std::size_t received_packets() const { return received_packets_; }
  std::size_t padding_bytes() const { return padding_bytes_; }
  /// Of each packet since the last call: how long it took from one end to the other.
  std::vector<Duration> take_delays() { return std::exchange(delays_, {}); }
  /// No feedback reaches the sender meanwhile.
  void hold_feedback(bool hold) { is_deaf_ = hold; }
  bool probed() const { return probed_; }

 private:
  class Sender;
  class Receiver;

  void make_frame();
  void make_audio();
  void queue(PacedSender::Kind kind, std::uint32_t track, std::size_t size);
  void turn();
  void send(const PacedSender::Sending& sending, net::SendBatch& batch);
  void take_feedback(Bytes feedback);
  void receive(Bytes packet);
  void send_feedback();
  Time now() const { return world_.now(); }

  net::sim::World& world_;
  net::sim::Host& from_;
  net::sim::Host& to_;
  Options options_;
  Encoder encoder_;
  PacedSender pacer_;
  std::unique_ptr<CongestionController> controller_;
  std::unique_ptr<Sender> sender_;
  std::unique_ptr<Receiver> receiver_;
  std::unique_ptr<net::Timer> pump_timer_;
  std::unique_ptr<net::Timer> frame_timer_;
  std::unique_ptr<net::Timer> audio_timer_;
  std::unique_ptr<net::Timer> feedback_timer_;
  bool is_stopped_ = false;
  bool is_deaf_ = false;
  bool probed_ = false;

  std::int64_t next_sequence_ = 0;
  std::size_t sent_bytes_ = 0;
  std::size_t sent_packets_ = 0;
  std::size_t received_bytes_ = 0;
  std::size_t received_packets_ = 0;
  std::size_t padding_bytes_ = 0;
  std::vector<Duration> delays_;
  std::map<std::int64_t, Time> arrivals_;  // Of packets that no feedback told of yet.
  std::int64_t reported_to_ = 0;           // The first sequence that was not.
};

}  // namespace floe::rtp
