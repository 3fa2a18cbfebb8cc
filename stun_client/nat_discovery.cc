#include "floe/stun_client/nat_discovery.h"

#include <algorithm>
#include <utility>

#include "floe/core/text.h"

namespace floe::stun {
namespace {

/// Header, CHANGE-REQUEST, RESPONSE-PORT and PADDING.
constexpr std::size_t kMaxRequest = kHeaderSize + 8 + 8 + 4 + NatDiscovery::kPadding;
static_assert(kMaxRequest <= Transaction::kMaxRequest);

}  // namespace

NatDiscovery::NatDiscovery(Configuration configuration,
                           const std::array<LocalSocket, kSockets>& sockets, Random& random)
    : configuration_(std::move(configuration)), sockets_(sockets), random_(random) {
  report_.local = socket(Role::kMapping).local;
  report_.server = configuration_.server;
}

void NatDiscovery::start(Time now) {
  if (started_) return;
  started_ = true;
  next_start_ = now;
  ask_server(now, Step::kReach, Role::kMapping);
}

bool NatDiscovery::wants(NatTest test) const {
  return std::ranges::find(configuration_.tests, test) != configuration_.tests.end();
}

void NatDiscovery::ask_server(Time now, Step step, Role from, ChangeRequest change) {
  net::Endpoint answer_from = configuration_.server;
  if (report_.other_address) {
    if (change.address) answer_from.address = report_.other_address->address;
    if (change.port) answer_from.port = report_.other_address->port;
  }
  ask(now, {step, from, configuration_.server, answer_from, change});
}

void NatDiscovery::ask(Time now, Request request) {
  const Time starts = std::max(now, next_start_);
  next_start_ = starts + kPace;
  exchanges_.push_back({std::move(request), starts});
}

void NatDiscovery::begin(Time now, Exchange& exchange) {
  const Request& request = exchange.request;
  std::array<std::uint8_t, kMaxRequest> space;
  MessageBuilder message(space, Class::kRequest, Method::kBinding, random_transaction_id(random_));
  if (request.change.address || request.change.port) message.add_change_request(request.change);
  if (request.response_port) {  // RFC 5780 section 7.5: the port and two bytes of padding
    message.add_u32(AttributeType::kResponsePort, std::uint32_t{*request.response_port} << 16);
  }
  if (request.padding) {
    const std::vector<std::uint8_t> zeros(kPadding);
    message.add(AttributeType::kPadding, zeros);
  }
  Result<Transaction> started =
      Transaction::start(now, message.bytes(), Transport::kDatagrams, configuration_.times);
  if (started) {
    exchange.transaction = std::move(*started);
  } else {
    exchange.failure = started.error();
  }
}

bool NatDiscovery::handle_packet(Time now, const net::Datagram& datagram) {
  const auto found = std::ranges::find(sockets_, datagram.socket, &LocalSocket::id);
  if (found == sockets_.end() || !looks_like_stun(datagram.payload)) return false;
  const Role at{static_cast<std::uint8_t>(found - sockets_.begin())};
  const Result<Message> message = Message::parse(datagram.payload);
  if (!message) {
    ++stats_.dropped_malformed;
    return true;
  }
  if (message->is_request(Method::kBinding)) {
    take_hairpinned(now, *message, at, datagram.source);
    return true;
  }
  const auto exchange = std::ranges::find_if(exchanges_, [&](const Exchange& one) {
    return one.transaction && one.transaction->matches(*message);
  });
  if (exchange == exchanges_.end()) {
    ++stats_.dropped_unexpected;
    return true;
  }
  // An error says that the server did not do as asked, so it comes from where the request went.
  const bool is_error = message->cls() == Class::kError;
  const Request& request = exchange->request;
  if (datagram.source != (is_error ? request.to : request.answer_from)) {
    ++stats_.dropped_other_source;
    return true;
  }
  ++stats_.responses;
  Answer answer;
  answer.success = !is_error;
  answer.at = at;
  answer.mapped = message->xor_mapped_address();
  answer.plain_mapped = message->mapped_address();
  answer.other = message->other_address();
  if (is_error) answer.error = message->error_code().value_or(ErrorCode{});
  conclude(now, static_cast<std::size_t>(exchange - exchanges_.begin()), &answer);
  return true;
}

void NatDiscovery::take_hairpinned(Time now, const Message& request, Role at,
                                   const net::Endpoint& source) {
  // RFC 5780 section 3.4: our own request came back to us. Which of the two does not matter.
  const auto exchange = std::ranges::find_if(exchanges_, [&](const Exchange& one) {
    const Step step = one.request.step;
    return (step == Step::kHairpinThere || step == Step::kHairpinBack) && one.transaction &&
           one.transaction->id() == request.transaction_id() && one.request.from != at;
  });
  if (exchange == exchanges_.end()) {
    ++stats_.dropped_unexpected;
    return;
  }
  report_.hairpinning = true;
  report_.hairpins_external_source = source.address == exchange->request.to.address;
  std::erase_if(exchanges_, [](const Exchange& one) {
    return one.request.step == Step::kHairpinThere || one.request.step == Step::kHairpinBack;
  });
  end(NatTest::kHairpinning);
  next_start_ = std::max(next_start_, now);
}

void NatDiscovery::handle_send_failure(Time now, const net::Route& route, const Error& error) {
  for (std::size_t i = 0; i < exchanges_.size(); ++i) {
    Exchange& exchange = exchanges_[i];
    if (!exchange.transaction || socket(exchange.request.from).id != route.socket ||
        exchange.request.to != route.destination) {
      continue;
    }
    // Two requests of one socket to one place differ in size only; a batch says no more.
    if (exchange.request.padding != (error.code == Errc::kMessageTooLong)) continue;
    exchange.failure = error;
    return conclude(now, i, nullptr);
  }
}

void NatDiscovery::poll_transmit(Time now, net::SendBatch& batch) {
  for (Exchange& exchange : exchanges_) {
    if (!exchange.transaction) {
      if (exchange.starts > now || exchange.failure) continue;
      begin(now, exchange);
      if (!exchange.transaction) continue;
    }
    const unsigned before = exchange.transaction->sends();
    exchange.transaction->poll_transmit(
        now, {socket(exchange.request.from).id, exchange.request.to, {}}, batch);
    stats_.requests_sent += exchange.transaction->sends() - before;
  }
}

Time NatDiscovery::next_timeout() const {
  Time next = probe_at_;
  for (const Exchange& exchange : exchanges_) {
    next = std::min(next,
                    exchange.transaction ? exchange.transaction->next_timeout() : exchange.starts);
  }
  return next;
}

void NatDiscovery::handle_timeout(Time now) {
  if (probe_at_ <= now) {
    probe_at_ = kNever;
    silence_ = now - opened_at_;  // Longer than planned if the machine slept: then that was tried.
    Request probe{Step::kLifetimeProbe, Role::kControl, configuration_.server,
                  configuration_.server};
    probe.response_port = lifetime_port_;
    ask(now, probe);
  }
  for (std::size_t i = 0; i < exchanges_.size();) {
    Exchange& exchange = exchanges_[i];
    if (!exchange.transaction && !exchange.failure && exchange.starts <= now) {
      begin(now, exchange);
    } else if (exchange.transaction) {
      exchange.transaction->handle_timeout(now);
    }
    if (exchange.failure || (exchange.transaction && exchange.transaction->timed_out())) {
      conclude(now, i, nullptr);
      i = 0;  // What concludes may end or begin others.
    } else {
      ++i;
    }
  }
}

std::optional<NatDiscovery::Concluded> NatDiscovery::poll_event() {
  if (events_.empty()) return std::nullopt;
  const Concluded event = events_.front();
  events_.pop_front();
  return event;
}

}  // namespace floe::stun
