#pragma once

#include <deque>
#include <memory>
#include <set>
#include <unordered_set>
#include <vector>

#include "floe/sctp/association.h"
#include "floe/sctp/send_queue.h"
#include "floe/sctp/stack.h"

// What an Association consists of, for the files that implement it (internal to this folder).
namespace floe::sctp {

struct Association::Core {
  explicit Core(Config c) : config(std::move(c)) {}

  Config config;
  State state = State::kNew;
  Stats stats;
  Duration initial_rto = std::chrono::seconds(1);  // RFC 9260 section 16, RTO.Initial
  std::unique_ptr<internal::Socket> socket;        ///< From `connect()` on.
  Time latest{};
  Duration silence{0};  ///< How long the peer has been silent while something waited for it.

  // Sending
  internal::SendQueue queue;
  internal::Untransmitted untransmitted;
  bool sendable_owed = false;    ///< `send()` answered kWouldBlock.
  bool gave_up_message = false;  ///< `untransmitted` may count what will never be transmitted.
  bool corked = false;
  bool shutdown_wanted = false;
  std::set<StreamId> fell;  ///< Streams whose BufferedAmountFell was not polled yet.

  // Streams
  std::uint16_t incoming_streams = 0;
  std::uint16_t outgoing_streams = 0;
  std::uint16_t wanted_outgoing_streams = 0;
  bool adding_streams = false;
  std::vector<StreamId> resets_to_request;
  std::unordered_multiset<StreamId> resets_requested;

  // Receiving
  std::vector<std::vector<std::uint8_t>> early;
  std::size_t early_bytes = 0;
  std::optional<Message> assembling;
  std::deque<Event> events;
  std::size_t unpolled_bytes = 0;  ///< Of the messages in `events`.
  Time sack_pending_until{};
  unsigned packets_in_pass = 0;
  double packets_per_pass = 0;
  unsigned sack_frequency = 2;
};

}  // namespace floe::sctp
