#include "floe/ice/tcp_mux.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "floe/stun_client/message.h"

namespace floe::ice {

std::string_view checked_ufrag(Bytes packet) {
  if (!stun::looks_like_stun(packet)) return {};
  const auto message = stun::Message::parse(packet);
  if (!message || !message->is_request(stun::Method::kBinding)) return {};
  const std::string_view username = message->username().value_or("");
  const std::size_t colon = username.find(':');
  // The text lies in `packet`, not in the message that was parsed from it.
  return colon == std::string_view::npos ? std::string_view() : username.substr(0, colon);
}

/// A connection that has not yet said whom it is for.
class TcpMux::Guest final : private net::StreamHandler {
 public:
  Guest(TcpMux& mux, std::unique_ptr<net::Stream> stream, Time deadline)
      : deadline(deadline), mux_(mux), stream_(std::move(stream)) {
    framer_.set_max_packet(kMaxFirstPacket);
  }
  void begin() { stream_->set_handler(*this); }

  const Time deadline;

 private:
  void on_data(MutableBytes data) override {
    const auto first = framer_.next(data);
    if (!first && !framer_.broken()) return;
    const std::unique_ptr<Guest> self = mux_.take(*this);  // lives to the end of this call
    Member* member = first ? mux_.find(*first) : nullptr;
    if (!first) ++mux_.stats_.dropped_not_a_check;
    if (member == nullptr) return;
    framer_.set_max_packet(TcpFramer::kMaxPacket);
    member->on_stream({std::move(stream_), std::move(framer_), *first, data});
  }
  void on_closed(const Error&) override { static_cast<void>(mux_.take(*this)); }

  TcpMux& mux_;
  std::unique_ptr<net::Stream> stream_;
  TcpFramer framer_;
};

TcpMux::TcpMux(net::Network& network)
    : network_(network), timer_(network.create_timer([this] { on_timer(); })) {}

TcpMux::~TcpMux() = default;

Result<net::Endpoint> TcpMux::listen(const net::Endpoint& local) {
  auto listener = network_.listen(local, *this);
  if (!listener) return forward(listener);
  listeners_.push_back(std::move(*listener));
  return listeners_.back()->local();
}

void TcpMux::stop_listening(const net::Address& address) {
  std::erase_if(listeners_,
                [&address](const auto& known) { return known->local().address == address; });
}

std::vector<net::Endpoint> TcpMux::locals() const {
  std::vector<net::Endpoint> all;
  for (const auto& listener : listeners_) all.push_back(listener->local());
  return all;
}

bool TcpMux::add(const std::string& ufrag, Member& member) {
  return members_.emplace(ufrag, &member).first->second == &member;
}

void TcpMux::remove(const Member& member) {
  std::erase_if(members_, [&member](const auto& entry) { return entry.second == &member; });
}

TcpMux::Member* TcpMux::find(Bytes first) {
  const std::string_view ufrag = checked_ufrag(first);
  if (ufrag.empty()) {
    ++stats_.dropped_not_a_check;
    return nullptr;
  }
  const auto found = members_.find(std::string(ufrag));
  if (found == members_.end()) {
    ++stats_.dropped_unknown_ufrag;
    return nullptr;
  }
  ++stats_.accepted;
  return found->second;
}

void TcpMux::on_accept(std::unique_ptr<net::Stream> stream) {
  if (guests_.size() >= kMaxGuests) {
    ++stats_.dropped_too_many;
    guests_.pop_front();
  }
  guests_.push_back(std::make_unique<Guest>(*this, std::move(stream), network_.now() + kPatience));
  guests_.back()->begin();
  arm();
}

std::unique_ptr<TcpMux::Guest> TcpMux::take(const Guest& guest) {
  const auto found = std::find_if(guests_.begin(), guests_.end(),
                                  [&guest](const auto& known) { return known.get() == &guest; });
  if (found == guests_.end()) return nullptr;
  std::unique_ptr<Guest> taken = std::move(*found);
  guests_.erase(found);
  arm();
  return taken;
}

void TcpMux::on_timer() {
  while (!guests_.empty() && guests_.front()->deadline <= network_.now()) {
    ++stats_.dropped_slow;
    guests_.pop_front();
  }
  arm();
}

void TcpMux::arm() {
  timer_->arm(guests_.empty() ? kNever : guests_.front()->deadline);
}

}  // namespace floe::ice
