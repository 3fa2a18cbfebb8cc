#pragma once

#include <memory>
#include <optional>
#include <span>

#include "floe/net/uv/internal/reactor.h"

struct uv_stream_s;
struct uv_tcp_s;

namespace floe::net::uv {

/// Lets streams to other remote ends be connected from the port of `tcp` too (RFC 6544 appendix B).
/// A second listener still cannot have it: it does not ask for a shared one before it is bound.
void share_tcp_port(uv_tcp_s& tcp);

class TcpStream final : public Stream, private Attachment, private Outlet {
 public:
  static Result<std::unique_ptr<TcpStream>> connect(std::shared_ptr<Reactor> reactor,
                                                    const Endpoint& remote,
                                                    std::optional<Endpoint> local,
                                                    StreamHandler& handler);
  /// Takes the connection that waits on `listener`.
  static Result<std::unique_ptr<TcpStream>> accept(std::shared_ptr<Reactor> reactor,
                                                   uv_stream_s& listener);
  explicit TcpStream(std::shared_ptr<Reactor> reactor);
  ~TcpStream() override;

  SocketId id() const override { return id_; }
  Endpoint local() const override { return local_; }
  Endpoint remote() const override { return remote_; }
  void set_handler(StreamHandler& handler) override;
  [[nodiscard]] Result<> write(Bytes data) override;
  std::size_t buffered() const override;
  void pause_reading() override;
  void resume_reading() override;
  void shutdown() override;

 private:
  enum class State {
    kConnecting,
    kOpen,
    kFinished,  ///< The handler has had its last call.
  };
  struct Handle;
  struct Pending;

  Result<> open(unsigned family);
  Result<> start_connect(std::optional<Endpoint> local);
  Result<> take_names();
  void detach() override;
  void send(SendBatch& batch, std::span<const SendBatch::Run> runs) override;

  void on_connect(int status);
  void on_read(MutableBytes data);
  void on_written(int status);
  void read();
  void finish(int code);
  void finish(const Error& error);
  Result<> keep(Bytes data);
  /// Bytes that wait, with a charge for each write that does: tiny ones are bounded too.
  std::size_t charged() const;

  std::shared_ptr<Reactor> reactor_;
  StreamHandler* handler_ = nullptr;
  SocketId id_ = kNoSocket;
  Endpoint local_;
  Endpoint remote_;
  State state_ = State::kConnecting;
  bool shut_down_ = false;
  bool paused_ = false;
  std::size_t waiting_writes_ = 0;
  Handle* handle_ = nullptr;  ///< libuv's; frees itself once libuv has closed it.
};

}  // namespace floe::net::uv
