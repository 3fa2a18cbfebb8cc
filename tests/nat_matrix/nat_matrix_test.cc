// Two ICE agents in every cell of the matrix, against the oracle. What was seen is written down for
// scripts/nat-matrix, a file for each row.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <numeric>
#include <ostream>
#include <vector>

#include "floe/core/text.h"
#include "tests/nat_matrix/encounter.h"

namespace floe::nat_matrix {
namespace {

constexpr std::array kTurns = {Turn::kNone, Turn::kUdp, Turn::kTcp, Turn::kTls};
constexpr std::array kLosses = {0, 5};

/// One side with all others, or one way of sharing a NAT with all kinds of NAT.
struct Row {
  const Side* alice = nullptr;  ///< Not there in rows of a shared NAT.
  Placement placement = Placement::kApart;
  bool hairpin = true;

  std::string name() const {
    if (alice != nullptr) return alice->name;
    std::string name = placement == Placement::kSameLan      ? "SameLan"
                       : placement == Placement::kRoutedLans ? "RoutedLans"
                                                             : "IsolatedLans";
    return name + (hairpin ? "Hairpin" : "NoHairpin");
  }

  std::vector<Cell> cells() const {
    std::vector<Cell> all;
    for (const Side& bob : alice != nullptr ? sides() : rfc_4787_sides()) {
      for (const Turn turn : kTurns) {
        for (const int loss : kLosses) {
          all.push_back({alice != nullptr ? *alice : bob, bob, placement, hairpin, turn, loss});
        }
      }
    }
    return all;
  }
};

void PrintTo(const Row& row, std::ostream* out) {
  *out << row.name();
}

std::vector<Row> rows() {
  std::vector<Row> all;
  for (const Side& side : sides()) all.push_back({&side});
  for (const Placement placement :
       {Placement::kSameLan, Placement::kRoutedLans, Placement::kIsolatedLans}) {
    for (const bool hairpin : {true, false}) all.push_back({nullptr, placement, hairpin});
  }
  return all;
}

/// Without loss seeds differ in ports and the like only. A TLS handshake takes a hundred times what
/// the rest of a cell does.
std::size_t seed_count(const Cell& cell) {
#if defined(__SANITIZE_ADDRESS__) || !defined(NDEBUG)
  return cell.loss == 0 || cell.turn == Turn::kTls ? 1 : 2;
#else
  if (cell.loss == 0) return cell.turn == Turn::kTls ? 1 : 2;
  return cell.turn == Turn::kNone ? 15 : cell.turn == Turn::kTls ? 3 : 7;
#endif
}

std::vector<std::uint64_t> seeds(const Cell& cell) {
  if (const char* text = std::getenv("FLOE_SEED")) {
    return {parse_decimal<std::uint64_t>(text).value_or(1)};
  }
  std::vector<std::uint64_t> all(seed_count(cell));
  std::iota(all.begin(), all.end(), 1);
  return all;
}

std::string replay(const Row& row, const Cell& cell, std::uint64_t seed) {
  return "replay with: FLOE_CELL=" + cell.name() + " FLOE_SEED=" + std::to_string(seed) +
         " build/release/tests/nat_matrix/nat_matrix_test --gtest_filter='*/" + row.name() + "'";
}

template <typename Number>
Number median(std::vector<Number> numbers) {
  std::ranges::sort(numbers);
  return numbers[numbers.size() / 2];
}

/// A cell over all its seeds.
struct Result {
  Path expected = Path::kNone;
  bool agrees = true;
  std::map<Path, int> seen;  ///< How often.
  std::vector<double> milliseconds;
  std::vector<std::uint64_t> packets;

  std::string json(const Cell& cell) const;
};

Result run(const Row& row, const Cell& cell) {
  Result result;
  result.expected = expected(cell);
  for (const std::uint64_t seed : seeds(cell)) {
    Encounter encounter(cell, seed);
    const Seen seen = encounter.run();
    if (!admits(cell, seen.path) || !seen.complaint.empty()) {
      result.agrees = false;
      ADD_FAILURE() << cell.name() << ": " << to_string(seen.path) << " where "
                    << to_string(result.expected) << " must be"
                    << (seen.complaint.empty() ? "" : "; " + seen.complaint) << '\n'
                    << replay(row, cell, seed) << '\n'
                    << encounter.describe();
    }
    ++result.seen[seen.path];
    if (seen.path == Path::kNone) continue;
    result.milliseconds.push_back(
        std::chrono::duration<double, std::milli>(seen.to_connect).count());
    result.packets.push_back(seen.packets);
  }
  return result;
}

std::string Result::json(const Cell& cell) const {
  const auto text = [](std::string_view value) { return '"' + std::string(value) + '"'; };
  const auto most =
      std::ranges::max_element(seen, {}, [](const auto& entry) { return entry.second; });
  std::string json = R"({"a":)" + text(cell.alice.name) + R"(,"b":)" + text(cell.bob.name) +
                     R"(,"placement":)" + text(to_string(cell.placement)) + R"(,"hairpin":)" +
                     (cell.hairpin ? "true" : "false") + R"(,"turn":)" +
                     text(to_string(cell.turn)) + R"(,"loss":)" + std::to_string(cell.loss) +
                     R"(,"expected":)" + text(to_string(expected)) + R"(,"seen":)" +
                     text(to_string(most->first)) + R"(,"agrees":)" + (agrees ? "true" : "false") +
                     R"(,"seeds":)" + std::to_string(seeds(cell).size());
  if (!milliseconds.empty()) {
    const double time = median(milliseconds);
    const double round_trip =
        std::chrono::duration<double, std::milli>(Topology::kRoundTrip).count();
    json += R"(,"ms":)" + std::to_string(time) + R"(,"round_trips":)" +
            std::to_string(time / round_trip) + R"(,"packets":)" + std::to_string(median(packets));
  }
  return json + '}';
}

void write_down(const Row& row, const std::vector<std::string>& cells) {
  const std::filesystem::path folder = FLOE_NAT_MATRIX_FOLDER;
  std::filesystem::create_directories(folder);
  std::ofstream file(folder / (row.name() + ".json"));
  file << R"({"row":")" << row.name() << '"';
  if (row.alice != nullptr) {
    file << R"(,"order":)" << row.alice - sides().data() << R"(,"title":")" << row.alice->title
         << R"(","about":")" << row.alice->about << '"';
  }
  file << R"(,"cells":[)";
  for (std::size_t i = 0; i < cells.size(); ++i) file << (i == 0 ? "\n" : ",\n") << cells[i];
  file << "\n]}\n";
  EXPECT_TRUE(file.good()) << folder;
}

class NatMatrix : public testing::TestWithParam<Row> {};

TEST_P(NatMatrix, EndsWhereTheOracleSays) {
  const Row& row = GetParam();
  const char* only = std::getenv("FLOE_CELL");
  std::vector<std::string> cells;
  for (const Cell& cell : row.cells()) {
    if (only == nullptr || cell.name() == only) cells.push_back(run(row, cell).json(cell));
  }
  if (only == nullptr) write_down(row, cells);
}

INSTANTIATE_TEST_SUITE_P(Row, NatMatrix, testing::ValuesIn(rows()),
                         [](const auto& info) { return info.param.name(); });

}  // namespace
}  // namespace floe::nat_matrix
