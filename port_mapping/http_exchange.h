#pragma once

#include <functional>
#include <memory>

#include "floe/net/network.h"
#include "floe/port_mapping/http.h"

namespace floe::port_mapping {

/// One HTTP request and its response, over a TCP connection of its own. Destroying it ends it.
class HttpExchange final : private net::StreamHandler {
 public:
  /// From connecting to the last byte. Routers are slow, but not that slow.
  static constexpr Duration kTimeout = std::chrono::seconds(5);
  using Callback = std::function<void(Result<HttpResponse>)>;

  /// `callback` comes once, later, and may destroy the exchange. `network` must outlive it.
  HttpExchange(net::Network& network, const net::Address& local, HttpRequest request,
               Callback callback);

 private:
  void on_connected() override;
  void on_data(MutableBytes data) override;
  void on_closed(const Error& error) override;
  void finish(Result<HttpResponse> result);

  HttpRequest request_;
  Callback callback_;
  HttpReader reader_;
  bool connected_ = false;
  std::unique_ptr<net::Timer> timer_;
  std::unique_ptr<net::Stream> stream_;
};

}  // namespace floe::port_mapping
