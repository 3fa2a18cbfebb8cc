#include "floe/stun_client/nat_report.h"

namespace floe::stun {
namespace {

std::string seconds(Duration d) {
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(d).count()) + " s";
}

void line(std::string& text, std::string_view name, std::string_view value) {
  text.append(name).append(": ").append(value).push_back('\n');
}

}  // namespace

std::string_view to_string(NatBehavior behavior) {
  switch (behavior) {
    case NatBehavior::kUnknown:
      return "unknown";
    case NatBehavior::kNone:
      return "no NAT";
    case NatBehavior::kEndpointIndependent:
      return "endpoint independent";
    case NatBehavior::kAddressDependent:
      return "address dependent";
    case NatBehavior::kAddressAndPortDependent:
      return "address and port dependent";
    case NatBehavior::kDependent:
      return "address dependent or address and port dependent";
  }
  return "";
}

std::string_view to_string(NatTest test) {
  switch (test) {
    case NatTest::kMapping:
      return "mapping";
    case NatTest::kFiltering:
      return "filtering";
    case NatTest::kHairpinning:
      return "hairpinning";
    case NatTest::kFragments:
      return "fragments";
    case NatTest::kLifetime:
      return "binding lifetime";
  }
  return "";
}

std::string NatReport::verdict() const {
  if (!reachable()) {
    return "UDP to " + server.to_string() + " does not work: only a relay over TCP or TLS will do";
  }
  switch (mapping) {
    case NatBehavior::kNone:
      return filtering == NatBehavior::kEndpointIndependent
                 ? "there is no NAT and no firewall: every peer can connect"
                 : "there is no NAT: every peer that can be told of this address can connect";
    case NatBehavior::kEndpointIndependent:
      return filtering == NatBehavior::kEndpointIndependent
                 ? "every peer can connect directly"
                 : "direct connections work, except with peers whose NAT maps by address and port "
                   "while this one filters by address and port";
    case NatBehavior::kAddressDependent:
    case NatBehavior::kAddressAndPortDependent:
    case NatBehavior::kDependent:
      return "each peer sees another port: peers behind strict NATs need a relay";
    case NatBehavior::kUnknown:
      break;
  }
  return "UDP works; how the NAT maps is not known";
}

std::string NatReport::to_string() const {
  std::string text;
  line(text, "server", server.to_string());
  line(text, "local address", local.to_string());
  line(text, "mapped address", mapped ? mapped->to_string() : "none: the server does not answer");
  line(text, "mapping", stun::to_string(mapping));
  line(text, "filtering", stun::to_string(filtering));
  const auto answer = [](const std::optional<bool>& known) {
    return !known ? "unknown" : *known ? "yes" : "no";
  };
  std::string hairpin = answer(hairpinning);
  if (hairpins_external_source && !*hairpins_external_source) hairpin += ", with internal sources";
  line(text, "hairpinning", hairpin);
  line(text, "fragments pass", answer(fragments));
  if (rewrites_addresses) line(text, "rewrites addresses inside packets", "yes");
  std::string lifetime = "unknown";
  if (lifetime_at_least) lifetime = "at least " + seconds(*lifetime_at_least);
  if (lifetime_at_least && lifetime_below) lifetime += ", below " + seconds(*lifetime_below);
  line(text, "binding lifetime", lifetime);
  for (const std::string& note : notes) line(text, "note", note);
  text += verdict();
  return text;
}

}  // namespace floe::stun
