#include "tests/nat_matrix/chaos.h"

#include <array>
#include <memory>

#include "floe/core/random.h"
#include "floe/dtls/seeded_openssl_random.h"
#include "tests/nat_matrix/ice_session.h"
#include "tests/nat_matrix/peer_session.h"

namespace floe::nat_matrix {
namespace {

/// One cell in ten has no way at all: there, both sides must say so and nothing else.
constexpr std::uint64_t kHopeless = 10;

Cell draw_cell(Random& random) {
  const bool hopeless = random.below(kHopeless) == 0;
  while (true) {
    const auto side = [&random]() -> const Side& { return sides()[random.below(sides().size())]; };
    constexpr std::array kTurns = {Turn::kNone, Turn::kUdp, Turn::kTcp, Turn::kTls};
    Cell cell{.alice = side(), .bob = side(), .turn = kTurns[random.below(kTurns.size())]};
    if ((expected(cell) == Path::kNone) == hopeless) return cell;
  }
}

std::string stamp(Duration since_start) {
  std::string text = std::to_string(to_ms(since_start));
  if (text.size() < 6) text.insert(0, 6 - text.size(), ' ');
  return text + " ms  ";
}

}  // namespace

ChaosResult run_chaos(std::uint64_t seed, Layers layers) {
  static_cast<void>(Servers::trust());
  const dtls::SeededOpensslRandom openssl_random(seed);
  SeededRandom random(seed);
  ChaosResult result;
  result.cell = draw_cell(random);
  const Troubles troubles = Troubles::draw(random, result.cell);

  Topology topology(result.cell, seed);
  net::sim::World& world = topology.world;
  world.trace().start({.records = false, .payloads = false});
  const Time start = world.now();
  const auto note = [&](const std::string& what) {
    result.story += stamp(world.now() - start) + what + '\n';
  };
  Mischief mischief(topology, [&](const std::string& what) { note("** " + what); });
  Signaling signaling(world, [&] { return mischief.signaling_delay(); });
  std::unique_ptr<Session> session;
  if (layers == Layers::kIce) {
    session = std::make_unique<IceSession>(topology, signaling, note);
  } else {
    session = std::make_unique<PeerSession>(topology, signaling, note);
  }

  note(result.cell.name() + ": the oracle says " + std::string(to_string(expected(result.cell))));
  mischief.plan(troubles);
  session->start();
  world.run_for(Troubles::kDuration);
  note("** all is well again");
  const Time healed = world.now();
  const auto flows = [&] { return session->flows(healed); };
  const bool recovered = world.run_until(flows, kRecovery);
  result.recovered = world.now() - healed;

  result.complaint = session->complaint();
  if (expected(result.cell) == Path::kNone) {
    if (session->was_connected()) result.complaint = "connected where there is no way";
  } else if (!recovered) {
    result.complaint =
        "not connected " + std::to_string(to_ms(kRecovery) / 1000) + " s after all was well";
  } else {
    note("** messages flow both ways");
    world.run_for(kCalm);
    const Time calm = world.now();
    if (!world.run_until([&] { return session->flows(calm); }, std::chrono::seconds(1))) {
      result.complaint = "connected again, but it did not last";
    }
  }
  if (!result.complaint.empty()) note("!! " + result.complaint + '\n' + session->describe());
  result.digest = layers == Layers::kIce ? world.trace().digest() : world.trace().shape_digest();
  return result;
}

}  // namespace floe::nat_matrix
