#include "tests/whip/meeting.h"

#include <gtest/gtest.h>

#include <utility>

namespace floe::whip {

void Station::listen(Server::Options options) {
  server = std::move(Server::listen(network_, std::move(options), *this).value());
}

tl::expected<std::unique_ptr<PeerConnection>, Refusal> Station::on_offer(const Offer& offer) {
  streams.push_back(offer.stream);
  offers.push_back(offer.sdp);
  if (destroy_at == "offer") server.reset();
  if (refusal) return tl::unexpected<Refusal>(*refusal);
  last = offer.session;
  std::unique_ptr<PeerConnection> connection = PeerConnection::create(network_).value();
  if (offer.protocol == Protocol::kWhep) {
    for (const MediaKind kind : tracks) {
      EXPECT_TRUE(
          connection->add_track(std::make_shared<MediaStreamTrack>(kind, "track"), {"stream"}));
    }
  }
  connection->on_data_channel([](std::shared_ptr<DataChannel> channel) {
    DataChannel* const raw = channel.get();
    // It keeps itself, as long as its connection lives.
    raw->on_message([channel = std::move(channel)](const DataChannel::Message& message) {
      EXPECT_TRUE(channel->send(message.payload));
    });
  });
  return connection;
}

void Station::on_state(SessionId session, PeerConnectionState state) {
  log.push_back(std::to_string(static_cast<std::uint64_t>(session)) + " " +
                std::string(to_string(state)));
  if (destroy_at == "state") server.reset();
}

void Station::on_ended(SessionId session, const std::string& reason) {
  log.push_back(std::to_string(static_cast<std::uint64_t>(session)) + " ended: " + reason);
  if (destroy_at == "ended") server.reset();
}

void Visitor::start(Client::Options options) {
  log.clear();
  closed.reset();
  channel.reset();
  echoed = 0;
  client = std::move(Client::start(network_, std::move(options), *this).value());
}

Result<std::unique_ptr<PeerConnection>> Visitor::create_connection() {
  auto connection = PeerConnection::create(network_);
  if (!connection) return connection;
  for (const MediaKind kind : kinds) {
    EXPECT_TRUE((*connection)->add_transceiver(kind, {.direction = direction}));
  }
  if (!with_channel) return connection;
  channel = (*connection)->create_data_channel("talk").value();
  channel->on_open([this] { say("hello"); });
  channel->on_message([this](const DataChannel::Message&) { ++echoed; });
  return connection;
}

void Visitor::say(const std::string& text) {
  EXPECT_TRUE(channel->send(text));
}

void Visitor::on_established() {
  log.emplace_back("established");
  if (destroy_when_established) client.reset();
}

void Visitor::on_state(PeerConnectionState state) {
  log.emplace_back(to_string(state));
}

void Visitor::on_restart_failed(const Failure& failure) {
  log.push_back("restart failed: " + failure.error.message);
}

void Visitor::on_closed(const Failure& failure) {
  closed = failure;
  log.push_back("closed: " + failure.error.message);
}

}  // namespace floe::whip
