// Stands in for libFuzzer where there is none: runs every file of a corpus through the target, then
// mutations of them that follow from a seed, so a failure here is the same failure on every
// machine.
//   <target> <corpus folder or file>... [--mutations N] [--seed N]
// When an input brings the target down, the last line says which.

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "floe/core/random.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Input = std::vector<std::uint8_t>;

// The largest UDP payload is 65,507 bytes; parsers of text are not handed more in one piece either.
constexpr std::size_t kMaxInput = 1 << 16;
constexpr std::uint64_t kDefaultMutations = 10'000;

// What is being run, for the handler of the signal that ends it.
char running[256] = "";

void on_fatal_signal(int number) {
  // write() and raise() are all that a signal handler may safely do here.
  std::size_t length = 0;
  while (length < sizeof(running) && running[length] != '\0') ++length;
  if (write(STDERR_FILENO, running, length) < 0) _exit(1);
  std::signal(number, SIG_DFL);
  std::raise(number);
}

void run(const Input& input) {
  // A copy of exactly this size: a sanitizer then sees a read one byte past the end.
  const Input exact(input.begin(), input.end());
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

Input read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void insert_random(Input& input, floe::Random& random) {
  Input inserted(1 + random.below(16));
  random.fill(inserted);
  const auto at = static_cast<std::ptrdiff_t>(random.below(input.size() + 1));
  input.insert(input.begin() + at, inserted.begin(), inserted.end());
}

void mutate_once(Input& input, const std::vector<Input>& corpus, floe::Random& random) {
  if (input.empty()) return insert_random(input, random);
  const std::size_t at = random.below(input.size());
  const auto here = input.begin() + static_cast<std::ptrdiff_t>(at);
  switch (random.below(8)) {
    case 0:
      input[at] ^= static_cast<std::uint8_t>(1u << random.below(8));
      break;
    case 1:
      input[at] = static_cast<std::uint8_t>(random.u32());
      break;
    case 2: {  // The values at which lengths and signs turn over.
      constexpr std::uint8_t kEdges[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
      input[at] = kEdges[random.below(std::size(kEdges))];
      break;
    }
    case 3:
      input.resize(at);
      break;
    case 4:
      input.erase(here, here + static_cast<std::ptrdiff_t>(1 + random.below(input.size() - at)));
      break;
    case 5: {  // A piece of itself once more.
      const Input piece(here,
                        here + static_cast<std::ptrdiff_t>(
                                   1 + random.below(std::min<std::size_t>(64, input.size() - at))));
      input.insert(here, piece.begin(), piece.end());
      break;
    }
    case 6: {  // The head of this, the tail of another.
      const Input& other = corpus[random.below(corpus.size())];
      input.resize(at);
      if (!other.empty()) {
        const auto from = static_cast<std::ptrdiff_t>(random.below(other.size()));
        input.insert(input.end(), other.begin() + from, other.end());
      }
      break;
    }
    default:
      insert_random(input, random);
      break;
  }
  if (input.size() > kMaxInput) input.resize(kMaxInput);
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::filesystem::path> files;
  std::uint64_t mutations = kDefaultMutations;
  std::uint64_t seed = 1;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--mutations" && i + 1 < argc) {
      mutations = std::strtoull(argv[++i], nullptr, 10);
    } else if (argument == "--seed" && i + 1 < argc) {
      seed = std::strtoull(argv[++i], nullptr, 10);
    } else if (std::filesystem::is_directory(argument)) {
      for (const auto& entry : std::filesystem::recursive_directory_iterator(argument)) {
        if (entry.is_regular_file()) files.push_back(entry.path());
      }
    } else {
      files.emplace_back(argument);
    }
  }
  std::sort(files.begin(), files.end());
  if (files.empty()) {
    std::fprintf(stderr, "no corpus: name a file or a folder that has some\n");
    return 2;
  }

  for (const int number : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE}) std::signal(number, on_fatal_signal);

  std::vector<Input> corpus;
  for (const auto& file : files) {
    std::snprintf(running, sizeof(running), "failed on %s\n", file.c_str());
    corpus.push_back(read(file));
    run(corpus.back());
  }
  for (std::uint64_t i = 0; i < mutations; ++i) {
    // One seed per mutation, so that number `i` can be run again alone with --seed and
    // --mutations 1.
    floe::SeededRandom random(seed + i);
    Input input = corpus[random.below(corpus.size())];
    for (std::uint64_t times = 1 + random.below(4); times > 0; --times) {
      mutate_once(input, corpus, random);
    }
    std::snprintf(running, sizeof(running), "failed; again: --seed %llu --mutations 1\n",
                  static_cast<unsigned long long>(seed + i));
    run(input);
  }
  std::printf("%zu inputs and %llu mutations\n", corpus.size(),
              static_cast<unsigned long long>(mutations));
  return 0;
}
