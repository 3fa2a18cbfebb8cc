#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "floe/ice/transport.h"
#include "tests/nat_matrix/session.h"

namespace floe::nat_matrix {

/// A session over ICE alone: packets may be lost, but path and states must recover.
class IceSession final : public Session {
 public:
  IceSession(Topology& topology, Signaling& signaling, Note note);
  ~IceSession() override;

  void start() override;
  bool flows(Time since) const override;
  bool was_connected() const override { return alice_.was_connected || bob_.was_connected; }
  std::string describe() const override;

 private:
  struct Party {
    explicit Party(const char* its_name) : name(its_name) {}

    const char* name;
    std::unique_ptr<ice::Transport> ice;
    int generation = 0;  ///< Of ICE; the offers are counted.
    bool was_connected = false;
    Time disconnected_since = kNever;
    Time heard_of{};  ///< When the latest packet was sent that came.
  };
  void create(Party& party, Party& peer, const Place& place, ice::Role role);
  void offer();
  void take_offer(int generation, const ice::Credentials& credentials);
  void look_after();
  bool is_in_trouble(const Party& party) const;
  void restart(Party& party);

  Party alice_{"alice"};
  Party bob_{"bob"};
};

}  // namespace floe::nat_matrix
