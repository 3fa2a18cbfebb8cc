#include "floe/stun_client/binding_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <vector>

namespace floe::stun {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

constexpr Time kStart{std::chrono::hours(1)};
constexpr net::SocketId kSocket{7};
using Add = std::function<void(MessageBuilder&)>;
using Reflexive = BindingClient::Reflexive;
using Redirected = BindingClient::Redirected;
using Failed = BindingClient::Failed;

net::Endpoint endpoint(std::string_view text) {
  return net::Endpoint::parse(text).value();
}
const net::Endpoint kServer = endpoint("192.0.2.1:3478");
const net::Endpoint kMapped = endpoint("203.0.113.5:4000");

class StunBindingClient : public ::testing::Test {
 protected:
  SeededRandom random{1};
  BindingClient client{kSocket, kServer, random, {}};
  Time now = kStart;
  std::vector<std::uint8_t> sent;  ///< The last request.
  net::Route sent_to;

  /// Packets the client sends now.
  std::size_t pump() {
    net::SendBatch batch;
    client.poll_transmit(now, batch);
    if (!batch.empty()) {
      sent = to_vector(batch.packet(batch.runs().back(), 0));
      sent_to = batch.runs().back().route;
    }
    return batch.packets();
  }
  void start() {
    client.start(now);
    ASSERT_EQ(pump(), 1u);
  }
  bool receive(std::vector<std::uint8_t> bytes, const net::Endpoint& source) {
    return client.handle_packet(now, {bytes, source, kSocket});
  }
  /// An answer to the last request.
  std::vector<std::uint8_t> answer(Class cls, const Add& add, Method method = Method::kBinding) {
    std::array<std::uint8_t, 1024> space;
    MessageBuilder builder(space, cls, method, Message::parse(sent)->transaction_id());
    add(builder);
    return to_vector(builder.bytes());
  }
  std::vector<std::uint8_t> good_answer() {
    return answer(Class::kSuccess, [](MessageBuilder& b) {
      b.add_xor_address(AttributeType::kXorMappedAddress, kMapped);
    });
  }
  std::vector<std::uint8_t> error_answer(
      std::uint16_t code, const Add& add = [](auto&) {}) {
    return answer(Class::kError, [&](MessageBuilder& b) {
      b.add_error(code, "reason");
      add(b);
    });
  }
  std::vector<std::uint8_t> redirect_to(std::string_view server) {
    return error_answer(kTryAlternate, [&](MessageBuilder& b) {
      b.add_address(AttributeType::kAlternateServer, endpoint(server));
    });
  }
  template <typename T>
  T event() {
    std::optional<BindingClient::Event> event = client.poll_event();
    EXPECT_TRUE(event && std::holds_alternative<T>(*event));
    return event && std::holds_alternative<T>(*event) ? std::get<T>(*event) : T();
  }
  /// The query goes on: still running, nothing to tell.
  bool undisturbed() { return client.running() && !client.poll_event(); }
};

TEST_F(StunBindingClient, LearnsItsReflexiveAddress) {
  start();
  EXPECT_EQ(sent_to, (net::Route{kSocket, kServer, {}}));
  EXPECT_TRUE(Message::parse(sent)->is_request(Method::kBinding));
  now += 40ms;
  EXPECT_TRUE(receive(good_answer(), kServer));
  const auto result = event<Reflexive>();
  EXPECT_EQ(result.address, kMapped);
  EXPECT_EQ(result.round_trip, 40ms);
  EXPECT_FALSE(client.running());
  EXPECT_EQ(client.next_timeout(), kNever);
  EXPECT_FALSE(client.poll_event());
}

TEST_F(StunBindingClient, AcceptsTheMappedAddressOfAnOldServer) {
  start();
  receive(answer(Class::kSuccess,
                 [](MessageBuilder& b) { b.add_address(AttributeType::kMappedAddress, kMapped); }),
          kServer);
  EXPECT_EQ(event<Reflexive>().address, kMapped);
}

TEST_F(StunBindingClient, SaysWhoItIsAndMarksItsPacketsIfAsked) {
  BindingClient marked(kSocket, kServer, random, {.software = "floe test", .fingerprint = true});
  marked.start(now);
  net::SendBatch batch;
  marked.poll_transmit(now, batch);
  const Message request = Message::parse(batch.packet(batch.runs()[0], 0)).value();
  EXPECT_EQ(request.software(), "floe test");
  EXPECT_EQ(request.check_fingerprint(), Message::Fingerprint::kOk);
}

TEST_F(StunBindingClient, ASoftwareTextThatDoesNotFitFailsTheQueryInsteadOfTheProgram) {
  BindingClient wordy(kSocket, kServer, random, {.software = std::string(2000, 's')});
  wordy.start(now);
  EXPECT_TRUE(std::holds_alternative<Failed>(wordy.poll_event().value()));
}

TEST_F(StunBindingClient, EveryQueryHasItsOwnTransactionId) {
  start();
  const auto first = sent;
  start();
  EXPECT_NE(Message::parse(first)->transaction_id(), Message::parse(sent)->transaction_id());
}

TEST_F(StunBindingClient, IgnoresASuccessWithAnUnknownTransactionId) {
  start();
  auto response = good_answer();
  response[19] ^= 1;
  EXPECT_FALSE(receive(response, kServer)) << "may be meant for somebody else on this socket";
  EXPECT_TRUE(undisturbed());
  EXPECT_TRUE(receive(good_answer(), kServer));
  event<Reflexive>();
}

TEST_F(StunBindingClient, IgnoresASuccessFromAnotherAddress) {
  start();
  EXPECT_TRUE(receive(good_answer(), endpoint("192.0.2.1:3479")));
  EXPECT_TRUE(receive(good_answer(), endpoint("192.0.2.2:3478")));
  EXPECT_TRUE(undisturbed());
  EXPECT_EQ(client.stats().dropped_other_source, 2u);
  EXPECT_EQ(client.next_timeout(), kStart + 500ms) << "retransmissions go on";
}

TEST_F(StunBindingClient, IgnoresPacketsOfOtherSockets) {
  start();
  auto response = good_answer();
  EXPECT_FALSE(client.handle_packet(now, {response, kServer, net::SocketId{8}}));
  EXPECT_TRUE(undisturbed());
}

TEST_F(StunBindingClient, JunkWithTheRightIdDoesNotRetireTheTransaction) {
  start();
  auto malformed = answer(Class::kSuccess,
                          [](MessageBuilder& b) { b.add_text(AttributeType::kSoftware, "abcd"); });
  malformed[kHeaderSize + 3] = 200;  // SOFTWARE runs past the end.
  EXPECT_TRUE(receive(malformed, kServer));
  auto bad_fingerprint = answer(Class::kSuccess, [](MessageBuilder& b) {
    b.add_xor_address(AttributeType::kXorMappedAddress, kMapped);
    b.add_fingerprint();
  });
  bad_fingerprint.back() ^= 1;
  EXPECT_TRUE(receive(bad_fingerprint, kServer));
  EXPECT_TRUE(receive(sent, kServer)) << "our own request, reflected";
  EXPECT_TRUE(receive(answer(Class::kIndication, [](auto&) {}), kServer));
  EXPECT_TRUE(receive(answer(
                          Class::kSuccess, [](auto&) {}, Method::kAllocate),
                      kServer));
  EXPECT_TRUE(undisturbed());
  EXPECT_EQ(client.stats().dropped_malformed, 1u);
  EXPECT_EQ(client.stats().dropped_bad_fingerprint, 1u);
  EXPECT_EQ(client.stats().dropped_not_a_response, 3u);
}

TEST_F(StunBindingClient, IsDeafToGarbage) {
  start();
  for (const std::size_t size : {0, 1, 19, 20, 1200, 65'507}) {
    std::vector<std::uint8_t> garbage(size);
    random.fill(garbage);
    EXPECT_FALSE(receive(garbage, kServer));
  }
  EXPECT_TRUE(undisturbed());
}

TEST_F(StunBindingClient, TimesOutAfterSevenRequests) {
  start();
  std::size_t requests = 1;
  while (client.running()) {
    now = client.next_timeout();
    client.handle_timeout(now);
    ASSERT_GT(client.next_timeout(), now);
    requests += pump();
  }
  EXPECT_EQ(requests, 7u);
  EXPECT_EQ(client.stats().requests_sent, 7u);
  EXPECT_EQ(now, kStart + 39'500ms);
  EXPECT_EQ(event<Failed>().error.code, Errc::kTimedOut);
}

TEST_F(StunBindingClient, SurvivesAJumpOfTenMinutes) {
  start();
  now += 10min;
  client.handle_timeout(now);
  EXPECT_GT(client.next_timeout(), now);
  EXPECT_EQ(pump(), 1u);
  receive(good_answer(), kServer);
  EXPECT_EQ(event<Reflexive>().round_trip, std::nullopt);
}

TEST_F(StunBindingClient, TellsTheErrorCodeAndReason) {
  start();
  receive(error_answer(kForbidden), kServer);
  const Failed failed = event<Failed>();
  EXPECT_EQ(failed.code, 403);
  EXPECT_THAT(failed.error.message, HasSubstr("403 \"reason\""));
}

TEST_F(StunBindingClient, TellsWhatTheServerDidNotUnderstand) {
  start();
  receive(error_answer(kUnknownAttribute,
                       [](MessageBuilder& b) {
                         b.add_unknown_attributes(std::array{AttributeType::kChangeRequest});
                       }),
          kServer);
  const Failed failed = event<Failed>();
  EXPECT_EQ(failed.code, 420);
  ASSERT_EQ(failed.unknown.size(), 1u);
  EXPECT_EQ(failed.unknown[0], AttributeType::kChangeRequest);
  EXPECT_THAT(failed.error.message, HasSubstr("CHANGE-REQUEST"));
}

TEST_F(StunBindingClient, FailsOnAnswersItCannotUse) {
  const std::vector<Add> unusable{
      [](MessageBuilder&) {},
      [](MessageBuilder& b) {
        b.add_xor_address(AttributeType::kXorMappedAddress, endpoint("0.0.0.0:4000"));
      },
      [](MessageBuilder& b) {
        b.add_xor_address(AttributeType::kXorMappedAddress, endpoint("203.0.113.5:0"));
      },
      [](MessageBuilder& b) {
        b.add_xor_address(AttributeType::kXorMappedAddress, endpoint("224.0.0.1:4000"));
      },
      [](MessageBuilder& b) {
        b.add_xor_address(AttributeType::kXorMappedAddress, kMapped);
        b.add_flag(AttributeType{0x7ffe});
      }};
  for (const Add& add : unusable) {
    start();
    receive(answer(Class::kSuccess, add), kServer);
    event<Failed>();
    EXPECT_FALSE(client.running());
  }
  start();
  receive(answer(Class::kError, [](MessageBuilder&) {}), kServer);
  event<Failed>();
}

TEST_F(StunBindingClient, TriesAgainAfterAServerErrorButNotForEver) {
  start();
  Duration wait = 500ms;
  for (unsigned i = 0; i < BindingClient::kMaxServerErrors; ++i, wait *= 2) {
    const auto before = sent;
    receive(error_answer(kServerError), kServer);
    EXPECT_TRUE(undisturbed());
    EXPECT_EQ(client.next_timeout(), now + wait);
    now = client.next_timeout();
    client.handle_timeout(now);
    EXPECT_GT(client.next_timeout(), now);
    ASSERT_EQ(pump(), 1u);
    EXPECT_NE(sent, before) << "a new transaction";
  }
  receive(error_answer(kServerError), kServer);
  EXPECT_EQ(event<Failed>().code, 500);
}

TEST_F(StunBindingClient, AnnouncesARedirectionAndFollowsItWhenTold) {
  start();
  receive(redirect_to("198.51.100.2:3478"), kServer);
  EXPECT_EQ(event<Redirected>().server, endpoint("198.51.100.2:3478"));
  EXPECT_FALSE(client.running());
  EXPECT_EQ(pump(), 0u);
  ASSERT_TRUE(client.follow_redirect(now));
  ASSERT_EQ(pump(), 1u);
  EXPECT_EQ(sent_to.destination, endpoint("198.51.100.2:3478"));
  receive(good_answer(), endpoint("198.51.100.2:3478"));
  EXPECT_EQ(event<Reflexive>().address, kMapped);
  EXPECT_EQ(client.follow_redirect(now).error().code, Errc::kInvalidState);
}

TEST_F(StunBindingClient, TakesTheAlternateServerOfItsOwnFamily) {
  start();
  receive(
      error_answer(kTryAlternate,
                   [](MessageBuilder& b) {
                     b.add_address(AttributeType::kAlternateServer, endpoint("[2001:db8::1]:3478"));
                     b.add_address(AttributeType::kAlternateServer, endpoint("198.51.100.2:3478"));
                   }),
      kServer);
  EXPECT_EQ(event<Redirected>().server, endpoint("198.51.100.2:3478"));
}

TEST_F(StunBindingClient, FailsOnARedirectionWithoutAUsableServer) {
  start();
  receive(error_answer(kTryAlternate), kServer);
  EXPECT_EQ(event<Failed>().code, kTryAlternate);
  start();
  receive(redirect_to("[2001:db8::1]:3478"), kServer);
  EXPECT_EQ(event<Failed>().code, kTryAlternate);
}

TEST_F(StunBindingClient, DoesNotGoInCircles) {
  start();
  receive(redirect_to("198.51.100.2:3478"), kServer);
  event<Redirected>();
  ASSERT_TRUE(client.follow_redirect(now));
  pump();
  receive(redirect_to("192.0.2.1:3478"), endpoint("198.51.100.2:3478"));
  EXPECT_THAT(event<Failed>().error.message, HasSubstr("in a loop, back to 192.0.2.1:3478"));
}

TEST_F(StunBindingClient, FollowsAChainOfRedirectionsOnlySoFar) {
  start();
  net::Endpoint at = kServer;
  unsigned followed = 0;
  for (;; ++followed) {
    const std::string next = "198.51.100." + std::to_string(followed + 1) + ":3478";
    receive(redirect_to(next), at);
    if (followed == BindingClient::kMaxRedirects) break;
    event<Redirected>();
    ASSERT_TRUE(client.follow_redirect(now));
    pump();
    at = endpoint(next);
  }
  EXPECT_EQ(event<Failed>().error.code, Errc::kLimitExceeded);
}

TEST_F(StunBindingClient, AHardIcmpErrorEndsTheQuery) {
  client.handle_unreachable({Errc::kUnreachable, "no route"});
  EXPECT_FALSE(client.poll_event()) << "nothing was running";
  start();
  client.handle_unreachable({Errc::kUnreachable, "no route"});
  EXPECT_EQ(event<Failed>().error.code, Errc::kUnreachable);
}

TEST_F(StunBindingClient, ASlowServerIsGivenMoreTimeInTheNextQuery) {
  start();
  now += 490ms;
  receive(good_answer(), kServer);
  event<Reflexive>();
  start();
  // RFC 6298: SRTT 490 ms and four times its half.
  EXPECT_EQ(client.next_timeout(), now + 490ms + 4 * 245ms);
}

}  // namespace
}  // namespace floe::stun
