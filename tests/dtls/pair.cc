#include "tests/dtls/pair.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "tests/dtls/virtual_time.h"

namespace floe::dtls::testing {
namespace {

constexpr std::chrono::sys_seconds kToday{std::chrono::seconds(1'800'000'000)};

std::shared_ptr<const Identity> generate() {
  auto identity = Identity::generate(kToday);
  EXPECT_TRUE(identity.has_value());
  return *identity;
}

Connection::Config config(Role role) {
  Connection::Config config;
  config.role = role;
  config.identity = identity();
  config.remote_fingerprints = fingerprints_of(*identity());
  config.initial_rto = std::chrono::milliseconds(100);
  return config;
}

template <typename T>
const T* find_event(const std::vector<Event>& events) {
  for (const Event& event : events) {
    if (const T* found = std::get_if<T>(&event)) return found;
  }
  return nullptr;
}

}  // namespace

std::shared_ptr<const Identity> identity() {
  static const std::shared_ptr<const Identity> made = generate();
  return made;
}

std::shared_ptr<const Identity> other_identity() {
  static const std::shared_ptr<const Identity> made = generate();
  return made;
}

std::vector<Fingerprint> fingerprints_of(const Identity& identity) {
  return {*identity.fingerprint()};
}

Connection::Config client_config() {
  return config(Role::kClient);
}

Connection::Config server_config() {
  return config(Role::kServer);
}

std::unique_ptr<Connection> make(Connection::Config config) {
  auto connection = Connection::create(std::move(config));
  EXPECT_TRUE(connection.has_value()) << connection.error().message;
  return std::move(*connection);
}

bool Side::connected() const {
  return find_event<Connected>(events) != nullptr;
}

bool Side::closed() const {
  return find_event<Closed>(events) != nullptr;
}

const Error* Side::failure() const {
  const auto* failed = find_event<Failed>(events);
  return failed == nullptr ? nullptr : &failed->error;
}

Pair::Pair(Connection::Config client_config, Connection::Config server_config, Path path_given,
           std::uint64_t seed)
    : path(std::move(path_given)),
      random_(seed),
      client_mtu_(client_config.mtu),
      server_mtu_(server_config.mtu) {
  set_virtual_time(now_);
  set_wall_clock_offset(Duration::zero());
  client.connection = make(std::move(client_config));
  server.connection = make(std::move(server_config));
}

void Pair::start() {
  server.connection->start(now_);
  client.connection->start(now_);
  pump();
}

void Pair::connect() {
  start();
  run([this] { return client.connected() && server.connected(); });
  ASSERT_TRUE(client.connected()) << (client.failure() ? client.failure()->message : "no event");
  ASSERT_TRUE(server.connected()) << (server.failure() ? server.failure()->message : "no event");
}

void Pair::advance_to(Time now) {
  ASSERT_GE(now, now_);
  now_ = now;
  set_virtual_time(now);
}

void Pair::run(std::function<bool()> done, Duration limit) {
  const Time end = now_ + limit;
  pump();
  while (!done || !done()) {
    Time next = std::min(client.connection->next_timeout(), server.connection->next_timeout());
    if (!in_transit_.empty()) next = std::min(next, in_transit_.begin()->first);
    if (next == kNever) return;
    if (next > end) {
      advance_to(end);
      return;
    }
    advance_to(std::max(next, now_));
    if (!in_transit_.empty() && in_transit_.begin()->first <= now_) {
      Transit transit = std::move(in_transit_.begin()->second);
      in_transit_.erase(in_transit_.begin());
      Side& to = transit.from_client ? server : client;
      to.connection->handle_packet(now_, transit.bytes);
    }
    for (Side* side : {&client, &server}) {
      if (side->connection->next_timeout() > now_) continue;
      side->connection->handle_timeout(now_);
      ++side->wakeups;
      ASSERT_GT(side->connection->next_timeout(), now_);
    }
    pump();
  }
}

void Pair::pump() {
  pump_side(client, true);
  pump_side(server, false);
}

void Pair::pump_side(Side& side, bool is_client) {
  while (auto event = side.connection->poll_event()) side.events.push_back(std::move(*event));
  while (auto plaintext = side.connection->poll_plaintext()) {
    side.received.emplace_back(as_text(*plaintext));
  }
  const std::size_t mtu = is_client ? client_mtu_ : server_mtu_;
  std::vector<std::uint8_t> space(mtu);
  while (const std::size_t size = side.connection->poll_transmit(now_, space)) {
    side.largest_datagram = std::max(side.largest_datagram, size);
    carry(is_client, to_vector(MutableBytes(space).first(size)));
  }
}

void Pair::send(bool from_client, std::string_view text) {
  Side& side = from_client ? client : server;
  std::vector<std::uint8_t> datagram(text.size() + Connection::kMaxOverhead);
  const auto size = side.connection->seal(as_bytes(text), datagram);
  ASSERT_TRUE(size.has_value()) << size.error().message;
  datagram.resize(*size);
  carry(from_client, std::move(datagram));
}

void Pair::carry(bool from_client, std::vector<std::uint8_t> datagram) {
  trace.emplace_back(from_client, datagram);
  if (path.filter && !path.filter(from_client, datagram)) return;
  const int copies = random_.unit() < path.duplication ? 2 : 1;
  for (int i = 0; i < copies; ++i) {
    if (random_.unit() < path.loss) continue;
    const auto jitter = std::chrono::duration_cast<Duration>(random_.unit() * path.jitter);
    in_transit_.emplace(now_ + path.delay + jitter, Transit{from_client, datagram});
  }
}

}  // namespace floe::dtls::testing
