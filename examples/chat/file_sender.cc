#include "file_sender.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "floe/core/text.h"

namespace chat {
namespace {

// A receiver that lives says something or takes something at least this often: a slow disk that has
// to write what is left, a person's slow path.
constexpr auto kPatience = std::chrono::seconds(60);
constexpr auto kProgressEvery = std::chrono::milliseconds(100);

}  // namespace

floe::Result<OutgoingFile> OutgoingFile::open(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    const std::string why = error ? error.message() : "it is not a regular file";
    return floe::fail(floe::Errc::kNotFound, "cannot send " + path + ": " + why);
  }
  OutgoingFile file;
  file.stream.reset(std::fopen(path.c_str(), "rb"));
  if (!file.stream) {
    return floe::fail(floe::Errc::kPermissionDenied,
                      "cannot send " + path + ": " + std::strerror(errno));
  }
  file.name = std::filesystem::path(path).filename().string();
  file.size = std::filesystem::file_size(path, error);
  return file;
}

FileSender::FileSender(floe::net::Network& network, std::shared_ptr<floe::DataChannel> channel,
                       OutgoingFile file, Console& console,
                       std::function<void(const TransferReport&)> on_done)
    : network_(network),
      channel_(std::move(channel)),
      file_(std::move(file)),
      console_(console),
      on_done_(std::move(on_done)),
      stall_timer_(network.create_timer(
          [this] { give_up("the receiver has not answered for a minute", Fault::kTheirs); })) {
  channel_->set_buffered_amount_low_threshold(kLowWater);
  channel_->on_open([this] { offer(); });
  channel_->on_message([this](const auto& message) { handle(message); });
  channel_->on_buffered_amount_low([this] { send_more(); });
  channel_->on_error([this](const floe::Error& error) { finish(error.message, Fault::kTheirs); });
  channel_->on_close([this] { finish("the receiver closed the channel", Fault::kTheirs); });
  watch();
}

FileSender::~FileSender() {
  channel_->on_open({});
  channel_->on_message({});
  channel_->on_buffered_amount_low({});
  channel_->on_error({});
  channel_->on_close({});
}

void FileSender::offer() {
  console_.note("offering " + file_.name + ", " + show_bytes(file_.size));
  send(FileOffer{file_.name, file_.size});
}

void FileSender::handle(const floe::DataChannel::Message& message) {
  if (done_ || !message.is_text) return;
  watch();
  const auto parsed = parse_file_message(floe::as_text(message.payload));
  if (!parsed) {
    give_up(parsed.error().message, Fault::kTheirs);
  } else if (const auto* failed = std::get_if<FileFailed>(&*parsed)) {
    finish("the receiver says: " + printable(failed->reason), Fault::kTheirs);
  } else if (std::holds_alternative<FileAccepted>(*parsed) && !std::exchange(accepted_, true)) {
    started_ = network_.now();
    send_more();
  } else if (std::holds_alternative<FileReceived>(*parsed) && !sha256_.empty()) {
    finish({}, Fault::kNone);
  }
}

void FileSender::send_more() {
  if (done_ || !accepted_ || !sha256_.empty()) return;
  watch();
  while (sent_ < file_.size) {
    if (channel_->buffered_amount() >= kHighWater) return show_progress();
    if (chunk_size_ == 0 && !read_chunk()) return;
    const auto taken = channel_->send(floe::Bytes(chunk_).first(chunk_size_));
    if (!taken && taken.error().code == floe::Errc::kWouldBlock) return;
    if (!taken) return give_up(taken.error().message, Fault::kTheirs);
    sent_ += std::exchange(chunk_size_, 0);
  }
  sha256_ = floe::to_hex(digest_.finish());
  send(FileEnd{sha256_});
}

/// Reads at most what was announced: the file may have grown.
bool FileSender::read_chunk() {
  const std::size_t wanted = std::min<std::uint64_t>(kChunk, file_.size - sent_);
  chunk_size_ = std::fread(chunk_.data(), 1, wanted, file_.stream.get());
  if (chunk_size_ == 0) {
    give_up(std::ferror(file_.stream.get()) != 0
                ? std::string("cannot read on: ") + std::strerror(errno)
                : "the file became shorter while it was being sent",
            Fault::kOurs);
    return false;
  }
  digest_.update(floe::Bytes(chunk_).first(chunk_size_));
  return true;
}

void FileSender::send(const FileMessage& message) {
  const auto sent = channel_->send(to_json(message));
  if (!sent) finish(sent.error().message, Fault::kTheirs);
}

void FileSender::give_up(const std::string& why, Fault fault) {
  if (done_) return;
  // The receiver may be gone already; our own report says why in any case.
  static_cast<void>(channel_->send(to_json(FileFailed{why})));
  finish(why, fault);
}

void FileSender::finish(std::string error, Fault fault) {
  if (std::exchange(done_, true)) return;
  stall_timer_->arm(floe::kNever);
  TransferReport report;
  report.sent = true;
  report.name = file_.name;
  report.bytes = sent_;
  report.seconds = elapsed();
  report.sha256 = sha256_;
  report.sha256_ok = error.empty();
  report.error = std::move(error);
  report.fault = fault;
  channel_->close();
  on_done_(report);
}

void FileSender::show_progress() {
  if (network_.now() - shown_ < kProgressEvery) return;
  shown_ = network_.now();
  console_.progress("sending " + file_.name, sent_ - channel_->buffered_amount(), file_.size,
                    elapsed());
}

void FileSender::watch() {
  stall_timer_->arm(network_.now() + kPatience);
}

double FileSender::elapsed() const {
  return accepted_ ? std::chrono::duration<double>(network_.now() - started_).count() : 0;
}

}  // namespace chat
