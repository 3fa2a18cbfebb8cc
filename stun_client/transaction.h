#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "floe/core/result.h"
#include "floe/core/time.h"
#include "floe/net/send_batch.h"
#include "floe/stun_client/message.h"

namespace floe::stun {

/// What carries a request decides who repeats it.
enum class Transport : std::uint8_t {
  kDatagrams,  ///< UDP, or DTLS over it: the transaction retransmits (RFC 8489 section 6.2.1).
  kStream,     ///< TCP, or TLS over it: TCP does (RFC 8489 section 6.2.2).
};

/// The names are RFC 8489's: RTO, Rc, Rm (section 6.2.1) and Ti (section 6.2.2). With the defaults
/// requests leave at 0, 0.5, 1.5, 3.5, 7.5, 15.5 and 31.5 s and the transaction fails at 39.5 s.
struct TransactionTimes {
  Duration rto = std::chrono::milliseconds(500);  ///< Before the first retransmission; doubles.
  unsigned rc = 7;                                ///< Requests in all; 1 to 16.
  unsigned rm = 16;                               ///< RTOs to wait after the last request.
  Duration ti = std::chrono::milliseconds(39'500);
};

/// One STUN request until its response or its end: it holds the bytes and knows when to send them
/// again. An engine; the owner matches responses and drops the transaction when one is accepted.
class Transaction {
 public:
  /// Header 20, the longest credentials that a server can bring about (USERNAME 512, REALM and
  /// NONCE 768 each, algorithms 140, both integrities 60, FINGERPRINT 8) and 284 for all the rest.
  static constexpr std::size_t kMaxRequest = 2'560;

  /// Begins with a first request to send at `now`. `request` is copied; it must be a whole STUN
  /// request of at most kMaxRequest bytes.
  [[nodiscard]] static Result<Transaction> start(Time now, Bytes request, Transport transport,
                                                 const TransactionTimes& times = {});

  const TransactionId& id() const { return id_; }
  Bytes request() const { return request_; }
  /// True for a response of either class to this very request. Whether it is authentic and came
  /// from the right place is for the owner to judge.
  bool matches(const Message& response) const;

  /// Writes the request into `batch` if it is due. If the batch is full, it stays due.
  void poll_transmit(Time now, const net::Route& route, net::SendBatch& batch);
  /// When `handle_timeout` has something to do; kNever once timed out.
  Time next_timeout() const { return due_; }
  /// Makes at most one retransmission due, however late it is called: a machine that slept through
  /// several does not send them in one burst, and waits in full for an answer to the one it sends.
  void handle_timeout(Time now);

  bool timed_out() const { return timed_out_; }
  unsigned sends() const { return sends_; }
  /// The time from the request to a response that arrived at `now`; nullopt if the request was sent
  /// more than once, as then nobody knows which one was answered (Karn's algorithm).
  std::optional<Duration> round_trip(Time now) const;

 private:
  Transaction(Time now, Bytes request, const Message& message, Transport transport,
              const TransactionTimes& times);

  std::vector<std::uint8_t> request_;
  TransactionId id_;
  Method method_;
  Transport transport_;
  bool transmit_ = true;
  bool timed_out_ = false;
  unsigned planned_ = 1;  ///< Requests sent or due.
  unsigned sends_ = 0;
  unsigned rc_;
  Duration last_wait_;
  Duration interval_;
  Time first_sent_{};
  Time due_;
};

}  // namespace floe::stun
