#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "floe/net/network.h"
#include "floe/net/sim/event_queue.h"
#include "floe/net/sim/host.h"
#include "floe/net/sim/internal/byte_queue.h"
#include "floe/net/sim/packet.h"

namespace floe::net::sim {

class TcpStack;

/// One end of a TCP connection: enough of RFC 9293 to behave like one on a bad network. Segments
/// are acknowledged, lost ones sent again after three duplicate acknowledgments or a timeout, and
/// the congestion window is Reno's. Left out: TIME-WAIT, urgent data, and SACK.
///
/// All callbacks come from `turn`, which runs after what caused it, at the same instant.
class TcpConnection final : public std::enable_shared_from_this<TcpConnection> {
 public:
  TcpConnection(Host& host, TcpStack& stack, const Endpoint& local, const Endpoint& remote,
                const Host::Path& path, SocketId id);
  ~TcpConnection();

  void start_connecting(StreamHandler& handler);
  /// Answers the SYN that a listener got.
  void start_accepting(const Packet& syn);
  /// A packet of this connection arrived.
  void receive(const Packet& packet);

  const Endpoint& local() const { return local_; }
  const Endpoint& remote() const { return remote_; }
  SocketId id() const { return id_; }
  /// Made by connect, not by a listener.
  bool is_outbound() const { return is_outbound_; }

  // What its Stream calls:
  void set_handler(StreamHandler& handler);
  void set_reading(bool reading);
  [[nodiscard]] Result<> write(Bytes data);
  std::size_t buffered() const;
  void shutdown();
  /// The Stream is gone: no more callbacks; what the system had accepted is still sent.
  void release();
  /// Ends with RST, without a callback.
  void abort();

 private:
  enum class State : std::uint8_t { kSynSent, kSynReceived, kOpen, kClosed };

  // RFC 6298 has a minimum of 1 s; Linux has 200 ms, and its maximum of 120 s is of no use here.
  static constexpr Duration kMinRto = std::chrono::milliseconds(200);
  static constexpr Duration kMaxRto = std::chrono::seconds(60);
  // Linux: tcp_syn_retries 6 (here 25 s in all), and fewer than its 15 for the rest (102 s).
  static constexpr int kMaxSynRetries = 6;
  static constexpr int kMaxRetries = 8;
  /// RFC 6928.
  static constexpr std::size_t kInitialWindowSegments = 10;
  static constexpr int kDuplicateAcks = 3;
  static constexpr std::size_t kReceiveWindow = 256 * 1024;
  /// What the system itself takes of what is written, beyond Stream::kMaxBuffered.
  static constexpr std::size_t kSystemBuffer = 256 * 1024;

  // tcp_connection.cc: what the stream and the clock want.
  void turn();
  void deliver();
  void on_timeout();
  void send_syn();
  void transmit();
  bool transmit_one(std::uint64_t limit);
  void send_segment(std::uint64_t sequence, std::size_t size, std::uint8_t flags);
  void resend_first();
  void send_ack() { send_segment(next_, 0, TcpHeader::kAck); }
  void end(Error error);
  void want_turn();
  void arm_timeout();
  void stop();
  bool is_finished() const;

  // tcp_connection_receive.cc: what the other end sent.
  void receive_in_handshake(const Packet& packet);
  void take_syn(const TcpHeader& syn);
  void receive_ack(const TcpHeader& tcp, bool is_bare);
  void receive_new_ack(std::uint64_t acknowledgment);
  void receive_duplicate_ack();
  void receive_data(const Packet& packet);
  void take_in_order(Bytes data);
  void measure(Duration round_trip);

  std::uint64_t end_of_data() const { return unacknowledged_data_ + outgoing_.size(); }
  std::uint64_t in_flight() const { return highest_ - unacknowledged_; }
  std::uint32_t window() const {
    return static_cast<std::uint32_t>(kReceiveWindow - incoming_.size());
  }

  Host& host_;
  TcpStack& stack_;
  Endpoint local_;
  Endpoint remote_;
  Host::Path path_;
  SocketId id_;
  State state_ = State::kSynSent;
  StreamHandler* handler_ = nullptr;
  bool is_outbound_ = false;
  bool is_reading_ = true;
  bool is_released_ = false;
  bool must_report_connected_ = false;
  bool is_blocked_ = false;  // More was written than the system's own buffer takes.
  std::optional<Error> end_;

  // Sending. Sequence numbers as in RFC 9293 section 3.3.1.
  std::size_t mss_;
  std::uint64_t unacknowledged_;       // SND.UNA
  std::uint64_t unacknowledged_data_;  // The first byte of outgoing_.
  std::uint64_t next_;                 // SND.NXT; goes back after a timeout.
  std::uint64_t highest_;              // The end of all that was ever sent.
  ByteQueue outgoing_;
  bool must_send_fin_ = false;
  bool is_fin_acknowledged_ = false;
  std::uint64_t peer_window_ = 0;
  std::uint64_t congestion_window_;
  std::uint64_t slow_start_threshold_ = UINT64_MAX;
  int duplicate_acks_ = 0;
  std::optional<std::uint64_t> recovery_end_;
  Duration rto_ = kMinRto;
  int retries_ = 0;
  std::optional<Duration> smoothed_round_trip_;
  Duration round_trip_variation_{};
  std::optional<std::uint64_t> timed_end_;  // Its acknowledgment is a measurement.
  Time timed_at_{};

  // Receiving.
  std::uint64_t expected_ = 0;  // RCV.NXT
  ByteQueue incoming_;
  std::map<std::uint64_t, std::vector<std::uint8_t>> early_;  // Bounded by the window.
  std::optional<std::uint64_t> fin_at_;
  bool has_received_fin_ = false;
  bool must_acknowledge_ = false;
  std::uint32_t advertised_ = 0;

  MethodEvent<TcpConnection> turn_;
  MethodEvent<TcpConnection> timeout_;
};

}  // namespace floe::net::sim
