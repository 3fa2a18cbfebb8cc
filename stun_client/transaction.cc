#include "floe/stun_client/transaction.h"

#include <algorithm>
#include <string>

namespace floe::stun {
namespace {

/// 2^15 times an RTO of 500 ms is four hours; more requests only invite overflow.
constexpr unsigned kMaxRc = 16;

}  // namespace

Result<Transaction> Transaction::start(Time now, Bytes request, Transport transport,
                                       const TransactionTimes& times) {
  if (request.size() > kMaxRequest) {
    return fail(Errc::kLimitExceeded, "a STUN request has at most " + std::to_string(kMaxRequest) +
                                          " bytes, this one has " + std::to_string(request.size()));
  }
  const Result<Message> message = Message::parse(request);
  if (!message) return forward(message);
  if (message->cls() != Class::kRequest) {
    return fail(Errc::kInvalidArgument, "only a STUN request starts a transaction");
  }
  return Transaction(now, request, *message, transport, times);
}

Transaction::Transaction(Time now, Bytes request, const Message& message, Transport transport,
                         const TransactionTimes& times)
    : request_(to_vector(request)),
      id_(message.transaction_id()),
      method_(message.method()),
      transport_(transport),
      rc_(std::clamp(times.rc, 1u, kMaxRc)),
      last_wait_(times.rto * times.rm),
      interval_(times.rto) {
  if (transport == Transport::kStream) {
    due_ = now + times.ti;
  } else {
    due_ = now + (rc_ == 1 ? last_wait_ : interval_);
  }
}

bool Transaction::matches(const Message& response) const {
  return response.is_response() && response.method() == method_ && response.transaction_id() == id_;
}

void Transaction::poll_transmit(Time now, const net::Route& route, net::SendBatch& batch) {
  if (!transmit_ || !batch.add(route, request_)) return;
  if (sends_++ == 0) first_sent_ = now;
  transmit_ = false;
}

void Transaction::handle_timeout(Time now) {
  if (now < due_ || timed_out_) return;
  if (transport_ == Transport::kStream || planned_ == rc_) {
    timed_out_ = true;
    transmit_ = false;
    due_ = kNever;
    return;
  }
  transmit_ = true;
  ++planned_;
  interval_ *= 2;
  due_ = now + (planned_ == rc_ ? last_wait_ : interval_);
}

std::optional<Duration> Transaction::round_trip(Time now) const {
  if (sends_ != 1 || now < first_sent_) return std::nullopt;
  return now - first_sent_;
}

}  // namespace floe::stun
