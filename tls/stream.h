#pragma once

#include <memory>
#include <optional>

#include "floe/core/result.h"
#include "floe/net/network.h"
#include "floe/tls/options.h"

// TLS 1.2 and 1.3 over the streams of any network. What these give keeps `net::Stream`'s and
// `net::Listener`'s promises, has a `SocketId` of its own, and must be destroyed before the network
// or be used no more after it.
namespace floe::tls {

/// Connects from `local` (as in `Network::connect`). `on_connected` follows when the handshake is
/// done and the certificate was found good; if not, `on_closed` has the reason
/// (`Errc::kVerificationFailed` when it is about the certificate). What is written before then
/// waits. There is no limit of time beyond TCP's own.
///
/// The end of a stream: `shutdown` sends close_notify. A peer that goes without it is
/// `Errc::kClosed` too, and the message says so; protocols whose end is the connection's end must
/// not take it for that.
[[nodiscard]] Result<std::unique_ptr<net::Stream>> connect(net::Network& network,
                                                           const net::Endpoint& remote,
                                                           std::optional<net::Endpoint> local,
                                                           const ClientOptions& options,
                                                           net::StreamHandler& handler);

/// The server's side of a TCP connection that the caller has accepted. Nothing has been read from
/// it yet. `on_connected` follows; the caller limits how long it waits.
[[nodiscard]] Result<std::unique_ptr<net::Stream>> accept(net::Network& network,
                                                          std::unique_ptr<net::Stream> connection,
                                                          const ServerOptions& options,
                                                          net::StreamHandler& handler);

/// Handshakes under way that a listener keeps; a further one ends the oldest. So many clients may
/// be anywhere between two packets of theirs, and an attacker cannot lock them out by opening
/// connections and waiting.
inline constexpr std::size_t kMaxHandshakes = 256;
/// What a listener gives a client for its handshake.
inline constexpr Duration kHandshakePatience = std::chrono::seconds(10);

/// `handler` is given streams whose handshake is done.
[[nodiscard]] Result<std::unique_ptr<net::Listener>> listen(net::Network& network,
                                                            const net::Endpoint& local,
                                                            const ServerOptions& options,
                                                            net::ListenerHandler& handler);

}  // namespace floe::tls
