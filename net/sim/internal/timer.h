#pragma once

#include <functional>
#include <memory>

#include "floe/net/network.h"
#include "floe/net/sim/event_queue.h"

namespace floe::net::sim {

class Host;

/// A callback at a time of a host: of a timer or a lookup. Its handle may be destroyed while it
/// runs, so the event keeps itself alive for that long.
class HostEvent final : public Event, public std::enable_shared_from_this<HostEvent> {
 public:
  HostEvent(Host& host, std::function<void()> callback)
      : host_(host), callback_(std::move(callback)) {}
  /// kNever disarms.
  void arm(Time when);
  void disarm();

 private:
  void fire() override;

  Host& host_;
  std::function<void()> callback_;
};

class HostTimer final : public Timer {
 public:
  explicit HostTimer(std::shared_ptr<HostEvent> event) : event_(std::move(event)) {}
  ~HostTimer() override { event_->disarm(); }
  void arm(Time when) override { event_->arm(when); }

 private:
  std::shared_ptr<HostEvent> event_;
};

class HostWatch final : public InterfaceWatch {
 public:
  HostWatch(Host& host, std::shared_ptr<HostEvent> event);
  ~HostWatch() override;

 private:
  Host& host_;
  std::shared_ptr<HostEvent> event_;
};

class HostLookup final : public Lookup {
 public:
  explicit HostLookup(std::shared_ptr<HostEvent> event) : event_(std::move(event)) {}
  ~HostLookup() override { event_->disarm(); }

 private:
  std::shared_ptr<HostEvent> event_;
};

}  // namespace floe::net::sim
