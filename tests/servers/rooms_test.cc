#include "floe/servers/signaling/rooms.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace floe::server {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

/// Rooms with everything that came out of them, by connection.
class RoomsTest : public testing::Test {
 protected:
  void open() { rooms_.emplace(limits_, ice_servers_, random_); }

  ConnectionId connect() {
    if (!rooms_) open();
    const auto key = static_cast<ConnectionId>(++last_);
    rooms_->handle_connect(now_, key);
    collect();
    return key;
  }
  void say(ConnectionId key, std::string_view text) {
    rooms_->handle_message(now_, key, text);
    collect();
  }
  void say(ConnectionId key, const ClientMessage& message) { say(key, serialize(message)); }
  void hang_up(ConnectionId key) {
    rooms_->handle_disconnect(now_, key);
    collect();
  }
  /// Lets all timers up to now + `step` fire, each at its time.
  void pass(Duration step) {
    const Time end = now_ + step;
    while (rooms_->next_timeout() <= end) {
      now_ = std::max(now_, rooms_->next_timeout());
      rooms_->handle_timeout(now_);
      ASSERT_GT(rooms_->next_timeout(), now_);
      collect();
    }
    now_ = end;
  }
  /// Lets the time jump, and only then the timers fire.
  void jump(Duration step) {
    now_ += step;
    rooms_->handle_timeout(now_);
    EXPECT_GT(rooms_->next_timeout(), now_);
    collect();
  }
  /// Answers pings for `step`.
  void pass_answering(Duration step, std::vector<ConnectionId> keys) {
    const Time end = now_ + step;
    while (now_ < end) {
      pass(std::min<Duration>(seconds(1), end - now_));
      for (const ConnectionId key : keys) rooms_->handle_pong(now_, key);
    }
  }

  /// What this connection was told since it was asked last.
  std::vector<ServerMessage> heard(ConnectionId key) { return std::exchange(told_[key], {}); }
  template <typename Message>
  Message heard_one(ConnectionId key) {
    const std::vector<ServerMessage> messages = heard(key);
    EXPECT_THAT(messages, SizeIs(1));
    const auto* message = messages.empty() ? nullptr : std::get_if<Message>(&messages[0]);
    EXPECT_TRUE(message);
    return message ? *message : Message{};
  }
  Refused refusal(ConnectionId key) { return heard_one<Refusal>(key).code; }

  ConnectionId join(const std::string& room, const std::string& name, Joined* joined = nullptr) {
    const ConnectionId key = connect();
    say(key, Join{room, name});
    const Joined answer = heard_one<Joined>(key);
    ids_[key] = answer.id;
    if (joined) *joined = answer;
    return key;
  }

  std::uint64_t refused(Refused code) const {
    return rooms_->stats().refused[static_cast<std::size_t>(code)];
  }

  SignalingLimits limits_;
  std::vector<IceServer> ice_servers_;
  SeededRandom random_{7};
  std::optional<Rooms> rooms_;
  Time now_{seconds(1000)};
  std::map<ConnectionId, std::string> ids_;
  std::map<ConnectionId, int> pings_;
  std::map<ConnectionId, CloseFrame> closes_;
  std::map<ConnectionId, std::string> drops_;
  std::set<ConnectionId> unread_;  ///< Nothing can be written to these.

 private:
  void collect() {
    while (auto event = rooms_->poll_event()) {
      if (const auto* drop = std::get_if<Rooms::Drop>(&*event)) {
        EXPECT_TRUE(drops_.try_emplace(drop->connection, drop->reason).second);
        continue;
      }
      const ConnectionId key = std::get<Rooms::Ready>(*event).connection;
      if (unread_.contains(key)) continue;
      while (auto frame = rooms_->poll_transmit(key)) {
        EXPECT_FALSE(closes_.contains(key)) << "something follows the close frame";
        if (const auto* text = std::get_if<TextFrame>(&*frame)) {
          const auto message = parse_server_message(text->text);
          ASSERT_TRUE(message) << text->text;
          told_[key].push_back(*message);
        } else if (const auto* close = std::get_if<CloseFrame>(&*frame)) {
          closes_[key] = *close;
        } else {
          ++pings_[key];
        }
      }
    }
  }

  std::uint64_t last_ = 0;
  std::map<ConnectionId, std::vector<ServerMessage>> told_;
};

TEST_F(RoomsTest, TellsWhoJoinsWhoIsThereAndWhoIsThereWhoJoined) {
  Joined first, second, third;
  const ConnectionId ann = join("kitchen", "Ann", &first);
  EXPECT_EQ(first, (Joined{"kitchen", first.id, {}, {}}));
  const ConnectionId ben = join("kitchen", "Ben", &second);
  EXPECT_THAT(second.peers, ElementsAre(Peer{first.id, "Ann"}));
  EXPECT_EQ(heard_one<PeerJoined>(ann), (PeerJoined{{second.id, "Ben"}}));
  const ConnectionId cat = join("kitchen", "", &third);
  EXPECT_THAT(third.peers, ElementsAre(Peer{first.id, "Ann"}, Peer{second.id, "Ben"}));
  EXPECT_EQ(heard_one<PeerJoined>(ann), (PeerJoined{{third.id, ""}}));
  EXPECT_EQ(heard_one<PeerJoined>(ben), (PeerJoined{{third.id, ""}}));
  EXPECT_THAT(heard(cat), IsEmpty());
}

TEST_F(RoomsTest, TellsWhoJoinsTheIceServers) {
  ice_servers_ = {{{"stun:192.0.2.1:3478"}, "", ""}, {{"turn:192.0.2.1"}, "user", "secret"}};
  Joined joined;
  join("kitchen", "Ann", &joined);
  EXPECT_EQ(joined.ice_servers, ice_servers_);
}

TEST_F(RoomsTest, RelaysASignalToOnePeerOnly) {
  const ConnectionId ann = join("kitchen", "Ann");
  const ConnectionId ben = join("kitchen", "Ben");
  const ConnectionId cat = join("kitchen", "Cat");
  heard(ann), heard(ben), heard(cat);
  say(ann, Relay{ids_[ben], R"({"candidate":null})"});
  EXPECT_EQ(heard_one<Delivery>(ben), (Delivery{ids_[ann], R"({"candidate":null})"}));
  EXPECT_THAT(heard(ann), IsEmpty());
  EXPECT_THAT(heard(cat), IsEmpty());
  EXPECT_EQ(rooms_->stats().relayed, 1u);
}

TEST_F(RoomsTest, APeerMayTalkToItself) {
  const ConnectionId ann = join("kitchen", "Ann");
  say(ann, Relay{ids_[ann], "1"});
  EXPECT_EQ(heard_one<Delivery>(ann), (Delivery{ids_[ann], "1"}));
}

TEST_F(RoomsTest, DoesNotRelayToAnotherRoomNorToNobody) {
  const ConnectionId ann = join("kitchen", "Ann");
  const ConnectionId ben = join("cellar", "Ben");
  say(ann, Relay{ids_[ben], "1"});
  const Refusal elsewhere = heard_one<Refusal>(ann);
  say(ann, Relay{"nobody", "1"});
  EXPECT_EQ(heard_one<Refusal>(ann), elsewhere) << "the answer tells that the id exists";
  EXPECT_EQ(elsewhere.code, Refused::kNoSuchPeer);
  EXPECT_THAT(heard(ben), IsEmpty());
  EXPECT_EQ(refused(Refused::kNoSuchPeer), 2u);
}

TEST_F(RoomsTest, TellsTheOthersWhoLeft) {
  const ConnectionId ann = join("kitchen", "Ann");
  const ConnectionId ben = join("kitchen", "Ben");
  const std::string id = ids_[ann];
  say(ann, Leave{});
  EXPECT_EQ(heard_one<PeerLeft>(ben).id, id);
  say(ben, Relay{id, "1"});
  EXPECT_EQ(refusal(ben), Refused::kNoSuchPeer);
}

TEST_F(RoomsTest, TellsTheOthersWhoseConnectionEnded) {
  const ConnectionId ann = join("kitchen", "Ann");
  const ConnectionId ben = join("kitchen", "Ben");
  hang_up(ann);
  EXPECT_EQ(heard_one<PeerLeft>(ben).id, ids_[ann]);
  EXPECT_EQ(rooms_->stats().connections, 1u);
}

TEST_F(RoomsTest, WhoLeftMayJoinAgainAndIsSomebodyElse) {
  const ConnectionId ann = join("kitchen", "Ann");
  say(ann, Leave{});
  heard_one<Left>(ann);
  say(ann, Join{"cellar", "Ann"});
  const Joined again = heard_one<Joined>(ann);
  EXPECT_EQ(again.room, "cellar");
  EXPECT_NE(again.id, ids_[ann]);
}

TEST_F(RoomsTest, ForgetsARoomThatNobodyIsIn) {
  const ConnectionId ann = join("kitchen", "Ann");
  EXPECT_EQ(rooms_->stats().rooms, 1u);
  hang_up(ann);
  EXPECT_EQ(rooms_->stats().rooms, 0u);
  EXPECT_EQ(rooms_->stats().peers, 0u);
  EXPECT_EQ(rooms_->next_timeout(), kNever);
}

TEST_F(RoomsTest, IdsAreLongAndComeFromTheGivenRandomness) {
  std::set<std::string> ids;
  for (int i = 0; i < 10; ++i) {
    Joined joined;
    join("kitchen", "", &joined);
    EXPECT_GE(static_cast<double>(joined.id.size()) * std::log2(62), 128) << joined.id;
    ids.insert(joined.id);
  }
  EXPECT_THAT(ids, SizeIs(10));
  SeededRandom same(7);
  Rooms twin(limits_, {}, same);
  twin.handle_connect(now_, ConnectionId{1});
  twin.handle_message(now_, ConnectionId{1}, serialize(ClientMessage(Join{"r", ""})));
  const auto text = std::get<TextFrame>(*twin.poll_transmit(ConnectionId{1})).text;
  EXPECT_TRUE(ids.contains(std::get<Joined>(*parse_server_message(text)).id));
}

TEST_F(RoomsTest, RefusesToJoinTwice) {
  const ConnectionId ann = join("kitchen", "Ann");
  say(ann, Join{"cellar", "Ann"});
  EXPECT_EQ(refusal(ann), Refused::kAlreadyJoined);
}

TEST_F(RoomsTest, RefusesToSignalOrLeaveOutsideOfARoom) {
  const ConnectionId ann = connect();
  say(ann, Relay{"x", "1"});
  EXPECT_EQ(refusal(ann), Refused::kNotJoined);
  say(ann, Leave{});
  EXPECT_EQ(refusal(ann), Refused::kNotJoined);
}

TEST_F(RoomsTest, RefusesOneMoreThanARoomHolds) {
  limits_.max_peers_per_room = 2;
  const ConnectionId ann = join("kitchen", "Ann");
  join("kitchen", "Ben");
  const ConnectionId cat = connect();
  say(cat, Join{"kitchen", "Cat"});
  EXPECT_EQ(refusal(cat), Refused::kRoomFull);
  hang_up(ann);
  say(cat, Join{"kitchen", "Cat"});
  heard_one<Joined>(cat);
}

TEST_F(RoomsTest, RefusesOneRoomTooMany) {
  limits_.max_rooms = 2;
  join("kitchen", "Ann");
  join("cellar", "Ben");
  const ConnectionId cat = connect();
  say(cat, Join{"attic", "Cat"});
  EXPECT_EQ(refusal(cat), Refused::kTooManyRooms);
  EXPECT_EQ(rooms_->stats().rooms, 2u);
  say(cat, Join{"cellar", "Cat"});
  heard_one<Joined>(cat);
}

TEST_F(RoomsTest, TurnsAwayOneConnectionTooMany) {
  limits_.max_connections = 2;
  connect();
  const ConnectionId ben = connect();
  const ConnectionId cat = connect();
  EXPECT_EQ(refusal(cat), Refused::kServerFull);
  EXPECT_EQ(closes_[cat].code, 1013);
  say(cat, Join{"kitchen", "Cat"});
  EXPECT_THAT(heard(cat), IsEmpty());
  // Those who are being turned away take nobody's place.
  hang_up(ben);
  EXPECT_THAT(heard(connect()), IsEmpty());
}

TEST_F(RoomsTest, CutsAFloodOfConnectionsWithoutAWord) {
  limits_.max_connections = 2;
  for (int i = 0; i < 1000; ++i) connect();
  EXPECT_GT(drops_.size(), 900u);
  EXPECT_EQ(rooms_->stats().turned_away, drops_.size());
  EXPECT_LT(rooms_->stats().connections, 100u);
}

TEST_F(RoomsTest, ClosesAfterATooLargeMessage) {
  limits_.max_message_bytes = 300;
  const ConnectionId ann = join("kitchen", "Ann");
  const ConnectionId ben = join("kitchen", "Ben");
  heard(ann);
  std::string text = serialize(ClientMessage(Leave{}));
  text.resize(300, ' ');
  say(ben, text);
  heard_one<Left>(ben);
  heard(ann);
  say(ann, text + " ");
  EXPECT_EQ(refusal(ann), Refused::kMessageTooBig);
  EXPECT_EQ(closes_[ann].code, 1009);
  EXPECT_EQ(closes_[ann].reason, "message-too-big");
}

TEST_F(RoomsTest, TheOthersHearAtOnceOfOneThatIsBeingClosed) {
  const ConnectionId ann = join("kitchen", "Ann");
  const ConnectionId ben = join("kitchen", "Ben");
  rooms_->handle_oversized(now_, ann);
  say(ben, Leave{});
  EXPECT_THAT(heard(ben), ElementsAre(ServerMessage(PeerLeft{ids_[ann]}), ServerMessage(Left{})));
}

TEST_F(RoomsTest, ClosesAfterABinaryMessage) {
  const ConnectionId ann = connect();
  rooms_->handle_binary(now_, ann);
  pass(milliseconds(1));
  say(ann, Leave{});
  EXPECT_EQ(refused(Refused::kNotText), 1u);
  EXPECT_EQ(refused(Refused::kNotJoined), 0u) << "a closing connection is still listened to";
}

TEST_F(RoomsTest, MalformedMessagesAreAnsweredAndTheConnectionGoesOn) {
  const ConnectionId ann = connect();
  say(ann, "{");
  EXPECT_EQ(refusal(ann), Refused::kBadJson);
  say(ann, R"({"type":"dance"})");
  EXPECT_EQ(refusal(ann), Refused::kUnknownType);
  say(ann, std::string(5000, '['));
  EXPECT_EQ(refusal(ann), Refused::kTooDeep);
  say(ann, Join{"kitchen", "Ann"});
  heard_one<Joined>(ann);
  EXPECT_EQ(rooms_->stats().messages, 4u);
}

TEST_F(RoomsTest, RefusesMessagesThatComeTooFast) {
  limits_.message_burst = 3;
  limits_.messages_per_second = 2;
  const ConnectionId ann = join("kitchen", "Ann");
  say(ann, Relay{ids_[ann], "1"});
  say(ann, Relay{ids_[ann], "2"});
  EXPECT_THAT(heard(ann), SizeIs(2));
  say(ann, Relay{ids_[ann], "3"});
  say(ann, Relay{ids_[ann], "4"});
  EXPECT_EQ(refusal(ann), Refused::kTooManyMessages) << "one answer is enough";
  EXPECT_EQ(refused(Refused::kTooManyMessages), 2u);
  pass(milliseconds(500));
  say(ann, Relay{ids_[ann], "5"});
  EXPECT_EQ(heard_one<Delivery>(ann).json, "5");
  // However long it was silent, no more than the burst has gathered.
  pass_answering(minutes(10), {ann});
  for (int i = 0; i < 4; ++i) say(ann, Relay{ids_[ann], "6"});
  const auto after = heard(ann);
  ASSERT_THAT(after, SizeIs(4));
  EXPECT_TRUE(std::holds_alternative<Delivery>(after[2]));
  EXPECT_TRUE(std::holds_alternative<Refusal>(after[3]));
}

TEST_F(RoomsTest, ClosesOneThatGoesOnTooFast) {
  limits_.message_burst = 3;
  const ConnectionId ann = join("kitchen", "Ann");
  for (int i = 0; i < 2 + 3; ++i) say(ann, Relay{ids_[ann], "1"});
  EXPECT_FALSE(closes_.contains(ann));
  say(ann, Relay{ids_[ann], "1"});
  EXPECT_EQ(closes_[ann].code, 1008);
  EXPECT_EQ(refused(Refused::kTooManyMessages), 4u);
}

TEST_F(RoomsTest, DropsOneThatDoesNotReadAndTellsTheOthers) {
  limits_.max_message_bytes = 1000;
  limits_.max_queued_bytes = 2000;
  const ConnectionId ann = join("kitchen", "Ann");
  const ConnectionId ben = join("kitchen", "Ben");
  heard(ann);
  unread_.insert(ben);
  const Relay big{ids_[ben], "\"" + std::string(800, 'x') + "\""};
  say(ann, big);
  say(ann, big);
  EXPECT_FALSE(drops_.contains(ben));
  say(ann, big);
  EXPECT_TRUE(drops_.contains(ben));
  EXPECT_EQ(heard_one<PeerLeft>(ann).id, ids_[ben]);
  EXPECT_EQ(rooms_->stats().slow, 1u);
  EXPECT_EQ(rooms_->stats().connections, 1u);
  hang_up(ben);
  EXPECT_EQ(rooms_->stats().connections, 1u);
}

TEST_F(RoomsTest, SlowReadersThatHearOfEachOthersEndAllGo) {
  limits_.max_message_bytes = 1000;
  limits_.max_queued_bytes = 1000;
  limits_.message_burst = 1000;
  const ConnectionId ann = join("kitchen", "Ann");
  std::vector<ConnectionId> slow;
  for (int i = 0; i < 5; ++i) slow.push_back(join("kitchen", ""));
  unread_.insert(slow.begin(), slow.end());
  for (int round = 0; round < 30; ++round) {
    for (const ConnectionId key : slow) say(ann, Relay{ids_[key], R"("0123456789")"});
  }
  for (const ConnectionId key : slow) EXPECT_TRUE(drops_.contains(key));
  EXPECT_EQ(rooms_->stats().peers, 1u);
}

TEST_F(RoomsTest, ClosesOneThatJoinsNoRoom) {
  const ConnectionId ann = connect();
  pass(limits_.join_timeout - milliseconds(1));
  EXPECT_THAT(heard(ann), IsEmpty());
  pass(milliseconds(1));
  EXPECT_EQ(refusal(ann), Refused::kJoinTimeout);
  EXPECT_EQ(closes_[ann].code, 1008);
}

TEST_F(RoomsTest, TheTimeToJoinBeginsAnewForOneWhoLeft) {
  const ConnectionId ann = join("kitchen", "Ann");
  pass_answering(minutes(1), {ann});
  say(ann, Leave{});
  heard_one<Left>(ann);
  pass_answering(limits_.join_timeout - milliseconds(1), {ann});
  EXPECT_THAT(heard(ann), IsEmpty());
  pass(milliseconds(1));
  EXPECT_EQ(refusal(ann), Refused::kJoinTimeout);
}

TEST_F(RoomsTest, NobodyIsClosedForSilenceUnlessThatIsWanted) {
  const ConnectionId ann = join("kitchen", "Ann");
  pass_answering(std::chrono::hours(2), {ann});
  EXPECT_THAT(closes_, IsEmpty());
}

TEST_F(RoomsTest, ClosesOneThatSaysNothingForTheIdleTimeout) {
  limits_.idle_timeout = minutes(5);
  const ConnectionId ann = join("kitchen", "Ann");
  pass_answering(minutes(3), {ann});
  say(ann, Relay{ids_[ann], "1"});
  heard(ann);
  pass_answering(minutes(5) - milliseconds(1), {ann});
  EXPECT_THAT(heard(ann), IsEmpty());
  pass(milliseconds(1));
  EXPECT_EQ(refusal(ann), Refused::kIdleTimeout);
}

TEST_F(RoomsTest, PingsOneThatIsSilentAndDropsItWhenItDoesNotAnswer) {
  const ConnectionId ann = join("kitchen", "Ann");
  const ConnectionId ben = join("kitchen", "Ben");
  heard(ann);
  pass(limits_.ping_interval - milliseconds(1));
  EXPECT_EQ(pings_[ann], 0);
  pass(milliseconds(1));
  EXPECT_EQ(pings_[ann], 1);
  rooms_->handle_pong(now_, ann);
  pass(limits_.pong_timeout - milliseconds(1));
  EXPECT_THAT(drops_, IsEmpty());
  pass(milliseconds(1));
  EXPECT_THAT(drops_, ElementsAre(testing::Key(ben)));
  EXPECT_EQ(heard_one<PeerLeft>(ann).id, ids_[ben]);
  EXPECT_EQ(rooms_->stats().dead, 1u);
}

TEST_F(RoomsTest, AnyMessageAnswersAPing) {
  const ConnectionId ann = join("kitchen", "Ann");
  pass(limits_.ping_interval);
  EXPECT_EQ(pings_[ann], 1);
  say(ann, "nonsense");
  pass(limits_.pong_timeout + milliseconds(1));
  EXPECT_THAT(drops_, IsEmpty());
}

TEST_F(RoomsTest, APingGoesBeforeWhatIsQueued) {
  const ConnectionId ann = join("kitchen", "Ann");
  unread_.insert(ann);
  say(ann, "nonsense");
  pass(limits_.ping_interval);
  EXPECT_TRUE(std::holds_alternative<PingFrame>(*rooms_->poll_transmit(ann)));
  EXPECT_TRUE(std::holds_alternative<TextFrame>(*rooms_->poll_transmit(ann)));
  EXPECT_FALSE(rooms_->poll_transmit(ann));
}

TEST_F(RoomsTest, DropsOneThatDoesNotCloseWhenItIsToldTo) {
  const ConnectionId ann = connect();
  rooms_->handle_oversized(now_, ann);
  pass(seconds(4));
  EXPECT_THAT(drops_, IsEmpty());
  pass(seconds(1));
  EXPECT_TRUE(drops_.contains(ann));
  EXPECT_EQ(rooms_->stats().unclosed, 1u);
  EXPECT_EQ(rooms_->stats().connections, 0u);
}

TEST_F(RoomsTest, NobodyIsTakenForDeadBecauseTheServerSleptTenMinutes) {
  const ConnectionId ann = join("kitchen", "Ann");
  const ConnectionId ben = join("kitchen", "Ben");
  pass(limits_.ping_interval - seconds(1));
  rooms_->handle_pong(now_, ben);
  pass(seconds(2));
  EXPECT_EQ(pings_[ann], 1) << "a ping is on its way";
  EXPECT_EQ(pings_[ben], 0);
  jump(minutes(10));
  EXPECT_THAT(drops_, IsEmpty());
  EXPECT_EQ(pings_[ann], 2);
  EXPECT_EQ(pings_[ben], 1);
  rooms_->handle_pong(now_, ann);
  pass(limits_.pong_timeout);
  EXPECT_THAT(drops_, ElementsAre(testing::Key(ben))) << "but nobody is asked for ever";
}

TEST_F(RoomsTest, IgnoresConnectionsItDoesNotKnow) {
  open();
  const ConnectionId stranger{99};
  rooms_->handle_message(now_, stranger, "{}");
  rooms_->handle_binary(now_, stranger);
  rooms_->handle_oversized(now_, stranger);
  rooms_->handle_pong(now_, stranger);
  rooms_->handle_disconnect(now_, stranger);
  rooms_->handle_timeout(now_);
  EXPECT_FALSE(rooms_->poll_event());
  EXPECT_FALSE(rooms_->poll_transmit(stranger));
}

TEST(SignalingLimits, TheDefaultsAreValid) {
  EXPECT_TRUE(validate(SignalingLimits{}));
}

TEST(SignalingLimits, RefusesThoseUnderWhichNobodyCouldTalk) {
  const auto refused = [](auto change) {
    SignalingLimits limits;
    change(limits);
    const Result<> result = validate(limits);
    return !result && result.error().code == Errc::kInvalidArgument;
  };
  EXPECT_TRUE(refused([](auto& limits) { limits.max_connections = 0; }));
  EXPECT_TRUE(refused([](auto& limits) { limits.max_rooms = 0; }));
  EXPECT_TRUE(refused([](auto& limits) { limits.max_peers_per_room = 0; }));
  EXPECT_TRUE(refused([](auto& limits) { limits.max_message_bytes = 10; }));
  EXPECT_TRUE(
      refused([](auto& limits) { limits.max_queued_bytes = limits.max_message_bytes - 1; }));
  EXPECT_TRUE(refused([](auto& limits) { limits.max_room_bytes = 0; }));
  EXPECT_TRUE(refused([](auto& limits) { limits.messages_per_second = 0; }));
  EXPECT_TRUE(refused([](auto& limits) { limits.messages_per_second = NAN; }));
  EXPECT_TRUE(refused([](auto& limits) { limits.message_burst = 0; }));
  EXPECT_TRUE(refused([](auto& limits) { limits.join_timeout = Duration::zero(); }));
  EXPECT_TRUE(refused([](auto& limits) { limits.ping_interval = Duration::zero(); }));
  EXPECT_TRUE(refused([](auto& limits) { limits.pong_timeout = Duration::zero(); }));
  EXPECT_TRUE(refused([](auto& limits) { limits.idle_timeout = seconds(-1); }));
}

}  // namespace
}  // namespace floe::server
