#include "floe/mdns/querier.h"

#include <algorithm>
#include <utility>

#include "floe/core/text.h"

namespace floe::mdns {
namespace {

// RFC 6762 section 5.2: at least a second to the second question, then twice as long each time.
constexpr Duration kFirstInterval = std::chrono::seconds(1);
// Section 10.2: what a cache flush replaces stays for a second, since its packets may be several.
constexpr Duration kFlushGrace = std::chrono::seconds(1);

bool can_be_host(const net::Address& address) {
  return !address.is_unspecified() && !address.is_multicast() && !address.is_broadcast() &&
         !address.is_v4_mapped();
}

}  // namespace

void Querier::set_links(std::span<const Link> links) {
  links_.assign(links.begin(),
                links.begin() + static_cast<std::ptrdiff_t>(std::min(links.size(), kMaxLinks)));
}

std::size_t Querier::lookups() const {
  std::size_t count = events_.size();
  for (const Query& query : queries_) count += query.lookups.size();
  return count;
}

Result<LookupId> Querier::resolve(Time now, std::string_view text) {
  if (!is_local_name(text)) {
    return fail(Errc::kInvalidArgument,
                quoted(text) + " is not a host name under .local, as multicast DNS needs");
  }
  if (lookups() >= kMaxLookups) {
    return fail(Errc::kLimitExceeded, "there are " + std::to_string(kMaxLookups) +
                                          " multicast DNS lookups under way already");
  }
  const std::string name = to_lower(text);
  const LookupId id{++last_id_};
  if (std::vector<net::Address> known = cached(now, name); !known.empty()) {
    ++stats_.from_cache;
    events_.push_back(Resolved{id, std::move(known)});
    return id;
  }
  auto query = std::ranges::find(queries_, name, &Query::name);
  if (query == queries_.end()) {
    queries_.push_back({name, {}, now + kFirstInterval, kFirstInterval * 2});
    query = std::prev(queries_.end());
  }
  query->lookups.push_back({id, now + configuration_.timeout});
  return id;
}

void Querier::cancel(LookupId id) {
  for (Query& query : queries_) {
    std::erase_if(query.lookups, [&](const Lookup& lookup) { return lookup.id == id; });
  }
  std::erase_if(queries_, [](const Query& query) { return query.lookups.empty(); });
  std::erase_if(events_, [&](const Event& event) {
    return std::visit([&](const auto& one) { return one.id == id; }, event);
  });
}

void Querier::handle_response(Time now, const Message& response, net::SocketId socket) {
  const auto link = std::ranges::find(links_, socket, &Link::socket);
  if (link == links_.end()) return;
  bool changed = false;
  for (const std::vector<Record>* section : {&response.answers, &response.additionals}) {
    for (const Record& record : *section) changed |= take(now, record, *link);
  }
  if (changed) finish_answered(now);
}

bool Querier::take(Time now, const Record& record, const Link& link) {
  if (!record.address || !is_local_name(record.name)) return false;
  net::Address address = *record.address;
  if (!can_be_host(address)) {
    ++stats_.dropped_address;
    return false;
  }
  if (address.is_v6() && address.is_link_local()) {
    address = net::Address::v6(address.bytes().first<16>(), link.scope_id());
  }
  auto cached = std::ranges::find(cache_, record.name, &Cached::name);
  if (cached == cache_.end()) {
    if (record.ttl == 0) return false;
    if (cache_.size() == kMaxCached) cache_.pop_front();
    cache_.push_back({record.name, {}});
    cached = std::prev(cache_.end());
  }
  ++stats_.answers;
  // RFC 6762 section 10.1: a goodbye counts after one second, as does being flushed.
  const Duration ttl =
      record.ttl == 0 ? kFlushGrace : std::min<Duration>(std::chrono::seconds(record.ttl), kMaxTtl);
  bool known = false;
  for (Cached::Entry& entry : cached->entries) {
    if (entry.address == address) {
      entry.expires = now + ttl;
      known = true;
    } else if (record.cache_flush && entry.address.family() == address.family()) {
      entry.expires = std::min(entry.expires, now + kFlushGrace);
    }
  }
  if (known || record.ttl == 0 || cached->entries.size() == kMaxAddresses) return known;
  cached->entries.push_back({address, now + ttl});
  return true;
}

std::vector<net::Address> Querier::cached(Time now, std::string_view name) const {
  std::vector<net::Address> addresses;
  const auto found = std::ranges::find(cache_, name, &Cached::name);
  if (found == cache_.end()) return addresses;
  for (const Cached::Entry& entry : found->entries) {
    if (entry.expires > now) addresses.push_back(entry.address);
  }
  return addresses;
}

void Querier::finish_answered(Time now) {
  for (Query& query : queries_) {
    const std::vector<net::Address> addresses = cached(now, query.name);
    if (addresses.empty()) continue;
    for (const Lookup& lookup : query.lookups) events_.push_back(Resolved{lookup.id, addresses});
    query.lookups.clear();
  }
  std::erase_if(queries_, [](const Query& query) { return query.lookups.empty(); });
}

void Querier::poll_transmit(Time, net::SendBatch& batch) {
  for (Query& query : queries_) {
    if (!query.transmit) continue;
    // Both types at once, and never QU: the port is shared, and a unicast answer could end with
    // another program on this machine.
    Message message;
    message.questions.push_back({query.name, Type::kA, false});
    message.questions.push_back({query.name, Type::kAaaa, false});
    const std::vector<std::uint8_t> bytes = message.write();
    for (const Link& link : links_) {
      if (!batch.add({link.socket, link.group(), {}}, bytes)) return;
    }
    query.transmit = false;
    ++stats_.questions;
  }
}

Time Querier::next_timeout() const {
  Time next = kNever;
  for (const Query& query : queries_) {
    next = std::min(next, query.due);
    for (const Lookup& lookup : query.lookups) next = std::min(next, lookup.deadline);
  }
  for (const Cached& cached : cache_) {
    for (const Cached::Entry& entry : cached.entries) next = std::min(next, entry.expires);
  }
  return next;
}

void Querier::handle_timeout(Time now) {
  for (Cached& cached : cache_) {
    std::erase_if(cached.entries, [&](const Cached::Entry& e) { return e.expires <= now; });
  }
  std::erase_if(cache_, [](const Cached& cached) { return cached.entries.empty(); });
  for (Query& query : queries_) {
    std::erase_if(query.lookups, [&](const Lookup& lookup) {
      if (lookup.deadline > now) return false;
      ++stats_.timed_out;
      events_.push_back(Failed{
          lookup.id, {Errc::kTimedOut, "nobody on the local network answers for " + query.name}});
      return true;
    });
    if (query.due > now) continue;
    query.transmit = true;
    query.due = now + query.interval;
    query.interval *= 2;
  }
  std::erase_if(queries_, [](const Query& query) { return query.lookups.empty(); });
}

std::optional<Querier::Event> Querier::poll_event() {
  if (events_.empty()) return std::nullopt;
  Event event = std::move(events_.front());
  events_.pop_front();
  return event;
}

}  // namespace floe::mdns
