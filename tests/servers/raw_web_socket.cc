#include "tests/servers/raw_web_socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace floe::server {

RawWebSocket::RawWebSocket(const net::Endpoint& server, int receive_buffer)
    : socket_(::socket(server.address.is_v4() ? AF_INET : AF_INET6, SOCK_STREAM, 0)) {
  if (receive_buffer > 0) {
    setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  }
  int connected = -1;
  if (server.address.is_v4()) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(server.port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address);
  } else {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(server.port);
    address.sin6_addr = in6addr_loopback;
    connected = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address);
  }
  EXPECT_EQ(connected, 0);
  fcntl(socket_, F_SETFL, O_NONBLOCK);
}

RawWebSocket::~RawWebSocket() {
  ::close(socket_);
}

void RawWebSocket::request(std::string_view path, std::string_view method) {
  send_bytes(std::string(method) + " " + std::string(path) + " HTTP/1.1\r\nHost: test\r\n\r\n");
}

void RawWebSocket::upgrade(std::string_view path) {
  wants_upgrade_ = true;
  send_bytes("GET " + std::string(path) +
             " HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
}

void RawWebSocket::send_frame(unsigned char first_byte, std::string_view payload) {
  std::string frame(1, static_cast<char>(first_byte));
  // A client masks (section 5.3); a key of zeros leaves the payload as it is.
  const std::size_t size = payload.size();
  const int length_bytes = size < 126 ? 0 : size < 65536 ? 2 : 8;
  frame += static_cast<char>(0x80 | (length_bytes == 0   ? static_cast<int>(size)
                                     : length_bytes == 2 ? 126
                                                         : 127));
  for (int i = length_bytes - 1; i >= 0; --i) frame += static_cast<char>(size >> (8 * i));
  frame.append(4, '\0');
  frame += payload;
  send_bytes(frame);
}

void RawWebSocket::send_bytes(std::string_view bytes) {
  // What tests send at once fits into the socket's buffer; the server may have closed already.
  const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  EXPECT_TRUE(sent < 0 || static_cast<std::size_t>(sent) == bytes.size());
}

void RawWebSocket::pump() {
  if (!reads || ended_) return;
  char buffer[65536];
  for (;;) {
    const ssize_t size = ::recv(socket_, buffer, sizeof buffer, 0);
    if (size < 0 && errno == EAGAIN) break;
    if (size <= 0) {
      ended_ = true;
      break;
    }
    (upgraded_ ? bytes_ : http_).append(buffer, static_cast<std::size_t>(size));
    const std::size_t end = http_.find("\r\n\r\n");
    if (!upgraded_ && wants_upgrade_ && http_.starts_with("HTTP/1.1 101") &&
        end != std::string::npos) {
      upgraded_ = true;
      bytes_ = http_.substr(end + 4);
      http_.resize(end + 4);
    }
  }
  take_frames();
}

void RawWebSocket::take_frames() {
  const auto byte = [&](std::size_t i) {
    return static_cast<std::size_t>(static_cast<unsigned char>(bytes_[i]));
  };
  while (bytes_.size() >= 2) {
    std::size_t header = 2;
    std::size_t size = byte(1) & 0x7F;
    EXPECT_EQ(byte(1) & 0x80, 0u) << "a server does not mask";
    if (size >= 126) {
      const std::size_t length_bytes = size == 126 ? 2 : 8;
      header += length_bytes;
      if (bytes_.size() < header) return;
      size = 0;
      for (std::size_t i = 0; i < length_bytes; ++i) size = size << 8 | byte(2 + i);
    }
    if (bytes_.size() < header + size) return;
    const std::size_t opcode = byte(0) & 0x0F;
    const std::string payload = bytes_.substr(header, size);
    bytes_.erase(0, header + size);
    if (opcode == 1) texts_.push_back(payload);
    if (opcode == 9) {
      ++pings_;
      if (answers_pings) send_frame(0x8A, payload);
    }
    if (opcode == 8 && size >= 2) {
      close_code_ =
          static_cast<unsigned char>(payload[0]) << 8 | static_cast<unsigned char>(payload[1]);
      close_reason_ = payload.substr(2);
      send_frame(0x88, payload);
    }
  }
}

}  // namespace floe::server
