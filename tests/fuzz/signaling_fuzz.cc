// Drives Rooms with a script: each line of the input is one call. Its first character chooses the
// connection and what happens to it, the rest is the message, so that the corpus can be read.
#include <cstdint>
#include <string_view>

#include "floe/core/check.h"
#include "floe/core/text.h"
#include "floe/servers/signaling/rooms.h"

namespace {

using floe::server::ConnectionId;
using floe::server::Rooms;
using floe::server::SignalingLimits;
using floe::server::TextFrame;

class Script {
 public:
  Script() : rooms_(limits(), {{{"stun:192.0.2.1"}, "user", "secret"}}, random_) {}

  // '0'..'7': a message; 'a'..'h': the end of the connection; 'A'..'H': a connection; 'p'..'w': a
  // pong; 'P': a binary message; 'Q': one that was too long; '.': a second; '!': ten minutes.
  void run(std::string_view line) {
    if (line.empty()) return;
    const char what = line.front();
    const std::string_view rest = line.substr(1);
    if (what >= '0' && what <= '7') {
      rooms_.handle_message(now_, key(what - '0'), rest);
      parse_everything(rest);
    } else if (what >= 'a' && what <= 'h') {
      rooms_.handle_disconnect(now_, key(what - 'a'));
      ++generation_[what - 'a'];
    } else if (what >= 'A' && what <= 'H' && !connected(what - 'A')) {
      connected_[what - 'A'] = generation_[what - 'A'];
      rooms_.handle_connect(now_, key(what - 'A'));
    } else if (what >= 'p' && what <= 'w') {
      rooms_.handle_pong(now_, key(what - 'p'));
    } else if (what == 'P') {
      rooms_.handle_binary(now_, key(0));
    } else if (what == 'Q') {
      rooms_.handle_oversized(now_, key(1));
    } else if (what == '.' || what == '!') {
      now_ += what == '.' ? floe::Duration(std::chrono::seconds(1)) : std::chrono::minutes(10);
      rooms_.handle_timeout(now_);
      FLOE_CHECK(rooms_.next_timeout() > now_);
    }
    drain();
  }

 private:
  // Small, so that a short input can reach all of them.
  static SignalingLimits limits() {
    SignalingLimits limits;
    limits.max_connections = 5;
    limits.max_rooms = 2;
    limits.max_peers_per_room = 3;
    limits.max_message_bytes = 4096;
    limits.max_queued_bytes = 4096;
    limits.message_burst = 8;
    limits.idle_timeout = std::chrono::minutes(1);
    return limits;
  }

  // A connection's id is never used again, so each slot counts its lives.
  ConnectionId key(int slot) const {
    return static_cast<ConnectionId>(generation_[slot] * 8 + static_cast<std::uint64_t>(slot));
  }
  bool connected(int slot) const { return connected_[slot] == generation_[slot]; }

  void parse_everything(std::string_view text) {
    static_cast<void>(floe::server::parse_server_message(text));
    if (const auto signal = floe::server::parse_signal(text)) {
      const auto json = floe::server::to_json(*signal);
      // What was read can be written, and says the same; only depth may be in the way.
      if (json) FLOE_CHECK(floe::server::parse_signal(*json).has_value());
    }
  }

  void drain() {
    int events = 0;
    while (const auto event = rooms_.poll_event()) {
      FLOE_CHECK(++events < 1000);
      const auto* ready = std::get_if<Rooms::Ready>(&*event);
      // Slots 6 and 7 do not read.
      if (!ready || static_cast<std::uint64_t>(ready->connection) % 8 >= 6) continue;
      while (const auto frame = rooms_.poll_transmit(ready->connection)) {
        const auto* text = std::get_if<TextFrame>(&*frame);
        if (!text) continue;
        FLOE_CHECK(floe::is_utf8(floe::as_bytes(text->text)));
        FLOE_CHECK(floe::server::parse_server_message(text->text).has_value());
      }
    }
    const auto stats = rooms_.stats();
    FLOE_CHECK(stats.rooms <= stats.peers && stats.peers <= stats.connections);
    FLOE_CHECK(stats.rooms <= 2 && stats.peers <= 5);
  }

  floe::SeededRandom random_{1};
  floe::Time now_{std::chrono::seconds(1)};
  Rooms rooms_;
  std::uint64_t generation_[8] = {1, 1, 1, 1, 1, 1, 1, 1};
  std::uint64_t connected_[8] = {};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  Script script;
  for (const std::string_view line : floe::split(floe::as_text({bytes, size}), '\n')) {
    script.run(line);
  }
  return 0;
}
