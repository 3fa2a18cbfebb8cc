#pragma once

#include <cstdint>
#include <string>
#include <variant>

namespace floe::server {

// What a WebSocket is given to send (RFC 6455 section 5.5 and 5.6).

struct TextFrame {
  std::string text;
};
struct PingFrame {};
/// The last one.
struct CloseFrame {
  std::uint16_t code = 1000;  ///< RFC 6455 section 7.4.
  std::string reason;         ///< At most 123 bytes of it are sent.
};
using Frame = std::variant<TextFrame, PingFrame, CloseFrame>;

}  // namespace floe::server
