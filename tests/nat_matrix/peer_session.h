#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "floe/peer/peer_connection.h"
#include "tests/nat_matrix/session.h"

namespace floe::nat_matrix {

/// A session of whole peers with a reliable, ordered channel: whatever happens, every message that
/// was sent arrives once and in its place.
class PeerSession final : public Session {
 public:
  PeerSession(Topology& topology, Signaling& signaling, Note note);
  ~PeerSession() override;

  void start() override;
  bool flows(Time since) const override;
  bool was_connected() const override { return alice_.was_connected || bob_.was_connected; }
  std::string describe() const override;

 private:
  struct Party {
    explicit Party(const char* its_name) : name(its_name) {}

    const char* name;
    std::unique_ptr<PeerConnection> pc;
    std::shared_ptr<DataChannel> channel;
    bool open = false;
    bool was_connected = false;
    Time disconnected_since = kNever;
    std::uint64_t sent = 0;      ///< Messages the channel took.
    std::uint64_t received = 0;  ///< Messages that came.
    Time heard_of{};             ///< When the latest message was sent that came.
  };
  void create(Party& party, Party& peer, const Place& place);
  void watch(Party& party, std::shared_ptr<DataChannel> channel);
  void take_message(Party& party, Bytes payload);
  void offer();
  void take_offer(const SessionDescription& offer);
  void restart();
  void look_after();
  void say_something(Party& party);
  bool is_in_trouble(const Party& party) const;
  void expect(const Party& party, const Result<>& result, const char* what);

  Party alice_{"alice"};
  Party bob_{"bob"};
};

}  // namespace floe::nat_matrix
