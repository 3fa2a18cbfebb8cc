#pragma once

#include <uv.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "examples/chat/event_loop.h"
#include "examples/media/host_options.h"
#include "floe/net/uv/network.h"
#include "floe/peer/peer_connection.h"
#include "floe/servers/signaling/signaling_client.h"

namespace media {

/// What a page of examples/web wants from the program in its room.
enum class Wish {
  kWatch,    ///< To be sent pictures and sound.
  kPublish,  ///< To send its own.
  kEcho,     ///< To get back what it sends.
};

/// One page's stay, as long as its connection lives.
class Visit {
 public:
  virtual ~Visit() = default;
  /// There is a path, and media may go.
  virtual void on_connected() {}
};

/// What a program does for those who come.
class Programme {
 public:
  virtual ~Programme() = default;
  /// Called for each connection before it is made.
  virtual void configure(floe::Configuration&) const {}
  /// How many bits a second a page is asked to send at most (RFC 8866 section 5.8); 0: as many as
  /// the path takes.
  virtual std::uint64_t max_incoming_bitrate() const { return 0; }
  /// Adds to `connection`, which lives a little longer than the visit, what the page is offered.
  /// The page is told what an error says.
  [[nodiscard]] virtual floe::Result<std::unique_ptr<Visit>> welcome(
      const std::string& name, Wish wish, floe::PeerConnection& connection) = 0;
};

/// Waits in a room of the signalling server for pages, and gives each that says what it wants a
/// connection of its own. The program offers, the page answers; so the page needs to know nothing
/// of what is offered.
///
/// The page says {"wish": "watch"} (or "publish", "echo") to everybody in the room and to whoever
/// comes; it hears {"refused": "why"} or an offer.
class Host final : private floe::server::SignalingHandler {
 public:
  /// More than fit into a room of the signalling server.
  static constexpr std::size_t kMaxVisitors = 64;

  /// `page`: the folder of examples/web to be opened, for the person who reads the log.
  Host(std::string program, std::string page, HostOptions options);
  ~Host() override;
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  /// The loop and sockets that everything runs on. Errors: the machine gives none.
  [[nodiscard]] floe::Result<> open();
  /// Until SIGINT, SIGTERM or the end of the signalling; returns the exit code. All visits end
  /// before it returns.
  int run(Programme& programme);
  /// `run` returns soon, with this.
  void stop(int exit_code, const std::string& why);

  /// After `open`.
  floe::net::Network& network() { return *network_; }

 private:
  struct Visitor {
    std::string name;
    std::unique_ptr<floe::PeerConnection> connection{};
    std::unique_ptr<Visit> visit{};
  };

  void on_joined(const floe::server::Joined& joined) override;
  void on_peer_joined(const floe::server::Peer& peer) override;
  void on_peer_left(const std::string& id) override;
  void on_signal(const std::string& from, const floe::server::Signal& signal) override;
  void on_error(const floe::server::Refusal& refusal) override;
  void on_closed(const floe::Error& error) override;

  floe::Configuration configuration() const;
  void handle_wish(const std::string& from, std::string_view json);
  floe::Result<> welcome(const std::string& id, Wish wish);
  floe::Result<> offer(floe::PeerConnection& connection);
  void set_handlers(const std::string& id, floe::PeerConnection& connection);
  void handle_state(const std::string& id, floe::PeerConnectionState state);
  void end_visit(const std::string& id, const std::string& why);
  void send(const std::string& id, const floe::server::Signal& signal);
  void refuse(const std::string& id, const std::string& why);

  const std::string program_;
  const std::string page_;
  const HostOptions options_;
  chat::EventLoop loop_;
  std::unique_ptr<floe::net::uv::Network> network_;
  std::unique_ptr<floe::server::SignalingClient> client_;
  Programme* programme_ = nullptr;
  std::vector<floe::server::IceServer> told_ice_servers_;
  std::map<std::string, std::string> names_;  ///< Of all in the room, by id.
  std::map<std::string, Visitor> visitors_;
  int exit_code_ = kDone;
};

/// The codecs that floe can describe whose names, like "video/VP8", are in `mime_types`, in that
/// order, and with them the repair formats.
std::vector<floe::RtpCodec> codecs_named(floe::MediaKind kind,
                                         const std::vector<std::string>& mime_types);

}  // namespace media
