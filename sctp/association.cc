#include "floe/sctp/association.h"

#include <algorithm>

#include "floe/core/check.h"
#include "floe/crypto/crypto.h"
#include "floe/sctp/association_core.h"
#include "floe/sctp/packet_structure.h"

namespace floe::sctp {
namespace {

constexpr std::size_t kCommonHeader = 12;
constexpr std::size_t kChecksumAt = 8;
constexpr std::uint8_t kShutdownAck = 8;

// usrsctp takes path MTUs from 512 bytes.
constexpr std::size_t kMinMtu = 512 + kCommonHeader;
constexpr std::size_t kMaxMtu = 65'535;
// A piece of a message must fit into usrsctp's send buffer.
constexpr std::size_t kMinBuffer = 128 * 1024;
constexpr std::size_t kMaxBuffer = 256 * 1024 * 1024;
// What the INIT of a peer and its first flight may take up before `connect()`.
constexpr std::size_t kMaxEarlyBytes = 128 * 1024;
// Room for control packets beside a whole send buffer in flight at once.
constexpr std::size_t kControlOutput = 256 * 1024;
// The delayed SACK (20 ms) plus two ticks of rounding.
constexpr Duration kSackPending = std::chrono::milliseconds(40);

// The peer is given up after this long without a packet while something waits for an answer. ICE
// consent (30 s) has found the path dead long before; this ends what nobody else ended.
constexpr Duration kMaxSilence = std::chrono::minutes(5);
// A longer gap between two timeouts is a machine that slept, not a peer that was silent.
constexpr Duration kMaxSilenceStep = std::chrono::seconds(1);

constexpr Duration kMinInitialRto = std::chrono::milliseconds(200);
constexpr Duration kMaxInitialRto = std::chrono::milliseconds(1000);

std::uint32_t checksum(Bytes packet) {
  // RFC 9260 section 6.8: computed as if the field were zero.
  constexpr std::uint8_t kZero[4] = {};
  std::uint32_t crc = crypto::crc32c(packet.first(kChecksumAt));
  crc = crypto::crc32c(kZero, crc);
  return crypto::crc32c(packet.subspan(kCommonHeader), crc);
}

bool has_good_checksum(Bytes packet) {
  std::uint32_t crc = checksum(packet);
  for (std::size_t i = 0; i < 4; ++i, crc >>= 8) {
    if (packet[kChecksumAt + i] != static_cast<std::uint8_t>(crc)) return false;
  }
  return true;
}

Result<> check(const Association::Config& config) {
  if (config.mtu < kMinMtu || config.mtu > kMaxMtu) {
    return fail(Errc::kInvalidArgument, "Association::Config::mtu must be 524..65535 bytes, not " +
                                            std::to_string(config.mtu));
  }
  if (config.max_message_size == 0 || config.max_message_size > Association::kMaxMessageSize) {
    return fail(Errc::kInvalidArgument, "Association::Config::max_message_size must be 1.." +
                                            std::to_string(Association::kMaxMessageSize) +
                                            " bytes, not " +
                                            std::to_string(config.max_message_size));
  }
  for (const std::size_t buffer : {config.send_buffer, config.receive_buffer}) {
    if (buffer < kMinBuffer || buffer > kMaxBuffer) {
      return fail(Errc::kInvalidArgument,
                  "Association::Config's send_buffer and receive_buffer must be 128 KiB..256 MiB, "
                  "not " +
                      std::to_string(buffer) + " bytes");
    }
  }
  if (config.outgoing_streams == 0 || config.incoming_streams == 0) {
    return fail(Errc::kInvalidArgument, "Association::Config needs at least one stream each way");
  }
  return {};
}

// A message below the limit must never be handed out in parts while it is still arriving (usrsctp
// marks the last part of one that was then given up as complete). usrsctp begins that once half of
// the buffer is one message.
std::size_t receive_buffer_of(const Association::Config& config) {
  return std::max(config.receive_buffer, 2 * config.max_message_size + kMinBuffer);
}

}  // namespace

Association::Association(Config config) : core_(std::make_unique<Core>(std::move(config))) {
  core_->outgoing_streams = core_->config.outgoing_streams;
  core_->incoming_streams = core_->config.incoming_streams;
}

Association::~Association() = default;

void Association::set_remote_port(std::uint16_t port) {
  core_->config.remote_port = port;
}

void Association::set_round_trip(Duration round_trip) {
  core_->initial_rto = std::clamp(3 * round_trip, kMinInitialRto, kMaxInitialRto);
}

Association::State Association::state() const {
  return core_->state;
}

const Association::Stats& Association::stats() const {
  if (core_->socket) core_->stats.dropped_output = core_->socket->packets_dropped();
  return core_->stats;
}

std::uint16_t Association::outgoing_streams() const {
  return core_->outgoing_streams;
}

std::uint16_t Association::incoming_streams() const {
  return core_->incoming_streams;
}

bool Association::is_over() const {
  return core_->state == State::kClosed || core_->state == State::kFailed;
}

void Association::enter(Time now) {
  if (!core_->socket || now == core_->latest) return;
  core_->latest = now;
  core_->socket->advance(now);
}

Result<> Association::connect(Time now) {
  Core& core = *core_;
  if (core.state != State::kNew) {
    return fail(Errc::kInvalidState, "this SCTP association was already connected or closed");
  }
  if (auto ok = check(core.config); !ok) return ok;
  core.socket = std::make_unique<internal::Socket>(core.config.send_buffer + kControlOutput,
                                                   core.config.on_output);
  enter(now);
  core.latest = now;
  const auto connected =
      core.socket->connect(core.config, receive_buffer_of(core.config), core.initial_rto);
  if (!connected) {
    core.state = State::kFailed;
    return connected;
  }
  core.state = State::kConnecting;
  const auto early = std::exchange(core.early, {});
  core.early_bytes = 0;
  for (const auto& packet : early) handle_packet(now, packet);
  return {};
}

bool Association::handle_packet(Time now, Bytes packet) {
  Core& core = *core_;
  ByteReader reader(packet);
  const std::uint16_t source = reader.u16();
  const std::uint16_t destination = reader.u16();
  if (packet.size() < kCommonHeader + 4 || packet.size() > kMaxUdpPayload ||
      source != core.config.remote_port || destination != core.config.local_port) {
    ++core.stats.dropped_malformed;
    return false;
  }
  if (core.state == State::kNew) {
    if (core.early.size() == kMaxEarlyPackets ||
        core.early_bytes + packet.size() > kMaxEarlyBytes) {
      ++core.stats.dropped_early;
      return false;
    }
    core.early_bytes += packet.size();
    core.early.push_back(to_vector(packet));
    return true;
  }
  // RFC 9260 section 8.4: the peer repeats its SHUTDOWN ACK if our SHUTDOWN COMPLETE was lost.
  const bool repeats_the_end =
      core.state == State::kClosed && core.socket && packet[kCommonHeader] == kShutdownAck;
  if (is_over() && !repeats_the_end) {
    ++core.stats.dropped_late;
    return false;
  }
  if (!has_good_checksum(packet)) {
    ++core.stats.dropped_bad_checksum;
    return false;
  }
  if (!internal::is_well_formed(packet)) {
    ++core.stats.dropped_malformed;
    return false;
  }
  enter(now);
  ++core.stats.packets_received;
  core.stats.bytes_received += packet.size();
  ++core.packets_in_pass;
  core.sack_pending_until = now + kSackPending;
  core.silence = Duration(0);
  core.socket->input(packet);
  return true;
}

void Association::start_pass(Time now) {
  Core& core = *core_;
  if (core.packets_in_pass == 0) return;
  // Few SACKs are cheap for a path that carries many packets at once, and starve one that does not:
  // with a small congestion window the sender would wait for the delayed SACK.
  constexpr double kSmoothing = 1.0 / 8;
  core.packets_per_pass += (core.packets_in_pass - core.packets_per_pass) * kSmoothing;
  core.packets_in_pass = 0;
  const unsigned frequency = core.packets_per_pass >= 48 ? 16 : core.packets_per_pass >= 32 ? 8 : 2;
  if (frequency != core.sack_frequency && core.state == State::kConnected) {
    core.sack_frequency = frequency;
    core.socket->set_sack_frequency(frequency);
  }
  read(now);
}

std::optional<Bytes> Association::poll_transmit(Time now) {
  Core& core = *core_;
  if (!core.socket) return std::nullopt;
  enter(now);
  start_pass(now);
  do {
    if (const auto packet = core.socket->next_packet()) {
      ++core.stats.packets_sent;
      core.stats.bytes_sent += packet->size();
      core.untransmitted.transmitted(*packet, core.fell);
      return packet;
    }
  } while (flush(now));
  return std::nullopt;
}

bool Association::has_work() const {
  const Core& core = *core_;
  switch (core.state) {
    case State::kConnecting:
    case State::kShuttingDown:
      return true;
    case State::kConnected:
      return core.shutdown_wanted || !core.queue.empty() || !core.resets_to_request.empty() ||
             !core.resets_requested.empty() || core.adding_streams ||
             core.latest < core.sack_pending_until || core.socket->unacknowledged() > 0;
    default:
      return false;
  }
}

Time Association::next_timeout() const {
  const Core& core = *core_;
  if (!core.socket) return kNever;
  // Packets that nobody has polled: reading messages or another loop's timers made them.
  if (core.socket->has_packets()) return core.latest + std::chrono::microseconds(1);
  return has_work() ? core.latest + internal::Stack::kTick : kNever;
}

void Association::handle_timeout(Time now) {
  Core& core = *core_;
  if (!core.socket) return;
  const Duration step = std::clamp(now - core.latest, Duration(0), kMaxSilenceStep);
  enter(now);
  read(now);
  if (core.state == State::kConnecting || !has_work()) {
    core.silence = Duration(0);
    return;
  }
  core.silence += step;
  if (core.silence < kMaxSilence) return;
  core.socket->abort();
  end(State::kFailed, Error{Errc::kTimedOut, "the SCTP peer has not answered for 5 minutes"});
}

void Association::shutdown(Time now) {
  enter(now);
  if (core_->state == State::kNew) end(State::kClosed, std::nullopt);
  if (!is_over()) core_->shutdown_wanted = true;
}

void Association::abort(Time now) {
  if (is_over()) return;
  enter(now);
  if (core_->socket) core_->socket->abort();
  end(State::kClosed, std::nullopt);
  core_->events.clear();
  core_->fell.clear();
  core_->unpolled_bytes = 0;
}

}  // namespace floe::sctp
