#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "floe/core/random.h"
#include "floe/core/result.h"
#include "floe/core/time.h"
#include "floe/mdns/link.h"
#include "floe/mdns/message.h"
#include "floe/net/send_batch.h"

namespace floe::mdns {

/// Owns host names on the local links: makes them up, sees that nobody else has them, answers for
/// them and takes them back (RFC 6762, as far as unique host names need it). An engine.
///
/// Each name stands for one address and is a random UUID, so that the address cannot be guessed
/// from it. It lives on the links of the interface that has the address, so that other networks do
/// not learn of it; for an address that no link has, on all of them.
class Responder {
 public:
  /// Names at once. An agent needs one for each of its addresses; this serves a hundred agents.
  static constexpr std::size_t kMaxNames = 512;
  /// Conflicts a name is replaced after. A UUID never has one by chance: whoever claims more of
  /// them does so on purpose.
  static constexpr unsigned kMaxRenames = 5;
  /// Answers to single askers that wait to be sent; more are dropped, and asked for again.
  static constexpr std::size_t kMaxUnicasts = 64;
  static constexpr std::uint32_t kTtl = 120;       ///< Seconds; RFC 6762 section 10
  static constexpr std::uint32_t kLegacyTtl = 10;  ///< RFC 6762 section 6.7

  struct Configuration {
    /// RFC 6762 section 8.1 lets those skip it who know their names to be unique. It takes up to
    /// one second; who asks meanwhile is answered at its end.
    bool probe = true;
  };

  /// Somebody else has the name: the address has a new one, which must be told to whoever was told
  /// the old one.
  struct Renamed {
    std::string old_name;
    std::string name;
  };
  /// The new names were disputed too, kMaxRenames times: the address has no name any more.
  struct Lost {
    std::string name;
  };
  using Event = std::variant<Renamed, Lost>;

  struct Stats {
    std::uint64_t queries = 0;  ///< That asked for a name of ours.
    std::uint64_t answers = 0;
    std::uint64_t suppressed = 0;  ///< The asker knew the answer (RFC 6762 section 7.1).
    std::uint64_t conflicts = 0;
    std::uint64_t announcements = 0;
    std::uint64_t goodbyes = 0;
    std::uint64_t dropped_busy = 0;  ///< Beyond kMaxUnicasts.
  };

  /// `random` must outlive it.
  Responder(Configuration configuration, Random& random);

  /// Replaces the links. On those that are new every name is announced.
  void set_links(Time now, std::span<const Link> links);

  /// Makes up a name for `address`. It may be told to others at once.
  [[nodiscard]] Result<std::string> register_name(Time now, const net::Address& address);
  /// Takes the name back, with a goodbye to the links. Unknown names are ignored.
  void withdraw(Time now, std::string_view name);
  void withdraw_all(Time now);

  /// `source` is on the link; the caller has checked it.
  void handle_query(Time now, const Message& query, const net::Endpoint& source,
                    net::SocketId socket);
  void handle_response(Time now, const Message& response);
  void poll_transmit(Time now, net::SendBatch& batch);
  Time next_timeout() const;
  void handle_timeout(Time now);
  std::optional<Event> poll_event();
  const Stats& stats() const { return stats_; }

 private:
  enum class State : std::uint8_t { kProbing, kAnnouncing, kEstablished };
  struct Name {
    std::string name;
    net::Address address;
    State state = State::kProbing;
    unsigned sent = 0;  ///< Probes or announcements.
    unsigned renames = 0;
    Time due = kNever;      ///< The next of them.
    bool transmit = false;  ///< It is due now.
    std::optional<Time> last_multicast{};
    Time answer_due = kNever;  ///< Somebody asked.
    bool answer = false;       ///< That is due now.
  };
  struct Unicast {
    net::Route route;
    std::vector<std::uint8_t> bytes;
  };

  Name* find(std::string_view name);
  std::string make_name();
  void begin(Time now, Name& name);
  void announce(Time now, Name& name);
  void conflict(Time now, Name& name);
  void answer(Time now, Name& name, const Message& query, const Question& question,
              const net::Endpoint& source, net::SocketId socket);
  Message response_for(const Name& name, const Question* question, std::uint32_t ttl) const;
  bool is_link_of(const Link& link, const net::Address& address) const;
  bool multicast(const net::Address& about, const Message& message, net::SendBatch& batch);

  Configuration configuration_;
  Random& random_;
  std::vector<Link> links_;
  std::vector<Name> names_;
  std::deque<Unicast> unicasts_;
  std::deque<Name> goodbyes_;  ///< At most kMaxNames.
  std::deque<Event> events_;
  Stats stats_;
};

}  // namespace floe::mdns
