#pragma once

#include <list>
#include <memory>

#include "floe/net/network.h"
#include "floe/tls/internal/server_authenticator.h"
#include "floe/tls/internal/tls_stream.h"

namespace floe::tls {

/// Lets clients finish their handshakes before anybody hears of them.
class TlsListener final : public net::Listener, private net::ListenerHandler {
 public:
  TlsListener(net::Network& network, std::shared_ptr<const ServerAuthenticator> authenticator,
              net::ListenerHandler& handler);
  ~TlsListener() override;
  Result<> open(const net::Endpoint& local);

  net::Endpoint local() const override { return listener_->local(); }

 private:
  class Handshake;
  using Handshakes = std::list<std::unique_ptr<Handshake>>;

  void on_accept(std::unique_ptr<net::Stream> connection) override;
  /// What `handshake` calls last.
  void on_done(Handshake& handshake);
  void on_failed(Handshake& handshake, const Error& error);
  std::unique_ptr<Handshake> remove(Handshake& handshake);
  void end_late_ones();
  void arm();

  net::Network& network_;
  std::shared_ptr<const ServerAuthenticator> authenticator_;
  net::ListenerHandler& handler_;
  Handshakes handshakes_;  ///< The oldest first.
  std::unique_ptr<net::Timer> timer_;
  std::unique_ptr<net::Listener> listener_;
};

}  // namespace floe::tls
