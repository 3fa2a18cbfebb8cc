// What happens on the open connection: lines and files.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "floe/core/text.h"
#include "session.h"

namespace chat {
namespace {

// Text that waits in the channel; above it no more of the input is read.
constexpr std::size_t kTextHighWater = 1024 * 1024;
constexpr std::size_t kTextLowWater = 256 * 1024;

}  // namespace

void Session::on_channel(std::shared_ptr<floe::DataChannel> channel) {
  if (channel->protocol() == kFileProtocol) {
    receive_file(std::move(channel));
  } else if (channel->label() == "chat" && !chat_) {
    use_chat_channel(std::move(channel));
  } else {
    console_.note("a channel was closed that nobody here knows: " +
                  printable(floe::quoted(channel->label())));
    channel->close();
  }
}

void Session::use_chat_channel(std::shared_ptr<floe::DataChannel> channel) {
  chat_ = std::move(channel);
  chat_->set_buffered_amount_low_threshold(kTextLowWater);
  chat_->on_open([this] { begin_talking(); });
  chat_->on_message([this](const floe::DataChannel::Message& message) {
    if (message.is_text) console_.say(summary_.peer, floe::as_text(message.payload));
  });
  chat_->on_buffered_amount_low([this] {
    if (phase_ == Phase::kTalking) input_.resume();
  });
  chat_->on_closing([this] { peer_said_goodbye_ = true; });
  chat_->on_error([this](const floe::Error& error) { on_call_over(error.message); });
  chat_->on_close([this] {
    // Also when the peer closed so fast that nobody saw it closing; on_error came first otherwise.
    peer_said_goodbye_ = true;
    handle_chat_closed();
  });
}

void Session::begin_talking() {
  if (phase_ != Phase::kConnecting) return;
  phase_ = Phase::kTalking;
  timer_->arm(floe::kNever);
  call_->note_open_channel();
  console_.note("talking with " + summary_.peer);
  if (file_to_send_) send_file();
  input_.resume();
}

void Session::send_line(std::string_view line) {
  if (phase_ != Phase::kTalking) return;
  if (const auto sent = chat_->send(line); !sent) {
    console_.error("a line was not sent: " + sent.error().message);
  }
  if (chat_->buffered_amount() > kTextHighWater) input_.pause();
}

void Session::send_file() {
  floe::DataChannelInit init;
  init.protocol = kFileProtocol;
  auto channel = call_->create_data_channel("file", init);
  if (!channel) return fail(ExitCode::kTransferFailed, channel.error().message);
  sender_ = std::make_unique<FileSender>(
      network_, std::move(*channel), std::move(*std::exchange(file_to_send_, std::nullopt)),
      console_, [this](const TransferReport& report) { handle(report); });
}

void Session::receive_file(std::shared_ptr<floe::DataChannel> channel) {
  std::erase_if(receivers_, [](const auto& receiver) { return receiver->done(); });
  if (receivers_.size() >= kMaxIncoming) {
    console_.note(fmt::format("a file was refused: {} are on their way already", kMaxIncoming));
    return channel->close();
  }
  receivers_.push_back(
      std::make_unique<FileReceiver>(network_, std::move(channel), options_.save, console_,
                                     [this](const TransferReport& report) { handle(report); }));
}

void Session::handle(const TransferReport& report) {
  summary_.files.push_back(report);
  const std::string name = printable(report.name);
  if (report.error.empty()) {
    console_.note(fmt::format("{} {}: {} in {:.2f} s, {:.1f} MB/s, SHA-256 {}",
                              report.sent ? "sent" : "received", name, show_bytes(report.bytes),
                              report.seconds, megabytes_per_second(report.bytes, report.seconds),
                              report.sent ? "confirmed by the receiver" : "verified"));
  } else if (report.fault != Fault::kNone) {
    fail(report.fault == Fault::kOurs ? ExitCode::kFile : ExitCode::kTransferFailed,
         fmt::format("{} was not {}: {}", name, report.sent ? "sent" : "received", report.error));
  }
  leave_when_all_is_done();
}

bool Session::is_transferring() const {
  return (sender_ && !sender_->done()) ||
         std::any_of(receivers_.begin(), receivers_.end(),
                     [](const auto& receiver) { return !receiver->done(); });
}

void Session::cut_transfers(const std::string& why) {
  if (sender_) sender_->cut(why);
  for (const auto& receiver : receivers_) receiver->cut(why);
}

}  // namespace chat
