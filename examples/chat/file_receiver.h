#pragma once

#include <functional>
#include <memory>
#include <string>

#include "console.h"
#include "file_message.h"
#include "floe/net/network.h"
#include "floe/peer/data_channel.h"
#include "incoming_file.h"
#include "summary.h"

namespace chat {

/// Receives the file that the peer sends over one data channel.
class FileReceiver {
 public:
  /// `folder` is where it goes; empty: it is refused. `on_done` is called once and must not destroy
  /// the receiver.
  FileReceiver(floe::net::Network& network, std::shared_ptr<floe::DataChannel> channel,
               std::string folder, Console& console,
               std::function<void(const TransferReport&)> on_done);
  ~FileReceiver();
  FileReceiver(const FileReceiver&) = delete;
  FileReceiver& operator=(const FileReceiver&) = delete;

  bool done() const { return done_; }
  /// The connection is gone.
  void cut(const std::string& why) { finish(why, Fault::kTheirs); }

 private:
  void handle(const floe::DataChannel::Message& message);
  void handle(const FileOffer& offer);
  void handle(const FileEnd& end);
  void handle_chunk(floe::Bytes chunk);
  void send(const FileMessage& message);
  void give_up(const std::string& why, Fault fault);
  void finish(std::string error, Fault fault);
  void show_progress();
  void watch();
  double elapsed() const;

  floe::net::Network& network_;
  std::shared_ptr<floe::DataChannel> channel_;
  std::string folder_;
  Console& console_;
  std::function<void(const TransferReport&)> on_done_;
  std::unique_ptr<floe::net::Timer> stall_timer_;
  std::unique_ptr<IncomingFile> file_;
  std::string name_ = "a file";
  std::string sha256_;
  floe::Time started_{};
  floe::Time shown_{};
  bool done_ = false;
};

}  // namespace chat
