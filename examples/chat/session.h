#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "call.h"
#include "console.h"
#include "event_loop.h"
#include "exit_code.h"
#include "file_receiver.h"
#include "file_sender.h"
#include "floe/net/network.h"
#include "meeting.h"
#include "options.h"
#include "standard_input.h"
#include "summary.h"

namespace chat {

/// The whole conversation, from joining the room to leaving it.
class Session final : private MeetingHandler, private CallHandler {
 public:
  Session(EventLoop& loop, floe::net::Network& network, Options options, Console& console);

  /// Returns when all is over.
  ExitCode run();

 private:
  enum class Phase {
    kWaiting,     ///< For the server, then for somebody to talk to.
    kConnecting,  ///< To the peer, until the chat channel is open.
    kTalking,
    kLeaving,  ///< All is said; the chat channel is being closed.
    kOver,
  };
  // At one time, from the peer: more would be an attack on our disk.
  static constexpr std::size_t kMaxIncoming = 4;

  floe::Result<> start();
  floe::Result<> set_ice_servers(const std::vector<floe::server::IceServer>& told);

  // MeetingHandler
  void on_joined(const floe::server::Joined& joined) override;
  void on_peer(const floe::server::Peer& peer, bool we_offer) override;
  void on_description(const floe::server::Description& description) override;
  void on_candidate(const floe::server::Candidate& candidate) override;
  void on_peer_left() override;
  void on_meeting_over(const Failure& why) override;

  // CallHandler
  void on_signal(const floe::server::Signal& signal) override { meeting_.send(signal); }
  void on_channel(std::shared_ptr<floe::DataChannel> channel) override;
  void on_silence() override;
  void on_call_over(const std::string& why) override;

  // session_talk.cc: the open channel
  void use_chat_channel(std::shared_ptr<floe::DataChannel> channel);
  void begin_talking();
  void send_line(std::string_view line);
  void send_file();
  void receive_file(std::shared_ptr<floe::DataChannel> channel);
  void handle(const TransferReport& report);
  bool is_transferring() const;
  void cut_transfers(const std::string& why);

  // Ways to the end
  void handle_interrupt();
  void handle_connect_timeout();
  void handle_chat_closed();
  void leave_when_all_is_done();
  void leave();
  void watch_leaving();
  void peer_vanished(const std::string& why);
  void fail(ExitCode code, std::string_view message);
  void fail_and_end(ExitCode code, std::string_view message);
  void end();

  EventLoop& loop_;
  floe::net::Network& network_;
  const Options options_;
  Console& console_;
  Summary summary_;
  ExitCode exit_code_ = ExitCode::kDone;
  Phase phase_ = Phase::kWaiting;
  floe::Time started_;
  bool meeting_is_over_ = false;
  bool peer_left_room_ = false;
  bool peer_said_goodbye_ = false;
  bool input_ended_ = false;

  floe::Configuration configuration_;
  Meeting meeting_;
  std::unique_ptr<Call> call_;
  std::shared_ptr<floe::DataChannel> chat_;
  std::optional<OutgoingFile> file_to_send_;
  std::unique_ptr<FileSender> sender_;
  std::vector<std::unique_ptr<FileReceiver>> receivers_;
  std::unique_ptr<floe::net::Timer> timer_;  ///< Connecting, later leaving, later ending.
  StandardInput input_;
};

}  // namespace chat
