#include "floe/capi/data_channel.h"

#include <string_view>
#include <utility>

#include "floe/capi/internal/call.h"
#include "floe/capi/internal/data_channel_handle.h"
#include "floe/capi/internal/sized_struct.h"
#include "floe/capi/internal/words.h"

using floe::Bytes;
using floe::DataChannel;
using floe::Result;
using floe::c::while_linked;

namespace floe::c {
namespace {

constexpr const char* kStates[] = {"connecting", "open", "closing", "closed"};

/// Where empty messages begin.
constexpr std::uint8_t kNothing = 0;

/// A call that fails in ways of its own.
template <typename Body>
floe_error_code call_on(floe_data_channel* channel, Body&& body) {
  return call([&]() -> Result<> {
    if (channel == nullptr) return is_null("channel");
    return body(*channel->channel);
  });
}

/// A question; `otherwise` for NULL.
template <typename Value, typename Body>
Value ask(const floe_data_channel* channel, Value otherwise, Body&& body) {
  return call_for<Value>(otherwise, [&]() -> Result<Value> {
    if (channel == nullptr) return is_null("channel");
    return body(*channel->channel);
  });
}

const char* shown_text(const std::string& text, std::size_t* length) {
  if (length != nullptr) *length = text.size();
  return text.c_str();
}

std::int32_t number_or_none(const std::optional<std::uint16_t>& number) {
  return number ? *number : -1;
}

}  // namespace

Result<DataChannelInit> read_data_channel_init(const floe_data_channel_init* given) {
  const auto read = read_struct_or_defaults(given, "floe_data_channel_init");
  if (!read) return forward(read);
  DataChannelInit init;
  init.ordered = !read->unordered;
  if (read->has_max_packet_life_time) init.max_packet_life_time = read->max_packet_life_time;
  if (read->has_max_retransmits) init.max_retransmits = read->max_retransmits;
  init.protocol = text_or_empty(read->protocol);
  init.negotiated = read->negotiated;
  if (read->negotiated) init.id = read->id;
  if (read->priority != 0) init.priority = read->priority;
  return init;
}

}  // namespace floe::c

floe_data_channel::floe_data_channel(std::shared_ptr<DataChannel> of) : channel(std::move(of)) {
  // The handle's handlers are looked up anew for each event: they may be replaced at any time.
  channel->on_open(while_linked(link, [](floe_data_channel& self) {
    if (self.handlers.open != nullptr) self.handlers.open(&self, self.handlers.user);
  }));
  channel->on_message(
      while_linked(link, [](floe_data_channel& self, const DataChannel::Message& message) {
        if (self.handlers.message == nullptr) return;
        const Bytes bytes = message.payload;
        self.handlers.message(&self, bytes.empty() ? &floe::c::kNothing : bytes.data(),
                              bytes.size(), message.is_text, self.handlers.user);
      }));
  channel->on_buffered_amount_low(while_linked(link, [](floe_data_channel& self) {
    if (self.handlers.buffered_amount_low != nullptr) {
      self.handlers.buffered_amount_low(&self, self.handlers.user);
    }
  }));
  channel->on_closing(while_linked(link, [](floe_data_channel& self) {
    if (self.handlers.closing != nullptr) self.handlers.closing(&self, self.handlers.user);
  }));
  channel->on_close(while_linked(link, [](floe_data_channel& self) {
    if (self.handlers.close != nullptr) self.handlers.close(&self, self.handlers.user);
  }));
  channel->on_error(while_linked(link, [](floe_data_channel& self, const floe::Error& error) {
    const floe_error shown = floe::c::shown(error);
    if (self.handlers.error != nullptr) self.handlers.error(&self, &shown, self.handlers.user);
  }));
}

void floe_data_channel_free(floe_data_channel* channel) {
  if (channel == nullptr) return;
  channel->channel->close();
  delete channel;
}

floe_error_code floe_data_channel_set_handlers(floe_data_channel* channel,
                                               const floe_data_channel_handlers* handlers) {
  return floe::c::call([&]() -> Result<> {
    if (channel == nullptr) return floe::c::is_null("channel");
    const auto read = floe::c::read_struct(handlers, "floe_data_channel_handlers");
    if (!read) return forward(read);
    channel->handlers = *read;
    return {};
  });
}

floe_error_code floe_data_channel_send_text(floe_data_channel* channel, const char* text,
                                            size_t length) {
  return floe::c::call_on(channel, [&](DataChannel& to) -> Result<> {
    if (text == nullptr && length > 0) return floe::c::is_null("text");
    return to.send(length == 0 ? std::string_view() : std::string_view(text, length));
  });
}

floe_error_code floe_data_channel_send_binary(floe_data_channel* channel, const void* data,
                                              size_t length) {
  return floe::c::call_on(channel, [&](DataChannel& to) -> Result<> {
    if (data == nullptr && length > 0) return floe::c::is_null("data");
    return to.send(length == 0 ? Bytes() : Bytes(static_cast<const std::uint8_t*>(data), length));
  });
}

size_t floe_data_channel_buffered_amount(const floe_data_channel* channel) {
  return floe::c::ask<size_t>(channel, 0,
                              [](const DataChannel& of) { return of.buffered_amount(); });
}

size_t floe_data_channel_buffered_amount_low_threshold(const floe_data_channel* channel) {
  return floe::c::ask<size_t>(
      channel, 0, [](const DataChannel& of) { return of.buffered_amount_low_threshold(); });
}

floe_error_code floe_data_channel_set_buffered_amount_low_threshold(floe_data_channel* channel,
                                                                    size_t bytes) {
  return floe::c::call_on(channel, [&](DataChannel& of) -> Result<> {
    of.set_buffered_amount_low_threshold(bytes);
    return {};
  });
}

floe_error_code floe_data_channel_close(floe_data_channel* channel) {
  return floe::c::call_on(channel, [](DataChannel& which) -> Result<> {
    which.close();
    return {};
  });
}

floe_data_channel_state floe_data_channel_ready_state(const floe_data_channel* channel) {
  return floe::c::ask(channel, FLOE_DATA_CHANNEL_STATE_CLOSED, [](const DataChannel& of) {
    return floe::c::enumerator(floe::c::kStates, to_string(of.ready_state()),
                               FLOE_DATA_CHANNEL_STATE_CLOSED);
  });
}

const char* floe_data_channel_label(const floe_data_channel* channel, size_t* length) {
  return floe::c::ask<const char*>(channel, nullptr, [&](const DataChannel& of) {
    return floe::c::shown_text(of.label(), length);
  });
}

const char* floe_data_channel_protocol(const floe_data_channel* channel, size_t* length) {
  return floe::c::ask<const char*>(channel, nullptr, [&](const DataChannel& of) {
    return floe::c::shown_text(of.protocol(), length);
  });
}

bool floe_data_channel_ordered(const floe_data_channel* channel) {
  return floe::c::ask(channel, false, [](const DataChannel& of) { return of.ordered(); });
}

bool floe_data_channel_negotiated(const floe_data_channel* channel) {
  return floe::c::ask(channel, false, [](const DataChannel& of) { return of.negotiated(); });
}

int32_t floe_data_channel_id(const floe_data_channel* channel) {
  return floe::c::ask<int32_t>(
      channel, -1, [](const DataChannel& of) { return floe::c::number_or_none(of.id()); });
}

int32_t floe_data_channel_max_packet_life_time(const floe_data_channel* channel) {
  return floe::c::ask<int32_t>(channel, -1, [](const DataChannel& of) {
    return floe::c::number_or_none(of.max_packet_life_time());
  });
}

int32_t floe_data_channel_max_retransmits(const floe_data_channel* channel) {
  return floe::c::ask<int32_t>(channel, -1, [](const DataChannel& of) {
    return floe::c::number_or_none(of.max_retransmits());
  });
}

const char* floe_data_channel_state_text(floe_data_channel_state state) {
  return floe::c::word(floe::c::kStates, state);
}
