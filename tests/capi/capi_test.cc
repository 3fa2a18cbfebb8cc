// The C API, used from C (the scenarios) and compared with the C++ library it stands for.
#include <floe.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string_view>
#include <thread>

#include "floe/core/result.h"
#include "floe/dtls/identity.h"
#include "floe/peer/session_description.h"
#include "floe/peer/states.h"
#include "tests/capi/scenarios.h"

namespace floe {
namespace {

#define EXPECT_SCENARIO(scenario)                 \
  do {                                            \
    const char* went_wrong = scenario();          \
    EXPECT_EQ(went_wrong, nullptr) << went_wrong; \
  } while (false)

TEST(CApi, AnswersANullHandleWithAnErrorAndAText) {
  EXPECT_SCENARIO(null_handles);
}
TEST(CApi, AnswersANullArgumentWithAnErrorAndAText) {
  EXPECT_SCENARIO(null_arguments);
}
TEST(CApi, HasAWordForEveryEnumerator) {
  EXPECT_SCENARIO(words);
}
TEST(CApi, TakesStructsOfProgramsThatAreNewerAndRefusesWhatItDoesNotKnow) {
  EXPECT_SCENARIO(sized_structs);
}

TEST(CApiNetwork, TurnsItsLoopAsLongAsItIsAskedTo) {
  EXPECT_SCENARIO(loop_turning);
}
TEST(CApiNetwork, LivesOnALoopOfTheCallers) {
  EXPECT_SCENARIO(loop_of_the_callers);
}
TEST(CApiNetwork, MayBeFreedBeforeWhatWasMadeFromIt) {
  EXPECT_SCENARIO(freeing_the_network_first);
}
TEST(CApiNetwork, MayBeFreedWithinAHandler) {
  EXPECT_SCENARIO(freeing_the_network_within_a_handler);
}
TEST(CApiNetwork, HasItsMessagesGoWhereItIsTold) {
  EXPECT_SCENARIO(messages_for_people);
}

TEST(CApiNetwork, TakesTasksFromOtherThreads) {
  floe_network* network = floe_network_create(nullptr);
  struct Task {
    floe_network* network;
    std::thread::id ran_on;
  } task{network, {}};
  std::thread other([&] {
    floe_network_post(
        network,
        [](void* user) {
          static_cast<Task*>(user)->ran_on = std::this_thread::get_id();
          floe_network_stop(static_cast<Task*>(user)->network);
        },
        &task);
  });
  floe_network_run(network);
  other.join();
  EXPECT_EQ(task.ran_on, std::this_thread::get_id());
  floe_network_free(network);
}

TEST(CApi, KeepsTheLastErrorOfEachThreadApart) {
  EXPECT_EQ(floe_network_run(nullptr), FLOE_ERROR_INVALID_ARGUMENT);
  std::thread([] {
    EXPECT_EQ(floe_last_error()->code, FLOE_OK);
    EXPECT_STREQ(floe_last_error()->message, "");
  }).join();
  EXPECT_EQ(floe_last_error()->code, FLOE_ERROR_INVALID_ARGUMENT);
}

TEST(CApiPeerConnection, CarriesAWholeCall) {
  EXPECT_SCENARIO(a_whole_call);
}
TEST(CApiPeerConnection, TakesDescriptionsThatAreHandedOver) {
  EXPECT_SCENARIO(explicit_descriptions);
}
TEST(CApiPeerConnection, RestartsIceInTheMiddleOfACall) {
  EXPECT_SCENARIO(restarting_a_call);
}
TEST(CApiPeerConnection, SaysWhatIsWrongInItsConfiguration) {
  EXPECT_SCENARIO(refused_configurations);
}
TEST(CApiPeerConnection, RefusesBadDescriptionsAndCandidates) {
  EXPECT_SCENARIO(refused_descriptions);
}
TEST(CApiPeerConnection, TakesOtherServersInTheMiddleOfACall) {
  EXPECT_SCENARIO(changed_configurations);
}
TEST(CApiPeerConnection, NegotiatesTracksAndTellsOfThem) {
  EXPECT_SCENARIO(tracks_in_a_call);
}
TEST(CApiPeerConnection, PrefersTheCodecsItIsTold) {
  EXPECT_SCENARIO(codecs_in_a_call);
}
TEST(CApiPeerConnection, TakesProvisionalAnswersAndRollbacks) {
  EXPECT_SCENARIO(provisional_answers_and_rollbacks);
}
TEST(CApiPeerConnection, SharesPortsWithOthers) {
  EXPECT_SCENARIO(shared_ports);
}
TEST(CApiCertificate, IsMadeOrReadAndOutlivesItsHandle) {
  EXPECT_SCENARIO(certificates);
}
TEST(CApiIceTransport, TellsTheAddressesThatStandForItsOwn) {
  EXPECT_SCENARIO(address_rewrites);
}
TEST(CApiPeerConnection, SaysWhyThereIsNoPath) {
  EXPECT_SCENARIO(a_call_without_a_path);
}
TEST(CApiPeerConnection, MayBeFreedWithinAHandler) {
  EXPECT_SCENARIO(freeing_connections_within_handlers);
}

TEST(CApiPeerConnection, ShowsTheCertificateItIsGiven) {
  // The connection looks at the calendar: certificates expire.
  const auto today = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const auto identity = *dtls::Identity::generate(today);
  const auto pem = *identity->to_pem();
  floe_configuration configuration{};
  configuration.size = sizeof configuration;
  configuration.certificate = pem.certificate_chain.c_str();
  configuration.private_key = pem.private_key.c_str();
  floe_network* network = floe_network_create(nullptr);
  floe_peer_connection* connection = floe_peer_connection_create(network, &configuration);
  floe_data_channel* channel = floe_peer_connection_create_data_channel(connection, "c", nullptr);
  char* offer = floe_peer_connection_create_offer(connection);
  ASSERT_NE(offer, nullptr) << floe_last_error()->message;
  EXPECT_THAT(offer, testing::HasSubstr(identity->fingerprint()->to_string()));
  floe_string_free(offer);
  floe_data_channel_free(channel);
  floe_peer_connection_free(connection);
  floe_network_free(network);
}

TEST(CApiDataChannel, CarriesEveryKindOfMessage) {
  EXPECT_SCENARIO(kinds_of_messages);
}
TEST(CApiDataChannel, HasEveryOption) {
  EXPECT_SCENARIO(channel_options);
}
TEST(CApiDataChannel, SaysWhenSendingWouldBlockAndWhenToGoOn) {
  EXPECT_SCENARIO(back_pressure);
}
TEST(CApiDataChannel, MayBeFreedWithinAHandler) {
  EXPECT_SCENARIO(freeing_channels_within_handlers);
}
TEST(CApiDataChannel, IsClosedWhenItsConnectionIsGone) {
  EXPECT_SCENARIO(a_channel_that_outlives_its_connection);
}

TEST(CApiIceTransport, CarriesPacketsBothWays) {
  EXPECT_SCENARIO(packets_both_ways);
}
TEST(CApiIceTransport, GathersAsItIsConfigured) {
  EXPECT_SCENARIO(candidates_as_configured);
}
TEST(CApiIceTransport, Restarts) {
  EXPECT_SCENARIO(restarting_a_transport);
}
TEST(CApiIceTransport, SaysWhyThereIsNoPath) {
  EXPECT_SCENARIO(a_transport_without_a_path);
}
TEST(CApiIceTransport, SaysWhatIsWrongInItsConfiguration) {
  EXPECT_SCENARIO(refused_transports);
}
TEST(CApiIceTransport, MayBeFreedWithinAHandler) {
  EXPECT_SCENARIO(closing_a_transport_within_a_handler);
}

/// C++'s enumerators and C's stand for the same words, whatever their numbers.
template <typename Enumerator, typename CEnumerator>
void expect_same_words(Enumerator last, const char* (*text)(CEnumerator)) {
  for (int i = 0; i <= static_cast<int>(last); ++i) {
    const std::string_view word = to_string(static_cast<Enumerator>(i));
    bool found = false;
    for (int c = 0; c < 32; ++c) found = found || text(static_cast<CEnumerator>(c)) == word;
    EXPECT_TRUE(found) << "C has no " << word;
  }
}

TEST(CApi, HasEveryErrorAndStateOfTheLibrary) {
  expect_same_words(Errc::kInternal, floe_error_code_text);
  expect_same_words(SignalingState::kClosed, floe_signaling_state_text);
  expect_same_words(PeerConnectionState::kClosed, floe_peer_connection_state_text);
  expect_same_words(DtlsTransportState::kFailed, floe_dtls_transport_state_text);
  expect_same_words(DataChannelState::kClosed, floe_data_channel_state_text);
  expect_same_words(IceConnectionState::kClosed, floe_ice_state_text);
  expect_same_words(IceGatheringState::kComplete, floe_ice_gathering_state_text);
  expect_same_words(SdpType::kAnswer, floe_sdp_type_text);
}

}  // namespace
}  // namespace floe
