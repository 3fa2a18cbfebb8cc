#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "floe/core/check.h"
#include "floe/turn_client/client.h"
#include "floe/turn_client/data_connection.h"

// A TURN server that sends anything. The input is a list of steps: a byte that says what happens, a
// byte that says how much of what follows belongs to it. Packets get the transaction id of the
// client's last request, so that answers reach the code behind the matching. Whatever comes, time
// goes on, work is bounded and nothing is relayed from a peer that was not permitted.
namespace floe::turn {
namespace {

using std::chrono::seconds;

const net::Endpoint kServer{net::Address::v4(192, 0, 2, 1), 3478};
const net::Endpoint kPeer{net::Address::v4(198, 51, 100, 20), 6000};
constexpr net::SocketId kSocket{1};
constexpr std::size_t kMaxSteps = 64;

class Call {
 public:
  explicit Call(std::uint8_t options)
      : over_stream_((options & 1) != 0),
        client_(
            Client::create(
                {.socket = kSocket,
                 .server = kServer,
                 .transport = over_stream_ ? stun::Transport::kStream : stun::Transport::kDatagrams,
                 .credential = (options & 2) != 0
                                   ? stun::LongTermCredential::create("user", "pass").value()
                                   : std::optional<stun::LongTermCredential>(),
                 .relay = (options & 5) == 5 ? RelayTransport::kTcp : RelayTransport::kUdp,
                 .both_families = (options & 8) != 0,
                 .mobility = (options & 16) != 0},
                random_)
                .value()),
        data_({.socket = kSocket, .server = kServer, .connection_id = 1}, random_) {
    client_.start(now_);
    data_.start(now_);
    transmit();
  }

  void step(std::uint8_t what, Bytes input) {
    switch (what % 10) {
      case 0:
        now_ += seconds(input.size() * 4);
        break;
      case 1:
        static_cast<void>(client_.permit(now_, kPeer.address));
        break;
      case 2:
        static_cast<void>(client_.bind(now_, kPeer));
        break;
      case 3:
        client_.use_socket(now_, kSocket);
        break;
      case 4:
        static_cast<void>(client_.follow_redirect(now_, kSocket));
        break;
      case 5:
        static_cast<void>(client_.connect(now_, kPeer));
        break;
      case 6:
        if (input.size() == 1) client_.close(now_);
        if (input.size() == 2) client_.start(now_);
        if (input.size() == 3) client_.release(kPeer.address);
        break;
      default:
        receive(input);
    }
    if (client_.next_timeout() <= now_) {
      client_.handle_timeout(now_);
      FLOE_CHECK(client_.next_timeout() > now_);
    }
    transmit();
    while (client_.poll_event()) {
    }
    FLOE_CHECK(client_.allocated() == !client_.relayed().empty());
    FLOE_CHECK(client_.allocated() || !client_.route(kPeer));
  }

 private:
  void receive(Bytes input) {
    std::vector<std::uint8_t> packet = to_vector(input);
    if (packet.size() >= stun::kHeaderSize && packet[0] < 4) {
      std::copy(last_id_.begin(), last_id_.end(), packet.begin() + 8);
    }
    const net::Endpoint from = client_.server();
    const Received received = client_.handle_packet(now_, {packet, from, kSocket});
    if (received.kind == Received::Kind::kRelayed) {
      FLOE_CHECK(received.peer.address == kPeer.address);
      FLOE_CHECK(received.payload.size() <= packet.size());
      FLOE_CHECK(received.payload.empty() || (received.payload.data() > packet.data() &&
                                              received.payload.data() + received.payload.size() <=
                                                  packet.data() + packet.size()));
    }
    std::vector<std::uint8_t> stream = to_vector(input);
    const MutableBytes rest = data_.handle_data(now_, stream);
    FLOE_CHECK(rest.empty() || data_.bound());
  }

  void transmit() {
    net::SendBatch batch;
    client_.poll_transmit(now_, batch);
    // Each permission, channel and connection has at most one request under way, and so has the
    // allocation: what one step can bring about is a handful.
    FLOE_CHECK(batch.packets() <= 8);
    for (const net::SendBatch::Run& run : batch.runs()) {
      for (std::size_t i = 0; i < run.segments; ++i) {
        last_id_ = stun::Message::parse(batch.packet(run, i))->transaction_id();
      }
    }
    net::SendBatch other;
    data_.poll_transmit(now_, other);
  }

  SeededRandom random_{1};
  Time now_{std::chrono::hours(1)};
  bool over_stream_;
  Client client_;
  DataConnection data_;
  stun::TransactionId last_id_{};
};

}  // namespace
}  // namespace floe::turn

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  floe::ByteReader reader({data, size});
  floe::turn::Call call(reader.u8());
  for (std::size_t i = 0; i < floe::turn::kMaxSteps && reader.remaining() >= 3; ++i) {
    const std::uint8_t what = reader.u8();
    const std::size_t length = reader.u16();
    call.step(what, reader.bytes(std::min(length, reader.remaining())));
  }
  return 0;
}
