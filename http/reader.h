#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "floe/core/bytes.h"
#include "floe/core/result.h"
#include "floe/http/message.h"

namespace floe::http {

struct ReaderLimits {
  std::size_t max_head = 16 * 1024;   ///< Browsers send two or three kilobytes, tokens included.
  std::size_t max_body = 256 * 1024;  ///< A session description of many sections has 30 KB.
};

/// Why a message is not taken, and the status that says so.
struct Refusal {
  unsigned status = 400;
  std::string detail{};
};

/// What requests and responses have in common: a head, and a body whose end RFC 9112 section 6.3
/// says. Bytes come in pieces of any size.
class MessageReader {
 public:
  explicit MessageReader(const ReaderLimits& limits) : limits_(limits) {}
  virtual ~MessageReader() = default;

  /// At most a head and a body are kept; what is more makes `poll` refuse.
  void push(Bytes data);
  /// There are bytes of a message that is not whole yet.
  bool in_message() const { return stage_ != Stage::kHead || !buffer_.empty(); }

 protected:
  enum class Stage : std::uint8_t {
    kHead,
    kLength,
    kUntilClose,
    kChunkSize,
    kChunk,
    kTrailer,
    kWhole,
  };
  using Step = tl::expected<bool, Refusal>;  ///< Whether the message is whole.

  /// Goes on as far as the bytes reach.
  Step advance();
  /// The first line; the fields stand in `headers_`.
  virtual tl::expected<void, Refusal> read_start(std::string_view line) = 0;
  /// How the body ends where the head does not say: requests have none then.
  virtual Stage unsized() const = 0;
  /// Ready for the next message.
  void restart();

  Headers headers_;
  std::string body_;
  Stage stage_ = Stage::kHead;

 private:
  Step read_head();
  tl::expected<void, Refusal> read_fields(std::string_view lines);
  tl::expected<void, Refusal> find_body();
  Step read_chunk_size();
  std::optional<std::string> take_line();

  ReaderLimits limits_;
  std::string buffer_;
  std::size_t expected_ = 0;  ///< Bytes of the body or of the chunk.
  std::size_t trailer_ = 0;   ///< Bytes of the trailer so far.
  bool overflowed_ = false;
};

/// Reads requests, one after the other.
class RequestReader final : private MessageReader {
 public:
  explicit RequestReader(const ReaderLimits& limits = {}) : MessageReader(limits) {}

  using MessageReader::in_message;
  using MessageReader::push;

  using Next = tl::expected<Request, Refusal>;
  /// nullopt: more is needed. After a refusal the connection is of no use any more, since nobody
  /// knows where the next request begins.
  std::optional<Next> poll();
  /// Once for a request whose client waits for a "100 Continue" before it sends the body.
  bool take_expectation();

 private:
  tl::expected<void, Refusal> read_start(std::string_view line) override;
  Stage unsized() const override { return Stage::kWhole; }

  Request request_;
  bool is_old_ = false;  ///< HTTP/1.0
  bool expectation_told_ = false;
  std::optional<Refusal> refused_;
};

/// Reads one response; responses of the 100 class are skipped.
class ResponseReader final : private MessageReader {
 public:
  explicit ResponseReader(const ReaderLimits& limits = {}) : MessageReader(limits) {}

  /// nullopt: more is needed. After a result nothing more is read.
  std::optional<Result<Response>> read(Bytes data);
  /// The server closed the connection.
  Result<Response> end();

 private:
  tl::expected<void, Refusal> read_start(std::string_view line) override;
  Stage unsized() const override;
  Response take();

  unsigned status_ = 0;
};

}  // namespace floe::http
