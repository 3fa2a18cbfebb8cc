#include "floe/net/sim/fabric.h"

#include <algorithm>
#include <utility>

namespace floe::net::sim {
namespace {

class Task final : public Event {
 public:
  explicit Task(std::function<void()> run) : run_(std::move(run)) {}

 private:
  void fire() override {
    const std::unique_ptr<Task> self(this);
    run_();
  }
  void discard() override { delete this; }

  std::function<void()> run_;
};

}  // namespace

std::uint64_t Fabric::seed_for(std::string_view name) const {
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (const char c : name) hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001b3;
  return hash ^ (seed_ * 0x9e3779b97f4a7c15);
}

void Fabric::schedule(Time when, std::function<void()> task) {
  events_.schedule(*new Task(std::move(task)), std::max(when, now_));
}

}  // namespace floe::net::sim
