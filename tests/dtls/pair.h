#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "floe/core/random.h"
#include "floe/dtls/connection.h"

namespace floe::dtls::testing {

inline constexpr Time kStart = Time(std::chrono::seconds(1'000));

/// An ECDSA identity that all tests share, and another one.
std::shared_ptr<const Identity> identity();
std::shared_ptr<const Identity> other_identity();
std::vector<Fingerprint> fingerprints_of(const Identity& identity);

Connection::Config client_config();
Connection::Config server_config();
std::unique_ptr<Connection> make(Connection::Config config);

/// What one side saw.
struct Side {
  std::unique_ptr<Connection> connection;
  std::vector<Event> events;
  std::vector<std::string> received;
  std::size_t largest_datagram = 0;
  std::uint64_t wakeups = 0;

  bool connected() const;
  bool closed() const;
  const Error* failure() const;
};

/// What a path does to datagrams; the same in both directions.
struct Path {
  Duration delay = std::chrono::milliseconds(20);
  Duration jitter = Duration::zero();  ///< Reorders when above zero.
  double loss = 0;
  double duplication = 0;
  /// Called for each datagram before all else; false loses it.
  std::function<bool(bool from_client, std::vector<std::uint8_t>&)> filter;
};

/// A client and a server joined by a path, run in virtual time.
class Pair {
 public:
  explicit Pair(Connection::Config client = client_config(),
                Connection::Config server = server_config(), Path path = {},
                std::uint64_t seed = 1);

  void start();
  /// Runs until `done`, until nothing is left to happen, or until `limit` has passed.
  void run(std::function<bool()> done = {}, Duration limit = std::chrono::minutes(3));
  /// Starts both and runs until both are connected.
  void connect();
  /// Moves what the engines have to say onto the path, into events and into received.
  void pump();
  void send(bool from_client, std::string_view text);
  Time now() const { return now_; }
  void advance_to(Time now);

  Side client;
  Side server;
  Path path;
  /// Every datagram handed to the path, in order.
  std::vector<std::pair<bool, std::vector<std::uint8_t>>> trace;

 private:
  struct Transit {
    bool from_client;
    std::vector<std::uint8_t> bytes;
  };
  void pump_side(Side& side, bool is_client);
  void carry(bool from_client, std::vector<std::uint8_t> datagram);

  Time now_ = kStart;
  SeededRandom random_;
  std::multimap<Time, Transit> in_transit_;
  std::size_t client_mtu_;
  std::size_t server_mtu_;
};

}  // namespace floe::dtls::testing
