#include "floe/port_mapping/http_exchange.h"

#include <utility>

namespace floe::port_mapping {

HttpExchange::HttpExchange(net::Network& network, const net::Address& local, HttpRequest request,
                           Callback callback)
    : request_(std::move(request)), callback_(std::move(callback)) {
  Result<std::unique_ptr<net::Stream>> stream =
      network.connect(request_.server, net::Endpoint{local, 0}, *this);
  if (!stream) {
    // Nothing calls back from within a call.
    timer_ = network.create_timer(
        [this, error = stream.error()] { finish(tl::unexpected<Error>(error)); });
    timer_->arm(network.now());
    return;
  }
  stream_ = std::move(*stream);
  timer_ = network.create_timer(
      [this] { finish(fail(Errc::kTimedOut, request_.server.to_string() + " takes too long")); });
  timer_->arm(network.now() + kTimeout);
}

void HttpExchange::on_connected() {
  connected_ = true;
  // A new stream has room for far more.
  const Result<> written = stream_->write(as_bytes(request_.text));
  if (!written) finish(forward(written));
}

void HttpExchange::on_data(MutableBytes data) {
  if (std::optional<Result<HttpResponse>> result = reader_.read(data)) finish(std::move(*result));
}

void HttpExchange::on_closed(const Error& error) {
  const bool is_end = connected_ && error.code == Errc::kClosed;
  finish(is_end ? reader_.end() : Result<HttpResponse>(tl::unexpected<Error>(error)));
}

void HttpExchange::finish(Result<HttpResponse> result) {
  if (!callback_) return;
  timer_->arm(kNever);
  const Callback callback = std::exchange(callback_, nullptr);
  callback(std::move(result));
}

}  // namespace floe::port_mapping
