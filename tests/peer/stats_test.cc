// The statistics reports against what is known of a call.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/peer/call.h"

namespace floe {
namespace {

using nlohmann::json;
using testing::IsEmpty;
using testing::SizeIs;

TEST(PeerStats, TellOfAConnectionThatHasNotBegun) {
  Call call({});
  call.create();
  const StatsReport report = call.alice.pc->stats();
  ASSERT_THAT(report.all<PeerConnectionStats>(), SizeIs(1));
  ASSERT_THAT(report.all<TransportStats>(), SizeIs(1));
  const TransportStats& transport = *report.all<TransportStats>()[0];
  EXPECT_EQ(transport.ice_state, IceConnectionState::kNew);
  EXPECT_EQ(transport.dtls_state, DtlsTransportState::kNew);
  EXPECT_EQ(transport.dtls_role, std::nullopt);
  EXPECT_THAT(transport.selected_candidate_pair_id, IsEmpty());
  EXPECT_THAT(transport.remote_certificate_id, IsEmpty());
  EXPECT_NE(report.find<CertificateStats>(transport.local_certificate_id), nullptr);
  EXPECT_THAT(report.all<CandidatePairStats>(), IsEmpty());
}

TEST(PeerStats, LeadFromTheTransportToItsPairCandidatesAndCertificates) {
  Call::Options options;
  options.alice_nat = net::sim::NatOptions::full_cone();
  Call call(options);
  call.start();
  ASSERT_TRUE(call.run_until_open()) << call.describe();
  call.world.run_for(seconds(3));
  const StatsReport report = call.alice.pc->stats();
  const TransportStats& transport = *report.all<TransportStats>().at(0);
  EXPECT_EQ(transport.ice_role, ice::Role::kControlling);
  EXPECT_EQ(transport.dtls_state, DtlsTransportState::kConnected);
  EXPECT_EQ(transport.dtls_role, sdp::DtlsRole::kServer);  // She offered.
  EXPECT_EQ(transport.tls_version, "FEFD");
  EXPECT_EQ(transport.dtls_cipher, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
  EXPECT_GE(transport.selected_candidate_pair_changes, 1u);

  const auto* pair = report.find<CandidatePairStats>(transport.selected_candidate_pair_id);
  ASSERT_NE(pair, nullptr);
  EXPECT_EQ(pair->state, ice::PairState::kSucceeded);
  EXPECT_TRUE(pair->nominated);
  EXPECT_NEAR(pair->current_round_trip_time.value_or(0), 0.042, 0.001);
  const auto* local = report.find<IceCandidateStats>(pair->local_candidate_id);
  const auto* remote = report.find<IceCandidateStats>(pair->remote_candidate_id);
  ASSERT_TRUE(local != nullptr && remote != nullptr);
  EXPECT_FALSE(local->is_remote);
  EXPECT_TRUE(remote->is_remote);
  EXPECT_EQ(remote->address, call.bob_host->address().to_string());
  EXPECT_EQ(local->username_fragment, transport.ice_local_username_fragment);

  // Each side's own certificate is the other's remote one.
  const StatsReport others = call.bob.pc->stats();
  const auto* ours = report.find<CertificateStats>(transport.local_certificate_id);
  const auto* theirs =
      others.find<CertificateStats>(others.all<TransportStats>().at(0)->remote_certificate_id);
  ASSERT_TRUE(ours != nullptr && theirs != nullptr);
  EXPECT_EQ(ours->base64_certificate, theirs->base64_certificate);
  EXPECT_EQ(ours->fingerprint, theirs->fingerprint);
  EXPECT_NE(call.alice.pc->local_description()->sdp.find(ours->fingerprint), std::string::npos);
}

TEST(PeerStats, CountWhatTheOtherSideCounts) {
  Call call({});
  call.start();
  ASSERT_TRUE(call.run_until_open()) << call.describe();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(call.alice.channel->send("twenty bytes of text"));
  ASSERT_TRUE(call.run_until([&] { return call.bob.received.size() == 10; }, seconds(5)));
  call.world.run_for(seconds(1));
  const StatsReport sent = call.alice.pc->stats();
  const StatsReport received = call.bob.pc->stats();
  const DataChannelStats& out = *sent.all<DataChannelStats>().at(0);
  const DataChannelStats& in = *received.all<DataChannelStats>().at(0);
  EXPECT_EQ(out.label, "chat");
  EXPECT_EQ(out.data_channel_identifier, in.data_channel_identifier);
  EXPECT_EQ(out.messages_sent, 10u);
  EXPECT_EQ(out.bytes_sent, 200u);
  EXPECT_EQ(in.messages_received, 10u);
  EXPECT_EQ(in.bytes_received, 200u);

  // No loss here: the packets that left are those that came, on the transport and on its pairs.
  const TransportStats& alice = *sent.all<TransportStats>().at(0);
  const TransportStats& bob = *received.all<TransportStats>().at(0);
  EXPECT_EQ(alice.packets_sent, bob.packets_received);
  EXPECT_EQ(alice.bytes_sent, bob.bytes_received);
  EXPECT_EQ(alice.bytes_received, bob.bytes_sent);
  std::uint64_t on_pairs = 0;
  for (const auto* pair : sent.all<CandidatePairStats>()) on_pairs += pair->bytes_sent;
  EXPECT_EQ(on_pairs, alice.bytes_sent);
}

TEST(PeerStats, RememberChannelsThatAreGoneAndLastOverTheEnd) {
  Call call({});
  call.start();
  ASSERT_TRUE(call.run_until_open()) << call.describe();
  call.alice.channel->close();
  ASSERT_TRUE(call.run_until([&] { return call.alice.closed && call.bob.closed; }, seconds(5)));
  call.alice.pc->close();
  const StatsReport report = call.alice.pc->stats();
  EXPECT_EQ(report.all<PeerConnectionStats>().at(0)->data_channels_opened, 1u);
  EXPECT_EQ(report.all<PeerConnectionStats>().at(0)->data_channels_closed, 1u);
  EXPECT_THAT(report.all<DataChannelStats>(), IsEmpty());
  EXPECT_EQ(report.all<TransportStats>().at(0)->ice_state, IceConnectionState::kClosed);
}

TEST(PeerStats, AreTheW3csObjectsInJson) {
  Call call({});
  call.start();
  ASSERT_TRUE(call.run_until_open()) << call.describe();
  const json report = json::parse(call.alice.pc->stats().to_json());
  json transport;
  for (const auto& [id, entry] : report.items()) {
    EXPECT_EQ(entry.at("id"), id);
    EXPECT_GT(entry.at("timestamp").get<double>(), 1e12) << entry;
    if (entry.at("type") == "transport") transport = entry;
  }
  ASSERT_FALSE(transport.is_null());
  EXPECT_EQ(transport.at("dtlsState"), "connected");
  const json& pair = report.at(transport.at("selectedCandidatePairId").get<std::string>());
  EXPECT_EQ(pair.at("type"), "candidate-pair");
  EXPECT_EQ(pair.at("state"), "succeeded");
  const json& local = report.at(pair.at("localCandidateId").get<std::string>());
  EXPECT_EQ(local.at("type"), "local-candidate");
  EXPECT_EQ(local.at("candidateType"), "host");
  EXPECT_EQ(local.at("protocol"), "udp");
}

}  // namespace
}  // namespace floe
