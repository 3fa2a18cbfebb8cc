#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "channels.h"
#include "floe/net/network.h"
#include "floe/peer/peer_connection.h"
#include "members.h"
#include "output.h"
#include "transceivers.h"

namespace peer_stdio {

/// One `PeerConnection` at a time, as lines: each command has one answer, "done" or "error", and
/// what happens later is told as events.
class Peer {
 public:
  Peer(floe::net::Network& network, floe::Configuration configuration, Output& output,
       std::function<void()> on_quit);

  void take_line(std::string_view line);

 private:
  using Answer = floe::Result<Json>;
  struct Command {
    std::string_view name;
    Answer (Peer::*run)(Members&);
  };
  static const Command kCommands[];

  Answer run(const Command& command, Members& members);
  /// The connection, made now with the command line's configuration if there is none.
  floe::Result<> open(const floe::Configuration& configuration);
  void set_handlers();

  // peer_commands.cc
  Answer create(Members& members);
  Answer get_configuration(Members& members);
  Answer set_configuration(Members& members);
  Answer create_offer(Members& members);
  Answer create_answer(Members& members);
  Answer set_local_description(Members& members);
  Answer set_remote_description(Members& members);
  Answer add_ice_candidate(Members& members);
  Answer restart_ice(Members& members);
  Answer descriptions(Members& members);
  Answer report(Members& members);
  Answer get_stats(Members& members);
  Answer add_transceiver(Members& members) { return transceivers_.add(*connection_, members); }
  Answer transceivers(Members& members) { return transceivers_.list(*connection_, members); }
  Answer set_direction(Members& members) { return transceivers_.set_direction(members); }
  Answer stop_transceiver(Members& members) { return transceivers_.stop(members); }
  Answer create_data_channel(Members& members);
  Answer channel_state(Members& members) { return channels_.state(members); }
  Answer send(Members& members) { return channels_.send(members); }
  Answer send_many(Members& members) { return channels_.send_many(members); }
  Answer collect(Members& members) { return channels_.collect(members); }
  Answer set_low_threshold(Members& members) { return channels_.set_low_threshold(members); }
  Answer close_channel(Members& members) { return channels_.close(members); }
  Answer close(Members& members);
  Answer quit(Members& members);

  floe::net::Network& network_;
  const floe::Configuration configuration_;
  Output& output_;
  std::function<void()> on_quit_;
  Channels channels_;
  Transceivers transceivers_;
  std::unique_ptr<floe::PeerConnection> connection_;
};

}  // namespace peer_stdio
