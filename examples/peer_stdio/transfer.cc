#include "transfer.h"

#include <chrono>

#include "floe/core/text.h"

namespace peer_stdio {

void Tally::count(floe::Bytes payload) {
  ++messages_;
  bytes_ += payload.size();
  digest_.update(payload);
}

Json Tally::finish(floe::Time now) {
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(now - began_);
  return {{"count", messages_},
          {"bytes", bytes_},
          {"sha256", floe::to_hex(digest_.finish())},
          {"ms", took.count()}};
}

floe::Result<bool> Sending::advance(floe::DataChannel& channel) {
  while (tally_.messages() < count_) {
    if (!filled_) fill();
    const floe::Bytes payload = payload_;
    const auto sent = is_text_ ? channel.send(floe::as_text(payload)) : channel.send(payload);
    if (!sent && sent.error().code == floe::Errc::kWouldBlock) return false;
    if (!sent) return floe::forward(sent);
    tally_.count(payload);
    filled_ = false;
  }
  return true;
}

/// Each message begins with the next byte, so that one that is lost or changes places shows.
void Sending::fill() {
  constexpr std::uint64_t kLetters = 26;
  constexpr std::uint64_t kValues = 251;  // A prime: no period that blocks of 2^n would hide.
  std::uint64_t next = tally_.messages();
  for (std::uint8_t& byte : payload_) {
    byte = static_cast<std::uint8_t>(is_text_ ? 'a' + next % kLetters : next % kValues);
    ++next;
  }
  filled_ = true;
}

}  // namespace peer_stdio
