// chaos --seeds 10000 [--from K]   runs that many seeds, on all cores
// chaos --seed S [--verbose]       runs one; verbose prints everything that happened
// With --ice two ICE agents alone instead of whole peers with a data channel.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "floe/core/text.h"
#include "tests/nat_matrix/chaos.h"

namespace {

using floe::nat_matrix::ChaosResult;
using floe::nat_matrix::Layers;
using floe::nat_matrix::run_chaos;

struct Flags {
  std::optional<std::uint64_t> seed;
  std::uint64_t seeds = 200;
  std::uint64_t from = 1;
  bool verbose = false;
  Layers layers = Layers::kPeers;
};

std::optional<Flags> parse(const std::vector<std::string>& arguments) {
  Flags flags;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--verbose") {
      flags.verbose = true;
      continue;
    }
    if (arguments[i] == "--ice") {
      flags.layers = Layers::kIce;
      continue;
    }
    if (i + 1 == arguments.size()) return std::nullopt;
    const auto number = floe::parse_decimal<std::uint64_t>(arguments[i + 1]);
    if (!number) return std::nullopt;
    if (arguments[i] == "--seed") {
      flags.seed = *number;
    } else if (arguments[i] == "--seeds") {
      flags.seeds = *number;
    } else if (arguments[i] == "--from") {
      flags.from = *number;
    } else {
      return std::nullopt;
    }
    ++i;
  }
  return flags;
}

int run_one(const Flags& flags, std::uint64_t seed, const std::string& program) {
  const bool verbose = flags.seed && flags.verbose;
  const ChaosResult result = run_chaos(seed, flags.layers);
  // The same again must be the same to the last packet, or no failure could be replayed.
  const bool repeats = !verbose || run_chaos(seed, flags.layers).digest == result.digest;
  if (verbose) std::fputs(result.story.c_str(), stdout);
  if (result.complaint.empty() && repeats) {
    if (verbose) {
      std::printf("seed %llu: connected again after %lld ms\n",
                  static_cast<unsigned long long>(seed),
                  static_cast<long long>(floe::to_ms(result.recovered)));
    }
    return 0;
  }
  std::printf("seed %llu, %s: %s; replay with: %s --seed %llu%s --verbose\n",
              static_cast<unsigned long long>(seed), result.cell.name().c_str(),
              repeats ? result.complaint.c_str() : "two runs differ", program.c_str(),
              static_cast<unsigned long long>(seed), flags.layers == Layers::kIce ? " --ice" : "");
  return 1;
}

/// Every `stride`th seed from `first` on. Says whether all passed.
bool run_some(const Flags& flags, std::uint64_t first, std::uint64_t stride,
              const std::string& program) {
  int failures = 0;
  for (std::uint64_t i = first; i < flags.seeds; i += stride) {
    failures += run_one(flags, flags.from + i, program);
  }
  return failures == 0;
}

/// Seeds share nothing, so each core takes some, in a process of its own.
bool run_all(const Flags& flags, const std::string& program) {
  const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
  std::vector<pid_t> children;
  for (unsigned core = 0; core < cores; ++core) {
    const pid_t child = fork();
    if (child == 0) {
      const bool passed = run_some(flags, core, cores, program);
      std::fflush(stdout);
      _exit(passed ? 0 : 1);
    }
    if (child > 0) children.push_back(child);
  }
  bool passed = children.size() == cores;
  for (const pid_t child : children) {
    int status = 0;
    waitpid(child, &status, 0);
    passed = passed && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }
  return passed;
}

}  // namespace

int main(int argc, char** argv) {
  const auto flags = parse({argv + 1, argv + argc});
  if (!flags) {
    std::fputs("usage: chaos [--ice] --seeds N [--from K] | --seed S [--verbose]\n", stderr);
    return 2;
  }
  if (flags->seed) return run_one(*flags, *flags->seed, argv[0]);
  const bool passed = run_all(*flags, argv[0]);
  std::printf("%llu seeds from %llu on: %s\n", static_cast<unsigned long long>(flags->seeds),
              static_cast<unsigned long long>(flags->from),
              passed ? "all connected again" : "see above");
  return passed ? 0 : 1;
}
