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
  using Note = std::function<void(const std::string&)>;
  IceSession(Topology& topology, Signaling& signaling, Note note);
  ~IceSession() override;

  void start() override;
  bool flows(Time since) const override;
  bool was_connected() const override { return alice_.was_connected || bob_.was_connected; }
  std::string complaint() const override { return complaint_; }
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
  void complain(const std::string& what) {
    if (complaint_.empty()) complaint_ = what;
  }

  Topology& topology_;
  net::sim::World& world_;
  Signaling& signaling_;
  Note note_;
  Party alice_{"alice"};
  Party bob_{"bob"};
  bool awaits_answer_ = false;
  Time last_offer_{};
  std::string complaint_;
};

}  // namespace floe::nat_matrix
