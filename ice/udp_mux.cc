#include "floe/ice/udp_mux.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "floe/ice/tcp_mux.h"
#include "floe/stun_client/message.h"

namespace floe::ice {
namespace {

// RFC 8489 section 5: class bits 0x0110 of the type, the transaction id behind the cookie.
constexpr std::size_t kTransactionIdAt = 8;

bool is_response(Bytes packet) {
  return (packet[0] & 0x01) != 0;  // 0x0100: success or error
}

}  // namespace

UdpMux::~UdpMux() {
  *alive_ = false;
}

Result<net::Endpoint> UdpMux::open(const net::UdpOptions& options) {
  auto socket = network_.open_udp(options, *this);
  if (!socket) return forward(socket);
  sockets_.push_back(std::move(*socket));
  return sockets_.back()->local();
}

std::uint32_t UdpMux::key(const Tag& tag) {
  std::uint32_t key = 0;
  std::memcpy(&key, tag.data(), sizeof key);
  return key;
}

UdpMux::Tag UdpMux::add(Member& member) {
  auto seat = std::make_unique<Seat>(Seat{&member, {}, {}, {}});
  do {
    network_.random().fill(seat->tag);
  } while (by_tag_.contains(key(seat->tag)));
  by_tag_[key(seat->tag)] = seat.get();
  const Tag tag = seat->tag;
  seats_[&member] = std::move(seat);
  return tag;
}

bool UdpMux::add_ufrag(const Member& member, const std::string& ufrag) {
  const auto found = seats_.find(&member);
  if (found == seats_.end()) return false;
  Seat& seat = *found->second;
  const auto [entry, is_new] = by_ufrag_.emplace(ufrag, &seat);
  if (!is_new) return entry->second == &seat;
  seat.ufrags.push_back(ufrag);
  if (seat.ufrags.size() > kMaxUfrags) {
    by_ufrag_.erase(seat.ufrags.front());
    seat.ufrags.pop_front();
  }
  return true;
}

void UdpMux::remove(const Member& member) {
  const auto found = seats_.find(&member);
  if (found == seats_.end()) return;
  const Seat& seat = *found->second;
  by_tag_.erase(key(seat.tag));
  for (const std::string& ufrag : seat.ufrags) by_ufrag_.erase(ufrag);
  for (const net::Endpoint& remote : seat.remotes) {
    const auto known = by_remote_.find(remote);
    if (known != by_remote_.end() && known->second == &seat) by_remote_.erase(known);
  }
  seats_.erase(found);
}

void UdpMux::remember(Seat& seat, const net::Endpoint& remote) {
  const auto [entry, is_new] = by_remote_.emplace(remote, &seat);
  if (!is_new) {
    if (entry->second == &seat) return;
    std::erase(entry->second->remotes, remote);
    entry->second = &seat;
  }
  seat.remotes.push_back(remote);
  if (seat.remotes.size() > kMaxRemotes) {
    by_remote_.erase(seat.remotes.front());
    seat.remotes.pop_front();
  }
}

UdpMux::Seat* UdpMux::find(const net::Datagram& datagram) {
  if (!stun::looks_like_stun(datagram.payload)) {
    const auto found = by_remote_.find(datagram.source);
    if (found != by_remote_.end()) return found->second;
    ++stats_.dropped_unknown_source;
    return nullptr;
  }
  if (is_response(datagram.payload)) {
    Tag tag{};
    std::copy_n(datagram.payload.begin() + kTransactionIdAt, tag.size(), tag.begin());
    const auto found = by_tag_.find(key(tag));
    if (found == by_tag_.end()) {
      ++stats_.dropped_unknown_transaction;
      return nullptr;
    }
    if (!by_remote_.contains(datagram.source)) remember(*found->second, datagram.source);
    return found->second;
  }
  const std::string_view ufrag = checked_ufrag(datagram.payload);
  if (ufrag.empty()) {  // an indication, which names nobody
    const auto found = by_remote_.find(datagram.source);
    if (found != by_remote_.end()) return found->second;
    ++stats_.dropped_unknown_source;
    return nullptr;
  }
  const auto found = by_ufrag_.find(std::string(ufrag));
  if (found == by_ufrag_.end()) {
    ++stats_.dropped_unknown_ufrag;
    return nullptr;
  }
  remember(*found->second, datagram.source);
  return found->second;
}

/// Neighbours for one agent are handed on together. Each hand-over may end agents, or the mux.
void UdpMux::on_datagrams(std::span<net::Datagram> datagrams) {
  const std::shared_ptr<bool> alive = alive_;
  std::size_t begin = 0;
  Member* member = nullptr;
  const auto flush = [&](std::size_t end) {
    if (member != nullptr && end > begin) member->on_packets(datagrams.subspan(begin, end - begin));
    return *alive;
  };
  for (std::size_t i = 0; i < datagrams.size(); ++i) {
    Seat* seat = find(datagrams[i]);
    if (seat != nullptr && seat->member == member) continue;
    if (!flush(i)) return;
    // The one before may have ended this one: it is looked up again.
    seat = member != nullptr && seat != nullptr ? find(datagrams[i]) : seat;
    begin = i;
    member = seat != nullptr ? seat->member : nullptr;
  }
  static_cast<void>(flush(datagrams.size()));
}

void TaggedRandom::fill(MutableBytes out) {
  random_.fill(out);
  if (tag_ && out.size() == sizeof(stun::TransactionId)) {
    std::copy(tag_->begin(), tag_->end(), out.begin());
  }
}

}  // namespace floe::ice
