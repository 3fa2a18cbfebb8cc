#pragma once

#include <array>
#include <deque>
#include <map>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "floe/sctp/data_channels.h"

// What DataChannels consists of, for the files that implement it (internal to this folder).
namespace floe::sctp {

struct DataChannels::Channel {
  ChannelId id;
  ChannelOptions options;
  bool remote = false;  ///< The peer opened it in-band.
  ChannelState state = ChannelState::kConnecting;
  std::optional<StreamId> stream;
  bool introduced = false;        ///< Our OPEN or ACK was sent.
  bool heard = false;             ///< The peer has sent anything on it (RFC 8832 section 6).
  bool opened = false;            ///< It once was open.
  bool waits_for_stream = false;  ///< More outgoing streams were asked for.

  // RFC 8831 section 6.7: closed when both directions have been reset.
  bool incoming_reset = false;
  bool outgoing_reset = false;
  /// Resets of our stream that still belong to the channel before this one: the peer has reset both
  /// directions and opened anew while its answer to us was lost.
  unsigned earlier_resets = 0;
  std::optional<Error> error;  ///< Why it is closing.

  std::size_t low_threshold = 0;
  bool above_threshold = false;
  std::optional<MessageKind> partial_kind;
  std::vector<std::uint8_t> partial;  ///< Of deprecated PPIDs 52 and 54.
  ChannelStats stats;
};

struct DataChannels::Core {
  explicit Core(Config c) : config(std::move(c)), association(config.association) {}

  /// A stream without a channel that is being reset in both directions.
  struct Refusal {
    bool incoming_reset = false;
    bool outgoing_reset = false;
  };

  Config config;
  Association association;
  std::optional<DtlsRole> role;
  std::map<ChannelId, Channel> channels;
  std::unordered_map<StreamId, ChannelId> by_stream;
  std::unordered_map<StreamId, Refusal> refusals;
  /// Streams whose reset the peer denied: their sequence numbers cannot start anew.
  std::unordered_set<StreamId> unusable;
  /// No free stream of this parity below it.
  std::array<StreamId, 2> lowest_free{0, 1};
  std::deque<Association::Message> orphans;
  std::size_t orphan_bytes = 0;
  std::deque<Event> events;
  Stats stats;
  std::uint64_t next_channel = 1;
  bool over = false;
};

}  // namespace floe::sctp
