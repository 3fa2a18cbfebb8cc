#pragma once

#include <functional>
#include <string>
#include <utility>

#include "tests/nat_matrix/topology.h"

namespace floe::nat_matrix {

/// Messages between the two applications: none is lost, none overtakes another, and each takes as
/// long as `delay` says when it is sent.
class Signaling {
 public:
  Signaling(net::sim::World& world, std::function<Duration()> delay)
      : world_(world), delay_(std::move(delay)) {}

  void send(std::function<void()> deliver) {
    last_arrival_ = std::max(last_arrival_, world_.now() + delay_());
    world_.at(last_arrival_, std::move(deliver));
  }

 private:
  net::sim::World& world_;
  std::function<Duration()> delay_;
  Time last_arrival_{};
};

/// Two applications that want to stay connected whatever happens, and exchange numbered messages.
/// When ICE fails or stays disconnected, one of them restarts it; the other asks for that.
class Session {
 public:
  /// How often the applications look after their connection.
  static constexpr Duration kTick = std::chrono::milliseconds(250);
  /// How long "disconnected" is borne before ICE is restarted.
  static constexpr Duration kDisconnectedPatience = std::chrono::seconds(2);
  /// Between two restarts, so that one has time to succeed.
  static constexpr Duration kBetweenRestarts = std::chrono::seconds(5);

  using Note = std::function<void(const std::string&)>;

  Session(Topology& topology, Signaling& signaling, Note note)
      : topology_(topology),
        world_(topology.world),
        signaling_(signaling),
        note_(std::move(note)) {}
  virtual ~Session() = default;
  virtual void start() = 0;
  /// The messages flow both ways: each side has one that was sent after `since`, and none that
  /// must not be is missing.
  virtual bool flows(Time since) const = 0;
  /// It has been connected at some time.
  virtual bool was_connected() const = 0;
  /// What must never happen and has, in a sentence; empty if nothing has.
  const std::string& complaint() const { return complaint_; }
  virtual std::string describe() const = 0;

 protected:
  /// Only the first one counts: what follows follows from it.
  void complain(const std::string& what) {
    if (complaint_.empty()) complaint_ = what;
  }
  bool may_restart() const {
    return !awaits_answer_ && world_.now() - last_offer_ >= kBetweenRestarts;
  }

  Topology& topology_;
  net::sim::World& world_;
  Signaling& signaling_;
  Note note_;
  bool awaits_answer_ = false;
  Time last_offer_{};

 private:
  std::string complaint_;
};

}  // namespace floe::nat_matrix
