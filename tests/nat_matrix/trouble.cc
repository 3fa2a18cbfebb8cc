#include "tests/nat_matrix/trouble.h"

#include <algorithm>
#include <array>

#include "floe/core/check.h"

namespace floe::nat_matrix {
namespace {

using net::Family;
using net::sim::Attachment;
using net::sim::LinkOptions;
using std::chrono::milliseconds;
using std::chrono::seconds;

std::string_view words(TroubleKind kind) {
  switch (kind) {
    case TroubleKind::kCableCut:
      return "cable cut";
    case TroubleKind::kCableBad:
      return "cable bad";
    case TroubleKind::kNatForgets:
      return "NAT forgets its mappings";
    case TroubleKind::kNatReboots:
      return "NAT reboots with another address";
    case TroubleKind::kFirewallForgets:
      return "firewall forgets its flows";
    case TroubleKind::kInterfaceVanishes:
      return "interface vanishes";
    case TroubleKind::kInterfaceRenumbers:
      return "interface gets another address";
    case TroubleKind::kMachineSleeps:
      return "machine sleeps";
    case TroubleKind::kServersRestart:
      return "servers restart";
    case TroubleKind::kServersLie:
      return "servers lie";
    case TroubleKind::kSignalingSlow:
      return "signalling slow";
  }
  return "";
}

bool is_of_servers(TroubleKind kind) {
  return kind == TroubleKind::kServersRestart || kind == TroubleKind::kServersLie;
}

/// It happens at once, and what it does is done.
bool is_instant(TroubleKind kind) {
  return kind == TroubleKind::kNatForgets || kind == TroubleKind::kFirewallForgets;
}

Duration draw_duration(Random& random, Duration least, Duration most) {
  const auto span = static_cast<std::uint64_t>(to_ms(most - least)) + 1;
  return least + milliseconds(random.below(span));
}

/// The kinds that the cell has something for.
std::vector<TroubleKind> kinds_for(const Side& side) {
  std::vector<TroubleKind> kinds = {
      TroubleKind::kCableCut,          TroubleKind::kCableBad,      TroubleKind::kCableBad,
      TroubleKind::kInterfaceVanishes, TroubleKind::kMachineSleeps, TroubleKind::kServersRestart,
      TroubleKind::kServersLie,        TroubleKind::kSignalingSlow,
  };
  // A 1:1 NAT maps by the machine's address, which then has to stay.
  if (!side.one_to_one) kinds.push_back(TroubleKind::kInterfaceRenumbers);
  if (!side.nats.empty()) {
    kinds.insert(kinds.end(), {TroubleKind::kNatForgets, TroubleKind::kNatForgets,
                               TroubleKind::kNatReboots, TroubleKind::kNatReboots});
  }
  if (side.ipv6 || side.access != Access::kAll) kinds.push_back(TroubleKind::kFirewallForgets);
  return kinds;
}

Trouble draw_one(Random& random, const Cell& cell) {
  Trouble trouble;
  trouble.alice = random.below(2) == 0;
  const Side& side = trouble.alice ? cell.alice : cell.bob;
  const std::vector<TroubleKind> kinds = kinds_for(side);
  trouble.kind = kinds[random.below(kinds.size())];
  trouble.box = random.below(4);
  // Short ones that nobody should notice, and long ones that end consent.
  trouble.lasts = random.below(3) == 0 ? draw_duration(random, seconds(5), seconds(40))
                                       : draw_duration(random, milliseconds(50), seconds(5));
  if (is_instant(trouble.kind)) trouble.lasts = {};
  trouble.begins = draw_duration(random, {}, Troubles::kDuration - trouble.lasts);
  trouble.cable.loss = random.unit() * random.unit();
  trouble.cable.latency = milliseconds(random.below(300));
  trouble.cable.jitter = milliseconds(random.below(100));
  trouble.cable.duplicate = random.unit() * 0.3;
  trouble.cable.reorder = random.unit() * 0.3;
  trouble.cable.reorder_delay = milliseconds(1 + random.below(100));
  constexpr std::array kConducts = {
      Conduct::kSilent,      Conduct::kWrongAddress, Conduct::kOtherRealms, Conduct::kStaleForEver,
      Conduct::kServerError, Conduct::kOtherRequest, Conduct::kEcho};
  trouble.conduct = kConducts[random.below(kConducts.size())];
  trouble.delay = draw_duration(random, milliseconds(200), seconds(5));
  return trouble;
}

/// Both at once, each as bad as it is alone.
LinkOptions worse(LinkOptions a, const LinkOptions& b) {
  a.latency += b.latency;
  a.jitter = std::max(a.jitter, b.jitter);
  a.loss = std::max(a.loss, b.loss);
  a.duplicate = std::max(a.duplicate, b.duplicate);
  a.reorder = std::max(a.reorder, b.reorder);
  a.reorder_delay = std::max(a.reorder_delay, b.reorder_delay);
  return a;
}

/// All its cables lead by one interface.
void set_up(Place& place, bool up) {
  for (Attachment* end : place.cables) end->set_up(up);
}

/// Gives it other addresses of the same families.
void renumber(Attachment& attachment) {
  const std::vector<net::Address> old = attachment.addresses();
  for (const net::Address& address : old) {
    attachment.add_address(attachment.subnet().allocate(address.family()));
    attachment.remove_address(address);
  }
}

std::string decimal(Duration duration) {
  const auto ms = to_ms(duration);
  std::string fraction = std::to_string(1000 + ms % 1000).substr(1);
  return std::to_string(ms / 1000) + '.' + fraction + " s";
}

}  // namespace

std::string Trouble::to_string() const {
  std::string text;
  if (!is_of_servers(kind) && kind != TroubleKind::kSignalingSlow) {
    text = alice ? "alice's " : "bob's ";
  }
  text += words(kind);
  if (kind == TroubleKind::kServersLie) {
    text += " (" + std::string(nat_matrix::to_string(conduct)) + ')';
  }
  if (kind == TroubleKind::kCableBad) {
    text += " (loss " + std::to_string(static_cast<int>(cable.loss * 100)) + " %, " +
            decimal(cable.latency) + " more)";
  }
  return is_instant(kind) ? text : text + ", for " + decimal(lasts);
}

Troubles Troubles::draw(Random& random, const Cell& cell) {
  Troubles troubles;
  const std::size_t count = 1 + random.below(kMost);
  for (std::size_t i = 0; i < count; ++i) troubles.list.push_back(draw_one(random, cell));
  std::ranges::stable_sort(troubles.list, {}, &Trouble::begins);
  return troubles;
}

Mischief::Mischief(Topology& topology, std::function<void(const std::string&)> note)
    : topology_(topology),
      note_(std::move(note)),
      good_alice_(topology.alice.cables.front()->uplink().options()),
      good_bob_(topology.bob.cables.front()->uplink().options()) {}

void Mischief::plan(const Troubles& troubles) {
  for (const Trouble& trouble : troubles.list) {
    topology_.world.after(trouble.begins, [this, trouble] { begin(trouble); });
    if (is_instant(trouble.kind)) continue;
    topology_.world.after(trouble.begins + trouble.lasts, [this, trouble] { end(trouble); });
  }
}

void Mischief::begin(const Trouble& trouble) {
  note_(trouble.to_string());
  Place& place = this->place(trouble);
  if (!is_instant(trouble.kind)) under_way_.push_back(trouble);
  switch (trouble.kind) {
    case TroubleKind::kCableCut:
    case TroubleKind::kCableBad:
      return set_cable(trouble.alice);
    case TroubleKind::kNatForgets:
      return nat(trouble).rebind();
    case TroubleKind::kNatReboots:
      return nat(trouble).outside().set_up(false);
    case TroubleKind::kFirewallForgets:
      return place.firewalls[trouble.box % place.firewalls.size()]->forget_flows();
    case TroubleKind::kInterfaceVanishes:
    case TroubleKind::kInterfaceRenumbers:
      return set_up(place, false);
    case TroubleKind::kMachineSleeps:
      return place.host->sleep_for(trouble.lasts);
    case TroubleKind::kServersRestart:
    case TroubleKind::kServersLie:
      return set_servers();
    case TroubleKind::kSignalingSlow:
      return;
  }
}

void Mischief::end(const Trouble& trouble) {
  const auto found = std::ranges::find_if(under_way_, [&](const Trouble& other) {
    return other.kind == trouble.kind && other.begins == trouble.begins &&
           other.alice == trouble.alice;
  });
  FLOE_CHECK(found != under_way_.end());
  under_way_.erase(found);
  note_("over: " + std::string(words(trouble.kind)));
  Place& place = this->place(trouble);
  switch (trouble.kind) {
    case TroubleKind::kCableCut:
    case TroubleKind::kCableBad:
      return set_cable(trouble.alice);
    case TroubleKind::kNatReboots: {
      net::sim::Nat& rebooted = nat(trouble);
      rebooted.reboot({rebooted.outside().subnet().allocate(Family::kIpv4)});
      const bool away = std::ranges::any_of(under_way_, [&](const Trouble& other) {
        return other.kind == trouble.kind && &nat(other) == &rebooted;
      });
      if (!away) rebooted.outside().set_up(true);
      return;
    }
    case TroubleKind::kInterfaceRenumbers:
      renumber(place.host->interface());
      [[fallthrough]];
    case TroubleKind::kInterfaceVanishes: {
      const bool away = std::ranges::any_of(under_way_, [&](const Trouble& other) {
        return other.alice == trouble.alice && (other.kind == TroubleKind::kInterfaceVanishes ||
                                                other.kind == TroubleKind::kInterfaceRenumbers);
      });
      if (!away) set_up(place, true);
      return;
    }
    case TroubleKind::kServersRestart:
    case TroubleKind::kServersLie:
      return set_servers();
    case TroubleKind::kMachineSleeps:
    case TroubleKind::kSignalingSlow:
    case TroubleKind::kNatForgets:
    case TroubleKind::kFirewallForgets:
      return;
  }
}

net::sim::Nat& Mischief::nat(const Trouble& trouble) {
  const std::vector<net::sim::Nat*>& nats = place(trouble).nats;
  return *nats[trouble.box % nats.size()];
}

void Mischief::set_cable(bool alice) {
  LinkOptions link = alice ? good_alice_ : good_bob_;
  for (const Trouble& trouble : under_way_) {
    if (trouble.alice != alice) continue;
    if (trouble.kind == TroubleKind::kCableBad) link = worse(link, trouble.cable);
    if (trouble.kind == TroubleKind::kCableCut) link.loss = 1;
  }
  for (Attachment* end : (alice ? topology_.alice : topology_.bob).cables) end->set_link(link);
}

/// Away if any trouble takes them away, else as the last one that began says.
void Mischief::set_servers() {
  Conduct conduct = Conduct::kHonest;
  for (const Trouble& trouble : under_way_) {
    if (trouble.kind == TroubleKind::kServersRestart) return topology_.servers.stop();
    if (trouble.kind == TroubleKind::kServersLie) conduct = trouble.conduct;
  }
  topology_.servers.start(conduct);
}

Duration Mischief::signaling_delay() const {
  Duration delay = Topology::kRoundTrip / 2;
  for (const Trouble& trouble : under_way_) {
    if (trouble.kind == TroubleKind::kSignalingSlow) delay = std::max(delay, trouble.delay);
  }
  return delay;
}

}  // namespace floe::nat_matrix
