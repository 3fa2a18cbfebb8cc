#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "floe/net/endpoint.h"

namespace floe::server {

/// One TCP connection on loopback that does what it is told, right or wrong: a client the server
/// must be able to live with. It never waits; `pump` takes what has come.
class RawWebSocket {
 public:
  /// `receive_buffer` of 0 leaves the system's size.
  explicit RawWebSocket(const net::Endpoint& server, int receive_buffer = 0);
  ~RawWebSocket();
  RawWebSocket(const RawWebSocket&) = delete;
  RawWebSocket& operator=(const RawWebSocket&) = delete;

  void request(std::string_view path, std::string_view method = "GET");
  void upgrade(std::string_view path = "/signal");
  void send_text(std::string_view text) { send_frame(0x81, text); }
  /// `first_byte` has FIN and the opcode (RFC 6455 section 5.2).
  void send_frame(unsigned char first_byte, std::string_view payload);
  void send_bytes(std::string_view bytes);

  void pump();

  bool upgraded() const { return upgraded_; }
  const std::string& http() const { return http_; }  ///< All there is before the upgrade.
  std::deque<std::string>& texts() { return texts_; }
  std::optional<int> close_code() const { return close_code_; }
  const std::string& close_reason() const { return close_reason_; }
  bool ended() const { return ended_; }
  int pings() const { return pings_; }

  bool answers_pings = true;
  bool reads = true;

 private:
  void take_frames();

  int socket_;
  bool wants_upgrade_ = false;
  bool upgraded_ = false;
  bool ended_ = false;
  int pings_ = 0;
  std::string http_;
  std::string bytes_;
  std::deque<std::string> texts_;
  std::optional<int> close_code_;
  std::string close_reason_;
};

}  // namespace floe::server
