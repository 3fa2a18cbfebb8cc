#pragma once

#include <cstdint>
#include <map>
#include <memory>

#include "floe/net/network.h"
#include "floe/peer/data_channel.h"
#include "members.h"
#include "output.h"
#include "transfer.h"

namespace peer_stdio {

/// The data channels of the peer, by the numbers that lines call them: the commands for them, and
/// their events.
class Channels {
 public:
  Channels(floe::net::Network& network, Output& output) : network_(network), output_(output) {}

  static floe::DataChannelInit read_init(Members& members);

  /// From now on what happens to `channel` is told. Its number.
  std::uint64_t add(std::shared_ptr<floe::DataChannel> channel);
  /// The connection they belong to has ended; the next one's are counted from 1 again.
  void forget();

  /// What is fixed about a channel, its stream id and its state.
  Json describe(std::uint64_t number) const;

  // The commands.
  floe::Result<Json> state(Members& members);
  floe::Result<Json> send(Members& members);
  floe::Result<Json> send_many(Members& members);
  floe::Result<Json> collect(Members& members);
  floe::Result<Json> set_low_threshold(Members& members);
  floe::Result<Json> close(Members& members);

 private:
  struct Channel {
    std::shared_ptr<floe::DataChannel> channel;
    std::unique_ptr<Sending> sending;
    std::unique_ptr<Tally> collected;
    std::uint64_t to_collect = 0;
  };

  /// nullptr, and `members` complains, if there is no such channel.
  Channel* find(Members& members);
  void handle_message(std::uint64_t number, const floe::DataChannel::Message& message);
  void go_on_sending(std::uint64_t number);
  void tell(const char* event, std::uint64_t number, Json members = Json::object());

  floe::net::Network& network_;
  Output& output_;
  std::map<std::uint64_t, Channel> channels_;
  std::uint64_t last_number_ = 0;
};

}  // namespace peer_stdio
