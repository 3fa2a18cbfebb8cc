#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "floe/core/result.h"
#include "floe/http/exchange.h"
#include "floe/http/url.h"
#include "floe/net/network.h"
#include "floe/peer/peer_connection.h"
#include "floe/sdp/fragment.h"
#include "floe/whip/protocol.h"

namespace floe::whip {

/// Called with what happens on a `Client`, never from within a call to it. Each call may destroy
/// the client.
class ClientHandler {
 public:
  virtual ~ClientHandler() = default;
  /// Makes the connection, which is the client's from then on: with the tracks to publish (WHIP) or
  /// transceivers to receive with (WHEP), and with data channels if wanted, without descriptions.
  /// If it is configured without ICE servers, it gets those that the endpoint names. An error ends
  /// the client.
  ///
  /// The client itself uses these handlers of the connection: on_ice_candidate,
  /// on_ice_gathering_state_change, on_connection_state_change and on_dtls_state_change.
  virtual Result<std::unique_ptr<PeerConnection>> create_connection() = 0;
  /// The descriptions are exchanged.
  virtual void on_established() {}
  virtual void on_state(PeerConnectionState state) { static_cast<void>(state); }
  virtual void on_restarted() {}
  /// The server would not restart ICE, or could not be asked; the session goes on as it was.
  virtual void on_restart_failed(const Failure& failure) { static_cast<void>(failure); }
  /// The last call: the session ended or never began. The message names the method, the URL and the
  /// status, with the server's own words if it has any. `Errc::kClosed` without a status: closed by
  /// `close` or by the server.
  virtual void on_closed(const Failure& failure) = 0;
};

/// A client of WHIP (RFC 9725) or WHEP (draft-ietf-wish-whep): offers, trickles candidates,
/// restarts ICE when asked to, and deletes the session at the end. A player answers counter-offers.
class Client {
 public:
  struct Options {
    std::string url;  ///< The endpoint's.
    Protocol protocol = Protocol::kWhip;
    std::string token{};  ///< Bearer token (RFC 6750); empty for none.
    /// The offer goes without candidates, which follow when the endpoint has named its ICE servers.
    /// False: all candidates stand in the offer, for servers that take none later; then ICE servers
    /// that the endpoint names count from the first ICE restart on.
    bool trickle = true;
    /// Each request, with its response.
    http::Exchange::Options http{};
  };
  /// Endpoints that are tried before a chain of redirections counts as a loop.
  static constexpr std::size_t kMaxRedirects = 5;

  /// Everything but errors about `options` comes to `handler`. `network` and `handler` must outlive
  /// the client.
  [[nodiscard]] static Result<std::unique_ptr<Client>> start(net::Network& network, Options options,
                                                             ClientHandler& handler);
  /// Closes the connection; the server notices that, but is not told (see `close`).
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// New ICE credentials and candidates on both sides. `on_restarted` or `on_restart_failed`
  /// follows. kInvalidState before `on_established`, during another restart and after the end.
  [[nodiscard]] Result<> restart_ice();
  /// Deletes the session on the server and closes the connection; `on_closed` follows when the
  /// server has answered or had its time.
  void close();

  /// Null before `create_connection`.
  PeerConnection* connection() { return connection_.get(); }
  /// Empty before `on_established`.
  std::string session_url() const { return session_ ? session_->to_string() : std::string(); }
  /// That the endpoint named last.
  const std::vector<IceServer>& ice_servers() const { return ice_servers_; }

 private:
  enum class Phase : std::uint8_t {
    kStarting,
    kGathering,  ///< All candidates, for the offer.
    kPosting,
    kAnswering,  ///< Our answer to a counter-offer.
    kOpen,
    kDeleting,
    kEnded,
  };
  using Handle = void (Client::*)(const http::Response& response);

  Client(net::Network& network, Options options, http::Url endpoint, ClientHandler& handler);

  // client.cc: until the session is open.
  void begin();
  void post();
  void take_response(const http::Response& response);
  void redirect(const http::Response& response);
  void take_answer(const http::Response& response);
  void take_counter_offer(const http::Response& response);
  void take_receipt(const http::Response& response);
  /// False, and the end, if the response names no session.
  bool read_session(const http::Response& response);
  void use_told_ice_servers();
  void open();

  // client_session.cc: from then on.
  void on_candidate(const IceCandidate& candidate);
  void send_candidates();
  void take_trickled(const Result<http::Response>& response);
  void take_restarted(const Result<http::Response>& response);
  Result<> apply_restart(const http::Response& response);
  void fail_restart(Failure failure);
  void delete_session();
  void on_timer();
  sdp::Fragment local_fragment() const;

  http::Request request(std::string method, std::string_view type = {},
                        std::string body = {}) const;
  /// Errors end the client.
  void send(const http::Url& url, http::Request request, Handle handle);
  /// "PATCH https://...: 412 Precondition Failed", and what the server says.
  Failure refused(std::string_view method, const http::Url& url,
                  const http::Response& response) const;
  void end(Failure failure);
  /// Ends a session that is on the server already.
  void abandon(Failure failure);

  net::Network& network_;
  const Options options_;
  http::Url endpoint_;
  ClientHandler& handler_;
  Phase phase_ = Phase::kStarting;
  std::size_t redirects_ = 0;
  bool close_wanted_ = false;
  std::optional<http::Url> session_;
  std::string etag_;  ///< As it came, with its quotes.
  std::vector<IceServer> ice_servers_;
  SessionDescription offer_;  ///< That the POST holds.

  std::vector<std::string> candidates_;  ///< That the server does not know yet.
  bool end_of_candidates_ = false;       ///< To be told.
  std::vector<std::string> sent_;        ///< What the PATCH under way holds.
  bool sent_end_ = false;
  bool trickles_ = true;  ///< The server has not refused to hear of candidates.
  std::size_t failed_patches_ = 0;
  Time next_patch_ = kNever;
  bool restarting_ = false;
  std::optional<Failure> last_words_;  ///< For `on_closed`, once the session is deleted.

  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::unique_ptr<net::Timer> timer_;
  std::unique_ptr<PeerConnection> connection_;
  std::unique_ptr<http::Exchange> exchange_;
  std::unique_ptr<http::Exchange> patch_;  ///< Of candidates.
};

}  // namespace floe::whip
