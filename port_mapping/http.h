#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "floe/core/bytes.h"
#include "floe/core/result.h"
#include "floe/net/endpoint.h"

namespace floe::port_mapping {

/// "http://192.168.1.1:5000/desc.xml": a host that is an IPv4 address, and nothing that routers do
/// not use.
struct HttpUrl {
  net::Endpoint server;
  std::string path;  ///< Begins with '/'.

  static std::optional<HttpUrl> parse(std::string_view text);
  /// `reference` as it stands in a document fetched from here: absolute, or a path.
  std::optional<HttpUrl> resolve(std::string_view reference) const;
};

/// A request, ready to be written to `server`.
struct HttpRequest {
  net::Endpoint server;
  std::string text;

  static HttpRequest get(const HttpUrl& url);
  static HttpRequest post(const HttpUrl& url, std::string_view soap_action, std::string_view body);
};

struct HttpResponse {
  unsigned status = 0;
  std::string body;
};

/// Reads one HTTP/1.1 response (RFC 9112) as it arrives, piece by piece.
class HttpReader {
 public:
  static constexpr std::size_t kMaxHead = 8 * 1024;    ///< Routers send some hundred bytes.
  static constexpr std::size_t kMaxBody = 128 * 1024;  ///< The longest descriptions have 30 KB.

  /// nullopt: more is needed. After a result nothing more is read.
  std::optional<Result<HttpResponse>> read(Bytes data);
  /// The router closed the connection.
  Result<HttpResponse> end();

 private:
  enum class Stage : std::uint8_t { kHead, kLength, kUntilClose, kChunkSize, kChunk, kTrailer };
  std::optional<Result<HttpResponse>> advance();
  Result<> read_head(std::string_view head);
  std::optional<std::string_view> take_line();

  Stage stage_ = Stage::kHead;
  std::string buffer_;
  std::size_t expected_ = 0;  ///< Bytes of the body or of the chunk.
  HttpResponse response_;
};

}  // namespace floe::port_mapping
