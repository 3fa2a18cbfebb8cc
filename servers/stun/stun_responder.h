#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "floe/core/random.h"
#include "floe/core/time.h"
#include "floe/net/datagram.h"
#include "floe/net/send_batch.h"
#include "floe/servers/stun/source_limiter.h"
#include "floe/stun_client/message.h"

namespace floe::server {

/// Answers STUN Binding requests without authentication, as the engine of `StunServer`. It keeps no
/// state per request: Binding is idempotent (RFC 8489 section 6.3.1).
///
/// An answer is at most kMaxGrowth bytes larger than its request, because the request's source may
/// be forged: what must be in it (the mapped address, or the error with its list) is, what is only
/// good to know (SOFTWARE, the reason phrase) when the answer stays no larger than the request.
///
/// With two addresses and two ports it also helps clients to find out how their NATs behave
/// (RFC 5780). Then answers have the attributes which that asks for, and are up to
/// kMaxDiscoveryGrowth bytes larger; PADDING never makes an answer larger than its request.
class StunResponder {
 public:
  /// XOR-MAPPED-ADDRESS with an IPv6 address, the most a bare request must be given. On the wire,
  /// IP and UDP headers included, that is 1.35 times the request, and 1.25 times with IPv4.
  static constexpr std::size_t kMaxGrowth = 24;
  /// MAPPED-ADDRESS, RESPONSE-ORIGIN and OTHER-ADDRESS besides (RFC 5780 section 6.1).
  static constexpr std::size_t kMaxDiscoveryGrowth = 4 * 24;
  /// Header, IPv6 address, the longest SOFTWARE (RFC 8489 section 14.14) and FINGERPRINT.
  static constexpr std::size_t kMaxResponse = stun::kHeaderSize + 24 + 4 + 512 + 8;

  struct Configuration {
    std::string software = "floe";  ///< Fewer than 128 characters; empty leaves it out.
    SourceLimiter::Rate rate{};     ///< Answers per source address.
  };

  /// A socket that answers can leave by.
  struct Origin {
    net::SocketId socket = net::kNoSocket;
    net::Endpoint local;
  };
  /// Two addresses with the same two ports: [0] and [1] are the first address', [0] and [2] have
  /// the first port.
  using Origins = std::array<Origin, 4>;

  struct Stats {
    std::uint64_t answered = 0;            ///< Success responses.
    std::uint64_t answered_classic = 0;    ///< Of these, to RFC 3489 clients.
    std::uint64_t answered_elsewhere = 0;  ///< Of these, from another socket or to another port.
    std::uint64_t bad_requests = 0;        ///< Error responses with code 400.
    std::uint64_t unknown_attributes = 0;  ///< Error responses with code 420.
    std::uint64_t indications = 0;         ///< Binding indications: they want no answer.
    std::uint64_t dropped_malformed = 0;
    std::uint64_t dropped_method = 0;    ///< Not Binding.
    std::uint64_t dropped_response = 0;  ///< A response to nothing we asked.
    std::uint64_t dropped_fingerprint = 0;
    std::uint64_t dropped_source = 0;  ///< Port 0, or an address nobody sends from.
    std::uint64_t dropped_rate_limited = 0;
    std::uint64_t dropped_batch_full = 0;
  };

  StunResponder(Configuration configuration, Random& random);
  /// Begins to serve RFC 5780 on these sockets. On others (TCP cannot answer from elsewhere) what
  /// it asks for stays unknown.
  void set_origins(const Origins& origins) { origins_ = origins; }

  /// Writes the answer, if there is one, into `batch`, which should have room for kMaxResponse and
  /// for the request.
  void handle_packet(Time now, const net::Datagram& datagram, net::SendBatch& batch);

  const Stats& stats() const { return stats_; }

 private:
  bool is_answerable(Time now, const stun::Message& message, const net::Endpoint& source);
  void answer(const stun::Message& request, const net::Datagram& datagram, net::SendBatch& batch);
  void write_success(stun::MessageBuilder& response, const stun::Message& request,
                     const net::Endpoint& source, std::optional<std::size_t> origin) const;
  void write_discovery(stun::MessageBuilder& response, const stun::Message& request,
                       const net::Endpoint& source, std::size_t origin) const;
  static stun::AttributeTypes unknown_in(const stun::Message& request, bool serves_discovery);
  /// The index of the origin with this socket.
  std::optional<std::size_t> origin_at(net::SocketId socket) const;
  void write_unknown_attributes(stun::MessageBuilder& response, const stun::Message& request,
                                const stun::AttributeTypes& unknown) const;

  Configuration configuration_;
  std::optional<Origins> origins_;
  SourceLimiter limiter_;
  Stats stats_;
};

}  // namespace floe::server
