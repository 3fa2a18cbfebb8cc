// From joining the room to leaving it; session_talk.cc has what happens between.
#include "session.h"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

namespace chat {
namespace {

// How long the peer may take to confirm that we leave, and the server to close the connection.
constexpr auto kGoodbyeTime = std::chrono::seconds(5);

double seconds(floe::Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

Session::Session(EventLoop& loop, floe::net::Network& network, Options options, Console& console)
    : loop_(loop),
      network_(network),
      options_(std::move(options)),
      console_(console),
      started_(network.now()),
      meeting_(network, *loop, *this),
      input_(
          *loop, [this](std::string_view line) { send_line(line); },
          [this] {
            input_ended_ = true;
            leave_when_all_is_done();
          }) {}

ExitCode Session::run() {
  if (const auto started = start(); !started) {
    const bool is_file = started.error().code == floe::Errc::kNotFound ||
                         started.error().code == floe::Errc::kPermissionDenied;
    console_.error(started.error().message);
    return is_file ? ExitCode::kFile : ExitCode::kUsage;
  }
  loop_.on_interrupt([this] { handle_interrupt(); });
  loop_.run();
  loop_.on_interrupt({});
  summary_.exit_code = static_cast<int>(exit_code_);
  if (!options_.summary.empty()) {
    if (const auto written = write_summary(summary_, options_.summary); !written) {
      fail(ExitCode::kFile, written.error().message);
    }
  }
  return exit_code_;
}

/// All that can be wrong here is found out before anybody else is involved.
floe::Result<> Session::start() {
  configuration_.local.loopback = options_.loopback;
  if (const auto set = set_ice_servers({}); !set) return set;
  if (!options_.file.empty()) {
    auto file = OutgoingFile::open(options_.file);
    if (!file) return floe::forward(file);
    file_to_send_ = std::move(*file);
  }
  if (!options_.save.empty()) {
    std::error_code error;
    std::filesystem::create_directories(options_.save, error);
    if (!std::filesystem::is_directory(options_.save)) {
      return floe::fail(floe::Errc::kNotFound, "cannot save files in " + options_.save + ": " +
                                                   (error ? error.message() : "not a folder"));
    }
  }
  timer_ = network_.create_timer([this] { handle_connect_timeout(); });
  if (options_.timeout > floe::Duration::zero()) timer_->arm(started_ + options_.timeout);
  return meeting_.join(options_.signal, options_.room, options_.name);
}

/// Those of the command line, which have to be right, and of those that the server told us the ones
/// that floe can use.
floe::Result<> Session::set_ice_servers(const std::vector<floe::server::IceServer>& told) {
  configuration_.ice_servers.clear();
  for (const std::string& server : options_.stun) {
    const std::string url = server.starts_with("stun:") ? server : "stun:" + server;
    if (const auto parsed = floe::ice::Server::parse(url); !parsed) return floe::forward(parsed);
    configuration_.ice_servers.push_back({{url}});
  }
  for (const auto& server : told) {
    for (const std::string& url : server.urls) {
      const floe::IceServer one{{url}, server.username, server.credential};
      if (floe::ice::parse_servers({&one, 1})) configuration_.ice_servers.push_back(one);
    }
  }
  return {};
}

void Session::on_joined(const floe::server::Joined& joined) {
  summary_.phases.signaling = network_.now() - started_;
  console_.note(fmt::format("joined room {} after {:.1f} ms", joined.room,
                            seconds(*summary_.phases.signaling) * 1000));
  // It went well in `start`, and what the server told cannot make it fail.
  static_cast<void>(set_ice_servers(joined.ice_servers));
  if (joined.peers.empty()) console_.note("waiting for somebody to join");
}

void Session::on_peer(const floe::server::Peer& peer, bool we_offer) {
  if (phase_ != Phase::kWaiting) return;
  summary_.peer = printable(peer.name);
  // An earlier peer may have come and gone.
  const auto signaling = summary_.phases.signaling;
  summary_.phases = {};
  summary_.phases.signaling = signaling;
  console_.note(fmt::format("{} is here, connecting", summary_.peer));
  auto call = Call::create(network_, configuration_, console_, summary_.phases, *this);
  if (!call) return fail_and_end(ExitCode::kInternal, call.error().message);
  call_ = std::move(*call);
  phase_ = Phase::kConnecting;
  if (!we_offer) return;
  auto channel = call_->create_data_channel("chat");
  if (!channel) return fail_and_end(ExitCode::kInternal, channel.error().message);
  use_chat_channel(std::move(*channel));
  if (const auto ok = call_->offer(); !ok) on_call_over(ok.error().message);
}

void Session::on_description(const floe::server::Description& description) {
  if (!call_ || phase_ == Phase::kOver) return;
  if (const auto ok = call_->take(description); !ok) {
    on_call_over("the other end's description is no good: " + ok.error().message);
  }
}

void Session::on_candidate(const floe::server::Candidate& candidate) {
  if (!call_ || phase_ == Phase::kOver) return;
  if (const auto ok = call_->take(candidate); !ok) {
    console_.note("a candidate was not used: " + ok.error().message);
  }
}

void Session::on_peer_left() {
  if (phase_ == Phase::kConnecting) {
    console_.note(summary_.peer + " left before the connection was made; waiting for another");
    chat_.reset();
    call_.reset();
    phase_ = Phase::kWaiting;
  } else if (phase_ == Phase::kTalking && !peer_said_goodbye_) {
    // It may have lost the server alone. If it is gone altogether, ICE falls silent.
    peer_left_room_ = true;
    console_.note(summary_.peer + " has left the room; looking whether it is still there");
    if (call_->is_silent()) peer_vanished("it left the room and is silent");
  }
}

void Session::on_silence() {
  if (phase_ == Phase::kTalking && peer_left_room_) {
    peer_vanished("it left the room and is silent");
  }
}

void Session::on_meeting_over(const Failure& why) {
  meeting_is_over_ = true;
  if (phase_ == Phase::kOver) return loop_.stop();
  if (phase_ == Phase::kWaiting || phase_ == Phase::kConnecting) {
    return fail_and_end(why.code, why.message);
  }
  console_.note("talking on without the signalling server: " + why.message);
}

void Session::on_call_over(const std::string& why) {
  if (phase_ == Phase::kConnecting) {
    fail_and_end(ExitCode::kConnectionFailed, why);
  } else if (phase_ == Phase::kTalking || phase_ == Phase::kLeaving) {
    handle_chat_closed();
    if (phase_ != Phase::kOver) peer_vanished(why);
  }
}

void Session::handle_connect_timeout() {
  const std::string time = fmt::format("within {} s", seconds(options_.timeout));
  if (phase_ == Phase::kConnecting) {
    fail_and_end(ExitCode::kTimedOut, fmt::format("no connection with {} {}: {}", summary_.peer,
                                                  time, call_->explain_failure()));
  } else if (summary_.phases.signaling) {
    fail_and_end(ExitCode::kTimedOut,
                 fmt::format("nobody else came to room {} {}: start the other side with the same "
                             "--signal and --room",
                             options_.room, time));
  } else {
    fail_and_end(ExitCode::kSignaling,
                 fmt::format("{} did not let us in {}", options_.signal, time));
  }
}

void Session::handle_interrupt() {
  if (phase_ == Phase::kTalking) {
    if (is_transferring()) fail(ExitCode::kInterrupted, "interrupted during a transfer");
    cut_transfers("interrupted");
    return leave();
  }
  // The second time we are in a hurry.
  if (phase_ == Phase::kLeaving || phase_ == Phase::kOver) return loop_.stop();
  fail_and_end(ExitCode::kInterrupted, "interrupted");
}

void Session::leave_when_all_is_done() {
  if (phase_ == Phase::kTalking && input_ended_ && !options_.stay && !is_transferring()) leave();
}

/// Closing the channel sends what is queued first.
void Session::leave() {
  phase_ = Phase::kLeaving;
  input_.pause();
  chat_->close();
  timer_ = network_.create_timer([this] { watch_leaving(); });
  timer_->arm(network_.now() + kGoodbyeTime);
}

void Session::watch_leaving() {
  if (chat_->buffered_amount() > 0) return timer_->arm(network_.now() + kGoodbyeTime);
  peer_vanished("it did not confirm the last lines");
}

/// The chat channel or all of the connection is closed, by whichever side.
void Session::handle_chat_closed() {
  if (phase_ == Phase::kTalking && peer_said_goodbye_) {
    console_.note(summary_.peer + " has left");
    cut_transfers(summary_.peer + " has left");
    end();
  } else if (phase_ == Phase::kLeaving && chat_->buffered_amount() == 0) {
    // Both may have left at once, and one of them was faster.
    end();
  }
}

void Session::peer_vanished(const std::string& why) {
  const std::string message = summary_.peer + " is gone: " + why;
  fail(ExitCode::kPeerVanished, message);
  cut_transfers(message);
  end();
}

/// The first failure decides the exit code.
void Session::fail(ExitCode code, std::string_view message) {
  console_.error(message);
  if (exit_code_ == ExitCode::kDone) exit_code_ = code;
}

void Session::fail_and_end(ExitCode code, std::string_view message) {
  fail(code, message);
  end();
}

void Session::end() {
  if (std::exchange(phase_, Phase::kOver) == Phase::kOver) return;
  input_.pause();
  if (call_) {
    summary_.selected_pair = call_->selected_pair();
    call_->close();
  }
  if (meeting_is_over_) return loop_.stop();
  meeting_.leave();
  timer_ = network_.create_timer([this] { loop_.stop(); });
  timer_->arm(network_.now() + kGoodbyeTime);
}

}  // namespace chat
