#pragma once

#include <memory>

#include "floe/capi/data_channel.h"
#include "floe/capi/internal/handle.h"
#include "floe/peer/data_channel.h"

struct floe_data_channel {
  explicit floe_data_channel(std::shared_ptr<floe::DataChannel> of);

  std::shared_ptr<floe::DataChannel> channel;
  floe_data_channel_handlers handlers{};
  floe::c::Link<floe_data_channel> link{*this};
};

namespace floe::c {

/// NULL: the defaults.
Result<DataChannelInit> read_data_channel_init(const floe_data_channel_init* given);

}  // namespace floe::c
