#include "floe/http/exchange.h"

#include <algorithm>
#include <utility>

#include "floe/tls/stream.h"

namespace floe::http {

Exchange::Exchange(net::Network& network, const Url& url, Request request, const Options& options,
                   Callback callback)
    : network_(network),
      url_(url),
      options_(options),
      method_(request.method),
      callback_(std::move(callback)),
      reader_(options.limits),
      deadline_(network.now() + options.timeout),
      timer_(network.create_timer([this] { on_timer(); })) {
  request.target = url_.target;
  request.headers.set("Host", url_.authority());
  request.keep_alive = false;
  text_ = to_text(request);
  resolve();
}

void Exchange::resolve() {
  timer_->arm(deadline_);
  if (const auto address = net::Address::parse(url_.host)) {
    addresses_ = {*address};
    timer_->arm(network_.now());  // Nothing calls back from within a call.
    return;
  }
  lookup_ = network_.lookup(url_.host, [this](Result<std::vector<net::Address>> found) {
    if (!found || found->empty()) {
      return fail_with(
          {Errc::kNotFound, "cannot resolve " + url_.host + ": " +
                                (found ? "it has no address" : found.error().message)});
    }
    addresses_ = std::move(*found);
    if (addresses_.size() > kMaxAddresses) addresses_.resize(kMaxAddresses);
    try_next_address();
  });
}

void Exchange::try_next_address() {
  const net::Endpoint remote{addresses_[next_address_++], url_.port};
  give_up_address_ = next_address_ < addresses_.size()
                         ? std::min(deadline_, network_.now() + kAddressPatience)
                         : kNever;
  timer_->arm(std::min(deadline_, give_up_address_));
  tls::ClientOptions secure;
  secure.server_name = url_.host;
  secure.trust = options_.trust;
  secure.alpn = {"http/1.1"};
  auto stream = url_.secure ? tls::connect(network_, remote, std::nullopt, secure, *this)
                            : network_.connect(remote, std::nullopt, *this);
  if (stream) {
    stream_ = std::move(*stream);
  } else {
    on_closed(stream.error());
  }
}

void Exchange::on_timer() {
  const Time now = network_.now();
  if (now >= deadline_) {
    return fail_with(
        {Errc::kTimedOut, (connected_ ? "no response within " : "no connection within ") +
                              std::to_string(to_ms(options_.timeout)) + " ms"});
  }
  if (connected_) return timer_->arm(deadline_);
  if (!addresses_.empty() && next_address_ < addresses_.size()) {
    stream_.reset();
    try_next_address();
  }
}

void Exchange::on_connected() {
  connected_ = true;
  timer_->arm(deadline_);
  // A new stream has room for far more than a request.
  if (const Result<> written = stream_->write(as_bytes(text_)); !written) {
    fail_with(written.error());
  }
}

void Exchange::on_data(MutableBytes data) {
  if (std::optional<Result<Response>> result = reader_.read(data)) {
    if (!*result) return fail_with(result->error());
    finish(std::move(*result));
  }
}

void Exchange::on_closed(const Error& error) {
  if (connected_ && error.code == Errc::kClosed) {
    Result<Response> result = reader_.end();
    if (!result) return fail_with(result.error());
    return finish(std::move(result));
  }
  // A certificate that is wrong is wrong at every address.
  if (!connected_ && next_address_ < addresses_.size() && error.code != Errc::kVerificationFailed) {
    stream_.reset();
    give_up_address_ = network_.now();
    return timer_->arm(give_up_address_);
  }
  fail_with(error);
}

void Exchange::fail_with(const Error& error) {
  finish(fail(error.code, method_ + " " + url_.to_string() + ": " + error.message));
}

void Exchange::finish(Result<Response> result) {
  if (!callback_) return;
  timer_->arm(kNever);
  const Callback callback = std::exchange(callback_, nullptr);
  callback(std::move(result));
}

}  // namespace floe::http
