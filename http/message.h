#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace floe::http {

/// The fields of a message's head, in their order (RFC 9110 section 5). Names are compared without
/// regard to case.
class Headers {
 public:
  struct Field {
    std::string name;
    std::string value;
    bool operator==(const Field&) const = default;
  };

  Headers() = default;
  Headers(std::initializer_list<Field> fields) : fields_(fields) {}

  void add(std::string name, std::string value);
  /// Replaces every field of this name.
  void set(std::string_view name, std::string value);
  /// The first value. The view lives as long as nothing is added.
  std::optional<std::string_view> find(std::string_view name) const;
  /// Every value, one for each line.
  std::vector<std::string_view> all(std::string_view name) const;
  /// Whether a comma-separated list, over all lines of this name, has `item`, in whatever case.
  bool lists(std::string_view name, std::string_view item) const;

  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }
  std::size_t size() const { return fields_.size(); }
  bool operator==(const Headers&) const = default;

 private:
  std::vector<Field> fields_;
};

/// Names one request that a server got; no value comes twice.
enum class RequestId : std::uint64_t {};

struct Request {
  std::string method = "GET";
  std::string target = "/";  ///< What follows the host in the URL: path and query, as sent.
  Headers headers{};
  std::string body{};
  bool keep_alive = true;  ///< The client may send another one over this connection.

  /// `target` without the query.
  std::string_view path() const;
};

struct Response {
  unsigned status = 200;
  Headers headers{};
  std::string body{};
};

/// "Not Found" for 404 (RFC 9110 section 15); of a status that has no name here, its class's.
std::string_view reason_phrase(unsigned status);

/// "application/sdp" of "Application/SDP; charset=utf-8": lower case, without parameters.
std::string media_type(std::string_view content_type);

/// Bytes to send (RFC 9112). Content-Length is added, and CR, LF and NUL in values are left out, so
/// that none can add a field.
std::string to_text(const Request& request);
/// `to_head`: the request was a HEAD, so the body stays here.
std::string to_text(const Response& response, bool keep_alive, bool to_head = false);

}  // namespace floe::http
