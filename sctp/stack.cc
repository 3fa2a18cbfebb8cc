#include "floe/sctp/stack.h"

#include <usrsctp.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "floe/core/check.h"
#include "floe/crypto/crypto.h"

namespace floe::sctp::internal {
namespace {

// Settings that hold for every association of the process.
constexpr std::uint32_t kInitialCwndPackets = 32;
// A burst limit makes usrsctp lower the congestion window itself. The one for fast retransmits must
// stay: without it a chunk is retransmitted until the association is given up.
constexpr std::uint32_t kMaxBurst = 0;
constexpr std::uint32_t kFastRetransmitMaxBurst = 4;
constexpr std::uint32_t kSackDelayMs = 20;
constexpr std::uint32_t kRtoMinMs = 200;
constexpr std::uint32_t kRtoMaxMs = 10'000;
// Chunks queued or in flight: what fills a 4 MiB window with messages of 400 bytes.
constexpr std::uint32_t kMaxChunksOnQueue = 10'240;
// INIT is repeated at least this often, for as long as the driver keeps the association.
constexpr std::uint16_t kMaxInitTimeoutMs = 3'000;
// usrsctp counts the probes of a closed window as unanswered although they are answered (RFC 9260
// section 6.1 forbids it) and would end the association of a reader that pauses for some minutes.
// Association watches for silence instead.
constexpr std::uint16_t kNoLimit = 0xffff;
// One message of the default limit at a time.
constexpr std::size_t kReceiveSpace = 256 * 1024;

constexpr std::size_t kCommonHeader = 12;
constexpr std::size_t kChecksumAt = 8;

struct socket* native(void* socket) {
  return static_cast<struct socket*>(socket);
}

sockaddr_conn address_of(std::uintptr_t address, std::uint16_t port) {
  sockaddr_conn conn{};
  conn.sconn_family = AF_CONN;
  conn.sconn_port = htons(port);
  conn.sconn_addr = reinterpret_cast<void*>(address);
  return conn;
}

void set_process_settings() {
  usrsctp_sysctl_set_sctp_max_burst_default(kMaxBurst);
  usrsctp_sysctl_set_sctp_fr_max_burst_default(kFastRetransmitMaxBurst);
  usrsctp_sysctl_set_sctp_initial_cwnd(kInitialCwndPackets);
  usrsctp_sysctl_set_sctp_max_chunks_on_queue(kMaxChunksOnQueue);
  usrsctp_sysctl_set_sctp_delayed_sack_time_default(kSackDelayMs);
  usrsctp_sysctl_set_sctp_sack_freq_default(2);
  // No limit for a single chunk either: a closed window is probed with the same one for ever.
  usrsctp_sysctl_set_sctp_max_retran_chunk(0);
  usrsctp_sysctl_set_sctp_default_cc_module(SCTP_CC_RFC2581);
  usrsctp_sysctl_set_sctp_default_frag_interleave(0);
  // RFC 8831 section 6.1 asks for none of these.
  usrsctp_sysctl_set_sctp_ecn_enable(0);
  usrsctp_sysctl_set_sctp_auth_enable(0);
  usrsctp_sysctl_set_sctp_asconf_enable(0);
  usrsctp_sysctl_set_sctp_auto_asconf(0);
  usrsctp_sysctl_set_sctp_nrsack_enable(0);
  usrsctp_sysctl_set_sctp_pktdrop_enable(0);
  usrsctp_sysctl_set_sctp_blackhole(0);
}

Lost lost_by(const sctp_assoc_change& change, std::size_t size) {
  // sac_info holds the ABORT chunk, if one came.
  const bool aborted = size > sizeof change && change.sac_state == SCTP_COMM_LOST;
  if (change.sac_state == SCTP_CANT_STR_ASSOC) return {"the SCTP handshake failed"};
  if (aborted || change.sac_error != 0) {
    return {"the SCTP association was aborted (cause " + std::to_string(change.sac_error) + ")"};
  }
  return {"the SCTP peer no longer answers"};
}

Received parse_notification(Bytes bytes) {
  sctp_notification::sctp_tlv header;
  if (bytes.size() < sizeof header) return Ignored{};
  std::memcpy(&header, bytes.data(), sizeof header);
  switch (header.sn_type) {
    case SCTP_ASSOC_CHANGE: {
      sctp_assoc_change change;
      if (bytes.size() < sizeof change) return Ignored{};
      std::memcpy(&change, bytes.data(), sizeof change);
      switch (change.sac_state) {
        case SCTP_COMM_UP:
          return Up{change.sac_inbound_streams, change.sac_outbound_streams};
        case SCTP_RESTART:
          return Restarted{};
        case SCTP_SHUTDOWN_COMP:
          return ShutdownComplete{};
        default:
          return lost_by(change, bytes.size());
      }
    }
    case SCTP_SHUTDOWN_EVENT:
      return ShutdownReceived{};
    case SCTP_PARTIAL_DELIVERY_EVENT:
      return DeliveryAborted{};
    case SCTP_SEND_FAILED_EVENT:
      return SendFailed{};
    case SCTP_STREAM_RESET_EVENT: {
      sctp_stream_reset_event event;
      if (bytes.size() < sizeof event) return Ignored{};
      std::memcpy(&event, bytes.data(), sizeof event);
      Reset reset;
      reset.incoming = (event.strreset_flags & SCTP_STREAM_RESET_INCOMING_SSN) != 0;
      reset.refused =
          (event.strreset_flags & (SCTP_STREAM_RESET_DENIED | SCTP_STREAM_RESET_FAILED)) != 0;
      reset.streams.resize((bytes.size() - sizeof event) / sizeof(StreamId));
      if (!reset.streams.empty()) {
        std::memcpy(reset.streams.data(), bytes.data() + sizeof event,
                    reset.streams.size() * sizeof(StreamId));
      }
      return reset;
    }
    case SCTP_STREAM_CHANGE_EVENT: {
      sctp_stream_change_event event;
      if (bytes.size() < sizeof event) return Ignored{};
      std::memcpy(&event, bytes.data(), sizeof event);
      return StreamsChanged{event.strchange_instrms, event.strchange_outstrms,
                            event.strchange_flags != 0};
    }
    default:
      return Ignored{};
  }
}

}  // namespace

Stack& Stack::instance() {
  static Stack* const stack = new Stack;
  return *stack;
}

Stack::Stack() {
  usrsctp_init_nothreads(0, &Stack::on_output, nullptr);
  // The CPU computes CRC32c about ten times as fast as usrsctp does. This also stops usrsctp from
  // verifying it, which Association does.
  usrsctp_enable_crc32c_offload();
  set_process_settings();
}

Stack::Entry::Entry(Stack& stack, const Socket* active) : stack_(stack), lock_(stack.mutex_) {
  stack_.active_ = active;
}

Stack::Entry::~Entry() {
  stack_.active_ = nullptr;
}

void Stack::advance(Socket* caller, Time now) {
  const Entry entry(*this, caller);
  if (!has_time_ || now < latest_ - kClockSlack) {
    has_time_ = true;
    latest_ = run_to_ = now;
    return;
  }
  latest_ = std::max(latest_, now);
  const Duration elapsed = latest_ - run_to_;
  if (elapsed < kTick) return;
  // A jump is told in one step, so that each timer fires once and not once for each of its periods
  // in which the machine slept.
  const auto step =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::min<Duration>(elapsed, kMaxStep));
  run_to_ = elapsed > kMaxStep ? latest_ : run_to_ + step;
  usrsctp_handle_timers(static_cast<std::uint32_t>(step.count()));
}

int Stack::on_output(void* address, void* packet, std::size_t size, std::uint8_t, std::uint8_t) {
  // usrsctp calls this only from inside calls of ours, so the lock is held.
  Stack& stack = instance();
  const auto found = stack.sockets_.find(reinterpret_cast<std::uintptr_t>(address));
  if (found == stack.sockets_.end() || size < kCommonHeader) return 0;
  Socket& socket = *found->second;
  if (socket.emitted_.bytes() + size > socket.max_output_) {
    ++socket.packets_dropped_;  // to SCTP it is a packet lost on the way
    return 0;
  }
  const MutableBytes copy =
      socket.emitted_.push(Bytes(static_cast<const std::uint8_t*>(packet), size));
  // RFC 9260 appendix A: computed with the field zero (which usrsctp left it) and sent low byte
  // first.
  std::uint32_t crc = crypto::crc32c(copy);
  for (std::size_t i = 0; i < 4; ++i, crc >>= 8) {
    copy[kChecksumAt + i] = static_cast<std::uint8_t>(crc);
  }
  socket.wake_if_elsewhere();
  return 0;
}

Socket::Socket(std::size_t max_output, std::function<void()> on_output)
    : stack_(Stack::instance()), max_output_(max_output), on_output_(std::move(on_output)) {}

Socket::~Socket() {
  const Stack::Entry entry(stack_, this);
  close();
  if (address_ == 0) return;
  usrsctp_deregister_address(reinterpret_cast<void*>(address_));
  stack_.sockets_.erase(address_);
  if (stack_.sockets_.empty()) stack_.has_time_ = false;  // the next one starts a new epoch
}

Result<> Socket::connect(const Association::Config& config, std::size_t receive_buffer,
                         Duration initial_rto) {
  const Stack::Entry entry(stack_, this);
  FLOE_CHECK(address_ == 0);
  address_ = stack_.next_address_++;
  stack_.sockets_.emplace(address_, this);
  usrsctp_register_address(reinterpret_cast<void*>(address_));
  struct socket* const socket =
      usrsctp_socket(AF_CONN, SOCK_STREAM, IPPROTO_SCTP, nullptr, nullptr, 0, nullptr);
  if (socket == nullptr) {
    return fail(Errc::kInternal, std::string("usrsctp made no socket: ") + std::strerror(errno));
  }
  socket_ = socket;
  usrsctp_set_non_blocking(socket, 1);
  usrsctp_set_upcall(
      socket,
      [](struct socket*, void* self, int) { static_cast<Socket*>(self)->wake_if_elsewhere(); },
      this);
  configure(config, receive_buffer, initial_rto);
  sockaddr_conn local = address_of(address_, config.local_port);
  sockaddr_conn remote = address_of(address_, config.remote_port);
  if (usrsctp_bind(socket, reinterpret_cast<sockaddr*>(&local), sizeof local) != 0 ||
      (usrsctp_connect(socket, reinterpret_cast<sockaddr*>(&remote), sizeof remote) != 0 &&
       errno != EINPROGRESS)) {
    return fail(Errc::kInternal, std::string("usrsctp did not connect: ") + std::strerror(errno));
  }
  return {};
}

bool Socket::set_option(int option, const void* value, std::size_t size) {
  return usrsctp_setsockopt(native(socket_), IPPROTO_SCTP, option, value,
                            static_cast<socklen_t>(size)) == 0;
}

void Socket::configure(const Association::Config& config, std::size_t receive_buffer,
                       Duration initial_rto) {
  const linger abort_on_close{1, 0};
  const auto send_bytes = static_cast<int>(config.send_buffer);
  const auto receive_bytes = static_cast<int>(receive_buffer);
  usrsctp_setsockopt(native(socket_), SOL_SOCKET, SO_LINGER, &abort_on_close,
                     sizeof abort_on_close);
  usrsctp_setsockopt(native(socket_), SOL_SOCKET, SO_SNDBUF, &send_bytes, sizeof send_bytes);
  usrsctp_setsockopt(native(socket_), SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);

  const int on = 1;
  // RFC 8831 section 6.6: no Nagle. Explicit EOR lets a message be larger than usrsctp's buffer.
  bool ok = set_option(SCTP_NODELAY, &on, sizeof on);
  ok = set_option(SCTP_EXPLICIT_EOR, &on, sizeof on) && ok;
  ok = set_option(SCTP_RECVRCVINFO, &on, sizeof on) && ok;

  sctp_initmsg init{};
  init.sinit_num_ostreams = config.outgoing_streams;
  init.sinit_max_instreams = config.incoming_streams;
  init.sinit_max_attempts = kNoLimit;
  init.sinit_max_init_timeo = kMaxInitTimeoutMs;
  ok = set_option(SCTP_INITMSG, &init, sizeof init) && ok;

  sctp_rtoinfo rto{};
  rto.srto_initial = static_cast<std::uint32_t>(std::max<std::int64_t>(to_ms(initial_rto), 1));
  rto.srto_min = std::min(kRtoMinMs, rto.srto_initial);
  rto.srto_max = kRtoMaxMs;
  ok = set_option(SCTP_RTOINFO, &rto, sizeof rto) && ok;

  sctp_assocparams params{};
  params.sasoc_asocmaxrxt = kNoLimit;
  ok = set_option(SCTP_ASSOCINFO, &params, sizeof params) && ok;

  // The only path must never count as failed, neither by unanswered INITs nor later: usrsctp would
  // stop sending on it for good.
  sctp_paddrparams path{};
  path.spp_flags = SPP_HB_DISABLE | SPP_PMTUD_DISABLE;
  path.spp_pathmtu = static_cast<std::uint32_t>(config.mtu - kCommonHeader);
  path.spp_pathmaxrxt = kNoLimit;
  ok = set_option(SCTP_PEER_ADDR_PARAMS, &path, sizeof path) && ok;

  sctp_assoc_value reset{};
  reset.assoc_id = SCTP_FUTURE_ASSOC;
  reset.assoc_value = SCTP_ENABLE_RESET_STREAM_REQ | SCTP_ENABLE_CHANGE_ASSOC_REQ;
  ok = set_option(SCTP_ENABLE_STREAM_RESET, &reset, sizeof reset) && ok;

  for (const std::uint16_t type :
       {SCTP_ASSOC_CHANGE, SCTP_SHUTDOWN_EVENT, SCTP_PARTIAL_DELIVERY_EVENT, SCTP_SEND_FAILED_EVENT,
        SCTP_STREAM_RESET_EVENT, SCTP_STREAM_CHANGE_EVENT}) {
    sctp_event event{};
    event.se_assoc_id = SCTP_FUTURE_ASSOC;
    event.se_type = type;
    event.se_on = 1;
    ok = set_option(SCTP_EVENT, &event, sizeof event) && ok;
  }
  FLOE_CHECK(ok);  // all values are ours and in range
}

void Socket::wake_if_elsewhere() {
  if (stack_.active_ != this && on_output_) on_output_();
}

void Socket::close() {
  if (socket_ == nullptr) return;
  usrsctp_set_upcall(native(socket_), nullptr, nullptr);
  usrsctp_close(native(socket_));
  socket_ = nullptr;
}

void Socket::input(Bytes packet) {
  const Stack::Entry entry(stack_, this);
  usrsctp_conninput(reinterpret_cast<void*>(address_), packet.data(), packet.size(), 0);
}

Result<std::size_t> Socket::send(StreamId stream, std::uint32_t ppid, Bytes bytes, bool last,
                                 const SendOptions& options) {
  const Stack::Entry entry(stack_, this);
  if (socket_ == nullptr) return fail(Errc::kClosed, "the SCTP association has ended");
  sctp_sendv_spa info{};
  info.sendv_flags = SCTP_SEND_SNDINFO_VALID;
  info.sendv_sndinfo.snd_sid = stream;
  info.sendv_sndinfo.snd_ppid = htonl(ppid);
  info.sendv_sndinfo.snd_flags =
      static_cast<std::uint16_t>((last ? SCTP_EOR : 0) | (options.ordered ? 0 : SCTP_UNORDERED));
  if (options.max_retransmits) {
    info.sendv_flags |= SCTP_SEND_PRINFO_VALID;
    info.sendv_prinfo.pr_policy = SCTP_PR_SCTP_RTX;
    info.sendv_prinfo.pr_value = *options.max_retransmits;
  } else if (options.max_lifetime) {
    info.sendv_flags |= SCTP_SEND_PRINFO_VALID;
    info.sendv_prinfo.pr_policy = SCTP_PR_SCTP_TTL;
    info.sendv_prinfo.pr_value = static_cast<std::uint32_t>(to_ms(*options.max_lifetime));
  }
  const auto taken = usrsctp_sendv(native(socket_), bytes.data(), bytes.size(), nullptr, 0, &info,
                                   sizeof info, SCTP_SENDV_SPA, 0);
  if (taken >= 0) return static_cast<std::size_t>(taken);
  // EMSGSIZE is the full buffer too, for a piece that is larger than all of it.
  if (errno == EWOULDBLOCK || errno == EAGAIN || errno == EMSGSIZE) return std::size_t{0};
  return fail(errno == EINVAL ? Errc::kInvalidArgument : Errc::kClosed,
              std::string("usrsctp refused a message: ") + std::strerror(errno));
}

std::optional<Received> Socket::receive() {
  thread_local std::vector<std::uint8_t> space(kReceiveSpace);
  const Stack::Entry entry(stack_, this);
  if (socket_ == nullptr) return std::nullopt;
  sctp_rcvinfo info{};
  socklen_t info_size = sizeof info;
  unsigned info_type = 0;
  int flags = 0;
  const auto size = usrsctp_recvv(native(socket_), space.data(), space.size(), nullptr, nullptr,
                                  &info, &info_size, &info_type, &flags);
  // 0 is the end of the stream, an error "nothing" or the reason of an end that is also notified.
  if (size <= 0) return std::nullopt;
  const Bytes bytes = Bytes(space).first(static_cast<std::size_t>(size));
  if ((flags & MSG_NOTIFICATION) != 0) return parse_notification(bytes);
  if (info_type != SCTP_RECVV_RCVINFO) return Ignored{};
  return Fragment{info.rcv_sid, ntohl(info.rcv_ppid), (info.rcv_flags & SCTP_UNORDERED) != 0,
                  (flags & MSG_EOR) != 0, bytes};
}

bool Socket::reset_streams(std::span<const StreamId> streams) {
  const Stack::Entry entry(stack_, this);
  if (socket_ == nullptr) return false;
  std::vector<std::uint8_t> request(sizeof(sctp_reset_streams) + streams.size_bytes());
  sctp_reset_streams header{};
  header.srs_flags = SCTP_STREAM_RESET_OUTGOING;
  header.srs_number_streams = static_cast<std::uint16_t>(streams.size());
  std::memcpy(request.data(), &header, sizeof header);
  std::memcpy(request.data() + sizeof header, streams.data(), streams.size_bytes());
  return set_option(SCTP_RESET_STREAMS, request.data(), request.size());
}

Result<bool> Socket::add_outgoing_streams(std::uint16_t more) {
  const Stack::Entry entry(stack_, this);
  if (socket_ == nullptr) return fail(Errc::kClosed, "the SCTP association has ended");
  sctp_add_streams request{};
  request.sas_outstrms = more;
  if (set_option(SCTP_ADD_STREAMS, &request, sizeof request)) return true;
  if (errno == EALREADY) return false;
  return fail(Errc::kUnsupported,
              std::string("the SCTP peer takes no more streams: ") + std::strerror(errno));
}

void Socket::set_sack_frequency(unsigned packets) {
  const Stack::Entry entry(stack_, this);
  if (socket_ == nullptr) return;
  sctp_sack_info info{};
  info.sack_delay = kSackDelayMs;
  info.sack_freq = packets;
  set_option(SCTP_DELAYED_SACK, &info, sizeof info);
}

void Socket::set_cork(bool cork) {
  const Stack::Entry entry(stack_, this);
  if (socket_ == nullptr) return;
  const int no_delay = cork ? 0 : 1;
  set_option(SCTP_NODELAY, &no_delay, sizeof no_delay);
}

void Socket::shutdown() {
  const Stack::Entry entry(stack_, this);
  if (socket_ != nullptr) usrsctp_shutdown(native(socket_), SHUT_WR);
}

void Socket::abort() {
  const Stack::Entry entry(stack_, this);
  close();
}

unsigned Socket::unacknowledged() const {
  const Stack::Entry entry(stack_, this);
  if (socket_ == nullptr) return 0;
  sctp_status status{};
  socklen_t size = sizeof status;
  if (usrsctp_getsockopt(native(socket_), IPPROTO_SCTP, SCTP_STATUS, &status, &size) != 0) return 0;
  return status.sstat_unackdata;
}

std::optional<Bytes> Socket::next_packet() {
  if (polled_.empty()) {
    polled_.clear();
    const Stack::Entry entry(stack_, this);
    std::swap(polled_, emitted_);
  }
  return polled_.pop();
}

bool Socket::has_packets() const {
  if (!polled_.empty()) return true;
  const Stack::Entry entry(stack_, this);
  return !emitted_.empty();
}

std::uint64_t Socket::packets_dropped() const {
  const Stack::Entry entry(stack_, this);
  return packets_dropped_;
}

}  // namespace floe::sctp::internal
