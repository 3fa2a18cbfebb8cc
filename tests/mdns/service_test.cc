#include "floe/mdns/service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "floe/net/sim/world.h"

namespace floe::mdns {
namespace {

using namespace std::chrono_literals;
using net::sim::Host;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Hosts on one home network.
struct Home {
  Home()
      : alice(world.add_host("alice", {.behind = &nat})),
        bob(world.add_host("bob", {.behind = &nat})) {}

  struct Outcome {
    std::optional<Result<std::vector<net::Address>>> result;
    Time at{};
    std::unique_ptr<Resolution> resolution;
  };
  std::unique_ptr<Outcome> resolve(Host& host, Service& service, std::string_view name) {
    auto outcome = std::make_unique<Outcome>();
    Outcome* out = outcome.get();
    outcome->resolution = service.resolve(name, [out, &host](auto result) {
      out->result = std::move(result);
      out->at = host.now();
    });
    EXPECT_FALSE(outcome->result);  // Never from within.
    return outcome;
  }

  net::sim::World world{3};
  net::sim::Nat& nat = world.add_nat({});
  Host& alice;
  Host& bob;
};

TEST(MdnsService, ResolvesTheNameOfAHostOnTheSameLink) {
  Home home;
  const auto alice = Service::create(home.alice);
  const auto bob = Service::create(home.bob);
  EXPECT_THAT(alice->problems(), ::testing::IsEmpty());
  const auto name = alice->register_name(home.alice.address(), {});
  ASSERT_TRUE(name) << name.error().message;
  // Asked before the name is probed, and by two at once.
  const auto first = home.resolve(home.bob, *bob, (*name)->name());
  const auto second = home.resolve(home.bob, *bob, (*name)->name());
  home.world.run_for(3s);
  for (const auto& outcome : {first.get(), second.get()}) {
    ASSERT_TRUE(outcome->result);
    ASSERT_TRUE(*outcome->result) << outcome->result->error().message;
    EXPECT_THAT(**outcome->result, ElementsAre(home.alice.address()));
    EXPECT_LE(outcome->at - net::sim::World::kStart, 1100ms);
  }
  // One's own name too, and from what was heard without asking.
  const auto questions = bob->stats().querier.questions;
  const auto own = home.resolve(home.alice, *alice, (*name)->name());
  const auto again = home.resolve(home.bob, *bob, (*name)->name());
  home.world.run_for(1s);
  ASSERT_TRUE(own->result && *own->result);
  ASSERT_TRUE(again->result && *again->result);
  EXPECT_EQ(bob->stats().querier.questions, questions);
}

TEST(MdnsService, FailsForANameThatNobodyHas) {
  Home home;
  const auto bob = Service::create(home.bob);
  const auto unknown = home.resolve(home.bob, *bob, "1f4712db-ea17-4bcf-a596-105139dfd8bf.local");
  const auto no_name = home.resolve(home.bob, *bob, "example.org");
  home.world.run_for(1s);
  ASSERT_TRUE(no_name->result);
  EXPECT_EQ(no_name->result->error().code, Errc::kInvalidArgument);
  EXPECT_FALSE(unknown->result);
  home.world.run_for(10s);
  ASSERT_TRUE(unknown->result);
  EXPECT_EQ(unknown->result->error().code, Errc::kTimedOut);
}

TEST(MdnsService, ResolvesANameThatAppearsLate) {
  Home home;
  const auto bob = Service::create(home.bob);
  const auto alice = Service::create(home.alice);
  // The name is told before its owner is on the network.
  home.alice.set_up(false);
  const auto name = alice->register_name(home.alice.address(), {});
  const auto late = home.resolve(home.bob, *bob, (*name)->name());
  home.world.run_for(4s);
  EXPECT_FALSE(late->result);
  home.alice.set_up(true);
  home.world.run_for(5s);
  ASSERT_TRUE(late->result && *late->result);
  EXPECT_THAT(**late->result, ElementsAre(home.alice.address()));
}

TEST(MdnsService, AnswersThroughLoss) {
  Home home;
  home.alice.interface().set_link({.loss = 0.3});
  home.bob.interface().set_link({.loss = 0.3});
  const auto alice = Service::create(home.alice);
  const auto bob = Service::create(home.bob);
  const auto name = alice->register_name(home.alice.address(), {});
  home.world.run_for(5s);
  const auto outcome = home.resolve(home.bob, *bob, (*name)->name());
  home.world.run_for(10s);
  EXPECT_TRUE(outcome->result && *outcome->result);
}

TEST(MdnsService, ForgetsANameThatWasWithdrawn) {
  Home home;
  auto alice = Service::create(home.alice);
  const auto bob = Service::create(home.bob);
  auto first = alice->register_name(home.alice.address(), {}).value();
  auto second = alice->register_name(home.alice.address(), {}).value();
  const std::string first_name = first->name();
  const std::string second_name = second->name();
  home.world.run_for(3s);
  first.reset();
  home.world.run_for(2s);
  alice.reset();  // Says goodbye for the other one.
  home.world.run_for(2s);
  const auto one = home.resolve(home.bob, *bob, first_name);
  const auto two = home.resolve(home.bob, *bob, second_name);
  home.world.run_for(11s);
  ASSERT_TRUE(one->result && two->result);
  EXPECT_FALSE(*one->result);
  EXPECT_FALSE(*two->result);
  second.reset();  // Outlives its service.
}

/// A stranger who claims each name it hears of.
class Impostor final : public net::UdpHandler {
 public:
  explicit Impostor(Host& host) : host_(host) {
    net::UdpOptions options;
    options.bind = {net::Address::unspecified(net::Family::kIpv4), kPort};
    options.reuse_address = true;
    options.multicast = net::Multicast{{group(net::Family::kIpv4)}, "eth0", 255, false};
    socket_ = std::move(host.open_udp(options, *this).value());
  }
  void on_datagrams(std::span<net::Datagram> datagrams) override {
    for (const net::Datagram& datagram : datagrams) {
      const Result<Message> message = Message::parse(datagram.payload);
      if (!message || message->authorities.empty() || claims == max_claims) continue;
      ++claims;
      Message response;
      response.is_response = true;
      response.answers.push_back(
          {message->authorities[0].name, Type::kA, true, 120, host_.address()});
      send(response, {group(net::Family::kIpv4), kPort});
    }
  }
  void send(const Message& message, const net::Endpoint& to) {
    net::SendBatch batch;
    batch.add({socket_->id(), to, {}}, message.write());
    host_.send(batch);
  }
  unsigned claims = 0;
  unsigned max_claims = 1;

 private:
  Host& host_;
  std::unique_ptr<net::UdpSocket> socket_;
};

TEST(MdnsService, TellsOfANewNameWhenAnotherHostHasTheOld) {
  Home home;
  const auto alice = Service::create(home.alice);
  Impostor impostor(home.bob);
  std::vector<std::string> names;
  const auto name =
      alice->register_name(home.alice.address(), [&](const std::string& n) { names.push_back(n); });
  const std::string before = (*name)->name();
  home.world.run_for(3s);
  ASSERT_EQ(names.size(), 1u);
  EXPECT_NE(names[0], before);
  EXPECT_EQ((*name)->name(), names[0]);
}

TEST(MdnsService, SurvivesThatItsRegistrationEndsInItsOwnCallback) {
  Home home;
  auto alice = Service::create(home.alice);
  Impostor impostor(home.bob);
  impostor.max_claims = 100;
  std::unique_ptr<Registration> name;
  std::unique_ptr<Registration> other;
  std::vector<std::string> names;
  name =
      alice->register_name(home.alice.address(), [&](const std::string&) { name.reset(); }).value();
  other = alice
              ->register_name(home.alice.address(),
                              [&](const std::string& n) {
                                names.push_back(n);
                                if (n.empty()) alice.reset();
                              })
              .value();
  home.world.run_for(1min);
  EXPECT_EQ(name, nullptr);
  // Disputed to the end, and the service gone in the last callback.
  EXPECT_EQ(names.size(), Responder::kMaxRenames + 1);
  EXPECT_EQ(alice, nullptr);
}

TEST(MdnsService, DoesNotBelieveWhoIsNotOnTheLink) {
  Home home;
  const auto bob = Service::create(home.bob);
  const auto outcome = home.resolve(home.bob, *bob, "a.local");
  Host& far = home.world.add_host("far");
  home.nat.map_static(net::sim::Protocol::kUdp, {home.bob.address(), kPort},
                      {home.nat.address(), kPort});
  Impostor impostor(far);
  Message response;
  response.is_response = true;
  response.answers.push_back({"a.local", Type::kA, true, 120, far.address()});
  impostor.send(response, {home.nat.address(), kPort});
  home.world.run_for(5s);
  EXPECT_EQ(bob->stats().dropped_off_link, 1u);
  EXPECT_FALSE(outcome->result);
}

TEST(MdnsService, KeepsAwayFromOtherLinksAndFollowsInterfaces) {
  net::sim::World world{4};
  net::sim::Nat& home = world.add_nat({});
  net::sim::Nat& office = world.add_nat({});
  Host& alice = world.add_host("alice", {.behind = &home});
  Host& bob = world.add_host("bob", {.behind = &office});
  const auto alice_service = Service::create(alice);
  const auto bob_service = Service::create(bob);
  const auto name = alice_service->register_name(alice.address(), {}).value();
  alice.attach({.behind = &office, .name = "eth1"});
  world.run_for(2s);
  const auto office_name =
      alice_service->register_name(alice.address(net::Family::kIpv4, "eth1"), {}).value();
  std::optional<Result<std::vector<net::Address>>> hidden;
  std::optional<Result<std::vector<net::Address>>> shown;
  const auto one = bob_service->resolve(name->name(), [&](auto r) { hidden = std::move(r); });
  const auto two = bob_service->resolve(office_name->name(), [&](auto r) { shown = std::move(r); });
  world.run_for(11s);
  ASSERT_TRUE(hidden && shown);
  EXPECT_FALSE(*hidden);  // The address at home is nobody's business at the office.
  ASSERT_TRUE(*shown);
  EXPECT_THAT(**shown, ElementsAre(alice.address(net::Family::kIpv4, "eth1")));
}

}  // namespace
}  // namespace floe::mdns
