#include "floe/mdns/responder.h"

#include <algorithm>
#include <array>
#include <utility>

#include "floe/core/text.h"

namespace floe::mdns {
namespace {

// RFC 6762 section 8.1: after a random delay three probes, and the same time again to object.
constexpr Duration kProbeInterval = std::chrono::milliseconds(250);
constexpr unsigned kProbes = 3;
// Section 8.3: at least two announcements, one second apart.
constexpr Duration kAnnounceInterval = std::chrono::seconds(1);
constexpr unsigned kAnnouncements = 2;
// Section 6: a record is multicast at most once a second, ...
constexpr Duration kMulticastInterval = std::chrono::seconds(1);
// ... but to defend it from a probe once in 250 ms.
constexpr Duration kDefendInterval = std::chrono::milliseconds(250);
// Section 5.4: an answer that everybody has not heard for a quarter of its TTL goes to everybody.
constexpr Duration kMulticastAgain = std::chrono::seconds(Responder::kTtl / 4);

bool asks_for(const Question& question, const net::Address& address) {
  return question.type == Type::kAny || question.type == type_of(address.family());
}

bool same_address(const net::Address& a, const net::Address& b) {
  return std::ranges::equal(a.bytes(), b.bytes());
}

Record record_for(const std::string& name, const net::Address& address, std::uint32_t ttl) {
  return {name, type_of(address.family()), true, ttl, address};
}

}  // namespace

Responder::Responder(Configuration configuration, Random& random)
    : configuration_(configuration), random_(random) {}

void Responder::set_links(Time now, std::span<const Link> links) {
  std::vector<Link> before(links.begin(), links.begin() + static_cast<std::ptrdiff_t>(
                                                              std::min(links.size(), kMaxLinks)));
  before.swap(links_);
  const auto is_new = [&](const Link& link) {
    return std::ranges::find(before, link.socket, &Link::socket) == before.end();
  };
  for (Name& name : names_) {
    if (std::ranges::any_of(links_, [&](const Link& link) {
          return is_new(link) && is_link_of(link, name.address);
        })) {
      begin(now, name);
    }
  }
}

Result<std::string> Responder::register_name(Time now, const net::Address& address) {
  if (names_.size() == kMaxNames) {
    return fail(Errc::kLimitExceeded, "there are " + std::to_string(kMaxNames) +
                                          " multicast DNS names already; withdraw some");
  }
  if (address.is_unspecified() || address.is_multicast() || address.is_broadcast()) {
    return fail(Errc::kInvalidArgument,
                address.to_string() + " is not the address of a host, it cannot have a name");
  }
  Name& name = names_.emplace_back();
  name.name = make_name();
  name.address = address;
  begin(now, name);
  return name.name;
}

std::string Responder::make_name() {
  // RFC 9562 section 5.4: a UUID of version 4.
  std::array<std::uint8_t, 16> bytes;
  random_.fill(bytes);
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3f) | 0x80);
  std::string text = to_hex(bytes);
  for (const std::size_t at : {20, 16, 12, 8}) text.insert(at, 1, '-');
  return text + ".local";
}

void Responder::begin(Time now, Name& name) {
  name.sent = 0;
  name.transmit = false;
  name.answer = false;
  name.answer_due = kNever;
  name.last_multicast.reset();
  if (!configuration_.probe) return announce(now, name);
  name.state = State::kProbing;
  // So that machines that were switched on together do not speak together.
  const auto delay = random_.below(static_cast<std::uint64_t>(kProbeInterval.count()));
  name.due = now + Duration(static_cast<Duration::rep>(delay));
}

void Responder::announce(Time now, Name& name) {
  name.state = State::kAnnouncing;
  name.sent = 0;
  name.due = now;
}

void Responder::withdraw(Time now, std::string_view text) {
  const auto found = std::ranges::find(names_, text, &Name::name);
  if (found == names_.end()) return;
  // Nobody can have cached what was never sent.
  if (found->state != State::kProbing && goodbyes_.size() < kMaxNames) {
    goodbyes_.push_back(std::move(*found));
    goodbyes_.back().due = now;
  }
  names_.erase(found);
}

void Responder::withdraw_all(Time now) {
  while (!names_.empty()) withdraw(now, std::string(names_.back().name));
}

Responder::Name* Responder::find(std::string_view name) {
  const auto found = std::ranges::find(names_, name, &Name::name);
  return found == names_.end() ? nullptr : &*found;
}

void Responder::handle_query(Time now, const Message& query, const net::Endpoint& source,
                             net::SocketId socket) {
  for (const Record& claim : query.authorities) {
    Name* name = find(claim.name);
    // Section 8.2: two probe for one name. Our own probe, heard again, claims the same address.
    if (name != nullptr && name->state == State::kProbing &&
        !(claim.address && same_address(*claim.address, name->address))) {
      conflict(now, *name);
    }
  }
  for (const Question& question : query.questions) {
    if (Name* name = find(question.name); name != nullptr) {
      answer(now, *name, query, question, source, socket);
    }
  }
}

void Responder::answer(Time now, Name& name, const Message& query, const Question& question,
                       const net::Endpoint& source, net::SocketId socket) {
  const bool is_probe = std::ranges::any_of(
      query.authorities, [&](const Record& claim) { return claim.name == name.name; });
  if (is_probe && std::ranges::all_of(query.authorities, [&](const Record& claim) {
        return claim.name != name.name ||
               (claim.address && same_address(*claim.address, name.address));
      })) {
    return;  // Our own, heard again.
  }
  ++stats_.queries;
  if (std::ranges::any_of(query.answers, [&](const Record& known) {
        return known.name == name.name && known.address && known.ttl >= kTtl / 2 &&
               same_address(*known.address, name.address);
      })) {
    ++stats_.suppressed;
    return;
  }
  if (name.state == State::kProbing) return;  // The announcement will answer, within a second.

  const bool is_legacy = source.port != kPort;  // Section 6.7
  const bool is_fresh = name.last_multicast && now - *name.last_multicast < kMulticastAgain;
  if (is_legacy || (question.unicast && is_fresh)) {
    if (unicasts_.size() == kMaxUnicasts) {
      ++stats_.dropped_busy;
      return;
    }
    Message response = response_for(name, &question, is_legacy ? kLegacyTtl : kTtl);
    if (is_legacy) {
      response.id = query.id;
      response.questions.push_back(question);
      response.questions.back().unicast = false;
      for (Record& record : response.answers) record.cache_flush = false;
      response.additionals.clear();
    }
    unicasts_.push_back({{socket, source, {}}, response.write()});
    return;
  }
  // Section 6: the only one who can answer does so without delay.
  const Duration interval = is_probe ? kDefendInterval : kMulticastInterval;
  const Time due = name.last_multicast ? std::max(now, *name.last_multicast + interval) : now;
  name.answer_due = std::min(name.answer_due, due);
}

Message Responder::response_for(const Name& name, const Question* question,
                                std::uint32_t ttl) const {
  Message message;
  message.is_response = true;
  const Record address = record_for(name.name, name.address, ttl);
  Record only{name.name, Type::kNsec, true, ttl, {}, type_of(name.address.family())};
  // Section 6.1: NSEC says that there is no address of the other family, so that nobody waits.
  if (question != nullptr && !asks_for(*question, name.address)) {
    message.answers.push_back(std::move(only));
    return message;
  }
  message.answers.push_back(address);
  if (ttl != 0) message.additionals.push_back(std::move(only));
  return message;
}

void Responder::handle_response(Time now, const Message& response) {
  for (const std::vector<Record>* section : {&response.answers, &response.additionals}) {
    for (const Record& record : *section) {
      Name* name = find(record.name);
      if (name == nullptr || record.ttl == 0) continue;
      const bool ours = record.type == Type::kNsec ||
                        (record.address && same_address(*record.address, name->address));
      if (!ours) conflict(now, *name);
    }
  }
}

void Responder::conflict(Time now, Name& name) {
  ++stats_.conflicts;
  if (name.renames == kMaxRenames) {
    events_.push_back(Lost{name.name});
    names_.erase(names_.begin() + (&name - names_.data()));
    return;
  }
  // Section 9 would have us probe again first. Nobody else makes such a name up by chance, and a
  // new one costs nothing but telling it.
  std::string old_name = std::exchange(name.name, make_name());
  ++name.renames;
  events_.push_back(Renamed{std::move(old_name), name.name});
  begin(now, name);
}

bool Responder::is_link_of(const Link& link, const net::Address& address) const {
  const bool has_own = std::ranges::any_of(links_, [&](const Link& l) { return l.owns(address); });
  return !has_own || link.owns(address);
}

bool Responder::multicast(const net::Address& about, const Message& message,
                          net::SendBatch& batch) {
  const std::vector<std::uint8_t> bytes = message.write();
  for (const Link& link : links_) {
    if (is_link_of(link, about) && !batch.add({link.socket, link.group(), {}}, bytes)) return false;
  }
  return true;
}

void Responder::poll_transmit(Time now, net::SendBatch& batch) {
  for (; !goodbyes_.empty(); goodbyes_.pop_front()) {
    const Name& name = goodbyes_.front();
    if (!multicast(name.address, response_for(name, nullptr, 0), batch)) return;
    ++stats_.goodbyes;
  }
  for (; !unicasts_.empty(); unicasts_.pop_front()) {
    if (!batch.add(unicasts_.front().route, unicasts_.front().bytes)) return;
    ++stats_.answers;
  }
  for (Name& name : names_) {
    if (name.transmit && name.state == State::kProbing) {
      Message probe;
      probe.questions.push_back({name.name, Type::kAny, false});
      probe.authorities.push_back(record_for(name.name, name.address, kTtl));
      probe.authorities.back().cache_flush = false;
      if (!multicast(name.address, probe, batch)) return;
      name.transmit = false;
    } else if (name.transmit || name.answer || name.answer_due <= now) {
      if (!multicast(name.address, response_for(name, nullptr, kTtl), batch)) return;
      ++(name.transmit ? stats_.announcements : stats_.answers);
      name.transmit = false;
      name.answer = false;
      name.answer_due = kNever;
      name.last_multicast = now;
    }
  }
}

Time Responder::next_timeout() const {
  Time next = kNever;
  for (const Name& name : names_) next = std::min({next, name.due, name.answer_due});
  return next;
}

void Responder::handle_timeout(Time now) {
  for (Name& name : names_) {
    if (name.answer_due <= now) {
      name.answer_due = kNever;
      name.answer = true;
    }
    if (name.due > now) continue;
    // At most one step, however late: a machine that slept goes on from where it was.
    if (name.state == State::kProbing && name.sent == kProbes) announce(now, name);
    name.transmit = true;
    ++name.sent;
    if (name.state == State::kProbing) {
      name.due = now + kProbeInterval;
    } else if (name.sent < kAnnouncements) {
      name.due = now + kAnnounceInterval;
    } else {
      name.state = State::kEstablished;
      name.due = kNever;
    }
  }
}

std::optional<Responder::Event> Responder::poll_event() {
  if (events_.empty()) return std::nullopt;
  Event event = std::move(events_.front());
  events_.pop_front();
  return event;
}

}  // namespace floe::mdns
