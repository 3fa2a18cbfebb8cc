#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "floe/core/result.h"
#include "floe/core/time.h"
#include "floe/mdns/link.h"
#include "floe/mdns/message.h"
#include "floe/net/send_batch.h"

namespace floe::mdns {

/// Names one lookup of a `Querier`.
enum class LookupId : std::uint64_t {};

/// Resolves host names on the local links (RFC 6762). An engine. Several lookups of one name share
/// their questions, and what was heard lately is not asked for again.
class Querier {
 public:
  /// Lookups at once. A peer may signal as many names as candidates; those of a hundred peers fit.
  static constexpr std::size_t kMaxLookups = 512;
  /// Names whose addresses are remembered, from answers to others too; the oldest goes first.
  static constexpr std::size_t kMaxCached = 256;
  /// Of one name. A host has a few; more only make work.
  static constexpr std::size_t kMaxAddresses = 8;
  /// Nobody's word lasts longer, whatever TTL it has (RFC 6762 section 10 has 120 s for hosts).
  static constexpr Duration kMaxTtl = std::chrono::minutes(10);

  struct Configuration {
    /// Until a lookup fails. Questions leave at 0, 1, 3 and 7 s, and an announcement that comes
    /// late is heard too.
    Duration timeout = std::chrono::seconds(10);
  };

  struct Resolved {
    LookupId id;
    std::vector<net::Address> addresses;  ///< At least one.
  };
  struct Failed {
    LookupId id;
    Error error;
  };
  using Event = std::variant<Resolved, Failed>;

  struct Stats {
    std::uint64_t questions = 0;
    std::uint64_t answers = 0;  ///< Records taken in.
    std::uint64_t from_cache = 0;
    std::uint64_t dropped_address = 0;  ///< Records with an address no host has.
    std::uint64_t timed_out = 0;
  };

  explicit Querier(Configuration configuration) : configuration_(configuration) {}

  void set_links(std::span<const Link> links);

  /// Begins a lookup, which ends with one event unless it is cancelled. Errors: `kInvalidArgument`
  /// for what is no name under ".local", `kLimitExceeded`.
  [[nodiscard]] Result<LookupId> resolve(Time now, std::string_view name);
  /// Ends a lookup without an event; one that has ended is ignored.
  void cancel(LookupId id);

  /// `response` came from the link of `socket`; the caller has checked its source.
  void handle_response(Time now, const Message& response, net::SocketId socket);
  void poll_transmit(Time now, net::SendBatch& batch);
  Time next_timeout() const;
  void handle_timeout(Time now);
  std::optional<Event> poll_event();
  const Stats& stats() const { return stats_; }

 private:
  struct Lookup {
    LookupId id;
    Time deadline;
  };
  struct Query {  ///< One name that somebody waits for.
    std::string name;
    std::vector<Lookup> lookups;
    Time due;
    Duration interval;
    bool transmit = true;
  };
  struct Cached {
    struct Entry {
      net::Address address;
      Time expires;
    };
    std::string name;
    std::vector<Entry> entries;  ///< At most kMaxAddresses.
  };

  bool take(Time now, const Record& record, const Link& link);
  std::vector<net::Address> cached(Time now, std::string_view name) const;
  void finish_answered(Time now);
  std::size_t lookups() const;

  Configuration configuration_;
  std::vector<Link> links_;
  std::vector<Query> queries_;
  std::deque<Cached> cache_;  ///< Oldest first.
  std::deque<Event> events_;  ///< One for each lookup at most.
  std::uint64_t last_id_ = 0;
  Stats stats_;
};

}  // namespace floe::mdns
