#include "floe/ice/transport.h"

#include <deque>
#include <type_traits>
#include <utility>
#include <variant>

#include "floe/core/limits.h"
#include "floe/ice/pump.h"

namespace floe::ice {

class Transport::Connection final : public Engines {
 public:
  Connection(net::Network& network, Config config, Handlers handlers)
      : handlers_(std::make_shared<const Handlers>(std::move(handlers))),
        random_(network.random()),
        agent_(std::move(config.agent), random_, network.pacer()),
        pump_(network, *this),
        agent_network_(
            network, random_, agent_, {std::move(config.local), std::move(config.trust)},
            [this](std::span<net::Datagram> datagrams) { receive(datagrams); },
            [this] { pump_.wake(); }) {}

  Agent& agent() { return agent_; }
  AgentNetwork& agent_network() { return agent_network_; }
  Pump& pump() { return pump_; }
  Report report() const {
    const auto& problems = agent_network_.problems();
    return make_report(agent_, pump_.now(), {problems.begin(), problems.end()});
  }

  void gather() {
    if (std::exchange(gathered_, true)) return;
    agent_network_.gather();
    pump_.wake();
  }

  Result<> send(Bytes packet) {
    const auto route = agent_.route();
    if (!route) return fail(Errc::kInvalidState, "no candidate pair works yet: nothing was sent");
    if (packet.size() > kMaxUdpPayload) {
      return fail(Errc::kMessageTooLong, "a packet has at most 65507 bytes, this one has " +
                                             std::to_string(packet.size()));
    }
    // Waits for the turn in the pump's batch; a copy each, so that a burst leaves in one call.
    if (queued_bytes_ + packet.size() > kMaxQueuedBytes) {
      return fail(Errc::kWouldBlock, "the send queue is full: wait for the loop to turn");
    }
    queued_bytes_ += packet.size();
    queue_.push_back(to_vector(packet));
    pump_.wake();
    return {};
  }

  void close() {
    net::SendBatch& batch = pump_.network().batch();
    agent_.close(pump_.now(), batch);
    pump_.network().send(batch);
    batch.clear();
    agent_network_.close();
    pump_.stop();
    queue_.clear();
  }

  // --- Engines ---
  void handle_timeout(Time now) override { agent_.handle_timeout(now); }
  Time next_timeout() const override { return agent_.next_timeout(); }
  void handle_send_failure(Time now, const net::Route& route, const Error& error) override {
    agent_.handle_send_failure(now, route, error);
  }

  void poll_transmit(Time now, net::SendBatch& batch) override {
    agent_network_.serve();
    agent_.poll_transmit(now, batch);
    const auto route = agent_.route();
    while (!queue_.empty()) {
      // Without a path (consent was lost meanwhile) nothing may leave: RFC 7675 section 5.1.
      if (route && !batch.add(*route, queue_.front())) return;
      queued_bytes_ -= queue_.front().size();
      queue_.pop_front();
    }
  }

  bool deliver_event(Time) override {
    auto event = agent_.poll_event();
    if (!event) return false;
    const auto handlers = handlers_;  // the application may destroy this object in any of them
    if (const auto* found = std::get_if<Agent::CandidateGathered>(&*event)) {
      call(handlers->candidate, found->candidate);
    } else if (const auto* gathering = std::get_if<Agent::GatheringStateChanged>(&*event)) {
      call(handlers->gathering_state, gathering->state);
    } else if (const auto* failed = std::get_if<Gatherer::ServerFailed>(&*event)) {
      call(handlers->server_failed, *failed);
    } else if (const auto* state = std::get_if<Agent::StateChanged>(&*event)) {
      deliver_state(state->state, *handlers);
    } else if (const auto* pair = std::get_if<Agent::SelectedPairChanged>(&*event)) {
      call(handlers->selected_pair, *pair);
    }
    return true;
  }

 private:
  template <typename Handler, typename Argument>
  static void call(const Handler& handler, const Argument& argument) {
    if (handler) handler(argument);
  }

  void deliver_state(State state, const Handlers& handlers) {
    if (state != State::kFailed || !handlers.failed) return call(handlers.state, state);
    const std::shared_ptr<bool> alive = alive_;
    const Report why = report();
    call(handlers.state, state);
    if (*alive && agent_.state() != State::kClosed) handlers.failed(why);
  }

  void receive(std::span<net::Datagram> datagrams) {
    const std::shared_ptr<bool> alive = alive_;
    const auto handlers = handlers_;
    const Time now = pump_.now();
    for (net::Datagram& datagram : datagrams) {
      if (agent_.handle_packet(now, datagram) != Agent::Verdict::kApplication) continue;
      call(handlers->data, datagram.payload);
      if (!*alive || agent_.state() == State::kClosed) return;
    }
    pump_.turn();
  }

  struct AliveFlag {
    std::shared_ptr<bool> flag = std::make_shared<bool>(true);
    ~AliveFlag() { *flag = false; }
    operator std::shared_ptr<bool>() const { return flag; }
  };

  std::shared_ptr<const Handlers> handlers_;
  TaggedRandom random_;
  Agent agent_;
  Pump pump_;
  AgentNetwork agent_network_;
  std::deque<std::vector<std::uint8_t>> queue_;
  std::size_t queued_bytes_ = 0;
  bool gathered_ = false;
  AliveFlag alive_;
};

Result<std::unique_ptr<Transport>> Transport::create(net::Network& network, Config config,
                                                     Handlers handlers) {
  if (config.agent.credentials) {
    if (auto ok = validate(*config.agent.credentials); !ok) return forward(ok);
  }
  if (auto ok = validate(config.agent.gathering.rewrites); !ok) return forward(ok);
  auto servers = parse_servers(config.servers);
  if (!servers) return forward(servers);
  config.agent.gathering.servers = *std::move(servers);
  config.agent.resolve_names = config.local.mdns != nullptr;
  return std::unique_ptr<Transport>(
      new Transport(std::make_unique<Connection>(network, std::move(config), std::move(handlers))));
}

Transport::Transport(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}
Transport::~Transport() {
  connection_->close();
}

const Credentials& Transport::local_credentials() const {
  return connection_->agent().local_credentials();
}
Role Transport::role() const {
  return connection_->agent().role();
}
State Transport::state() const {
  return connection_->agent().state();
}
const Agent& Transport::agent() const {
  return connection_->agent();
}

Report Transport::report() const {
  return connection_->report();
}

void Transport::gather() {
  connection_->gather();
}

Result<> Transport::restart(std::optional<Credentials> credentials) {
  auto ok = connection_->agent().restart(connection_->pump().now(), std::move(credentials));
  connection_->pump().wake();
  return ok;
}

Result<> Transport::set_servers(std::span<const ServerConfig> servers) {
  auto parsed = parse_servers(servers);
  if (!parsed) return forward(parsed);
  connection_->agent().set_servers(*std::move(parsed));
  return {};
}

void Transport::set_policy(Policy policy) {
  connection_->agent_network().set_policy(policy);
  connection_->pump().wake();
}

Result<> Transport::set_remote_credentials(const Credentials& credentials) {
  auto ok = connection_->agent().set_remote_credentials(connection_->pump().now(), credentials);
  connection_->pump().wake();
  return ok;
}

Result<> Transport::add_remote_candidate(std::string_view candidate) {
  auto parsed = Candidate::parse(candidate);
  if (!parsed) return forward(parsed);
  return add_remote_candidate(*parsed);
}

Result<> Transport::add_remote_candidate(const Candidate& candidate) {
  auto ok = connection_->agent().add_remote_candidate(connection_->pump().now(), candidate);
  connection_->pump().wake();
  return ok;
}

void Transport::set_remote_end_of_candidates() {
  connection_->agent().set_remote_end_of_candidates(connection_->pump().now());
  connection_->pump().wake();
}

Result<> Transport::send(Bytes packet) {
  return connection_->send(packet);
}
void Transport::close() {
  connection_->close();
}

}  // namespace floe::ice
