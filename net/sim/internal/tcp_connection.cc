#include "floe/net/sim/internal/tcp_connection.h"

#include <algorithm>
#include <utility>

#include "floe/net/sim/internal/tcp_stack.h"

namespace floe::net::sim {
namespace {

std::size_t largest_segment(std::size_t mtu, Family family) {
  const std::size_t header = Packet::header_size(family, Protocol::kTcp);
  return mtu > header ? mtu - header : 1;
}

}  // namespace

TcpConnection::TcpConnection(Host& host, TcpStack& stack, const Endpoint& local,
                             const Endpoint& remote, const Host::Path& path, SocketId id)
    : host_(host),
      stack_(stack),
      local_(local),
      remote_(remote),
      path_(path),
      id_(id),
      mss_(largest_segment(path.mtu, remote.family())),
      unacknowledged_(stack.initial_sequence()),
      unacknowledged_data_(unacknowledged_ + 1),
      next_(unacknowledged_),
      highest_(unacknowledged_),
      congestion_window_(kInitialWindowSegments * mss_),
      turn_(*this, &TcpConnection::turn),
      timeout_(*this, &TcpConnection::on_timeout) {}

TcpConnection::~TcpConnection() {
  stop();
  host_.fabric_.events().cancel(turn_);
}

void TcpConnection::start_connecting(StreamHandler& handler) {
  handler_ = &handler;
  is_outbound_ = true;
  send_syn();
}

void TcpConnection::start_accepting(const Packet& syn) {
  state_ = State::kSynReceived;
  take_syn(syn.tcp);
  send_syn();
}

void TcpConnection::take_syn(const TcpHeader& syn) {
  expected_ = syn.sequence + 1;
  peer_window_ = syn.window;
  mss_ = std::min<std::size_t>(mss_, syn.mss);
  congestion_window_ = kInitialWindowSegments * mss_;
}

void TcpConnection::set_handler(StreamHandler& handler) {
  handler_ = &handler;
  want_turn();
}

void TcpConnection::set_reading(bool reading) {
  is_reading_ = reading;
  want_turn();
}

std::size_t TcpConnection::buffered() const {
  if (state_ == State::kClosed) return 0;
  return outgoing_.size() - std::min(outgoing_.size(), kSystemBuffer);
}

Result<> TcpConnection::write(Bytes data) {
  if (state_ == State::kClosed || must_send_fin_) {
    return fail(Errc::kClosed, "the stream to " + remote_.to_string() + " is closed");
  }
  if (outgoing_.size() + data.size() > kSystemBuffer + Stream::kMaxBuffered) {
    is_blocked_ = true;
    return fail(Errc::kWouldBlock, "the stream to " + remote_.to_string() + " is full");
  }
  outgoing_.append(data);
  if (outgoing_.size() > kSystemBuffer) is_blocked_ = true;
  want_turn();
  return {};
}

void TcpConnection::shutdown() {
  must_send_fin_ = true;
  want_turn();
}

void TcpConnection::release() {
  is_released_ = true;
  handler_ = nullptr;
  if (state_ == State::kSynSent || (state_ == State::kSynReceived && is_outbound_)) {
    state_ = State::kClosed;
    stop();
    return stack_.remove(*this);
  }
  // A process takes what it has not handed to the system with it.
  outgoing_.truncate(kSystemBuffer);
  shutdown();
}

void TcpConnection::abort() {
  if (state_ != State::kClosed) send_segment(next_, 0, TcpHeader::kRst | TcpHeader::kAck);
  handler_ = nullptr;
  end({Errc::kClosed, "aborted"});
}

void TcpConnection::want_turn() {
  if (!turn_.scheduled()) {
    host_.fabric_.events().schedule(turn_, std::max(host_.now(), host_.wakes_at()));
  }
}

void TcpConnection::turn() {
  if (host_.asleep()) return want_turn();
  const auto self = shared_from_this();  // A handler may destroy the stream.
  if (must_report_connected_ && handler_ != nullptr) {
    must_report_connected_ = false;
    handler_->on_connected();
  }
  deliver();
  if (is_blocked_ && state_ == State::kOpen && outgoing_.size() <= kSystemBuffer) {
    is_blocked_ = false;
    if (handler_ != nullptr) handler_->on_drained();
  }
  if (end_ && handler_ != nullptr && is_reading_ && incoming_.empty()) {
    std::exchange(handler_, nullptr)->on_closed(*end_);
  }
  transmit();
  if (must_acknowledge_) send_ack();
  if (is_finished()) stack_.remove(*this);
}

void TcpConnection::deliver() {
  if (handler_ == nullptr || !is_reading_ || incoming_.empty()) return;
  std::vector<std::uint8_t> data = incoming_.take_all();
  // Room for at least half a window again is worth telling (RFC 9293 section 3.8.6.2.2).
  if (advertised_ < kReceiveWindow / 2) must_acknowledge_ = true;
  // Streams keep no boundaries, and code that believes otherwise is to be found out.
  const std::size_t cut = stack_.choose_cut(data.size());
  if (cut > 0) handler_->on_data(MutableBytes(data).first(cut));
  if (handler_ != nullptr && is_reading_) {
    handler_->on_data(MutableBytes(data).subspan(cut));
  } else if (!is_released_) {
    incoming_.append(Bytes(data).subspan(cut));
  }
}

void TcpConnection::send_syn() {
  highest_ = unacknowledged_ + 1;
  next_ = highest_;
  const bool is_answer = state_ == State::kSynReceived;
  send_segment(unacknowledged_, 0,
               is_answer ? TcpHeader::kSyn | TcpHeader::kAck : std::uint8_t{TcpHeader::kSyn});
  arm_timeout();
}

void TcpConnection::transmit() {
  if (state_ != State::kOpen) return;
  const std::uint64_t limit = unacknowledged_ + std::min(peer_window_, congestion_window_);
  while (next_ < end_of_data() && transmit_one(limit)) {
  }
  if (must_send_fin_ && next_ == end_of_data()) {
    send_segment(next_, 0, TcpHeader::kFin | TcpHeader::kAck);
    highest_ = std::max(highest_, ++next_);
  }
  // Also with nothing in flight: a closed window must be asked about (RFC 9293 section 3.8.6.1).
  const bool waits = in_flight() > 0 || next_ < end_of_data();
  if (waits && !timeout_.scheduled()) arm_timeout();
}

bool TcpConnection::transmit_one(std::uint64_t limit) {
  if (next_ >= limit) return false;
  const std::uint64_t left = end_of_data() - next_;
  const std::uint64_t room = limit - next_;
  const std::uint64_t size = std::min<std::uint64_t>({left, room, mss_});
  // Wait for a whole segment's room rather than send scraps (RFC 9293 section 3.8.6.2.1).
  if (size < left && size < mss_ && next_ > unacknowledged_) return false;
  const bool is_last = size == left;
  send_segment(next_, size, TcpHeader::kAck | (is_last ? TcpHeader::kPsh : 0));
  next_ += size;
  if (next_ > highest_ && !timed_end_) {  // Karn: segments sent again are never measured.
    timed_end_ = next_;
    timed_at_ = host_.now();
  }
  highest_ = std::max(highest_, next_);
  return true;
}

void TcpConnection::send_segment(std::uint64_t sequence, std::size_t size, std::uint8_t flags) {
  PacketPtr packet = host_.fabric_.packets().make();
  packet->protocol = Protocol::kTcp;
  packet->source.port = local_.port;
  packet->destination = remote_;
  packet->tcp.sequence = sequence;
  packet->tcp.flags = flags;
  packet->tcp.window = window();
  if (packet->tcp.has(TcpHeader::kAck)) packet->tcp.acknowledgment = expected_;
  if (packet->tcp.has(TcpHeader::kSyn)) packet->tcp.mss = static_cast<std::uint16_t>(mss_);
  if (size > 0) {
    const Bytes data = outgoing_.view(sequence - unacknowledged_data_, size);
    packet->payload.assign(data.begin(), data.end());
  }
  advertised_ = window();
  must_acknowledge_ = false;
  // The way is looked up anew: the interface may have gone, and then the segment goes nowhere.
  if (const auto path = host_.path(path_.source, remote_.address)) {
    host_.transmit(std::move(packet), *path);
  }
}

void TcpConnection::resend_first() {
  const std::uint64_t size = std::min<std::uint64_t>({mss_, outgoing_.size(), in_flight()});
  send_segment(unacknowledged_, size, TcpHeader::kAck | (size == 0 ? TcpHeader::kFin : 0));
}

void TcpConnection::arm_timeout() {
  const Duration wait = std::min(kMaxRto, rto_ * (1 << std::min(retries_, kMaxRetries)));
  host_.fabric_.events().schedule(timeout_, host_.now() + wait);
}

void TcpConnection::on_timeout() {
  if (host_.asleep()) return host_.fabric_.events().schedule(timeout_, host_.wakes_at());
  const auto self = shared_from_this();
  timed_end_.reset();
  if (state_ != State::kOpen) {
    if (++retries_ <= kMaxSynRetries) return send_syn();
    end({Errc::kTimedOut, remote_.to_string() + " does not answer"});
    return;
  }
  const bool is_probe = in_flight() == 0;
  // A peer that keeps its window closed but answers may do so for ever; one that is alone may not.
  if (++retries_ > kMaxRetries) {
    end({Errc::kTimedOut, remote_.to_string() + " no longer answers"});
    return;
  }
  if (is_probe) {
    if (transmit_one(next_ + 1)) arm_timeout();
    return;
  }
  slow_start_threshold_ = std::max<std::uint64_t>(in_flight() / 2, 2 * mss_);
  congestion_window_ = mss_;
  duplicate_acks_ = 0;
  recovery_end_.reset();
  next_ = unacknowledged_;
  arm_timeout();
  // A window that closed meanwhile must not keep the first segment from being sent again.
  if (next_ < end_of_data()) transmit_one(next_ + mss_);
  transmit();
}

void TcpConnection::end(Error error) {
  if (!end_) end_ = std::move(error);
  state_ = State::kClosed;
  stop();
  want_turn();
}

void TcpConnection::stop() {
  host_.fabric_.events().cancel(timeout_);
}

bool TcpConnection::is_finished() const {
  return state_ == State::kClosed || (is_fin_acknowledged_ && has_received_fin_);
}

}  // namespace floe::net::sim
