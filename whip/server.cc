#include "floe/whip/server.h"

#include <optional>
#include <utility>
#include <variant>

#include "floe/whip/internal/served_session.h"

namespace floe::whip {

Server::Server(net::Network& network, Options options, whip::ServerHandler& handler)
    : network_(network),
      options_(std::move(options)),
      handler_(handler),
      sessions_(options_.sessions, network.random()),
      timer_(network.create_timer([this] {
        sessions_.handle_timeout(network_.now());
        settle();
      })) {}

Server::~Server() {
  *alive_ = false;
}

Result<std::unique_ptr<Server>> Server::listen(net::Network& network, Options options,
                                               whip::ServerHandler& handler) {
  if (Result<> valid = validate(options.sessions); !valid) return forward(valid);
  std::unique_ptr<Server> server(new Server(network, std::move(options), handler));
  auto http = http::Server::listen(network, server->options_.http, *server);
  if (!http) return forward(http);
  server->http_ = std::move(*http);
  return server;
}

std::string Server::url(Protocol protocol) const {
  const SessionsOptions& options = sessions_.options();
  return (http_->secure() ? "https://" : "http://") + local().to_string() +
         (protocol == Protocol::kWhip ? options.whip_path : options.whep_path);
}

PeerConnection* Server::connection(SessionId session) {
  const auto found = served_.find(session);
  return found == served_.end() ? nullptr : &found->second->connection();
}

void Server::end(SessionId session, std::string reason) {
  sessions_.end(session, std::move(reason));
  // Its events wait for the timer, since no call of ours calls back.
  timer_->arm(network_.now());
}

Server::Stats Server::stats() const {
  return {http_->stats(), sessions_.stats()};
}

void Server::on_request(http::RequestId id, const http::Request& request) {
  sessions_.handle_request(network_.now(), id, request);
  settle();
}

void Server::on_abandoned(http::RequestId id) {
  sessions_.handle_abandoned(id);
  settle();
}

void Server::settle() {
  // A handler's call that leads back here finds the loop below at work.
  if (std::exchange(settling_, true)) return;
  const std::shared_ptr<bool> alive = alive_;
  while (const std::optional<Sessions::Event> event = sessions_.poll_event()) {
    std::visit([this](const auto& each) { handle(each); }, *event);
    if (!*alive) return;
  }
  settling_ = false;
  timer_->arm(sessions_.next_timeout());
}

void Server::handle(const Sessions::Respond& event) {
  http_->respond(event.request, event.response);
}

void Server::handle(const Sessions::Offered& event) {
  const std::shared_ptr<bool> alive = alive_;
  auto connection = handler_.on_offer({event.session, event.protocol, event.stream, event.sdp});
  if (!*alive) return;
  if (!connection) return sessions_.refuse(event.session, connection.error());
  const auto changed = [this, id = event.session](std::optional<PeerConnectionState> state) {
    const std::shared_ptr<bool> still_alive = alive_;
    if (state) handler_.on_state(id, *state);
    if (*still_alive) settle();
  };
  auto& served = served_[event.session];
  served = std::make_unique<ServedSession>(
      network_, sessions_, event.session,
      ServedSession::Options{event.protocol, options_.gathering_timeout, options_.counter_offers},
      std::move(*connection), changed);
  if (const std::optional<Refusal> refusal = served->take_offer(event.sdp)) {
    sessions_.refuse(event.session, *refusal);
    served_.erase(event.session);
    handler_.on_ended(event.session, refusal->detail);
  }
}

void Server::handle(const Sessions::Answered& event) {
  if (const auto found = served_.find(event.session); found != served_.end()) {
    found->second->take_answer(event.sdp);
  }
}

void Server::handle(const Sessions::Trickled& event) {
  if (const auto found = served_.find(event.session); found != served_.end()) {
    found->second->take_candidates(event.fragment);
  }
}

void Server::handle(const Sessions::RestartWanted& event) {
  if (const auto found = served_.find(event.session); found != served_.end()) {
    found->second->restart(event.fragment);
  }
}

void Server::handle(const Sessions::Ended& event) {
  auto served = served_.extract(event.session);
  if (!served) return;
  // The client's side learns by DTLS and by consent that is not given any more (RFC 7675
  // section 5.2).
  served.mapped()->connection().close();
  handler_.on_ended(event.session, event.reason);
}

}  // namespace floe::whip
