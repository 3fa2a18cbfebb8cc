#include "floe/ice/internal/evidence.h"

#include <algorithm>
#include <utility>

namespace floe::ice {
namespace {

// A sentence with more names than that is not read.
constexpr std::size_t kMaxListed = 4;

}  // namespace

std::vector<Evidence::Attempt> Evidence::attempts() const {
  std::vector<Attempt> all;
  for (const ServerRecord& server : report.servers) {
    for (const ServerAttempt& attempt : server.attempts) all.push_back({&server, &attempt});
  }
  return all;
}

bool Evidence::heard(const Attempt& of) {
  const ServerAttempt& attempt = *of.attempt;
  if (attempt.responses > 0 || attempt.code != 0) return true;
  // A certificate that was refused, or a connection, came from somebody.
  return attempt.error && (attempt.error->code == Errc::kVerificationFailed ||
                           attempt.error->code == Errc::kRefused);
}

bool Evidence::silent(const Attempt& of) {
  return of.attempt->outcome == ServerAttempt::Outcome::kFailed && !heard(of) &&
         of.attempt->error && of.attempt->error->code == Errc::kTimedOut;
}

bool Evidence::works(Server::Kind kind) const {
  const auto all = attempts();
  return std::ranges::any_of(all, [kind](const Attempt& of) {
    const bool answered = of.attempt->outcome == ServerAttempt::Outcome::kAnswered;
    return answered && (kind == Server::Kind::kStun || of.server->kind == Server::Kind::kTurn);
  });
}

bool Evidence::has_local(CandidateType type) const {
  return std::ranges::any_of(report.local_candidates, [type](const LocalCandidate& local) {
    return !local.withdrawn && local.candidate.type == type;
  });
}

bool Evidence::has_remote(CandidateType type) const {
  return std::ranges::any_of(report.remote_candidates, [type](const RemoteCandidate& remote) {
    return remote.candidate.type == type;
  });
}

bool Evidence::has_relay() const {
  return has_local(CandidateType::kRelayed) || has_remote(CandidateType::kRelayed);
}

bool Evidence::local_family(net::Family family) const {
  return std::ranges::any_of(report.local_candidates, [family](const LocalCandidate& local) {
    return local.is_base && !local.withdrawn && local.base.family() == family;
  });
}

bool Evidence::remote_family(net::Family family) const {
  return std::ranges::any_of(report.remote_candidates, [family](const RemoteCandidate& remote) {
    return remote.candidate.endpoint.family() == family;
  });
}

std::optional<Evidence::Mappings> Evidence::mappings(bool different) const {
  const auto all = attempts();
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (std::size_t j = i + 1; j < all.size(); ++j) {
      const ServerAttempt& a = *all[i].attempt;
      const ServerAttempt& b = *all[j].attempt;
      const bool comparable = all[i].server->transport == ServerTransport::kUdp &&
                              all[j].server->transport == ServerTransport::kUdp && a.mapped &&
                              b.mapped && a.local == b.local && a.address != b.address;
      if (comparable && (*a.mapped != *b.mapped) == different) {
        return Mappings{a.local, *a.mapped, *b.mapped};
      }
    }
  }
  return std::nullopt;
}

bool Evidence::is_relayed(const CandidatePair& pair) const {
  return pair.local < report.local_candidates.size() &&
         report.local_candidates[pair.local].candidate.type == CandidateType::kRelayed;
}

std::size_t Evidence::count_pairs(const std::function<bool(const CandidatePair&)>& which) const {
  return static_cast<std::size_t>(std::ranges::count_if(report.pairs, which));
}

bool Evidence::all_pairs_failed() const {
  return std::ranges::all_of(
      report.pairs, [](const CandidatePair& pair) { return pair.state == PairState::kFailed; });
}

bool Evidence::heard_of_peer() const {
  return count_pairs([](const CandidatePair& pair) { return heard_of_peer(pair); }) > 0;
}

bool Evidence::heard_of_peer_over_udp() const {
  return std::ranges::any_of(report.pairs, [this](const CandidatePair& pair) {
    return pair.local < report.local_candidates.size() && !is_relayed(pair) &&
           report.local_candidates[pair.local].candidate.protocol == Protocol::kUdp &&
           heard_of_peer(pair);
  });
}

std::string list(std::vector<std::string> texts) {
  std::vector<std::string> names;
  for (std::string& text : texts) {
    if (std::ranges::find(names, text) == names.end()) names.push_back(std::move(text));
  }
  if (names.size() > kMaxListed) {
    const std::size_t more = names.size() - (kMaxListed - 1);
    names.resize(kMaxListed - 1);
    names.push_back(std::to_string(more) + " more");
  }
  std::string out;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) out += i + 1 == names.size() ? " and " : ", ";
    out += names[i];
  }
  return out;
}

std::string count(std::uint64_t number, std::string_view what) {
  return std::to_string(number) + ' ' + std::string(what) + (number == 1 ? "" : "s");
}

std::string seconds(Duration duration) {
  const std::int64_t ms = std::max<std::int64_t>(to_ms(duration), 0);
  const std::string decimals = std::to_string(ms % 1000);
  return std::to_string(ms / 1000) + '.' + std::string(3 - decimals.size(), '0') + decimals + " s";
}

std::string printable(std::string_view text) {
  std::string out(text);
  std::ranges::replace_if(
      out, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
  return out;
}

std::string name_of(ServerTransport transport) {
  switch (transport) {
    case ServerTransport::kUdp:
      return "UDP";
    case ServerTransport::kDtls:
      return "DTLS";
    case ServerTransport::kTcp:
      return "TCP";
    case ServerTransport::kTls:
      return "TLS";
  }
  return "";
}

}  // namespace floe::ice
