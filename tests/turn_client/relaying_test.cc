#include <gmock/gmock.h>

#include "floe/core/limits.h"
#include "floe/stun_client/stream_framer.h"
#include "tests/turn_client/scripted_server.h"

// Payloads, in and out.
namespace floe::turn {
namespace {

using namespace std::chrono_literals;
using net::Prefix;
using stun::AttributeType;
using stun::Method;

class TurnRelaying : public TurnCall {
 protected:
  void bind() {
    allocate();
    ASSERT_TRUE(client->bind(now, kPeer));
    exchange();
    events.clear();
  }
};

TEST_F(TurnRelaying, HandsPayloadsOutWithinThePacketTheyCameIn) {
  bind();
  const Packet payload{1, 2, 3, 4, 5};
  for (const Packet& packet : {ScriptedServer::data_indication(kPeer, payload),
                               ScriptedServer::channel_data(0x4000, payload),
                               ScriptedServer::channel_data(0x4000, payload, /*padded=*/true)}) {
    const Received result = receive(packet);
    ASSERT_EQ(result.kind, Received::Kind::kRelayed);
    EXPECT_EQ(result.peer, kPeer);
    EXPECT_EQ(to_vector(result.payload), payload);
    EXPECT_GE(result.payload.data(), received.data());
    EXPECT_LE(result.payload.data() + result.payload.size(), received.data() + received.size());
  }
  EXPECT_EQ(client->stats().relayed_packets, 3u);
  EXPECT_EQ(client->stats().relayed_bytes, 15u);
  // RFC 8656 sections 11.4 and 12.4: no bytes at all are a valid payload.
  EXPECT_EQ(receive(ScriptedServer::channel_data(0x4000, {})).kind, Received::Kind::kRelayed);
  EXPECT_EQ(receive(ScriptedServer::data_indication(kPeer, {})).kind, Received::Kind::kRelayed);
}

TEST_F(TurnRelaying, TakesDataThatOvertakesTheBindResponse) {
  allocate();
  ASSERT_TRUE(client->bind(now, kPeer));
  EXPECT_EQ(receive(ScriptedServer::channel_data(0x4000, Packet(5, 1))).kind,
            Received::Kind::kRelayed);
}

TEST_F(TurnRelaying, TellsWhenAPeerIsUnreachable) {
  bind();
  receive(ScriptedServer::indication(Method::kData, [&](stun::MessageBuilder& b) {
    b.add_xor_address(AttributeType::kXorPeerAddress, kPeer);
    b.add_icmp({.type = 3, .code = 4, .error_data = 1'400});
  }));
  const auto unreachable = take<Client::PeerUnreachable>();
  ASSERT_TRUE(unreachable);
  EXPECT_EQ(unreachable->peer, kPeer);
  EXPECT_EQ(unreachable->icmp.error_data, 1'400u);
  receive(ScriptedServer::indication(Method::kData, [&](stun::MessageBuilder& b) {
    b.add_xor_address(AttributeType::kXorPeerAddress, endpoint("198.51.100.77:1"));
    b.add_icmp({.type = 3, .code = 3});
  }));
  EXPECT_FALSE(take<Client::PeerUnreachable>());
}

TEST_F(TurnRelaying, AFullDatagramBehindAChannelHeaderStaysUnfragmented) {
  bind();
  net::SendBatch batch;
  for (int i = 0; i < 3; ++i) batch.add(*client->route(kPeer), Packet(kBaseDatagram, 0x55));
  // One run, one system call; 1,204 bytes where IPv6's minimum MTU leaves 1,232.
  ASSERT_EQ(batch.runs().size(), 1u);
  EXPECT_EQ(batch.runs()[0].segment_size, kBaseDatagram + 4);
  EXPECT_LE(batch.runs()[0].segment_size, 1'280u - 40 - 8);
  // A Send indication to an IPv4 peer has 36 bytes more: 1,236 pass wherever Ethernet does.
  EXPECT_EQ(Prefix::send_indication(kPeer).size(), 36u);
}

TEST_F(TurnRelaying, AsksForTheDontFragmentBitWhereTheServerKnowsIt) {
  configure({.dont_fragment = true});
  client->start(now);
  ASSERT_TRUE(client->permit(now, kPeer.address));
  exchange();
  EXPECT_TRUE(take<Client::Allocated>()->dont_fragment);
  ASSERT_TRUE(send(kPeer, 9));
  EXPECT_TRUE(server.sent().back().dont_fragment);
  EXPECT_EQ(server.sent().back().payload, Packet(9, 0x55));
}

TEST_F(TurnRelaying, PadsChannelDataOverAStream) {
  configure({.transport = stun::Transport::kStream});
  bind();
  net::SendBatch batch;
  batch.add(*client->route(kPeer), Packet(5, 0x55));
  EXPECT_EQ(batch.packet(batch.runs()[0], 0).size(), 12u);
}

TEST_F(TurnRelaying, ReadsAStreamThatIsTornOrJoinedAtAnyByte) {
  configure({.transport = stun::Transport::kStream});
  bind();
  Packet stream;
  for (std::size_t size = 0; size < 6; ++size) {
    const Packet payload(size, static_cast<std::uint8_t>(size));
    const Packet data = ScriptedServer::data_indication(kPeer, payload);
    const Packet channel = ScriptedServer::channel_data(0x4000, payload, /*padded=*/true);
    stream.insert(stream.end(), data.begin(), data.end());
    stream.insert(stream.end(), channel.begin(), channel.end());
  }
  const auto read = [&](stun::StreamFramer& framer, Bytes piece, std::vector<std::size_t>& sizes) {
    Packet bytes = to_vector(piece);
    MutableBytes rest = bytes;
    while (const auto frame = framer.next(rest)) {
      const Received result = client->handle_packet(now, {*frame, {}, kSocket});
      ASSERT_EQ(result.kind, Received::Kind::kRelayed);
      sizes.push_back(result.payload.size());
    }
  };
  const std::vector<std::size_t> expected{0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5};
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    stun::StreamFramer framer;
    std::vector<std::size_t> sizes;
    read(framer, Bytes(stream).first(cut), sizes);
    read(framer, Bytes(stream).subspan(cut), sizes);
    ASSERT_EQ(sizes, expected) << "torn after " << cut << " bytes";
  }
  stun::StreamFramer framer;
  std::vector<std::size_t> sizes;
  for (std::size_t i = 0; i < stream.size(); ++i) read(framer, Bytes(stream).subspan(i, 1), sizes);
  EXPECT_EQ(sizes, expected);
}

}  // namespace
}  // namespace floe::turn
