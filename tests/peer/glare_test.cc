// Perfect negotiation: both sides change what they like whenever they like, offers meet on the way,
// and in the end both agree.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "floe/core/random.h"
#include "tests/peer/call.h"

namespace floe {
namespace {

/// One application that follows the pattern of the W3C's specification (section 10.7).
struct Side {
  std::unique_ptr<PeerConnection> pc;
  bool polite = false;
  bool ignores_offer = false;
  Side* other = nullptr;
  std::vector<std::shared_ptr<DataChannel>> channels;
  int open = 0;
  int collisions = 0;
};

class PerfectNegotiation {
 public:
  explicit PerfectNegotiation(std::uint64_t seed) : world(seed), random_(seed) {
    alice.other = &bob;
    bob.other = &alice;
    bob.polite = true;
    create(alice, world.add_host("alice"));
    create(bob, world.add_host("bob"));
  }

  void change_at_random(Side& side) {
    PeerConnection& pc = *side.pc;
    const auto all = pc.transceivers();
    switch (random_.below(6)) {
      case 0:
        EXPECT_TRUE(pc.add_transceiver(MediaKind::kAudio));
        break;
      case 1:
        EXPECT_TRUE(pc.add_track(std::make_shared<MediaStreamTrack>(
            MediaKind::kVideo, "track" + std::to_string(random_.u32()))));
        break;
      case 2: {
        auto channel = pc.create_data_channel("c");
        ASSERT_TRUE(channel);
        watch(side, *channel);
        break;
      }
      case 3:
        if (!all.empty()) {
          EXPECT_TRUE(all[random_.below(all.size())]->stop());
        }
        break;
      case 4:
        if (!all.empty() && !all.front()->stopping()) {
          EXPECT_TRUE(
              all.front()->set_direction(static_cast<RtpTransceiverDirection>(random_.below(4))));
        }
        break;
      default:
        pc.restart_ice();
    }
  }

  Duration some_time(std::uint64_t milliseconds_at_most) {
    return milliseconds(random_.below(milliseconds_at_most));
  }

  net::sim::World world;
  Side alice;
  Side bob;

 private:
  void create(Side& side, net::sim::Host& host) {
    side.pc = PeerConnection::create(host).value();
    PeerConnection& pc = *side.pc;
    pc.on_negotiation_needed([this, &side] {
      const auto set = side.pc->set_local_description();
      ASSERT_TRUE(set) << set.error().message;
      send(*side.other, *side.pc->local_description());
    });
    pc.on_ice_candidate([this, &side](const IceCandidate& candidate) {
      signal(*side.other, [&to = *side.other, candidate] {
        const auto added = to.pc->add_ice_candidate(candidate);
        // What belongs to an offer that was ignored, or that its maker took back, is of no use.
        if (added || to.ignores_offer) return;
        EXPECT_EQ(added.error().code, Errc::kNotFound) << added.error().message;
      });
    });
    pc.on_data_channel([&side](std::shared_ptr<DataChannel> channel) { watch(side, channel); });
  }

  static void watch(Side& side, const std::shared_ptr<DataChannel>& channel) {
    side.channels.push_back(channel);
    channel->on_open([&side] { ++side.open; });
  }

  /// Signalling takes its time, but keeps the order, as any WebSocket does.
  void signal(Side& to, std::function<void()> deliver) {
    Time& free = free_at_[&to];
    free = std::max(free, world.now() + some_time(120));
    free += std::chrono::microseconds(1);
    world.after(free - world.now(), std::move(deliver));
  }

  void send(Side& to, SessionDescription description) {
    signal(to, [this, &to, description = std::move(description)] { take(to, description); });
  }

  void take(Side& side, const SessionDescription& description) {
    const bool collides = description.type == SdpType::kOffer &&
                          side.pc->signaling_state() != SignalingState::kStable;
    side.collisions += collides ? 1 : 0;
    side.ignores_offer = !side.polite && collides;
    if (side.ignores_offer) return;
    const auto set = side.pc->set_remote_description(description);
    ASSERT_TRUE(set) << set.error().message;
    if (description.type != SdpType::kOffer) return;
    const auto answered = side.pc->set_local_description();
    ASSERT_TRUE(answered) << answered.error().message;
    send(*side.other, *side.pc->local_description());
  }

  SeededRandom random_;
  std::map<Side*, Time> free_at_;
};

std::vector<std::string> agreed(const Side& side, bool reversed) {
  std::vector<std::string> sections;
  for (const auto& transceiver : side.pc->transceivers()) {
    const auto current = transceiver->current_direction();
    EXPECT_TRUE(transceiver->mid());
    EXPECT_TRUE(current);
    if (!transceiver->mid() || !current) continue;
    auto direction = static_cast<sdp::Direction>(*current);
    if (reversed) direction = sdp::reversed(direction);
    sections.push_back(*transceiver->mid() + " " + std::string(to_string(transceiver->kind())) +
                       " " + std::string(sdp::to_string(direction)));
  }
  return sections;
}

// Scenario 109: 100 seeds of random delays and random changes on both sides at once.
TEST(PeerGlare, ConvergesWithPerfectNegotiationWhateverMeetsOnTheWay) {
  int collisions = 0;
  for (std::size_t i = 0; i < test_seeds(100); ++i) {
    const std::uint64_t seed = test_seed(i);
    SCOPED_TRACE(replay(seed));
    PerfectNegotiation call(seed);
    for (int change = 0; change < 12; ++change) {
      for (Side* side : {&call.alice, &call.bob}) {
        call.world.after(call.some_time(1500), [&call, side] { call.change_at_random(*side); });
      }
    }
    call.world.run_for(seconds(20));
    // One channel for certain, so that there is something to connect for.
    auto channel = call.alice.pc->create_data_channel("last");
    ASSERT_TRUE(channel);
    bool open = false;
    (*channel)->on_open([&open] { open = true; });
    ASSERT_TRUE(call.world.run_until([&open] { return open; }, seconds(30)));
    call.world.run_for(seconds(2));

    for (const Side* side : {&call.alice, &call.bob}) {
      EXPECT_EQ(side->pc->signaling_state(), SignalingState::kStable);
      EXPECT_EQ(side->pc->connection_state(), PeerConnectionState::kConnected);
      EXPECT_EQ(side->open, int(side->channels.size()));
    }
    auto ours = agreed(call.alice, false);
    auto theirs = agreed(call.bob, true);
    EXPECT_THAT(ours, testing::UnorderedElementsAreArray(theirs));
    collisions += call.alice.collisions + call.bob.collisions;
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_GT(collisions, 0) << "offers never met: the test shows nothing";
}

}  // namespace
}  // namespace floe
