#include <uv.h>

#include <algorithm>

#include "floe/net/uv/network.h"
#include "tests/network_conformance/stage.h"

namespace floe::net::conformance {
namespace {

constexpr Duration kPatience = std::chrono::seconds(10);

/// This machine's loopback interface.
class UvStage : public Stage {
 public:
  Address alice_address(Family family) override {
    return family == Family::kIpv4 ? Address::v4(127, 0, 0, 1) : *Address::parse("::1");
  }
  Address bob_address(Family family) override { return alice_address(family); }
  std::vector<Family> families() override {
    std::vector<Family> families{Family::kIpv4};
    const auto interfaces = alice().interfaces();
    const bool has_v6 = std::any_of(interfaces.begin(), interfaces.end(), [](const Interface& i) {
      return i.address.is_v6() && i.address.is_loopback();
    });
    if (has_v6) families.push_back(Family::kIpv6);
    return families;
  }
  /// Longer than any label of a name may be, so no resolver asks the world about it.
  std::string failing_name() override { return std::string(70, 'x') + ".invalid"; }

  bool run_until(const std::function<bool()>& done) override {
    bool expired = false;
    const auto timer = alice().create_timer([&] { expired = true; });
    timer->arm(alice().now() + kPatience);
    while (!done() && !expired) static_cast<uv::Network&>(alice()).run_once();
    return done();
  }
};

/// One network on a loop of its own.
template <bool kBatched>
class OwnLoop final : public UvStage {
 public:
  Network& alice() override { return *network_; }
  Network& bob() override { return *network_; }

 private:
  std::unique_ptr<uv::Network> network_ =
      std::move(*uv::Network::create(nullptr, {.batched = kBatched}));
};

/// Two networks on a loop of the caller's.
class CallersLoop final : public UvStage {
 public:
  CallersLoop() {
    EXPECT_EQ(uv_loop_init(&loop_), 0);
    alice_ = std::move(*uv::Network::create(&loop_));
    bob_ = std::move(*uv::Network::create(&loop_));
  }
  ~CallersLoop() override {
    alice_.reset();
    bob_.reset();
    EXPECT_EQ(uv_run(&loop_, UV_RUN_DEFAULT), 0);
    EXPECT_EQ(uv_loop_close(&loop_), 0) << "a handle was left open";
  }
  Network& alice() override { return *alice_; }
  Network& bob() override { return *bob_; }

 private:
  uv_loop_t loop_;
  std::unique_ptr<uv::Network> alice_;
  std::unique_ptr<uv::Network> bob_;
};

template <typename T>
std::unique_ptr<Stage> open() {
  return std::make_unique<T>();
}

}  // namespace

std::vector<Implementation> implementations() {
  return {{"UvBatched", open<OwnLoop<true>>},
          {"UvPortable", open<OwnLoop<false>>},
          {"UvInTheCallersLoop", open<CallersLoop>}};
}

}  // namespace floe::net::conformance
