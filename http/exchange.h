#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "floe/http/message.h"
#include "floe/http/reader.h"
#include "floe/http/url.h"
#include "floe/net/network.h"
#include "floe/tls/trust.h"

namespace floe::http {

/// One HTTP/1.1 request and its response, over a connection of its own, TLS for https. Destroying
/// it ends it without a call.
class Exchange final : private net::StreamHandler {
 public:
  struct Options {
    Duration timeout = std::chrono::seconds(10);  ///< From the lookup to the last byte.
    /// Whose signature under the certificate is believed; nullptr: whom the system trusts.
    std::shared_ptr<const tls::Trust> trust{};
    ReaderLimits limits{};
  };
  using Callback = std::function<void(Result<Response>)>;
  /// Addresses of one name that are tried in turn, and how long each has for the connection.
  static constexpr std::size_t kMaxAddresses = 8;
  static constexpr Duration kAddressPatience = std::chrono::seconds(3);

  /// `request.target` is the URL's. `callback` comes once, later, and may destroy the exchange. Its
  /// error begins with the method and the URL: kNotFound the host has no address, kRefused nothing
  /// listens there, kTimedOut, kVerificationFailed the certificate, kMalformed no HTTP, kClosed.
  /// `network` must outlive the exchange.
  Exchange(net::Network& network, const Url& url, Request request, const Options& options,
           Callback callback);
  ~Exchange() override = default;
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

 private:
  void resolve();
  void try_next_address();
  void on_timer();
  void on_connected() override;
  void on_data(MutableBytes data) override;
  void on_closed(const Error& error) override;
  void fail_with(const Error& error);
  void finish(Result<Response> result);

  net::Network& network_;
  const Url url_;
  const Options options_;
  std::string method_;
  std::string text_;
  Callback callback_;
  ResponseReader reader_;
  std::vector<net::Address> addresses_;
  std::size_t next_address_ = 0;
  bool connected_ = false;
  Time deadline_;
  Time give_up_address_ = kNever;
  std::unique_ptr<net::Lookup> lookup_;
  std::unique_ptr<net::Timer> timer_;
  std::unique_ptr<net::Stream> stream_;
};

}  // namespace floe::http
