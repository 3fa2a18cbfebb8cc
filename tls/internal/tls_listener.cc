#include "floe/tls/internal/tls_listener.h"

#include <algorithm>
#include <utility>

#include "floe/core/check.h"
#include "floe/tls/stream.h"

namespace floe::tls {

/// One client until its handshake is done.
class TlsListener::Handshake final : public net::StreamHandler {
 public:
  Handshake(TlsListener& listener, std::unique_ptr<TlsStream> its_stream, Time until)
      : stream(std::move(its_stream)), deadline(until), listener_(listener) {}

  std::unique_ptr<TlsStream> stream;
  Time deadline;

  void on_connected() override {
    stream->clear_handler();
    listener_.on_done(*this);
  }
  void on_data(MutableBytes) override {}  // Not before on_connected, and after it nothing.
  void on_closed(const Error& error) override { listener_.on_failed(*this, error); }

 private:
  TlsListener& listener_;
};

TlsListener::TlsListener(net::Network& network,
                         std::shared_ptr<const ServerAuthenticator> authenticator,
                         net::ListenerHandler& handler)
    : network_(network),
      authenticator_(std::move(authenticator)),
      handler_(handler),
      timer_(network.create_timer([this] { end_late_ones(); })) {}

TlsListener::~TlsListener() = default;

Result<> TlsListener::open(const net::Endpoint& local) {
  auto listener = network_.listen(local, *this);
  if (!listener) return forward(listener);
  listener_ = std::move(*listener);
  return {};
}

void TlsListener::on_accept(std::unique_ptr<net::Stream> connection) {
  auto session = StreamSession::create(dtls::Role::kServer, authenticator_);
  if (!session) return network_.log(LogLevel::kError, "tls", session.error().message);
  if (handshakes_.size() == kMaxHandshakes) handshakes_.pop_front();
  auto stream =
      std::make_unique<TlsStream>(network_, std::move(*session), connection->remote().to_string());
  auto handshake =
      std::make_unique<Handshake>(*this, std::move(stream), network_.now() + kHandshakePatience);
  handshake->stream->set_handler(*handshake);
  handshake->stream->take(std::move(connection));
  handshakes_.push_back(std::move(handshake));
  arm();
}

std::unique_ptr<TlsListener::Handshake> TlsListener::remove(Handshake& handshake) {
  const auto found = std::ranges::find(handshakes_, &handshake, &std::unique_ptr<Handshake>::get);
  FLOE_CHECK(found != handshakes_.end());
  auto removed = std::move(*found);
  handshakes_.erase(found);
  arm();
  return removed;
}

void TlsListener::on_done(Handshake& handshake) {
  // The handler may destroy the listener.
  const std::unique_ptr<Handshake> done = remove(handshake);
  handler_.on_accept(std::move(done->stream));
}

void TlsListener::on_failed(Handshake& handshake, const Error& error) {
  network_.log(LogLevel::kDebug, "tls", error.message);
  remove(handshake);
}

void TlsListener::end_late_ones() {
  while (!handshakes_.empty() && handshakes_.front()->deadline <= network_.now()) {
    handshakes_.pop_front();
  }
  arm();
}

void TlsListener::arm() {
  timer_->arm(handshakes_.empty() ? kNever : handshakes_.front()->deadline);
}

}  // namespace floe::tls
