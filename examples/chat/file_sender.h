#pragma once

#include <array>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>

#include "console.h"
#include "file_message.h"
#include "floe/core/result.h"
#include "floe/crypto/crypto.h"
#include "floe/net/network.h"
#include "floe/peer/data_channel.h"
#include "summary.h"

namespace chat {

/// A regular file that was opened for reading, so that a wrong path is found out before anything
/// else happens.
struct OutgoingFile {
  struct Close {
    void operator()(std::FILE* stream) const { std::fclose(stream); }
  };
  std::unique_ptr<std::FILE, Close> stream;
  std::string name;  ///< Without folders.
  std::uint64_t size = 0;

  [[nodiscard]] static floe::Result<OutgoingFile> open(const std::string& path);
};

/// Sends one file over a data channel of its own: offers it, sends it as fast as the channel takes
/// it, and waits until the receiver has verified it.
class FileSender {
 public:
  /// `on_done` is called once, with `TransferReport::error` saying how it ended. It must not
  /// destroy the sender.
  FileSender(floe::net::Network& network, std::shared_ptr<floe::DataChannel> channel,
             OutgoingFile file, Console& console,
             std::function<void(const TransferReport&)> on_done);
  ~FileSender();
  FileSender(const FileSender&) = delete;
  FileSender& operator=(const FileSender&) = delete;

  bool done() const { return done_; }
  /// The connection is gone.
  void cut(const std::string& why) { finish(why, Fault::kTheirs); }

 private:
  // One message; every peer takes this much (RFC 8841 section 6.1).
  static constexpr std::size_t kChunk = 64 * 1024;
  // What is queued in the channel: enough to keep a fast path busy between two turns of the loop,
  // and no more, since chat lines wait behind it.
  static constexpr std::size_t kHighWater = 4 * 1024 * 1024;
  static constexpr std::size_t kLowWater = 1024 * 1024;

  void offer();
  void handle(const floe::DataChannel::Message& message);
  void send_more();
  bool read_chunk();
  void send(const FileMessage& message);
  void give_up(const std::string& why, Fault fault);
  void finish(std::string error, Fault fault);
  void show_progress();
  void watch();
  double elapsed() const;

  floe::net::Network& network_;
  std::shared_ptr<floe::DataChannel> channel_;
  OutgoingFile file_;
  Console& console_;
  std::function<void(const TransferReport&)> on_done_;
  std::unique_ptr<floe::net::Timer> stall_timer_;
  floe::crypto::Sha256Stream digest_;
  std::string sha256_;
  std::array<std::uint8_t, kChunk> chunk_{};
  std::size_t chunk_size_ = 0;  ///< What is in `chunk_` and was not sent yet.
  std::uint64_t sent_ = 0;
  floe::Time started_{};
  floe::Time shown_{};
  bool accepted_ = false;
  bool done_ = false;
};

}  // namespace chat
