#include "floe/peer/media_transport.h"

#include <utility>

#include "floe/crypto/crypto.h"
#include "floe/rtp/packet.h"

namespace floe {

Result<> MediaTransport::start(dtls::Role role, dtls::SrtpKeys keys) {
  srtp::Session::Config config;
  config.profile = static_cast<srtp::Profile>(keys.profile);  // both count as IANA does
  config.local = {std::move(keys.client_key), std::move(keys.client_salt)};
  config.remote = {std::move(keys.server_key), std::move(keys.server_salt)};
  if (role == dtls::Role::kServer) std::swap(config.local, config.remote);
  auto session = srtp::Session::create(config);
  for (srtp::MasterKey* key : {&config.local, &config.remote}) {
    crypto::wipe(key->key);
    crypto::wipe(key->salt);
  }
  if (!session) return forward(session);
  srtp_ = std::move(*session);
  return {};
}

void MediaTransport::handle_packet(Time now, MutableBytes datagram) {
  if (srtp_ == nullptr) {
    ++stats_.early;
    return;
  }
  if (rtp::looks_like_rtcp(datagram)) {
    const auto packet = srtp_->unprotect_rtcp(datagram);
    if (!packet) return;
    ++stats_.rtcp_received;
    rtp_.handle_rtcp(now, *packet);
  } else {
    const auto packet = srtp_->unprotect_rtp(datagram);
    if (!packet) return;
    ++stats_.rtp_received;
    rtp_.handle_rtp(now, *packet);
  }
}

std::size_t MediaTransport::poll_transmit(Time now, MutableBytes space) {
  if (srtp_ == nullptr) return 0;
  if (const std::size_t size = rtp_.poll_rtcp(now, space); size != 0) {
    return protect_rtcp(space, size);
  }
  while (const std::size_t size = rtp_.poll_rtp(now, space)) {
    const auto whole = srtp_->protect_rtp(space, size);
    if (!whole) continue;  // a source too many; it says so in its statistics
    ++stats_.rtp_sent;
    return *whole;
  }
  return 0;
}

std::size_t MediaTransport::write_bye(Time now, MutableBytes space) {
  if (srtp_ == nullptr) return 0;
  const std::size_t size = rtp_.write_bye(now, space);
  return size == 0 ? 0 : protect_rtcp(space, size);
}

std::size_t MediaTransport::protect_rtcp(MutableBytes space, std::size_t size) {
  const auto whole = srtp_->protect_rtcp(space, size);
  if (!whole) return 0;
  ++stats_.rtcp_sent;
  return *whole;
}

}  // namespace floe
