#include "floe/srtp/session.h"

#include <srtp2/srtp.h>

#include <array>
#include <cstring>
#include <string>
#include <unordered_set>
#include <utility>

#include "floe/core/check.h"
#include "floe/core/limits.h"
#include "floe/crypto/crypto.h"

namespace floe::srtp {
namespace {

/// Up to the SSRC: RFC 3550 sections 5.1 and 6.4.1.
constexpr std::size_t kRtpHeader = 12;
constexpr std::size_t kRtcpHeader = 8;
constexpr std::size_t kRtpSsrcAt = 8;
constexpr std::size_t kRtcpSsrcAt = 4;

constexpr std::size_t kMinReplayWindow = 64;
constexpr std::size_t kMaxReplayWindow = 32'767;

void start_library() {
  // Once a process, and for good: other code in it may use libsrtp too.
  static const bool started = srtp_init() == srtp_err_status_ok;
  FLOE_CHECK(started);
}

void set_crypto(Profile profile, srtp_policy_t& policy) {
  switch (profile) {
    case Profile::kAes128CmHmacSha1_80:
      srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtp);
      srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtcp);
      return;
    case Profile::kAes128CmHmacSha1_32:
      srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32(&policy.rtp);
      // RFC 5764 section 4.1.2: the shorter tag is for RTP alone.
      srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtcp);
      return;
    case Profile::kAeadAes128Gcm:
      srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
      srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp);
      return;
    case Profile::kAeadAes256Gcm:
      srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtp);
      srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtcp);
      return;
  }
}

std::uint32_t read_u32(Bytes packet, std::size_t at) {
  ByteReader reader(packet.subspan(at, 4));
  return reader.u32();
}

bool is_version_2(Bytes packet) {
  return packet[0] >> 6 == 2;
}

Result<> check(const char* whose, Profile profile, const MasterKey& master) {
  if (master.key.size() == master_key_size(profile) &&
      master.salt.size() == master_salt_size(profile)) {
    return {};
  }
  return fail(Errc::kInvalidArgument,
              std::string("the ") + whose + " SRTP master key and salt have " +
                  std::to_string(master.key.size()) + " and " + std::to_string(master.salt.size()) +
                  " bytes, the profile wants " + std::to_string(master_key_size(profile)) +
                  " and " + std::to_string(master_salt_size(profile)));
}

}  // namespace

std::size_t master_key_size(Profile profile) {
  return profile == Profile::kAeadAes256Gcm ? 32 : 16;
}

std::size_t master_salt_size(Profile profile) {
  const bool gcm = profile == Profile::kAeadAes128Gcm || profile == Profile::kAeadAes256Gcm;
  return gcm ? 12 : 14;
}

std::string_view to_string(DropReason reason) {
  switch (reason) {
    case DropReason::kMalformed:
      return "malformed";
    case DropReason::kForged:
      return "forged";
    case DropReason::kReplayed:
      return "replayed";
    case DropReason::kOld:
      return "old";
    case DropReason::kTooManySources:
      return "too-many-sources";
  }
  return "unknown";
}

/// A context of libsrtp whose one key serves every source, and the sources it knows.
struct Session::Direction {
  Direction(const Config& config, const MasterKey& master, srtp_ssrc_type_t type) {
    std::vector<std::uint8_t> secret = master.key;
    secret.insert(secret.end(), master.salt.begin(), master.salt.end());
    std::vector<int> extensions(config.encrypted_extensions.begin(),
                                config.encrypted_extensions.end());
    srtp_policy_t policy{};
    set_crypto(config.profile, policy);
    policy.ssrc.type = type;
    policy.key = secret.data();
    policy.window_size = config.replay_window;
    // The same number with another payload would give both payloads away.
    policy.allow_repeat_tx = 0;
    policy.enc_xtn_hdr = extensions.data();
    policy.enc_xtn_hdr_count = static_cast<int>(extensions.size());
    const srtp_err_status_t status = srtp_create(&context, &policy);
    crypto::wipe(secret);
    FLOE_CHECK(status == srtp_err_status_ok);
  }
  ~Direction() { srtp_dealloc(context); }
  Direction(const Direction&) = delete;
  Direction& operator=(const Direction&) = delete;

  bool has_room_for(std::uint32_t ssrc) const {
    return sources.size() < kMaxSources || sources.contains(ssrc);
  }
  void forget(std::uint32_t ssrc) {
    // In libsrtp 2.5 the SSRC is in network byte order here, as it stands in packets.
    std::array<std::uint8_t, 4> bytes;
    ByteWriter(bytes).u32(ssrc);
    std::uint32_t in_packet;
    std::memcpy(&in_packet, bytes.data(), 4);
    static_cast<void>(srtp_remove_stream(context, in_packet));
    sources.erase(ssrc);
  }

  srtp_t context = nullptr;
  std::unordered_set<std::uint32_t> sources;
};

Session::Session() = default;
Session::~Session() = default;

Result<std::unique_ptr<Session>> Session::create(const Config& config) {
  if (auto ok = check("local", config.profile, config.local); !ok) return forward(ok);
  if (auto ok = check("remote", config.profile, config.remote); !ok) return forward(ok);
  if (config.replay_window < kMinReplayWindow || config.replay_window > kMaxReplayWindow) {
    return fail(Errc::kInvalidArgument,
                "the SRTP replay window is " + std::to_string(config.replay_window) +
                    " packets, it must be " + std::to_string(kMinReplayWindow) + " to " +
                    std::to_string(kMaxReplayWindow));
  }
  for (const std::uint8_t id : config.encrypted_extensions) {
    if (id == 0) {
      return fail(Errc::kInvalidArgument, "0 is no header extension's id, so it has no encryption");
    }
  }
  start_library();
  std::unique_ptr<Session> session(new Session);
  session->outbound_ = std::make_unique<Direction>(config, config.local, ssrc_any_outbound);
  session->inbound_ = std::make_unique<Direction>(config, config.remote, ssrc_any_inbound);
  return session;
}

Result<std::size_t> Session::protect_rtp(MutableBytes space, std::size_t size) {
  return protect(Kind::kRtp, space, size);
}

Result<std::size_t> Session::protect_rtcp(MutableBytes space, std::size_t size) {
  return protect(Kind::kRtcp, space, size);
}

Result<std::size_t> Session::protect(Kind kind, MutableBytes space, std::size_t size) {
  const bool rtp = kind == Kind::kRtp;
  const char* const name = rtp ? "RTP" : "RTCP";
  const std::size_t overhead = rtp ? kMaxRtpOverhead : kMaxRtcpOverhead;
  if (size < (rtp ? kRtpHeader : kRtcpHeader) || size > space.size() || !is_version_2(space)) {
    return fail(Errc::kMalformed,
                std::string("not an ") + name + " packet: " + std::to_string(size) + " bytes");
  }
  if (space.size() - size < overhead) {
    return fail(Errc::kInvalidArgument, std::string("SRTP needs ") + std::to_string(overhead) +
                                            " bytes behind the packet, there are " +
                                            std::to_string(space.size() - size));
  }
  const std::uint32_t ssrc = read_u32(space, rtp ? kRtpSsrcAt : kRtcpSsrcAt);
  if (!outbound_->has_room_for(ssrc)) {
    return fail(Errc::kLimitExceeded, "more than " + std::to_string(kMaxSources) +
                                          " sources are sent: forget those that ended");
  }
  int length = static_cast<int>(size);
  const srtp_err_status_t status =
      rtp ? srtp_protect(outbound_->context, space.data(), &length)
          : srtp_protect_rtcp(outbound_->context, space.data(), &length);
  switch (status) {
    case srtp_err_status_ok:
      outbound_->sources.insert(ssrc);
      ++stats_.protected_packets;
      return static_cast<std::size_t>(length);
    case srtp_err_status_replay_fail:
    case srtp_err_status_replay_old:
      return fail(Errc::kInvalidArgument,
                  "this RTP sequence number was sent before: repeat the protected packet instead");
    case srtp_err_status_key_expired:
      return fail(Errc::kLimitExceeded, "the SRTP key has served as many packets as it may");
    default:
      return fail(Errc::kMalformed, std::string("libsrtp refuses the ") + name + " packet (error " +
                                        std::to_string(status) + ")");
  }
}

std::optional<MutableBytes> Session::unprotect_rtp(MutableBytes packet) {
  return unprotect(Kind::kRtp, packet);
}

std::optional<MutableBytes> Session::unprotect_rtcp(MutableBytes packet) {
  return unprotect(Kind::kRtcp, packet);
}

std::optional<MutableBytes> Session::unprotect(Kind kind, MutableBytes packet) {
  const bool rtp = kind == Kind::kRtp;
  if (packet.size() < (rtp ? kRtpHeader : kRtcpHeader) || packet.size() > kMaxUdpPayload ||
      !is_version_2(packet)) {
    drop(DropReason::kMalformed);
    return std::nullopt;
  }
  const std::uint32_t ssrc = read_u32(packet, rtp ? kRtpSsrcAt : kRtcpSsrcAt);
  if (!inbound_->has_room_for(ssrc)) {
    drop(DropReason::kTooManySources);
    return std::nullopt;
  }
  int length = static_cast<int>(packet.size());
  const srtp_err_status_t status =
      rtp ? srtp_unprotect(inbound_->context, packet.data(), &length)
          : srtp_unprotect_rtcp(inbound_->context, packet.data(), &length);
  switch (status) {
    case srtp_err_status_ok:
      inbound_->sources.insert(ssrc);
      ++stats_.unprotected_packets;
      return packet.first(static_cast<std::size_t>(length));
    case srtp_err_status_replay_fail:
      drop(DropReason::kReplayed);
      return std::nullopt;
    case srtp_err_status_replay_old:
    case srtp_err_status_pkt_idx_old:
      drop(DropReason::kOld);
      return std::nullopt;
    case srtp_err_status_auth_fail:
    case srtp_err_status_cipher_fail:
      drop(DropReason::kForged);
      return std::nullopt;
    default:
      drop(DropReason::kMalformed);
      return std::nullopt;
  }
}

void Session::forget_local(std::uint32_t ssrc) {
  outbound_->forget(ssrc);
}

void Session::forget_remote(std::uint32_t ssrc) {
  inbound_->forget(ssrc);
}

}  // namespace floe::srtp
