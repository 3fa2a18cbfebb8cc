#include "floe/tls/stream.h"

#include <utility>

#include "floe/tls/internal/client_authenticator.h"
#include "floe/tls/internal/server_authenticator.h"
#include "floe/tls/internal/tls_listener.h"
#include "floe/tls/internal/tls_stream.h"

namespace floe::tls {

Result<std::unique_ptr<net::Stream>> connect(net::Network& network, const net::Endpoint& remote,
                                             std::optional<net::Endpoint> local,
                                             const ClientOptions& options,
                                             net::StreamHandler& handler) {
  auto authenticator = ClientAuthenticator::create(Medium::kStream, options, network.wall_clock());
  if (!authenticator) return forward(authenticator);
  auto session = StreamSession::create(dtls::Role::kClient, std::move(*authenticator));
  if (!session) return forward(session);
  auto stream = std::make_unique<TlsStream>(network, std::move(*session),
                                            options.server_name + " (" + remote.to_string() + ")");
  stream->set_handler(handler);
  if (auto connected = stream->connect(network, remote, local); !connected) {
    return forward(connected);
  }
  return stream;
}

Result<std::unique_ptr<net::Stream>> accept(net::Network& network,
                                            std::unique_ptr<net::Stream> connection,
                                            const ServerOptions& options,
                                            net::StreamHandler& handler) {
  auto authenticator = ServerAuthenticator::create(Medium::kStream, options);
  if (!authenticator) return forward(authenticator);
  auto session = StreamSession::create(dtls::Role::kServer, std::move(*authenticator));
  if (!session) return forward(session);
  auto stream =
      std::make_unique<TlsStream>(network, std::move(*session), connection->remote().to_string());
  stream->set_handler(handler);
  stream->take(std::move(connection));
  return stream;
}

Result<std::unique_ptr<net::Listener>> listen(net::Network& network, const net::Endpoint& local,
                                              const ServerOptions& options,
                                              net::ListenerHandler& handler) {
  auto authenticator = ServerAuthenticator::create(Medium::kStream, options);
  if (!authenticator) return forward(authenticator);
  auto listener = std::make_unique<TlsListener>(network, std::move(*authenticator), handler);
  if (auto opened = listener->open(local); !opened) return forward(opened);
  return listener;
}

}  // namespace floe::tls
