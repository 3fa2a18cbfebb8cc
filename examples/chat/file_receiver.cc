#include "file_receiver.h"

#include <utility>

namespace chat {
namespace {

constexpr auto kPatience = std::chrono::seconds(60);
constexpr auto kProgressEvery = std::chrono::milliseconds(100);

}  // namespace

FileReceiver::FileReceiver(floe::net::Network& network, std::shared_ptr<floe::DataChannel> channel,
                           std::string folder, Console& console,
                           std::function<void(const TransferReport&)> on_done)
    : network_(network),
      channel_(std::move(channel)),
      folder_(std::move(folder)),
      console_(console),
      on_done_(std::move(on_done)),
      stall_timer_(network.create_timer(
          [this] { give_up("the sender has sent nothing for a minute", Fault::kTheirs); })) {
  channel_->on_message([this](const auto& message) { handle(message); });
  channel_->on_error([this](const floe::Error& error) { finish(error.message, Fault::kTheirs); });
  channel_->on_close([this] { finish("the sender closed the channel", Fault::kTheirs); });
  watch();
}

FileReceiver::~FileReceiver() {
  channel_->on_message({});
  channel_->on_error({});
  channel_->on_close({});
}

void FileReceiver::handle(const floe::DataChannel::Message& message) {
  if (done_) return;
  watch();
  if (!message.is_text) return handle_chunk(message.payload);
  const auto parsed = parse_file_message(floe::as_text(message.payload));
  if (!parsed) {
    give_up(parsed.error().message, Fault::kTheirs);
  } else if (const auto* offer = std::get_if<FileOffer>(&*parsed)) {
    handle(*offer);
  } else if (const auto* end = std::get_if<FileEnd>(&*parsed)) {
    handle(*end);
  } else if (const auto* failed = std::get_if<FileFailed>(&*parsed)) {
    finish("the sender says: " + printable(failed->reason), Fault::kTheirs);
  }
}

void FileReceiver::handle(const FileOffer& offer) {
  if (file_) return give_up("a second file was offered on one channel", Fault::kTheirs);
  name_ = safe_file_name(offer.name);
  if (folder_.empty()) {
    console_.note("refused " + printable(name_) + ": give --save FOLDER to take files");
    send(FileFailed{"files are not taken here"});
    return finish("files are not taken without --save", Fault::kNone);
  }
  auto file = IncomingFile::create(folder_, offer.name, offer.size);
  if (!file) return give_up(file.error().message, Fault::kOurs);
  file_ = std::move(*file);
  started_ = network_.now();
  console_.note("receiving " + printable(name_) + ", " + show_bytes(offer.size));
  send(FileAccepted{});
}

void FileReceiver::handle_chunk(floe::Bytes chunk) {
  if (!file_) return give_up("a part of a file came before its offer", Fault::kTheirs);
  if (auto written = file_->write(chunk); !written) {
    const bool theirs = written.error().code == floe::Errc::kInvalidArgument;
    return give_up(written.error().message, theirs ? Fault::kTheirs : Fault::kOurs);
  }
  show_progress();
}

void FileReceiver::handle(const FileEnd& end) {
  if (!file_) return give_up("the end of a file came before its offer", Fault::kTheirs);
  const auto path = file_->finish(end.sha256);
  if (!path) {
    const bool theirs = path.error().code == floe::Errc::kVerificationFailed;
    return give_up(path.error().message, theirs ? Fault::kTheirs : Fault::kOurs);
  }
  sha256_ = end.sha256;
  name_ = path->string();
  send(FileReceived{});
  finish({}, Fault::kNone);
}

void FileReceiver::send(const FileMessage& message) {
  const auto sent = channel_->send(to_json(message));
  if (!sent) finish(sent.error().message, Fault::kTheirs);
}

void FileReceiver::give_up(const std::string& why, Fault fault) {
  if (done_) return;
  static_cast<void>(channel_->send(to_json(FileFailed{why})));
  finish(why, fault);
}

/// The sender closes the channel once it has read our last message; if it does not, our closing
/// does that, after the message.
void FileReceiver::finish(std::string error, Fault fault) {
  if (std::exchange(done_, true)) return;
  stall_timer_->arm(floe::kNever);
  TransferReport report;
  report.name = name_;
  report.bytes = file_ ? file_->received() : 0;
  report.seconds = elapsed();
  report.sha256 = sha256_;
  report.sha256_ok = !sha256_.empty();
  report.error = std::move(error);
  report.fault = fault;
  file_.reset();  // Removes what is not complete.
  channel_->close();
  on_done_(report);
}

void FileReceiver::show_progress() {
  if (network_.now() - shown_ < kProgressEvery && file_->received() < file_->size()) return;
  shown_ = network_.now();
  console_.progress("receiving " + printable(name_), file_->received(), file_->size(), elapsed());
}

void FileReceiver::watch() {
  stall_timer_->arm(network_.now() + kPatience);
}

double FileReceiver::elapsed() const {
  return file_ ? std::chrono::duration<double>(network_.now() - started_).count() : 0;
}

}  // namespace chat
