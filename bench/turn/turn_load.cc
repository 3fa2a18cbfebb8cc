// turn_load: sends as much as a TURN server takes through one allocation, on a channel, and counts
// what comes out.
//
//   turn_load SERVER:PORT USER PASSWORD LOCAL_ADDRESS to-peer|to-client PAYLOAD SECONDS
//             trains|singly
//
// "trains" sends runs of packets in one call each (UDP GSO), as floe does and as busy network cards
// deliver them (GRO); "singly" one packet per call, as most programs do.
//
// Prints one line of JSON: packets sent and delivered, and the seconds it took.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "floe/core/text.h"
#include "floe/net/uv/network.h"
#include "floe/stun_client/long_term_credential.h"
#include "floe/stun_client/message.h"

namespace {

using namespace floe;
using namespace std::chrono_literals;

constexpr std::uint16_t kChannel = 0x4001;
constexpr int kRunsPerTurn = 2;
/// How far the sender may be ahead of what arrived. Far more than a relay needs to be busy, and few
/// enough that socket buffers hold them: what is measured is speed, not how much is thrown away.
constexpr std::uint64_t kAhead = 512;
/// Packets that are late by this much are lost.
constexpr Duration kLost = 20ms;

class Load final : private net::UdpHandler {
 public:
  Load(net::uv::Network& network, const net::Endpoint& server, stun::LongTermCredential credential,
       const net::Address& local, bool to_peer, std::size_t payload, Duration duration)
      : network_(network),
        server_(server),
        credential_(std::move(credential)),
        to_peer_(to_peer),
        payload_(payload),
        duration_(duration) {
    net::UdpOptions options;
    options.bind = {local, 0};
    client_ = network.open_udp(options, *this).value();
    peer_ = network.open_udp(options, *this).value();
    timer_ = network.create_timer([this] { pump(); });
    request(stun::Method::kAllocate);
  }
  bool failed() const { return failed_; }

 private:
  void request(stun::Method method) {
    method_ = method;
    std::vector<std::uint8_t> space(1024);
    stun::MessageBuilder builder(space, stun::Class::kRequest, method,
                                 stun::random_transaction_id(network_.random()));
    if (method == stun::Method::kAllocate) {
      builder.add_requested_transport(17);
    } else {
      builder.add_channel_number(kChannel);
      builder.add_xor_address(stun::AttributeType::kXorPeerAddress, peer_->local());
    }
    attempt_ = {};
    credential_.authenticate(builder, attempt_);
    net::SendBatch batch;
    batch.add({client_->id(), server_, {}}, builder.bytes());
    network_.send(batch);
  }

  void on_datagrams(std::span<net::Datagram> datagrams) override {
    for (const net::Datagram& datagram : datagrams) {
      const bool is_payload = datagram.socket == peer_->id() ||
                              (!datagram.payload.empty() && (datagram.payload[0] & 0xc0) == 0x40);
      if (is_payload) {
        ++delivered_;
      } else {
        handle_response(datagram.payload);
      }
    }
    if (started_) pump();
  }
  void handle_response(Bytes bytes) {
    const Result<stun::Message> response = stun::Message::parse(bytes);
    if (!response || started_) return;
    if (credential_.handle_response(*response, attempt_) == stun::Verdict::kRetry) {
      return request(method_);
    }
    if (response->cls() != stun::Class::kSuccess) {
      failed_ = true;
      return network_.stop();
    }
    if (method_ == stun::Method::kAllocate) {
      relayed_ = response->xor_relayed_address().value();
      return request(stun::Method::kChannelBind);
    }
    started_ = network_.now();
    pump();
  }

  void pump() {
    if (finished_) return;  // The loop has not turned since.
    const Time now = network_.now();
    if (delivered_ != seen_) {
      seen_ = delivered_;
      progress_ = now;
    }
    if (now - *started_ >= duration_) return finish(now);
    // What has not come for so long never will.
    if (now - progress_ >= kLost) given_up_ = sent_ - delivered_;
    if (sent_ - given_up_ < delivered_ + kAhead) send();
    timer_->arm(now + 1ms);
  }
  void send() {
    const net::Route route =
        to_peer_ ? net::Route{client_->id(), server_, net::Prefix::channel_data(kChannel, false)}
                 : net::Route{peer_->id(), relayed_, {}};
    net::SendBatch& batch = network_.batch();
    for (std::size_t i = 0; i < kRunsPerTurn * 50; ++i) {
      const MutableBytes space = batch.open(route, payload_);
      if (space.empty()) break;
      batch.commit(payload_);
      ++sent_;
    }
    network_.send(batch);
    batch.clear();
  }
  void finish(Time now) {
    finished_ = true;
    const double seconds = std::chrono::duration<double>(now - *started_).count();
    std::printf("{\"sent\": %llu, \"delivered\": %llu, \"seconds\": %.3f}\n",
                static_cast<unsigned long long>(sent_), static_cast<unsigned long long>(delivered_),
                seconds);
    network_.stop();
  }

  net::uv::Network& network_;
  net::Endpoint server_;
  stun::LongTermCredential credential_;
  stun::Attempt attempt_;
  bool to_peer_;
  std::size_t payload_;
  Duration duration_;
  stun::Method method_{};
  net::Endpoint relayed_;
  std::optional<Time> started_;
  Time progress_{};
  std::uint64_t sent_ = 0;
  std::uint64_t delivered_ = 0;
  std::uint64_t seen_ = 0;
  std::uint64_t given_up_ = 0;
  bool failed_ = false;
  bool finished_ = false;
  std::unique_ptr<net::UdpSocket> client_;
  std::unique_ptr<net::UdpSocket> peer_;
  std::unique_ptr<net::Timer> timer_;
};

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv, argv + argc);
  if (argc != 9) {
    std::fprintf(stderr,
                 "turn_load SERVER:PORT USER PASSWORD LOCAL to-peer|to-client SIZE SECONDS "
                 "trains|singly\n");
    return 2;
  }
  const auto server = net::Endpoint::parse(arguments[1]);
  auto credential = stun::LongTermCredential::create(arguments[2], arguments[3]);
  const auto local = net::Address::parse(arguments[4]);
  const auto payload = parse_decimal<std::size_t>(arguments[6]);
  const auto seconds = parse_decimal<unsigned>(arguments[7]);
  net::uv::Options options;
  options.batched = arguments[8] == "trains";
  auto network = net::uv::Network::create(nullptr, options);
  if (!server || !credential || !local || !payload || !seconds || !network) {
    std::fprintf(stderr, "turn_load: an argument cannot be read\n");
    return 2;
  }
  Load load(**network, *server, std::move(*credential), *local, arguments[5] == "to-peer", *payload,
            std::chrono::seconds(*seconds));
  (*network)->run();
  return load.failed() ? 1 : 0;
}
