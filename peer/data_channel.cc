#include "floe/peer/data_channel.h"

#include <utility>

#include "floe/core/text.h"

namespace floe {
namespace {

tl::unexpected<Error> not_open(const DataChannel& channel) {
  return fail(Errc::kInvalidState, "data channel " + quoted(channel.label()) + " is " +
                                       std::string(to_string(channel.ready_state())) +
                                       ", not open");
}

}  // namespace

DataChannel::DataChannel(DataChannelOwner& owner, sctp::ChannelId channel,
                         sctp::ChannelOptions options)
    : owner_(&owner),
      channel_(channel),
      options_(std::move(options)),
      handlers_(std::make_shared<Handlers>()) {}

std::optional<std::uint16_t> DataChannel::id() const {
  if (owner_ != nullptr) {
    if (const auto id = owner_->stream_id(channel_)) return id;
  }
  return options_.id;
}

Result<> DataChannel::send(std::string_view text) {
  if (owner_ == nullptr || state_ != DataChannelState::kOpen) {
    return not_open(*this);
  }
  return owner_->send(channel_, sctp::MessageKind::kText, as_bytes(text));
}

Result<> DataChannel::send(Bytes binary) {
  if (owner_ == nullptr || state_ != DataChannelState::kOpen) {
    return not_open(*this);
  }
  return owner_->send(channel_, sctp::MessageKind::kBinary, binary);
}

std::size_t DataChannel::buffered_amount() const {
  return owner_ == nullptr ? 0 : owner_->buffered_amount(channel_);
}

void DataChannel::set_buffered_amount_low_threshold(std::size_t bytes) {
  low_threshold_ = bytes;
  if (owner_ != nullptr) owner_->set_buffered_amount_low_threshold(channel_, bytes);
}

void DataChannel::close() {
  if (owner_ == nullptr || state_ == DataChannelState::kClosing ||
      state_ == DataChannelState::kClosed) {
    return;
  }
  state_ = DataChannelState::kClosing;
  owner_->close(channel_);
}

void DataChannel::on_open(std::function<void()> handler) {
  writable_handlers().open = std::move(handler);
}
void DataChannel::on_message(std::function<void(const Message&)> handler) {
  writable_handlers().message = std::move(handler);
}
void DataChannel::on_buffered_amount_low(std::function<void()> handler) {
  writable_handlers().buffered_amount_low = std::move(handler);
}
void DataChannel::on_closing(std::function<void()> handler) {
  writable_handlers().closing = std::move(handler);
}
void DataChannel::on_close(std::function<void()> handler) {
  writable_handlers().close = std::move(handler);
}
void DataChannel::on_error(std::function<void(const Error&)> handler) {
  writable_handlers().error = std::move(handler);
}

/// A handler that is running must not be destroyed by replacing it: whoever calls one holds the
/// set it is in, and a set that is held is copied before it changes.
DataChannel::Handlers& DataChannel::writable_handlers() {
  if (handlers_.use_count() > 1) handlers_ = std::make_shared<Handlers>(*handlers_);
  return *handlers_;
}

void DataChannel::handle_open() {
  if (state_ != DataChannelState::kConnecting) return;
  state_ = DataChannelState::kOpen;
  const auto handlers = handlers_;
  if (handlers->open) handlers->open();
}

void DataChannel::handle_message(const Message& message) {
  // W3C: a channel that is closing still delivers what arrives.
  if (state_ == DataChannelState::kClosed) return;
  const auto handlers = handlers_;
  if (handlers->message) handlers->message(message);
}

void DataChannel::handle_buffered_amount_low() {
  if (state_ != DataChannelState::kOpen) return;
  const auto handlers = handlers_;
  if (handlers->buffered_amount_low) handlers->buffered_amount_low();
}

void DataChannel::handle_closing() {
  if (state_ == DataChannelState::kClosed || state_ == DataChannelState::kClosing) return;
  state_ = DataChannelState::kClosing;
  const auto handlers = handlers_;
  if (handlers->closing) handlers->closing();
}

void DataChannel::detach() {
  state_ = DataChannelState::kClosed;
  owner_ = nullptr;
  handlers_ = std::make_shared<Handlers>();
}

void DataChannel::handle_closed(const std::optional<Error>& error) {
  if (state_ == DataChannelState::kClosed) return;
  state_ = DataChannelState::kClosed;
  owner_ = nullptr;
  const auto handlers = std::exchange(handlers_, std::make_shared<Handlers>());
  if (error && handlers->error) handlers->error(*error);
  if (handlers->close) handlers->close();
}

}  // namespace floe
