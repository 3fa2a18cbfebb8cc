#include "floe/tls/internal/tls_stream.h"

#include <algorithm>
#include <array>
#include <utility>

namespace floe::tls {
namespace {

constexpr std::size_t kMaxRecord = 16'384;  // RFC 8446 section 5.1
// What is handed to the connection at once: more might not fit into its buffer in one piece.
constexpr std::size_t kPiece = std::size_t{64} << 10;
// Records that wait to be sent: one write's, and what a peer that reads nothing makes us answer
// (KeyUpdate). Who demands that much more means harm.
constexpr std::size_t kMaxUnsent = 2 * net::Stream::kMaxBuffered;

}  // namespace

TlsStream::TlsStream(net::Network& network, std::unique_ptr<StreamSession> session,
                     std::string name)
    : name_(std::move(name)),
      session_(std::move(session)),
      registration_(network.add_sink(*this)),
      turn_(network.create_timer([this] { advance(); })) {}

TlsStream::~TlsStream() {
  if (!established_ || connection_ == nullptr) return;
  if (!std::exchange(shut_down_, true)) session_->send_close_notify();
  flush();
}

Result<> TlsStream::connect(net::Network& network, const net::Endpoint& remote,
                            std::optional<net::Endpoint> local) {
  auto connection = network.connect(remote, local, *this);
  if (!connection) return forward(connection);
  connection_ = std::move(*connection);
  return {};
}

void TlsStream::take(std::unique_ptr<net::Stream> connection) {
  connection_ = std::move(connection);
  state_ = State::kHandshaking;
  connection_->set_handler(*this);
}

void TlsStream::clear_handler() {
  handler_ = nullptr;
  update_reading();
}

void TlsStream::set_handler(net::StreamHandler& handler) {
  handler_ = &handler;
  turn_->arm(Time{});
}

void TlsStream::pause_reading() {
  paused_ = true;
  update_reading();
}

void TlsStream::resume_reading() {
  paused_ = false;
  turn_->arm(Time{});
}

/// The handshake goes on whether or not anybody wants to read.
void TlsStream::update_reading() {
  if (connection_ == nullptr) return;
  if (state_ == State::kOpen && !reads()) {
    connection_->pause_reading();
  } else {
    connection_->resume_reading();
  }
}

void TlsStream::on_connected() {
  state_ = State::kHandshaking;
  advance();
}

void TlsStream::on_data(MutableBytes data) {
  if (state_ == State::kFinished) return;
  session_->feed(data);
  advance();
}

void TlsStream::advance() {
  const std::weak_ptr<char> life = life_;
  if (state_ == State::kHandshaking) {
    const StreamSession::Outcome outcome = session_->handshake();
    flush();
    switch (outcome) {
      case StreamSession::Outcome::kDone:
        finish_handshake();
        break;
      case StreamSession::Outcome::kWantMore:
        break;
      case StreamSession::Outcome::kClosed:
        finish({Errc::kRefused, name_ + " closed in the middle of the TLS handshake"});
        break;
      case StreamSession::Outcome::kFailed:
        finish(broken(session_->error()));
        break;
    }
    if (life.expired()) return;
  }
  if (state_ == State::kOpen) {
    deliver();
    if (life.expired()) return;
  }
  update_reading();
  report_end();
}

void TlsStream::finish_handshake() {
  const std::weak_ptr<char> life = life_;
  state_ = State::kOpen;
  established_ = true;
  if (!early_.empty()) {
    const Result<> written = session_->write(early_);
    early_ = {};
    if (!written) return finish(broken(written.error()));
  }
  if (shut_down_) session_->send_close_notify();
  flush();
  if (handler_ == nullptr) return;
  handler_->on_connected();
  if (life.expired()) return;
  report_drained();
}

void TlsStream::deliver() {
  const std::weak_ptr<char> life = life_;
  std::array<std::uint8_t, kMaxRecord> space;
  while (state_ == State::kOpen && reads()) {
    std::size_t size = 0;
    const StreamSession::Outcome outcome = session_->read(space, size);
    switch (outcome) {
      case StreamSession::Outcome::kDone:
        handler_->on_data(MutableBytes(space).first(size));
        if (life.expired()) return;
        break;
      case StreamSession::Outcome::kWantMore:
        flush();  // An answer to KeyUpdate, maybe.
        if (session_->output().size() <= kMaxUnsent) return;
        return finish(
            {Errc::kLimitExceeded,
             "TLS with " + name_ + ": the other end wants answers and does not read them"});
      case StreamSession::Outcome::kClosed:
        return finish({Errc::kClosed, name_ + " closed the TLS connection"});
      case StreamSession::Outcome::kFailed:
        flush();
        return finish(broken(session_->error()));
    }
  }
}

Error TlsStream::broken(const Error& error) const {
  return {error.code, "TLS with " + name_ + ": " + error.message};
}

void TlsStream::on_closed(const Error& error) {
  if (state_ == State::kFinished) return;
  switch (state_) {
    case State::kConnecting:
      return finish(error);
    case State::kHandshaking:
      return finish({error.code, "TLS with " + name_ +
                                     ": the connection ended in the middle of the handshake: " +
                                     error.message});
    default:
      break;
  }
  if (error.code != Errc::kClosed) return finish(broken(error));
  // RFC 8446 section 6.1: without close_notify anybody on the path may have cut it off.
  finish({Errc::kClosed, "TLS with " + name_ +
                             ": the connection ended without close_notify, so that something may "
                             "be missing: " +
                             error.message});
}

void TlsStream::finish(Error error) {
  state_ = State::kFinished;
  end_ = std::move(error);
  report_end();
}

void TlsStream::report_end() {
  if (!end_ || !reads()) return;
  const Error error = *std::exchange(end_, std::nullopt);
  std::exchange(handler_, nullptr)->on_closed(error);
}

Result<> TlsStream::write(Bytes data) {
  if (state_ == State::kFinished || shut_down_) {
    return fail(Errc::kClosed, "the TLS stream to " + name_ + " is closed for sending");
  }
  if (data.empty()) return {};
  if (data.size() > kMaxBuffered) {
    return fail(Errc::kMessageTooLong,
                "more than " + std::to_string(kMaxBuffered) + " bytes in one write");
  }
  const bool has_room = state_ == State::kOpen ? session_->output().empty()
                                               : early_.size() + data.size() <= kMaxBuffered;
  if (!has_room) {
    owes_drained_ = true;
    return fail(Errc::kWouldBlock,
                "the TLS stream to " + name_ + " has no room; wait until it has drained");
  }
  if (state_ != State::kOpen) {
    early_.insert(early_.end(), data.begin(), data.end());
  } else {
    if (auto written = session_->write(data); !written) return written;
    flush();
  }
  if (buffered() > 0) owes_drained_ = true;
  return {};
}

std::size_t TlsStream::buffered() const {
  if (connection_ == nullptr) return 0;
  return early_.size() + session_->output().size() + connection_->buffered();
}

void TlsStream::shutdown() {
  if (state_ == State::kFinished || std::exchange(shut_down_, true)) return;
  if (state_ != State::kOpen) return;  // Follows once the handshake is done.
  session_->send_close_notify();
  flush();
}

void TlsStream::flush() {
  if (connection_ == nullptr) return;
  for (Bytes rest = session_->output(); !rest.empty(); rest = session_->output()) {
    const std::size_t size = std::min(rest.size(), kPiece);
    const Result<> written = connection_->write(rest.first(size));
    // If it is closed it says so itself, and nothing can be sent any more.
    if (!written && written.error().code == Errc::kWouldBlock) return;
    session_->consume(size);
  }
  if (established_ && shut_down_ && !std::exchange(connection_shut_down_, true)) {
    connection_->shutdown();
  }
}

void TlsStream::on_drained() {
  flush();
  report_drained();
}

void TlsStream::report_drained() {
  if (!owes_drained_ || handler_ == nullptr || state_ != State::kOpen || buffered() > 0) return;
  owes_drained_ = false;
  handler_->on_drained();
}

void TlsStream::send(net::SendBatch& batch, std::span<const net::SendBatch::Run> runs) {
  for (const net::SendBatch::Run& run : runs) {
    if (const Result<> written = write(batch.bytes(run)); !written) {
      batch.failures().push_back({run.route, written.error()});
    }
  }
}

}  // namespace floe::tls
