#pragma once

#include <memory>
#include <optional>
#include <string>

#include "floe/net/sim/world.h"

namespace floe::net::sim {

/// One end of a stream that remembers what happened to it.
struct StreamEnd final : StreamHandler {
  void on_connected() override { connected = true; }
  void on_data(MutableBytes data) override { text += as_text(data); }
  void on_closed(const Error& error) override { closed = error.code; }

  std::unique_ptr<Stream> stream;
  bool connected = false;
  std::string text;
  std::optional<Errc> closed;
};

/// Takes one connection for `end`.
struct StreamDoor final : ListenerHandler {
  explicit StreamDoor(StreamEnd& end) : end(end) {}
  void on_accept(std::unique_ptr<Stream> stream) override {
    end.stream = std::move(stream);
    end.stream->set_handler(end);
  }
  StreamEnd& end;
};

}  // namespace floe::net::sim
