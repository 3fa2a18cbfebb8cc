#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "floe/net/network.h"
#include "floe/tls/internal/stream_session.h"

namespace floe::tls {

/// A stream of plaintext over a stream of TLS records.
///
/// Plaintext that was written becomes records at once; those that the connection has no room for
/// wait in the session, and until they are gone no more is taken. So what is kept in all is one
/// write beyond what the connection itself keeps.
class TlsStream final : public net::Stream, private net::StreamHandler, private net::Sink {
 public:
  /// `connection` must follow. `name` is whom error messages speak of.
  TlsStream(net::Network& network, std::unique_ptr<StreamSession> session, std::string name);
  ~TlsStream() override;

  /// Connects to the server.
  Result<> connect(net::Network& network, const net::Endpoint& remote,
                   std::optional<net::Endpoint> local);
  /// Takes a connection that is there already.
  void take(std::unique_ptr<net::Stream> connection);
  /// As before the first `set_handler`: what arrives waits.
  void clear_handler();

  net::SocketId id() const override { return registration_.id(); }
  net::Endpoint local() const override { return connection_->local(); }
  net::Endpoint remote() const override { return connection_->remote(); }
  void set_handler(net::StreamHandler& handler) override;
  [[nodiscard]] Result<> write(Bytes data) override;
  std::size_t buffered() const override;
  void pause_reading() override;
  void resume_reading() override;
  void shutdown() override;

 private:
  enum class State : std::uint8_t {
    kConnecting,
    kHandshaking,
    kOpen,
    kFinished,  ///< Its end was reported, or will be once somebody wants to know.
  };

  // net::StreamHandler, of the connection:
  void on_connected() override;
  void on_data(MutableBytes data) override;
  void on_closed(const Error& error) override;
  void on_drained() override;
  // net::Sink:
  void send(net::SendBatch& batch, std::span<const net::SendBatch::Run> runs) override;

  // These call handlers: nothing may follow them unless `life_` says that this is still there.
  void advance();
  void finish_handshake();
  void deliver();
  void report_drained();
  void finish(Error error);
  void report_end();

  bool reads() const { return handler_ != nullptr && !paused_; }
  void update_reading();
  void flush();
  Error broken(const Error& error) const;

  std::string name_;
  std::unique_ptr<StreamSession> session_;
  State state_ = State::kConnecting;
  net::StreamHandler* handler_ = nullptr;
  bool established_ = false;  ///< The handshake was done.
  bool paused_ = false;
  bool shut_down_ = false;
  bool owes_drained_ = false;
  bool connection_shut_down_ = false;
  std::vector<std::uint8_t> early_;  ///< Written before the handshake was done.
  std::optional<Error> end_;
  net::SinkRegistration registration_;
  std::unique_ptr<net::Stream> connection_;
  std::unique_ptr<net::Timer> turn_;
  std::shared_ptr<char> life_ = std::make_shared<char>();
};

}  // namespace floe::tls
