#include "floe/http/server.h"

#include <optional>
#include <utility>

#include "floe/http/problem.h"
#include "floe/tls/stream.h"

namespace floe::http {
namespace {

// After the last response: for the client to read it and close, since closing at once while
// something of the client's is unread would take the response back (RFC 9112 section 9.6).
constexpr Duration kLinger = std::chrono::seconds(2);

}  // namespace

class Server::Connection final : public net::StreamHandler {
 public:
  Connection(Server& server, std::uint64_t key, std::unique_ptr<net::Stream> stream)
      : key(key),
        server_(server),
        reader_(server.options_.limits),
        timer_(server.network_.create_timer([this] { on_timer(); })),
        stream_(std::move(stream)) {
    arm(server_.options_.idle_timeout);
    stream_->set_handler(*this);
  }

  void on_data(MutableBytes data) override;
  void on_closed(const Error&) override { server_.close(*this); }
  void respond(const Response& response);

  const std::uint64_t key;
  std::optional<RequestId> request;  ///< Whose response is still to come.

 private:
  void arm(Duration wait) { timer_->arm(server_.network_.now() + wait); }
  void on_timer();
  /// May destroy this.
  void advance();
  void refuse(const Refusal& refusal);
  void send(const Response& response, bool keep_alive);

  Server& server_;
  RequestReader reader_;
  bool keep_alive_ = true;
  bool to_head_ = false;
  bool in_request_ = false;  ///< Its time runs.
  bool ending_ = false;      ///< The last response was written.
  bool advancing_ = false;
  std::unique_ptr<net::Timer> timer_;
  std::unique_ptr<net::Stream> stream_;
};

void Server::Connection::on_data(MutableBytes data) {
  if (ending_) return;
  reader_.push(data);
  advance();
}

void Server::Connection::advance() {
  // A response that comes at once calls back into this.
  if (std::exchange(advancing_, true)) return;
  const std::shared_ptr<bool> alive = server_.alive_;
  Server& server = server_;
  const std::uint64_t own_key = key;
  while (!request && !ending_) {
    std::optional<RequestReader::Next> next = reader_.poll();
    if (!next) {
      if (reader_.take_expectation()) {
        static_cast<void>(stream_->write(as_bytes("HTTP/1.1 100 Continue\r\n\r\n")));
      }
      if (!reader_.in_message()) {
        arm(server_.options_.idle_timeout);
        in_request_ = false;
      } else if (!std::exchange(in_request_, true)) {
        arm(server_.options_.request_timeout);
      }
      break;
    }
    if (!*next) {
      refuse(next->error());
      break;
    }
    in_request_ = false;
    keep_alive_ = (*next)->keep_alive;
    to_head_ = (*next)->method == "HEAD";
    timer_->arm(kNever);
    ++server_.stats_.requests;
    request = static_cast<RequestId>(++server_.last_request_);
    server_.requests_[*request] = key;
    server_.handler_.on_request(*request, **next);
    if (!*alive || !server.connections_.contains(own_key)) return;
  }
  advancing_ = false;
}

void Server::Connection::respond(const Response& response) {
  request.reset();
  send(response, keep_alive_);
  if (ending_ || advancing_) return;
  // What came meanwhile is looked at later: here the handler is in the middle of something.
  arm(reader_.in_message() ? Duration::zero() : server_.options_.idle_timeout);
}

void Server::Connection::refuse(const Refusal& refusal) {
  ++server_.stats_.malformed;
  to_head_ = false;
  send(problem(refusal.status, refusal.detail), false);
}

void Server::Connection::send(const Response& response, bool keep_alive) {
  // A client that has not read a megabyte of responses gets no more.
  const bool fits = stream_->write(as_bytes(to_text(response, keep_alive, to_head_))).has_value();
  if (fits && keep_alive) return;
  ending_ = true;
  stream_->shutdown();
  arm(kLinger);
}

void Server::Connection::on_timer() {
  if (!ending_ && !in_request_ && reader_.in_message()) return advance();
  if (!ending_ && in_request_) {
    ++server_.stats_.timed_out;
    return refuse({408, "the request took too long"});
  }
  server_.close(*this);
}

// ------------------------------------------------------------------------------------ Server

Server::Server(net::Network& network, const Options& options, ServerHandler& handler)
    : network_(network), options_(options), handler_(handler) {}

Server::~Server() {
  *alive_ = false;
}

Result<std::unique_ptr<Server>> Server::listen(net::Network& network, const Options& options,
                                               ServerHandler& handler) {
  std::unique_ptr<Server> server(new Server(network, options, handler));
  tls::ServerOptions secure;
  secure.identity = options.identity;
  secure.alpn = {"http/1.1"};
  auto listener = options.identity ? tls::listen(network, options.bind, secure, *server)
                                   : network.listen(options.bind, *server);
  if (!listener) return forward(listener);
  server->listener_ = std::move(*listener);
  server->local_ = server->listener_->local();
  return server;
}

void Server::on_accept(std::unique_ptr<net::Stream> stream) {
  if (connections_.size() >= options_.max_connections) {
    ++stats_.turned_away;
    return;
  }
  const std::uint64_t key = ++last_connection_;
  connections_[key] = std::make_unique<Connection>(*this, key, std::move(stream));
}

void Server::respond(RequestId id, const Response& response) {
  const auto found = requests_.find(id);
  if (found == requests_.end()) return;
  const std::uint64_t key = found->second;
  requests_.erase(found);
  connections_.at(key)->respond(response);
}

void Server::close(Connection& connection) {
  const std::optional<RequestId> request = connection.request;
  connections_.erase(connection.key);
  if (!request) return;
  requests_.erase(*request);
  handler_.on_abandoned(*request);
}

Server::Stats Server::stats() const {
  Stats stats = stats_;
  stats.connections = connections_.size();
  return stats;
}

}  // namespace floe::http
