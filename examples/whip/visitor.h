#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "floe/whip/client.h"
#include "options.h"

namespace whip_program {

/// `floe-whip publish` and `floe-whip watch`: one session with a server.
class Visitor final : public floe::whip::ClientHandler {
 public:
  /// `done` is called once, at the end.
  Visitor(floe::net::Network& network, const Visit& options, std::function<void(ExitCode)> done);

  floe::Result<> start();
  /// A line of the user's.
  void take_line(std::string_view line);
  void close();

  floe::Result<std::unique_ptr<floe::PeerConnection>> create_connection() override;
  void on_established() override;
  void on_state(floe::PeerConnectionState state) override;
  void on_restarted() override;
  void on_restart_failed(const floe::whip::Failure& failure) override;
  void on_closed(const floe::whip::Failure& failure) override;

 private:
  void say(std::string_view line);

  floe::net::Network& network_;
  const Visit options_;
  std::function<void(ExitCode)> done_;
  bool closing_ = false;
  bool retrying_ = false;             ///< There is no client now.
  std::vector<std::string> waiting_;  ///< Lines from before the channel was open.
  std::shared_ptr<floe::DataChannel> channel_;
  std::unique_ptr<floe::net::Timer> retry_;
  std::unique_ptr<floe::whip::Client> client_;
};

}  // namespace whip_program
