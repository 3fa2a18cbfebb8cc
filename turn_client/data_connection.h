#pragma once

#include <cstdint>
#include <optional>
#include <variant>

#include "floe/core/bytes.h"
#include "floe/core/random.h"
#include "floe/core/time.h"
#include "floe/net/send_batch.h"
#include "floe/stun_client/stream_framer.h"
#include "floe/turn_client/session.h"

namespace floe::turn {

/// The stream that carries one peer's bytes through a TCP relay (RFC 6062 sections 4.3 to 4.5):
/// binds itself to the peer's connection, then stands aside. An engine like `Client`, on a second
/// stream to the same server.
class DataConnection {
 public:
  struct Configuration {
    net::SocketId socket = net::kNoSocket;  ///< Of the new stream.
    net::Endpoint server{};
    std::uint32_t connection_id = 0;
    std::optional<stun::LongTermCredential> credential{};  ///< `Client::credential()`.
    stun::TransactionTimes times{};
  };
  /// From now on the stream carries the peer's bytes and nothing else.
  struct Bound {};
  /// The stream is of no use: close it.
  struct Failed {
    Failure failure;
  };
  using Event = std::variant<Bound, Failed>;

  /// The longest response to a ConnectionBind: with REALM, NONCE and algorithms at their longest.
  static constexpr std::size_t kMaxResponse = 2'560;

  /// `random` must outlive the connection.
  DataConnection(Configuration configuration, Random& random);

  /// To be called once the stream is connected.
  void start(Time now);
  /// Takes what arrived on the stream; returns the part that came from the peer, all of it once
  /// `bound()`.
  MutableBytes handle_data(Time now, MutableBytes data);
  void poll_transmit(Time now, net::SendBatch& batch);
  Time next_timeout() const { return request_ ? request_->next_timeout() : kNever; }
  void handle_timeout(Time now);
  std::optional<Event> poll_event();

  bool bound() const { return bound_; }
  /// The way for bytes to the peer, once `bound()`.
  net::Route route() const { return session_.route(); }

 private:
  void send_request(Time now);
  void handle_message(Time now, MutableBytes bytes);
  void end(const Failure& failure);

  std::uint32_t connection_id_;
  Session session_;
  stun::StreamFramer framer_{kMaxResponse};
  std::optional<Request> request_;
  std::optional<Event> event_;
  bool bound_ = false;
};

}  // namespace floe::turn
