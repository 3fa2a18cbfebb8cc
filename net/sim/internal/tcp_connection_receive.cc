#include <algorithm>
#include <utility>

#include "floe/net/sim/internal/tcp_connection.h"
#include "floe/net/sim/internal/tcp_stack.h"

namespace floe::net::sim {

void TcpConnection::receive(const Packet& packet) {
  const auto self = shared_from_this();
  if (state_ == State::kClosed) return;
  if (state_ != State::kOpen) return receive_in_handshake(packet);
  if (packet.tcp.has(TcpHeader::kRst)) {
    return end({Errc::kClosed, remote_.to_string() + " reset the connection"});
  }
  if (packet.tcp.has(TcpHeader::kSyn)) return send_ack();  // Our last ACK was lost.
  const bool is_bare = packet.payload.empty() && !packet.tcp.has(TcpHeader::kFin);
  receive_ack(packet.tcp, is_bare);
  if (!is_bare) receive_data(packet);
  want_turn();
}

void TcpConnection::receive_in_handshake(const Packet& packet) {
  const TcpHeader& tcp = packet.tcp;
  const bool acknowledges_syn = tcp.has(TcpHeader::kAck) && tcp.acknowledgment == highest_;
  if (tcp.has(TcpHeader::kRst)) {
    if (state_ == State::kSynReceived || acknowledges_syn) {
      end({Errc::kRefused, remote_.to_string() + " refused the connection"});
    }
    return;
  }
  if (state_ == State::kSynSent) {
    if (tcp.has(TcpHeader::kSyn) && !tcp.has(TcpHeader::kAck)) {
      // Both ends connect at once (RFC 9293 section 3.5, figure 7).
      state_ = State::kSynReceived;
      take_syn(tcp);
      return send_syn();
    }
    // An acknowledgment of something else is of an older connection, which RST ends there.
    if (!acknowledges_syn) return stack_.refuse(packet);
    if (!tcp.has(TcpHeader::kSyn)) return;
    take_syn(tcp);
  } else {
    if (tcp.has(TcpHeader::kSyn) && !acknowledges_syn) return send_syn();  // Our answer was lost.
    if (!acknowledges_syn) return;
  }
  must_acknowledge_ = tcp.has(TcpHeader::kSyn);
  must_report_connected_ = is_outbound_;
  unacknowledged_ = highest_;
  peer_window_ = tcp.window;
  retries_ = 0;
  stop();
  const bool was_received = state_ == State::kSynReceived;
  state_ = State::kOpen;
  if (!is_outbound_) {
    stack_.accepted(*this);
    if (state_ != State::kOpen) return;  // The listener has gone.
  }
  if (was_received) {
    if (!packet.payload.empty() || tcp.has(TcpHeader::kFin)) receive_data(packet);
  }
  want_turn();
}

void TcpConnection::receive_ack(const TcpHeader& tcp, bool is_bare) {
  if (!tcp.has(TcpHeader::kAck) || tcp.acknowledgment > highest_) return;
  if (tcp.acknowledgment < unacknowledged_) return;
  const bool same_window = tcp.window == peer_window_;
  peer_window_ = tcp.window;
  if (tcp.acknowledgment > unacknowledged_) {
    receive_new_ack(tcp.acknowledgment);
  } else if (is_bare && same_window && in_flight() > 0) {
    receive_duplicate_ack();
  }
  // The answer to a probe of a closed window is a sign of life, except to those who want to go.
  if (peer_window_ == 0 && !is_released_) retries_ = 0;
}

void TcpConnection::receive_new_ack(std::uint64_t acknowledgment) {
  const std::uint64_t newly = acknowledgment - unacknowledged_;
  if (timed_end_ && acknowledgment >= *timed_end_) {
    measure(host_.now() - timed_at_);
    timed_end_.reset();
  }
  is_fin_acknowledged_ = must_send_fin_ && acknowledgment == end_of_data() + 1;
  const std::uint64_t data_end = std::min(acknowledgment, end_of_data());
  outgoing_.consume(data_end - unacknowledged_data_);
  unacknowledged_data_ = data_end;
  unacknowledged_ = acknowledgment;
  next_ = std::max(next_, acknowledgment);
  retries_ = 0;
  duplicate_acks_ = 0;

  if (recovery_end_ && acknowledgment < *recovery_end_) {
    // RFC 6582: a partial acknowledgment shows the next loss.
    resend_first();
  } else {
    recovery_end_.reset();
    // RFC 5681 section 3.1.
    const std::uint64_t step = std::min<std::uint64_t>(newly, 2 * mss_);
    const bool is_slow_start = congestion_window_ < slow_start_threshold_;
    congestion_window_ +=
        is_slow_start ? step : std::max<std::uint64_t>(1, mss_ * mss_ / congestion_window_);
  }
  if (in_flight() > 0) {
    arm_timeout();
  } else {
    stop();
  }
}

void TcpConnection::receive_duplicate_ack() {
  if (recovery_end_ || ++duplicate_acks_ < kDuplicateAcks) return;
  // RFC 5681 section 3.2 without its inflation of the window.
  slow_start_threshold_ = std::max<std::uint64_t>(in_flight() / 2, 2 * mss_);
  congestion_window_ = slow_start_threshold_;
  recovery_end_ = highest_;
  timed_end_.reset();
  resend_first();
  arm_timeout();
}

void TcpConnection::receive_data(const Packet& packet) {
  if (is_released_ && !packet.payload.empty()) return abort();  // Nobody is left to read it.
  const std::uint64_t start = packet.tcp.sequence;
  const std::uint64_t stop = start + packet.payload.size();
  if (packet.tcp.has(TcpHeader::kFin)) fin_at_ = stop;
  const bool fits = stop <= expected_ + window();
  const bool is_early = start > expected_;
  if (is_early) {
    if (fits && !packet.payload.empty()) early_.try_emplace(start, packet.payload);
    return send_ack();  // At once, for it tells the sender of the gap.
  }
  must_acknowledge_ = true;
  if (!fits) return;
  if (stop > expected_) take_in_order(Bytes(packet.payload).subspan(expected_ - start));
  while (!early_.empty() && early_.begin()->first <= expected_) {
    const auto next = early_.extract(early_.begin());
    const std::uint64_t overlap = expected_ - next.key();
    if (overlap < next.mapped().size()) take_in_order(Bytes(next.mapped()).subspan(overlap));
  }
  if (fin_at_ == expected_ && !has_received_fin_) {
    has_received_fin_ = true;
    ++expected_;
    must_send_fin_ = true;  // on_closed is the stream's last call: nothing can be written after it.
    if (!end_) end_ = Error{Errc::kClosed, remote_.to_string() + " closed the connection"};
  }
}

void TcpConnection::take_in_order(Bytes data) {
  incoming_.append(data);
  expected_ += data.size();
}

// RFC 6298 section 2.
void TcpConnection::measure(Duration round_trip) {
  if (!smoothed_round_trip_) {
    smoothed_round_trip_ = round_trip;
    round_trip_variation_ = round_trip / 2;
  } else {
    const Duration error = std::chrono::abs(*smoothed_round_trip_ - round_trip);
    round_trip_variation_ = (3 * round_trip_variation_ + error) / 4;
    smoothed_round_trip_ = (7 * *smoothed_round_trip_ + round_trip) / 8;
  }
  rto_ = std::clamp(*smoothed_round_trip_ + 4 * round_trip_variation_, kMinRto, kMaxRto);
}

}  // namespace floe::net::sim
