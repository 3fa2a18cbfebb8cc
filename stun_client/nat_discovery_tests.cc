#include <algorithm>
#include <utility>

#include "floe/core/text.h"
#include "floe/stun_client/nat_discovery.h"

// What the answers mean: RFC 5780 section 4, test by test.
namespace floe::stun {
namespace {

bool is_usable(const net::Endpoint& endpoint) {
  return endpoint.port != 0 && !endpoint.address.is_unspecified() &&
         !endpoint.address.is_multicast() && !endpoint.address.is_broadcast();
}

std::string refusal(const ErrorCode& error) {
  return "answered " + std::to_string(error.code) + " " + quoted(error.reason);
}

}  // namespace

void NatDiscovery::conclude(Time now, std::size_t index, const Answer* answer) {
  const Exchange exchange = std::move(exchanges_[index]);
  exchanges_.erase(exchanges_.begin() + static_cast<std::ptrdiff_t>(index));
  // In words, why there is no success.
  std::string trouble = exchange.request.to.to_string();
  if (exchange.failure) {
    trouble += " could not be asked: " + exchange.failure->message;
  } else if (answer != nullptr) {
    trouble += " " + refusal(answer->error);
  } else {
    trouble += " does not answer";
  }
  // RFC 5780 section 5: a server that redirects (code 300) is not followed: the other one is
  // elsewhere, and so perhaps are its NATs.
  const Answer* success =
      answer != nullptr && answer->success && answer->mapped && is_usable(*answer->mapped)
          ? answer
          : nullptr;
  if (answer != nullptr && answer->success && success == nullptr) {
    trouble = exchange.request.to.to_string() + " answers without a mapped address";
  }
  switch (exchange.request.step) {
    case Step::kReach:
      return conclude_reach(now, success, trouble);
    case Step::kMappingAddress:
    case Step::kMappingPort:
    case Step::kMappingSecond:
      return conclude_mapping(now, exchange.request.step, success, trouble);
    case Step::kFilteringReach:
    case Step::kFilteringBoth:
    case Step::kFilteringPort:
      // Here silence is an answer, and an error is none.
      if (answer != nullptr && success == nullptr) return give_up(NatTest::kFiltering, trouble);
      return conclude_filtering(now, exchange.request.step, success, trouble);
    case Step::kControlReach:
      return conclude_control(now, success, trouble);
    case Step::kHairpinThere:
    case Step::kHairpinBack:
      if (std::ranges::any_of(exchanges_, [](const Exchange& one) {
            return one.request.step == Step::kHairpinThere ||
                   one.request.step == Step::kHairpinBack;
          })) {
        return;
      }
      report_.hairpinning = false;
      return end(NatTest::kHairpinning);
    case Step::kFragments:
      return conclude_fragments(answer, trouble);
    case Step::kLifetimeOpen:
    case Step::kLifetimeProbe:
      if (answer != nullptr && success == nullptr) return give_up(NatTest::kLifetime, trouble);
      return conclude_lifetime(now, exchange.request.step, success, trouble);
  }
}

bool NatDiscovery::is_own(const net::Endpoint& mapped) const {
  const net::Endpoint& local = report_.local;
  if (mapped == local) return true;
  return local.address.is_unspecified() && mapped.port == local.port &&
         std::ranges::find(configuration_.own_addresses, mapped.address) !=
             configuration_.own_addresses.end();
}

void NatDiscovery::conclude_reach(Time now, const Answer* answer, const std::string& trouble) {
  if (answer == nullptr) {
    report_.notes.push_back(trouble);
    for (const NatTest test : configuration_.tests) end(test);
    return;
  }
  report_.mapped = answer->mapped;
  report_.rewrites_addresses = answer->plain_mapped && answer->plain_mapped != answer->mapped;
  consider_second_address(now, *answer);
  if (is_own(*report_.mapped)) report_.mapping = NatBehavior::kNone;

  if (report_.other_address && wants(NatTest::kFiltering)) {
    ask_server(now, Step::kFilteringReach, Role::kFiltering);
  } else if (wants(NatTest::kFiltering)) {
    give_up(NatTest::kFiltering,
            "filtering cannot be tested: the server has no second address to answer from");
  }
  if (wants(NatTest::kHairpinning) && report_.mapping == NatBehavior::kNone) {
    give_up(NatTest::kHairpinning, "there is no NAT that could hairpin");
  } else if (wants(NatTest::kHairpinning)) {
    ask_server(now, Step::kControlReach, Role::kControl);
  }
  if (wants(NatTest::kFragments)) {
    Request request{Step::kFragments, Role::kMapping, configuration_.server, configuration_.server};
    request.padding = true;
    ask(now, request);
  }
  if (wants(NatTest::kLifetime)) {
    lifetime_high_ = configuration_.lifetime_max;
    ask_server(now, Step::kLifetimeOpen, Role::kLifetime);
  }
}

void NatDiscovery::consider_second_address(Time now, const Answer& answer) {
  const net::Endpoint& server = configuration_.server;
  if (answer.other && is_usable(*answer.other) && answer.other->family() == server.family() &&
      answer.other->address != server.address && answer.other->port != server.port) {
    report_.other_address = answer.other;
  } else if (answer.other) {
    report_.notes.push_back("the server's other address, " + answer.other->to_string() +
                            ", is of no use for the tests");
  }
  if (!wants(NatTest::kMapping)) return;
  if (is_own(*answer.mapped)) return end(NatTest::kMapping);
  if (report_.other_address) {
    const net::Endpoint to{report_.other_address->address, server.port};
    return ask(now, {Step::kMappingAddress, Role::kMapping, to, to});
  }
  const std::optional<net::Endpoint>& second = configuration_.second_server;
  if (!second || second->family() != server.family() || *second == server) {
    return give_up(
        NatTest::kMapping,
        "mapping cannot be tested: the server has no second address (OTHER-ADDRESS), and "
        "no second server was named");
  }
  ask(now, {Step::kMappingSecond, Role::kMapping, *second, *second});
}

void NatDiscovery::conclude_mapping(Time now, Step step, const Answer* answer,
                                    const std::string& trouble) {
  if (answer == nullptr) return give_up(NatTest::kMapping, "mapping: " + trouble);
  if (step == Step::kMappingSecond) {
    const bool same = answer->mapped == report_.mapped;
    report_.mapping = same ? NatBehavior::kEndpointIndependent : NatBehavior::kDependent;
    // Two ports of one address differ for those NATs only that look at ports too.
    const bool same_address =
        configuration_.second_server->address == configuration_.server.address;
    if (same_address) {
      report_.mapping = same ? NatBehavior::kUnknown : NatBehavior::kAddressAndPortDependent;
      if (same) {
        report_.notes.push_back(
            "mapping does not depend on the port; the second server has the same address as the "
            "first");
      }
    }
    return end(NatTest::kMapping);
  }
  if (step == Step::kMappingAddress) {
    if (answer->mapped == report_.mapped) {
      report_.mapping = NatBehavior::kEndpointIndependent;
      return end(NatTest::kMapping);
    }
    mapped_address_ = answer->mapped;
    return ask(
        now, {Step::kMappingPort, Role::kMapping, *report_.other_address, *report_.other_address});
  }
  report_.mapping = answer->mapped == mapped_address_ ? NatBehavior::kAddressDependent
                                                      : NatBehavior::kAddressAndPortDependent;
  end(NatTest::kMapping);
}

void NatDiscovery::conclude_filtering(Time now, Step step, const Answer* answer,
                                      const std::string& trouble) {
  if (step == Step::kFilteringReach) {
    if (answer == nullptr) return give_up(NatTest::kFiltering, "filtering: " + trouble);
    // Tests II and III open nothing that the other one would see, so they need not wait for each
    // other's silence.
    ask_server(now, Step::kFilteringBoth, Role::kFiltering, {.address = true, .port = true});
    ask_server(now, Step::kFilteringPort, Role::kFiltering, {.address = false, .port = true});
    return;
  }
  (step == Step::kFilteringBoth ? answered_both_ : answered_port_) = answer != nullptr;
  if (answered_both_ && *answered_both_) {
    std::erase_if(exchanges_,
                  [](const Exchange& one) { return one.request.step == Step::kFilteringPort; });
    report_.filtering = NatBehavior::kEndpointIndependent;
    return end(NatTest::kFiltering);
  }
  if (!answered_both_ || !answered_port_) return;
  report_.filtering =
      *answered_port_ ? NatBehavior::kAddressDependent : NatBehavior::kAddressAndPortDependent;
  end(NatTest::kFiltering);
}

void NatDiscovery::conclude_control(Time now, const Answer* answer, const std::string& trouble) {
  if (answer == nullptr) return give_up(NatTest::kHairpinning, "hairpinning: " + trouble);
  // Both ways, so that each opens the filter for the other one.
  ask(now, {Step::kHairpinThere, Role::kControl, *report_.mapped, *report_.mapped});
  ask(now, {Step::kHairpinBack, Role::kMapping, *answer->mapped, *answer->mapped});
}

void NatDiscovery::conclude_fragments(const Answer* answer, const std::string& trouble) {
  if (answer != nullptr && answer->success) {
    report_.fragments = true;
  } else if (answer != nullptr) {
    // The question arrived in fragments, but the server will not answer in kind.
    return give_up(NatTest::kFragments, "fragments: " + trouble);
  } else {
    report_.fragments = false;
    report_.notes.push_back("with a datagram of " + std::to_string(kPadding) + " bytes " + trouble);
  }
  end(NatTest::kFragments);
}

void NatDiscovery::conclude_lifetime(Time now, Step step, const Answer* answer,
                                     const std::string& trouble) {
  if (step == Step::kLifetimeOpen) {
    if (answer == nullptr) return give_up(NatTest::kLifetime, "binding lifetime: " + trouble);
    opened_at_ = now;
    lifetime_port_ = answer->mapped->port;
    // The first trial waits for nothing: it shows whether the method works here at all.
    probe_at_ = lifetime_trials_ == 0 ? now : now + (lifetime_low_ + lifetime_high_) / 2;
    return;
  }
  // On port Y, or not at all, it means that the binding of port X is gone.
  const bool alive = answer != nullptr && answer->at == Role::kLifetime;
  if (lifetime_trials_ == 0 && !alive) {
    return give_up(NatTest::kLifetime,
                   "binding lifetime cannot be tested: answers for another port (RESPONSE-PORT) do "
                   "not arrive");
  }
  if (alive) {
    lifetime_low_ = std::max(lifetime_low_, silence_);
    report_.lifetime_at_least = lifetime_low_;
  } else {
    lifetime_high_ = std::min(lifetime_high_, silence_);
    report_.lifetime_below = lifetime_high_;
  }
  ++lifetime_trials_;
  try_next_lifetime(now);
}

void NatDiscovery::try_next_lifetime(Time now) {
  if (report_.lifetime_below && lifetime_low_ > lifetime_high_) {
    report_.notes.push_back("the binding lifetime changes: one was gone sooner than another");
    report_.lifetime_at_least.reset();
    return end(NatTest::kLifetime);
  }
  if (lifetime_low_ + configuration_.lifetime_precision >= lifetime_high_ ||
      lifetime_trials_ == kMaxLifetimeTrials) {
    return end(NatTest::kLifetime);
  }
  // Some NATs are refreshed by outbound packets only, so port X speaks before each trial.
  ask_server(now, Step::kLifetimeOpen, Role::kLifetime);
}

void NatDiscovery::end(NatTest test) {
  events_.push_back({test});
}

void NatDiscovery::give_up(NatTest test, std::string why) {
  report_.notes.push_back(std::move(why));
  if (test == NatTest::kFiltering) {
    std::erase_if(exchanges_, [](const Exchange& one) {
      return one.request.step == Step::kFilteringBoth || one.request.step == Step::kFilteringPort;
    });
  }
  end(test);
}

}  // namespace floe::stun
