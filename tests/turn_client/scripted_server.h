#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "floe/stun_client/credentials.h"
#include "floe/stun_client/message.h"
#include "floe/turn_client/client.h"

namespace floe::turn {

using Add = std::function<void(stun::MessageBuilder&)>;
using Packet = std::vector<std::uint8_t>;

inline net::Endpoint endpoint(std::string_view text) {
  return net::Endpoint::parse(text).value();
}
inline net::Address address(std::string_view text) {
  return net::Address::parse(text).value();
}

/// A TURN server that follows the standard until its script says otherwise, and remembers what it
/// was asked.
class ScriptedServer {
 public:
  struct Request {
    Time at;
    Packet bytes;
    stun::Message message() const { return stun::Message::parse(bytes).value(); }
  };
  struct Sent {
    net::Endpoint peer;
    Packet payload;
    bool over_channel = false;
    bool dont_fragment = false;
  };

  // The script.
  std::string realm = "example.org";
  std::string nonce = "nonce-1";
  std::string username = "user";
  std::string password = "pass";
  bool asks_for_credentials = true;
  bool offers_sha256 = false;
  bool silent = false;
  std::uint16_t stale_nonce_code = stun::kStaleNonce;  ///< Some servers say 401.
  std::vector<net::Endpoint> relayed{endpoint("198.51.100.7:50000")};
  net::Endpoint mapped = endpoint("203.0.113.9:4000");
  std::uint32_t lifetime = 600;
  Add in_allocated;  ///< More attributes of Allocate and Refresh success responses.

  /// The next `times` authenticated requests of `method` fail with `code`.
  void fail_next(stun::Method method, std::uint16_t code, Add add = {}, int times = 1);
  /// The next `times` responses to authenticated requests of `method` get lost.
  void lose_next(stun::Method method, int times = 1) { lost_[method] = times; }
  /// The next responses to authenticated requests of `method` have a wrong integrity.
  void forge_next(stun::Method method, int times = 1) { forged_[method] = times; }
  void rotate_nonce() { nonce = "nonce-" + std::to_string(++nonces_); }
  /// Everything is forgotten, save the users.
  void restart();

  /// What the server makes of a packet; nullopt if it does not answer.
  std::optional<Packet> handle(Time now, Bytes packet);

  bool has_allocation(Time now) const { return allocation_until_ > now; }
  bool has_permission(Time now, const net::Address& peer) const;
  /// The peer that `number` is bound to.
  std::optional<net::Endpoint> channel(Time now, std::uint16_t number) const;

  /// Requests of `method` that came, challenged ones and retransmissions included.
  const std::vector<Request>& requests(stun::Method method) { return requests_[method]; }
  const std::vector<Sent>& sent() const { return sent_; }

  static Packet data_indication(const net::Endpoint& peer, Bytes payload);
  static Packet indication(stun::Method method, const Add& add);
  static Packet channel_data(std::uint16_t number, Bytes payload, bool padded = false);

 private:
  struct Script {
    std::uint16_t code = 0;
    Add add;
    int times = 0;
  };

  stun::Key key() const;
  std::optional<Packet> challenge(const stun::Message& request);
  Packet answer(const stun::Message& request, std::uint16_t code, const Add& add);
  Packet perform(Time now, const stun::Message& request);
  Packet allocate(Time now, const stun::Message& request);
  Packet bind(Time now, const stun::Message& request);

  int nonces_ = 1;
  std::map<stun::Method, Script> scripts_;
  std::map<stun::Method, int> lost_;
  std::map<stun::Method, int> forged_;
  std::map<stun::Method, std::vector<Request>> requests_;
  std::vector<Sent> sent_;
  Time allocation_until_{};
  stun::TransactionId allocated_by_{};
  std::map<net::Address, Time> permissions_;
  std::map<std::uint16_t, std::pair<net::Endpoint, Time>> channels_;
  std::uint32_t next_connection_ = 100;
};

/// A client, its server, and the time between them.
class TurnCall : public ::testing::Test {
 protected:
  static constexpr net::SocketId kSocket{7};
  static constexpr Time kStart{std::chrono::hours(1)};
  const net::Endpoint kServer = endpoint("192.0.2.1:3478");
  const net::Endpoint kPeer = endpoint("198.51.100.20:6000");

  TurnCall();
  /// Replaces the client by one with this configuration; socket, server and credential are filled
  /// in where they are missing.
  void configure(Client::Configuration configuration);
  /// A client as configured, allocated.
  void allocate();

  /// Delivers packets both ways until nobody has anything to say at this time.
  void exchange();
  /// Passes time as a driver would, up to `until`.
  void run_until(Time until);
  void run_for(Duration duration) { run_until(now + duration); }
  /// Time jumps, as when a machine sleeps; then things go on.
  void jump(Duration duration);

  /// The client is handed `packet` as if the server had sent it.
  Received receive(Packet packet);
  /// Sends `payload` to `peer` on the client's route; false if there is none.
  bool send(const net::Endpoint& peer, std::size_t size);

  /// Takes the first event of this type out of what has happened.
  template <typename T>
  std::optional<T> take() {
    for (std::size_t i = 0; i < events.size(); ++i) {
      if (!std::holds_alternative<T>(events[i])) continue;
      T event = std::get<T>(events[i]);
      events.erase(events.begin() + static_cast<std::ptrdiff_t>(i));
      return event;
    }
    return std::nullopt;
  }

  SeededRandom random{1};
  ScriptedServer server;
  std::optional<Client> client;
  Time now = kStart;
  std::vector<Client::Event> events;
  std::vector<net::Route> routes;                   ///< Where the client's packets went.
  Packet received;                                  ///< Backs the payload of the last `receive`.
  std::map<net::Endpoint, ScriptedServer*> others;  ///< More servers, by address.
};

stun::LongTermCredential credential(std::string_view username = "user",
                                    std::string_view password = "pass");

}  // namespace floe::turn
