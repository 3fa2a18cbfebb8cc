#pragma once

#include <memory>

#include "floe/net/uv/internal/reactor.h"

namespace floe::net::uv {

class TcpListener final : public Listener, private Attachment {
 public:
  static Result<std::unique_ptr<TcpListener>> create(std::shared_ptr<Reactor> reactor,
                                                     const Endpoint& local,
                                                     ListenerHandler& handler);
  TcpListener(std::shared_ptr<Reactor> reactor, ListenerHandler& handler);
  ~TcpListener() override;

  Endpoint local() const override { return local_; }

 private:
  struct Handle;

  Result<> open(const Endpoint& local);
  void detach() override;
  void on_connection(int status);

  std::shared_ptr<Reactor> reactor_;
  ListenerHandler& handler_;
  Endpoint local_;
  Handle* handle_ = nullptr;  ///< libuv's; frees itself once libuv has closed it.
};

}  // namespace floe::net::uv
