#include "floe/turn_client/data_connection.h"

#include <utility>

namespace floe::turn {

DataConnection::DataConnection(Configuration configuration, Random& random)
    : connection_id_(configuration.connection_id),
      session_({.socket = configuration.socket,
                .server = configuration.server,
                .transport = stun::Transport::kStream,
                .credential = std::move(configuration.credential),
                .times = configuration.times},
               random) {}

void DataConnection::start(Time now) {
  if (request_ || bound_) return;
  request_ = Request{stun::Method::kConnectionBind};
  send_request(now);
}

void DataConnection::send_request(Time now) {
  const Result<> sent = session_.send(now, *request_, [&](stun::MessageBuilder& b) {
    b.add_u32(stun::AttributeType::kConnectionId, connection_id_);
  });
  if (!sent) end({sent.error(), 0});
}

MutableBytes DataConnection::handle_data(Time now, MutableBytes data) {
  while (request_) {
    const std::optional<MutableBytes> message = framer_.next(data);
    if (message) {
      handle_message(now, *message);
    } else if (framer_.broken()) {
      end({{Errc::kMalformed, "the TURN server's data connection carries no STUN response"}, 0});
    } else {
      return {};
    }
  }
  // RFC 6062 section 3: raw bytes follow the response, perhaps in the same segment.
  return bound_ ? data : MutableBytes();
}

void DataConnection::handle_message(Time now, MutableBytes bytes) {
  const Result<stun::Message> message = stun::Message::parse(bytes);
  if (!message || !request_->transaction || !request_->transaction->matches(*message)) return;
  Failure failure;
  switch (session_.handle_response(now, *request_, *message, failure)) {
    case Session::Outcome::kSuccess:
      request_.reset();
      bound_ = true;
      event_ = Bound{};
      return;
    case Session::Outcome::kFailed:
      return end(failure);
    case Session::Outcome::kSendAgain:
      return send_request(now);
    case Session::Outcome::kWait:
    case Session::Outcome::kDropped:
      return;
  }
}

void DataConnection::poll_transmit(Time now, net::SendBatch& batch) {
  if (request_) session_.poll_transmit(now, *request_, batch);
}

void DataConnection::handle_timeout(Time now) {
  if (!request_) return;
  Failure failure;
  const Session::Tick tick = session_.handle_timeout(now, *request_, failure);
  if (tick == Session::Tick::kSendAgain) send_request(now);
  if (tick == Session::Tick::kTimedOut) end(failure);
}

std::optional<DataConnection::Event> DataConnection::poll_event() {
  return std::exchange(event_, std::nullopt);
}

void DataConnection::end(const Failure& failure) {
  request_.reset();
  event_ = Failed{failure};
}

}  // namespace floe::turn
